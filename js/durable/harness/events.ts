// What the first function of a durable stream gets as `events`: records on their way in, values on their way out.

import { decodeRecord } from '../../workers/codec/late-record.js'
import type { EventRecord } from '../journal.js'
import { HEAD, timeOf } from './envelope.js'
import type { Hosted } from './hosted.js'

type Next = IteratorResult<unknown, undefined>
/** As it was kept, or an envelope that came from another thread. */
type Travelling = EventRecord | Uint8Array

/** Where records come from; on this thread those that are there can be had at once, which saves a promise and a turn of the microtask queue an event. */
export interface Records extends AsyncIterator<Travelling, undefined> {
  takeNow?(): IteratorResult<Travelling, undefined> | null
}

export class HostedEvents implements AsyncIterableIterator<unknown> {
  readonly #records: Records
  readonly #hosted: Hosted
  /** How many were asked for and have not come: those that are there come behind them. */
  #awaited = 0
  readonly #come = (result: IteratorResult<Travelling, undefined>): Next => {
    this.#awaited--
    return this.#open(result)
  }
  readonly #fail = (error: unknown): never => {
    this.#awaited--
    throw error
  }

  constructor(records: Records, hosted: Hosted) {
    this.#records = records
    this.#hosted = hosted
  }

  next(): Promise<Next> {
    try {
      this.#hosted.rest()
      const now = this.#awaited === 0 ? this.#records.takeNow?.() : null
      if (now) return Promise.resolve(this.#open(now))
    } catch (error) {
      return Promise.reject(error)
    }
    this.#awaited++
    return this.#records.next().then(this.#come, this.#fail)
  }

  #open(result: IteratorResult<Travelling, undefined>): Next {
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

  async return(value?: unknown): Promise<Next> {
    await this.#records.return?.()
    return { value: (await value) as undefined, done: true }
  }

  [Symbol.asyncIterator](): this {
    return this
  }
}
