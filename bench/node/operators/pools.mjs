// The pools of calls that people write by hand; loaded anew for each contestant.
export { minimal } from '../peers/minimal.mjs'

export async function half(number) {
  return number / 2
}

export async function gathered(results) {
  const all = []
  for await (const result of results) all.push(result)
  return all
}

/** So many calls under way, their results in order. */
export async function* slidingWindow(source, fn, most) {
  const underWay = []
  for await (const event of source) {
    underWay.push(fn(event))
    if (underWay.length === most) yield await underWay.shift()
  }
  for (const call of underWay) yield await call
}

/** So many loops that share one source; each result is put where it belongs. */
export async function loops(source, fn, count) {
  const iterator = source[Symbol.asyncIterator]()
  const results = []
  let index = 0
  const loop = async () => {
    for (;;) {
      const at = index++
      const { value, done } = await iterator.next()
      if (done) return
      results[at] = await fn(value)
    }
  }
  await Promise.all(Array.from({ length: count }, loop))
  return results
}
