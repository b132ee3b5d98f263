// `for await (const result of stream)`: the first `next()` makes the iterator the reader until the end; leaving the loop closes the stream.

import type { LiveInstance } from '../engine/modes/live.js'
import { VeloError } from '../kit/errors.js'

export class StreamIterator<Out> implements AsyncIterableIterator<Out> {
  readonly #instance: LiveInstance
  #reads = false

  constructor(instance: LiveInstance) {
    this.#instance = instance
  }

  next(): Promise<IteratorResult<Out, undefined>> {
    const { output } = this.#instance
    if (!this.#reads) {
      if (output.isOwned || output.reading) return Promise.reject(locked(this.#instance.id, 'somebody reads it'))
      this.#reads = true
      output.owner = this
    }
    return output.next() as Promise<IteratorResult<Out, undefined>>
  }

  async return(value?: unknown): Promise<IteratorResult<Out, undefined>> {
    await this.#instance.close()
    return { value: value as undefined, done: true }
  }

  [Symbol.asyncIterator](): this {
    return this
  }
}

/** The error for whoever comes second. */
export function locked(streamId: string, why: string): VeloError {
  return new VeloError('VELO_LOCKED', `stream ${streamId}: ${why}`, { streamId })
}
