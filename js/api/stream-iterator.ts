// `for await (const result of stream)`: the first `next()` makes the iterator the reader until the end; leaving the loop closes the stream.

import { VeloError } from '../kit/errors.js'
import type { ValueIterator } from '../kit/types.js'
import type { Live } from './live.js'

export class StreamIterator<Out> implements ValueIterator<Out> {
  readonly #live: Live
  #reads = false

  constructor(live: Live) {
    this.#live = live
  }

  /** Whether these are the results of that stream. */
  reads(live: Live): boolean {
    return live === this.#live
  }

  next(): Promise<IteratorResult<Out, undefined>> {
    const { output } = this.#live
    if (!this.#reads) {
      if (output.isOwned || output.reading) return Promise.reject(locked(this.#live.id, 'somebody reads it'))
      this.#reads = true
      output.soleReader = this
    }
    return output.next() as Promise<IteratorResult<Out, undefined>>
  }

  async return(value?: unknown): Promise<IteratorResult<Out, undefined>> {
    await this.#live.instance.close()
    return { value: (await value) as undefined, done: true }
  }

  [Symbol.asyncIterator](): this {
    return this
  }
}

/** The error for whoever comes second. */
export function locked(streamId: string, why: string): VeloError {
  return new VeloError('VELO_LOCKED', `stream ${streamId}: ${why}`, { streamId })
}
