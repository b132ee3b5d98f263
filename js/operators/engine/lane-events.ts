// The events of one inner function: pushed by the operator, pulled by the function, which waits while there is none.
// Not here: the bound, which the operator keeps by counting what waits.

import { capture, captured, iterationEnd, type Resolve } from '../../kit/promises.js'
import { Queue } from '../../kit/queue.js'
import type { Failure } from './yielder.js'

/** Is told what the function does with its events. */
export interface LaneEventsOwner {
  /** The function asks for an event. `waits`: there is none yet. */
  asks(waits: boolean): void
  /** An event that had waited has left. */
  took(): void
}

export class LaneEvents<In> implements AsyncIterableIterator<In> {
  readonly #owner: LaneEventsOwner
  #events: Queue<In> | null = null
  #waiter: Resolve | null = null
  #waiters: Queue<Resolve> | null = null
  /** No more events come after those that wait. */
  #over = false
  /** The function has left its loop. */
  #left = false
  /** What the function's next pull throws after them, once. */
  #failure: Failure | undefined

  constructor(owner: LaneEventsOwner) {
    this.#owner = owner
  }

  /** Events that the function has not taken. */
  get size(): number {
    return this.#events === null ? 0 : this.#events.length
  }

  /** The function waits for an event. */
  get isWaiting(): boolean {
    return this.#waiter !== null
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  next(): Promise<IteratorResult<In, undefined>> {
    const events = this.#events
    if (events !== null && events.length > 0 && !this.#left) {
      this.#owner.asks(false)
      const value = events.shift()
      this.#owner.took()
      return Promise.resolve({ value, done: false })
    }
    if (this.#over || this.#left) return this.#afterEnd()
    const promise = new Promise(capture) as Promise<IteratorResult<In, undefined>>
    const resolve = captured.resolve
    if (this.#waiter === null) this.#waiter = resolve
    else (this.#waiters ??= new Queue()).push(resolve)
    this.#owner.asks(true)
    return promise
  }

  /** The function has left its loop: it takes no more. */
  async return(value?: unknown): Promise<IteratorResult<In, undefined>> {
    this.#left = true
    this.#settleWaiters()
    return { value: (await value) as undefined, done: true }
  }

  /** True where the event had to wait. */
  push(event: In): boolean {
    if (this.#waiter !== null) {
      this.#shiftWaiter()({ value: event, done: false })
      return false
    }
    ;(this.#events ??= new Queue()).push(event)
    return true
  }

  /** No more events; with a failure, the pull after the last one throws it. */
  end(failure?: Failure): void {
    if (this.#over) return
    this.#over = true
    this.#failure = failure
    this.#settleWaiters()
  }

  /** Drops the oldest event that the function has not taken. */
  skip(): void {
    if (this.size > 0) this.#events?.shift()
  }

  /** The events that the function has not taken, for another one; ended where this was. */
  rest(): LaneEvents<In> {
    const rest = new LaneEvents<In>(this.#owner)
    rest.#events = this.#events
    if (this.#over) rest.end(this.#failure)
    this.#events = null
    return rest
  }

  /** Ends it and drops what waits; answers how many events that were. */
  cut(): number {
    const { size } = this
    this.#events = null
    this.#failure = undefined
    this.end()
    return size
  }

  #afterEnd(): Promise<IteratorResult<In, undefined>> {
    const failure = this.#failure
    this.#failure = undefined
    return failure === undefined ? iterationEnd() : Promise.reject(failure.error)
  }

  #settleWaiters(): void {
    while (this.#waiter !== null) this.#shiftWaiter()(this.#afterEnd())
  }

  #shiftWaiter(): Resolve {
    const waiter = this.#waiter as Resolve
    this.#waiter = this.#waiters !== null && this.#waiters.length > 0 ? this.#waiters.shift() : null
    return waiter
  }
}
