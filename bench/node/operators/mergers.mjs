// How people merge sources by hand; loaded anew for each contestant.
export { minimal } from '../peers/minimal.mjs'

export async function total(results) {
  let sum = 0
  for await (const result of results) sum += result
  return sum
}

/** One next() of each is under way, and the first to settle wins. */
export async function* raced(sources) {
  const waits = new Map()
  const ask = (iterator) =>
    waits.set(
      iterator,
      iterator.next().then((result) => ({ iterator, result })),
    )
  for (const source of sources) ask(source[Symbol.asyncIterator]())
  while (waits.size > 0) {
    const { iterator, result } = await Promise.race(waits.values())
    if (result.done) waits.delete(iterator)
    else {
      ask(iterator)
      yield result.value
    }
  }
}

/** A loop for each source, which waits until its event was read. */
export async function* queued(sources) {
  const queue = []
  let open = sources.length
  let wake = () => {}
  const loop = async (source) => {
    for await (const value of source) {
      await new Promise((read) => {
        queue.push({ value, read })
        wake()
      })
    }
    open--
    wake()
  }
  for (const source of sources) void loop(source)
  for (;;) {
    while (queue.length > 0) {
      const { value, read } = queue.shift()
      read()
      yield value
    }
    if (open === 0) return
    await new Promise((resolve) => (wake = resolve))
  }
}
