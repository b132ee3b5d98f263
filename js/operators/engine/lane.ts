// One instance of an inner function inside an operator: its events, the loop that asks it for results, its end.
// Owns: when it is asked. It is asked for the next result once the operator has room for it, so it suspends at its `yield` as any stream does.

import type { StreamContext } from '../../index.js'
import { starves } from '../../kit/starving.js'
import { type Drive, type Inner, type InnerResults, startInner } from './inner.js'
import { LaneEvents, type LaneEventsOwner } from './lane-events.js'
import type { Failure } from './yielder.js'

/** What a lane tells its operator. */
export interface LaneOwner<Out> {
  /** A result; false where the lane must wait for `resume()` before it makes the next. */
  laneYielded(lane: unknown, value: Out): boolean
  /** The function is through; with a failure, it threw. Not called while the operator leaves. */
  laneFinished(lane: unknown, failure: Failure | undefined): void
  /** An event that had waited was taken. */
  laneTook(lane: unknown): void
  /** The function asks for an event; `waits`: there is none yet. */
  laneAsks(lane: unknown, waits: boolean): void
  /** The function begins, or is given an event that it waited for. */
  laneWorks(lane: unknown): void
}

export class Lane<In, Out> implements LaneEventsOwner {
  events: LaneEvents<In> = new LaneEvents<In>(this)
  /** Events that this instance was given so far. */
  given = 0
  readonly #owner: LaneOwner<Out>
  #instance: InnerResults<Out> | null = null
  #finished = false
  #leaving = false
  /** What it threw on its way out. */
  #late: Failure | undefined

  constructor(owner: LaneOwner<Out>) {
    this.#owner = owner
  }

  /** A stream function that was fed has taken all events that came, and waits for more with nothing left to say. */
  get starves(): boolean {
    return this.events.isWaiting && starves(this.#instance)
  }

  /** Starts an instance; after one that has finished, another for the events that it did not take. */
  start(fn: Inner<In, Out>, ctx: StreamContext, drive: Drive): void {
    if (this.#finished) {
      this.#finished = false
      this.given = 0
      this.events = this.events.rest()
    }
    this.#owner.laneWorks(this)
    this.#instance = startInner(fn, this.events, ctx, drive)
    this.resume()
  }

  /** Asks for the next result. */
  resume(): void {
    if (!this.#leaving) (this.#instance as InnerResults<Out>).next().then(this.#onResult, this.#onThrow)
  }

  /** True where the event had to wait. */
  push(event: In): boolean {
    const waits = this.events.push(event)
    if (!waits) {
      this.given++
      this.#owner.laneWorks(this)
    }
    return waits
  }

  took(): void {
    this.given++
    this.#owner.laneTook(this)
  }

  asks(waits: boolean): void {
    this.#owner.laneAsks(this, waits)
  }

  /** Ends it early: it sees the end of its events, or gets return() at its `yield`; results are dropped. Rejects with what it throws then. */
  async leave(): Promise<void> {
    this.#leaving = true
    this.events.cut()
    const instance = this.#instance
    if (instance === null || this.#finished) return
    let step = await instance.return?.()
    // A function that yields in its `finally` is asked on until it is through, at a pace that lets timers run.
    while (step !== undefined && step.done !== true) {
      await new Promise(setImmediate)
      step = await instance.next()
    }
    if (this.#late !== undefined) throw this.#late.error
  }

  readonly #onResult = (result: IteratorResult<Out, unknown>): void => {
    if (result.done === true) this.#finish(undefined)
    else if (!this.#leaving && this.#owner.laneYielded(this, result.value)) this.resume()
  }

  readonly #onThrow = (error: unknown): void => this.#finish({ error })

  #finish(failure: Failure | undefined): void {
    this.#finished = true
    if (this.#leaving) this.#late = failure
    else this.#owner.laneFinished(this, failure)
  }
}
