// The fastest asynchronous source there is: `next()` answers with a promise that is settled already, and nothing else exists.

/** An async iterator over an array. */
export function minimal(array) {
  let i = 0
  return {
    [Symbol.asyncIterator]() {
      return this
    },
    next() {
      return Promise.resolve(i < array.length ? { value: array[i++], done: false } : { value: undefined, done: true })
    },
  }
}

/** Gathers every value of an (async) iterable, as a caller of a bare generator would. */
export async function gather(iterable) {
  const results = []
  for await (const result of iterable) results.push(result)
  return results
}
