// What the first function of a durable stream gets as `events`: records on their way in, values on their way out.

import { decodeRecord } from '../../workers/codec/record.js'
import { HEAD, timeOf } from './envelope.js'
import type { Hosted } from './hosted.js'

type Next = IteratorResult<unknown, undefined>

export class HostedEvents implements AsyncIterableIterator<unknown> {
  readonly #records: AsyncIterator<Uint8Array, undefined>
  readonly #hosted: Hosted
  readonly #open = (result: IteratorResult<Uint8Array, undefined>): Next => {
    if (result.done === true) return result
    const value = decodeRecord(result.value, this.#hosted.codec, HEAD)
    this.#hosted.took(timeOf(result.value))
    return { value, done: false }
  }

  constructor(records: AsyncIterator<Uint8Array, undefined>, hosted: Hosted) {
    this.#records = records
    this.#hosted = hosted
  }

  next(): Promise<Next> {
    try {
      this.#hosted.rest()
    } catch (error) {
      return Promise.reject(error)
    }
    return this.#records.next().then(this.#open)
  }

  async return(value?: unknown): Promise<Next> {
    await this.#records.return?.()
    return { value: (await value) as undefined, done: true }
  }

  [Symbol.asyncIterator](): this {
    return this
  }
}
