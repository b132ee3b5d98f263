// A reader that takes one result each time it is told to: what backpressure is for.

import { isEnd } from '../kit/iteration/iteration.js'

/** What `slowConsumer()` gives. */
export interface SlowConsumer<T> {
  /** All that it has taken. */
  readonly taken: readonly T[]
  /** Takes one more result; resolves with it, or with `undefined` at the end. Rejects with what the source throws. */
  take(): Promise<T | undefined>
  /** The source has ended or was left. */
  readonly ended: boolean
  /** Leaves the source, as a `break` in a loop does. */
  leave(): Promise<void>
}

/** Makes a reader of `source`, which it asks for nothing until it is told to `take()`. */
export function slowConsumer<T>(source: AsyncIterable<T>): SlowConsumer<T> {
  const iterator = source[Symbol.asyncIterator]()
  const taken: T[] = []
  let ended = false
  return {
    taken,
    async take() {
      try {
        const result = await iterator.next()
        if (!isEnd(result)) {
          const { value } = result as IteratorYieldResult<T>
          taken.push(value)
          return value
        }
      } catch (error) {
        ended = true
        throw error
      }
      ended = true
      return undefined
    },
    async leave() {
      ended = true
      await iterator.return?.()
    },
    get ended() {
      return ended
    },
  }
}
