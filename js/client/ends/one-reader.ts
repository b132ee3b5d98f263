// The iterators of a client: the first `next()` of one makes it the reader until the end, as with the streams of a server (rule 15).

import { VeloError } from '../../kit/errors.js'
import { iterationEnd } from '../../kit/promises.js'
import type { ValueIterator } from '../../kit/types.js'

/** What is iterated. */
export interface Readable<Out> {
  next(): Promise<IteratorResult<Out, undefined>>
  /** The reader wants no more. Never rejects. */
  close(): Promise<void>
}

export class OneReader<Out> {
  readonly #from: Readable<Out>
  #reader: object | undefined

  constructor(from: Readable<Out>) {
    this.#from = from
  }

  iterator(): ValueIterator<Out> {
    let isDone = false
    const leave = () => {
      const isReader = this.#reader === iterator
      isDone = true
      return isReader || this.#reader === undefined ? this.#from.close() : undefined
    }
    const iterator: ValueIterator<Out> = {
      next: () => {
        if (isDone) return iterationEnd()
        this.#reader ??= iterator
        if (this.#reader === iterator) return this.#from.next()
        return Promise.reject(new VeloError('VELO_LOCKED', 'somebody else reads the results'))
      },
      return: async (value?: unknown) => {
        await leave()
        return { value: (await value) as undefined, done: true }
      },
      throw: async (error: unknown) => {
        await leave()
        throw error
      },
      [Symbol.asyncIterator]: () => iterator,
    }
    return iterator
  }
}

/** `Symbol.asyncDispose`, or what stands for it where there is none yet. */
export const DISPOSE: typeof Symbol.asyncDispose = Symbol.asyncDispose ?? Symbol.for('Symbol.asyncDispose')
