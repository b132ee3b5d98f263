// What the first function of a durable stream gets as `events`: records on their way in, values on their way out.

import { decodeRecord } from '../../workers/codec/record.js'
import type { EventRecord } from '../journal.js'
import { HEAD, timeOf } from './envelope.js'
import type { Hosted } from './hosted.js'

type Next = IteratorResult<unknown, undefined>
/** As it was kept, or an envelope that came from another thread. */
type Travelling = EventRecord | Uint8Array

export class HostedEvents implements AsyncIterableIterator<unknown> {
  readonly #records: AsyncIterator<Travelling, undefined>
  readonly #hosted: Hosted
  readonly #open = (result: IteratorResult<Travelling, undefined>): Next => {
    if (result.done === true) return result
    const { value: given } = result
    const hosted = this.#hosted
    if (given instanceof Uint8Array) {
      const value = decodeRecord(given, hosted.codec, HEAD)
      hosted.took(timeOf(given))
      return { value, done: false }
    }
    const value = decodeRecord(given.bytes, hosted.codec)
    hosted.took(given.at)
    return { value, done: false }
  }

  constructor(records: AsyncIterator<Travelling, undefined>, hosted: Hosted) {
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
