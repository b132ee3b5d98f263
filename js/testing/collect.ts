// collect: everything that a source gives.

/** Everything that an iterable or async iterable gives, as an array; promises among its values are awaited. Rejects with what it throws. */
export async function collect<T>(source: Iterable<T | PromiseLike<T>> | AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const one of source) all.push(one)
  return all
}
