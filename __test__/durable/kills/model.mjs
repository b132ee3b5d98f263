// What a function makes of events, said once more and in another way: a plain loop over all of them. Knows nothing of streams, journals and crashes.

const makers = {
  *sum(events) {
    let total = 0
    for (const { i, a, value } of events) yield [i, a, (total += value)]
    return { value: total }
  },
  *uneven(events) {
    let total = 0
    for (const { i, a, value } of events) {
      total += value
      for (let part = 0; part < value % 3; part++) yield [i, a, total, part]
    }
    return { last: ['end', total] }
  },
  *asking(events) {
    for (const { i, a } of events) yield [i, a]
    return {}
  },
  *summed(events) {
    let total = 0
    for (const { i, a, value } of events) {
      total += value
      for (let part = 0; part < 1 + (value % 2); part++) yield [i, a, total, part]
    }
    return { last: ['end', total] }
  },
  *early(events, { turn }) {
    let total = 0
    for (const { i, a, value } of events) {
      total += value
      if (i === turn) return { value: total, byItself: true }
      yield [i, a, total]
    }
    return {}
  },
  *throwing(events, { turn }) {
    let total = 0
    for (const { i, a, value } of events) {
      total += value
      if (i === turn) return { error: `${total} is too much`, byItself: true }
      yield [i, a, total]
    }
    return {}
  },
  *counted(events) {
    const seen = new Map()
    for (const { i, a, key } of events) {
      seen.set(key, (seen.get(key) ?? 0) + 1)
      yield [key, i, a, seen.get(key)]
    }
    return {}
  },
  *mapped(events) {
    for (const { i, a, value } of events) yield [i, a, value]
    return {}
  },
  *sharded(events) {
    for (const { i, a } of events) yield [i, a, 1 + (i >> 1)]
    return {}
  },
  *windowed(events) {
    let open = []
    const start = ({ at }) => Math.floor(at / 300) * 300
    const said = () => [start(open[0]), open.map(({ i, a }) => [i, a])]
    for (const event of events) {
      if (open.length > 0 && start(open[0]) !== start(event)) {
        yield said()
        open = []
      }
      open.push(event)
    }
    return open.length > 0 ? { last: said() } : {}
  },
}

/** The results of a journey and how it ends, with these events and, if `isEnded`, no others: `{ results, end }`; no `end`: it would go on. */
export function expected(journey, events, isEnded) {
  const results = []
  const maker = makers[journey.kind](events, journey)
  let next = maker.next()
  for (; !next.done; next = maker.next()) results.push(next.value)
  const { last, byItself, value, error } = next.value
  const tag = (all) => (journey.tail ? all.map((one) => [...one, 'tagged']) : all)
  if (!isEnded && byItself !== true) return { results: tag(results) }
  if (last !== undefined) results.push(last)
  return {
    results: tag(results),
    end: error === undefined ? { reason: 'done', value: journey.tail ? undefined : value } : { reason: 'failed', error },
  }
}
