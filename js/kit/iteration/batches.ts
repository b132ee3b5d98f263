// Results that can be read many at once although their iterator gives one at a time: what add-ons ask of those that they write. The key is one of the
// whole process, so that several copies of this library agree.

/** Key of the method that reads up to `max` results, waiting for the first: all that one turn brings. Empty at the end. */
export const BATCH: unique symbol = Symbol.for('velo-stream.batch') as never

export interface Batched {
  [BATCH](max: number): Promise<unknown[]>
}

/** Only for a reader that reads in no other way. */
export function inBatches(results: unknown): results is Batched {
  return typeof (results as Partial<Batched> | null)?.[BATCH] === 'function'
}

/** An iterator over lots as they are read; an empty one is the end. `close` ends a read that waits. `next(room)`: at most so many values, where it matters. */
export function inLots<Value>(
  read: (room: number) => Promise<readonly Value[]>,
  close: () => Promise<void>,
): AsyncIterator<readonly Value[], undefined, number | undefined> {
  const done = { value: undefined, done: true } as const
  return {
    async next(room = Number.POSITIVE_INFINITY) {
      const value = await read(room)
      return value.length === 0 ? done : { value, done: false }
    },
    async return() {
      await close()
      return done
    },
  }
}

/** Values that come many at a time, one by one: `begin` is called with the first. */
export async function* oneByOne<Value>(begin: () => AsyncIterator<readonly Value[], undefined>): AsyncGenerator<Value, void, undefined> {
  const batches = begin()
  try {
    for (let batch = await batches.next(); batch.done !== true; batch = await batches.next()) yield* batch.value
  } finally {
    await batches.return?.()
  }
}
