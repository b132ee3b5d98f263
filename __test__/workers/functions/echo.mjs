// Gives back what it gets; or what was thrown at its pull or its yield, by its code; or a value nested as deep as it is told.

export default async function* echo(events) {
  for (;;) {
    let next
    try {
      next = await events.next()
    } catch (error) {
      yield { thrown: error.code ?? error.message }
      continue
    }
    if (next.done) return
    try {
      yield next.value?.depth === undefined ? next.value : nested(next.value.depth)
    } catch (error) {
      yield { thrown: error.code ?? error.message }
    }
  }
}

/** A date in so many objects and arrays. */
export function nested(depth) {
  let value = new Date(0)
  for (let level = 1; level < depth; level++) value = level % 2 === 0 ? [value] : { value }
  return value
}

/** Adds to what it gets, in place. */
export async function* adds(events) {
  for await (const view of events) {
    Atomics.add(view, 0, 1)
    yield view
  }
}

/** Yields each event together with the buffer under it. */
export async function* withBuffer(events) {
  for await (const bytes of events) yield { bytes, buffer: bytes.buffer }
}

/** Makes its buffers longer. */
export async function* grows(events) {
  for await (const { view, buffer = view.buffer } of events) {
    const before = view.length
    buffer.resize(buffer.byteLength + 8)
    yield { before, after: view.length, buffer }
  }
}

/** Says so by its failure when an event is `'bad'`. */
export const codec = {
  encode(value) {
    value?.whileEncoded?.()
    if (value === 'bad') throw new Error('it cannot be encoded')
    return Buffer.from(JSON.stringify(value))
  },
  decode(bytes) {
    const value = JSON.parse(Buffer.from(bytes).toString())
    if (value === 'unreadable') throw new Error('it cannot be decoded')
    return value
  },
}
