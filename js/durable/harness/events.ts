// What a function of a durable stream receives as `events`: each at its place among the outcomes of its steps. The first function gets them decoded from records.

import type { Failure } from '../../kit/errors.js'
import { decodeRecord } from '../../workers/codec/late-record.js'
import type { EventRecord } from '../journal.js'
import { type Delivery, type DeliveryQueue, Kind } from './delivery-queue.js'
import { HEAD, timeOf } from './envelope.js'
import type { Hosted } from './hosted.js'
import type { StoredOutcome } from './outcomes.js'

type Next = IteratorResult<unknown, undefined>
type Queue = DeliveryQueue<StoredOutcome>

/** Where events come from. Those that are there on this thread can be had at once, which saves a promise and a turn of the microtask queue an event. */
export interface Events extends AsyncIterator<unknown, undefined> {
  takeNow?(): Next | null
}

export class OrderedEvents implements AsyncIterableIterator<unknown> {
  readonly #events: Events
  readonly #queue: Queue
  readonly #come = (result: Next): Next => {
    this.#queue.awaited--
    return this.open(result)
  }
  readonly #fail = (error: unknown): never => {
    this.#queue.awaited--
    throw error
  }

  constructor(events: Events, queue: Queue) {
    this.#events = events
    this.#queue = queue
  }

  next(): Promise<Next> {
    const queue = this.#queue
    let now: Next | null | undefined
    try {
      this.asked()
      // Those that are there come behind those that were asked for and have not come.
      now = queue.awaited === 0 ? this.#events.takeNow?.() : null
      if (queue.isLoose && now) return Promise.resolve(this.open(now))
    } catch (error) {
      return Promise.reject(error)
    }
    if (now) return this.#ordered(now)
    queue.awaited++
    const coming = this.#events.next()
    if (queue.isLoose) return coming.then(this.#come, this.#fail)
    return this.#awaited(coming)
  }

  async return(value?: unknown): Promise<Next> {
    await this.#events.return?.()
    this.#queue.begin()
    return { value: (await value) as undefined, done: true }
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  /** The function asks for an event. */
  protected asked(): void {}

  /** The event as the function receives it, now. */
  open(result: Next): Next {
    return result
  }

  #ordered(result: Next): Promise<Next> {
    const delivery = new EventDelivery(this)
    this.#arrived(delivery, result, undefined)
    return delivery.promise
  }

  #awaited(coming: Promise<Next>): Promise<Next> {
    const delivery = new EventDelivery(this)
    const arrived = (result: Next | undefined, failure: Failure | undefined): void => {
      this.#queue.awaited--
      this.#arrived(delivery, result, failure)
    }
    coming.then(
      (result) => arrived(result, undefined),
      (error) => arrived(undefined, { error }),
    )
    return delivery.promise
  }

  #arrived(delivery: EventDelivery, result: Next | undefined, failure: Failure | undefined): void {
    delivery.result = result
    delivery.failure = failure
    this.#queue.add(delivery)
  }
}

/** An event that the function has asked for. */
class EventDelivery implements Delivery {
  readonly kind = Kind.Event
  readonly isReady = true
  readonly promise: Promise<Next>
  /** What arrived: one of the two. */
  result: Next | undefined
  failure: Failure | undefined
  private readonly events: OrderedEvents
  private resolve: (result: Next) => void = () => {}
  private reject: (error: unknown) => void = () => {}

  constructor(events: OrderedEvents) {
    this.events = events
    this.promise = new Promise((resolve, reject) => {
      this.resolve = resolve
      this.reject = reject
    })
  }

  deliver(): void {
    const { result, failure } = this
    if (failure !== undefined) return this.reject(failure.error)
    try {
      this.resolve(this.events.open(result as Next))
    } catch (error) {
      this.reject(error)
    }
  }
}

/** The events of the first function: records, as they were stored, or in an envelope that came from another thread. */
export class HostedEvents extends OrderedEvents {
  readonly #hosted: Hosted

  constructor(records: Events, queue: Queue, hosted: Hosted) {
    super(records, queue)
    this.#hosted = hosted
  }

  protected override asked(): void {
    this.#hosted.rest()
  }

  override open(result: Next): Next {
    if (result.done === true) return result
    const hosted = this.#hosted
    const record = result.value as EventRecord | Uint8Array
    if (record instanceof Uint8Array) {
      const value = decodeRecord(record, hosted.codec, HEAD)
      hosted.took(timeOf(record))
      return { value, done: false }
    }
    const value = decodeRecord(record.bytes, hosted.codec)
    hosted.took(record.at)
    return { value, done: false }
  }
}
