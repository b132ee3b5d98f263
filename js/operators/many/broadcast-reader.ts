// One reader of a broadcast: an async iterator with a place in the ring of its events.

import { capture, captured, iterationEnd, type Resolve } from '../../kit/promises.js'
import { Iteration } from '../engine/iteration.js'
import type { Failure } from '../engine/yielder.js'

/** The broadcast as its readers see it. */
export interface Hub<Value> {
  /** Number of the next event, and of the oldest that is still there. */
  readonly head: number
  readonly tail: number
  readonly isOver: boolean
  readonly failure: Failure | undefined
  at(place: number): Value
  wanted(): void
  left(reader: BroadcastReader<Value>): Promise<void>
}

/** Reads a broadcast. One `next()` at a time settles with one event; those that are not awaited wait in line. */
export class BroadcastReader<Value> extends Iteration<Value, undefined> implements AsyncDisposable {
  readonly #hub: Hub<Value>
  #place: number
  #dropped = 0
  #waiting: Resolve[] = []
  #left = false
  /** It was told of the error. */
  #told = false

  /** @internal */
  constructor(hub: Hub<Value>, place: number) {
    super()
    this.#hub = hub
    this.#place = place
  }

  /** Events that this reader lost because it was too slow. */
  get dropped(): number {
    return this.#dropped + (this.#left ? 0 : this.#lost())
  }

  /** @internal Number of the event it reads next. */
  get place(): number {
    return this.#place
  }

  next(): Promise<IteratorResult<Value, undefined>> {
    if (this.#left) return iterationEnd()
    if (this.#waiting.length === 0 && (this.#place < this.#hub.head || this.#hub.isOver)) return this.#take()
    const promise = new Promise(capture) as Promise<IteratorResult<Value, undefined>>
    this.#waiting.push(captured.resolve)
    this.#hub.wanted()
    return promise
  }

  /** Leaves: the source no longer waits for this reader. */
  async return(value?: unknown): Promise<IteratorResult<Value, undefined>> {
    if (!this.#left) {
      this.#dropped += this.#lost()
      this.#left = true
      for (const resolve of this.#waiting.splice(0)) resolve({ value: undefined, done: true })
      await this.#hub.left(this)
    }
    return { value: (await value) as undefined, done: true }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return()
  }

  /** @internal An event, or the end, has come. */
  arrived(): void {
    while (this.#waiting.length > 0 && (this.#place < this.#hub.head || this.#hub.isOver)) {
      const resolve = this.#waiting.shift() as Resolve
      resolve(this.#take())
    }
  }

  #lost(): number {
    return Math.max(0, this.#hub.tail - this.#place)
  }

  #take(): Promise<IteratorResult<Value, undefined>> {
    const lost = this.#lost()
    this.#dropped += lost
    this.#place += lost
    if (this.#place < this.#hub.head) {
      const value = this.#hub.at(this.#place++)
      this.#hub.wanted()
      return Promise.resolve({ value, done: false })
    }
    const { failure } = this.#hub
    if (failure === undefined || this.#told) return iterationEnd()
    this.#told = true
    return Promise.reject(failure.error)
  }
}
