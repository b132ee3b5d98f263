// One instance of an inner function inside an operator: its events, the loop that asks it for results, its end.
// Owns: when it is asked. It is asked for the next result once the operator has room for it, so it suspends at its `yield` as any stream does.

import type { StreamContext } from '../../index.js'
import { markOf } from '../../kit/marks.js'
import { Queue } from '../../kit/queue.js'
import { starves } from '../../kit/starving.js'
import type { Working } from './in-work.js'
import { type Drive, generatorOf, type Inner, type InnerResults, startInner } from './inner.js'
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
  /** The event that is being given its place, where it is watched until it is done. */
  readonly arriving: Working | undefined
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
  /** Events that are watched until they are done, oldest first; how many of this instance were before them, and its results. */
  #watched: Queue<Working> | undefined
  #done = 0
  #results = 0
  /** How it is known which of its events are done: it asks for the next, it says so, or it starves. */
  #tells: 'asks' | 'says' | 'starves' = 'asks'
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
      this.given = this.#done = this.#results = 0
      this.events = this.events.rest()
    }
    this.#owner.laneWorks(this)
    this.#instance = startInner(fn, this.events, ctx, drive)
    if (drive === 'feed' && generatorOf(fn) === undefined) this.#tells = 'starves'
    else if (markOf(this.#instance) !== undefined) this.#tells = 'says'
    this.resume()
  }

  /** Asks for the next result. */
  resume(): void {
    if (!this.#leaving) (this.#instance as InnerResults<Out>).next().then(this.#onResult, this.#onThrow)
  }

  /** True where the event had to wait. */
  push(event: In): boolean {
    const { arriving } = this.#owner
    if (arriving !== undefined) {
      arriving.places++
      ;(this.#watched ??= new Queue()).push(arriving)
    }
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
    if (this.#tells === 'asks') this.#doneUpTo(this.given)
    this.#owner.laneAsks(this, waits)
  }

  /** Looks whether a function that takes several events at once is through with some. */
  look(): void {
    if (this.#tells === 'starves' && this.starves) this.#doneUpTo(this.given)
    if (this.#tells !== 'says') return
    const mark = markOf(this.#instance)
    if (mark?.results === this.#results) this.#doneUpTo(Math.min(mark.events, this.given))
  }

  /** The oldest event that was not taken is dropped. */
  skip(): void {
    this.events.skip()
    if (this.#watched !== undefined && this.#watched.length > 0) this.#watched.shift().places--
  }

  /** Nobody takes what is left. */
  forget(): void {
    this.#doneUpTo(Infinity)
  }

  #doneUpTo(count: number): void {
    const watched = this.#watched
    for (; this.#done < count && watched !== undefined && watched.length > 0; this.#done++) watched.shift().places--
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
    else if (this.#results++ >= 0 && !this.#leaving && this.#owner.laneYielded(this, result.value)) this.resume()
  }

  readonly #onThrow = (error: unknown): void => this.#finish({ error })

  #finish(failure: Failure | undefined): void {
    this.#finished = true
    if (failure === undefined && !this.#leaving) this.#doneUpTo(this.given)
    if (this.#leaving) this.#late = failure
    else this.#owner.laneFinished(this, failure)
  }
}
