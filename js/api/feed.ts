// `stream.feed(source)`: sends a source through a live stream while its results are read.

import { BATCH, type Batched } from '../kit/iteration/batches.js'
import { STARVES } from '../kit/starving.js'
import type { ValueIterator } from '../kit/types.js'
import type { Live } from './live.js'
import { Pump } from './pump.js'

export class Feed<Out> implements ValueIterator<Out>, AsyncDisposable, Batched {
  readonly #live: Live

  constructor(live: Live, source: unknown) {
    this.#live = live
    new Pump(live, source).start()
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  /** In a pipeline over several threads a later stage may be at work while the first one waits. */
  get [STARVES](): boolean {
    const { row, instance, hasUnread } = this.#live
    if (hasUnread || !row.isWaiting || (instance.def.remote && !instance.awaitsEvent)) return false
    return row.accepted === row.delivered && row.yielded === row.read
  }

  next(): Promise<IteratorResult<Out, undefined>> {
    return this.#live.output.next() as Promise<IteratorResult<Out, undefined>>
  }

  [BATCH](max: number): Promise<unknown[]> {
    return this.#live.output.recvBatch(max)
  }

  async return(value?: unknown): Promise<IteratorResult<Out, undefined>> {
    await this.#live.instance.close()
    return { value: (await value) as undefined, done: true }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#live.instance.close()
  }
}
