// Stages that run on worker threads, as their stream sees them: one generator that is asked for results, like any other. Owns the wait for a result, and how the
// stages ended until somebody asks.
//
// Not here: how they run (stage-group.ts).

import type { AnyGenerator, Remote, Stage, StageHost, Standing } from '../../engine/stages/stage.js'
import type { Failure } from '../../kit/errors.js'
import { capture, captured, type Resolve, rejectWith } from '../../kit/promises.js'
import type { StageMetrics } from '../../kit/types.js'
import { unpackReturned } from '../codec/graph/failure.js'
import type { DuctReader } from '../wire/duct-reader.js'
import { Control, type Outcome } from '../wire/protocol.js'
import { Consumption } from './consumption.js'
import { type GroupOwner, StageGroup } from './stage-group.js'

/** The last stage gives what its function returned, though a generator of no such value is what others see. */
type Ended = IteratorReturnResult<undefined>

export class RemoteStage implements Remote, AnyGenerator, GroupOwner {
  private readonly instance: StageHost
  private readonly group: StageGroup
  /** Its results are those of the stream. */
  private readonly last: boolean
  private readonly consumption: Consumption
  /** `null` before the start. */
  private reader: DuctReader | null = null
  /** The `next()` or `return()` that waits. */
  private resolve: Resolve | null = null
  private started = false
  /** Nobody wants its results any more. */
  private left = false
  private over = false
  /** What it threw, for the next `next()`. */
  private failure: Failure | null = null
  private failedStage: number | undefined
  private returned: unknown

  constructor(instance: StageHost, events: AsyncIterableIterator<unknown>, stages: readonly Stage[], first: number, last: boolean) {
    this.instance = instance
    this.group = new StageGroup(instance, events, stages, first, this)
    this.last = last
    this.consumption = new Consumption(instance, last)
  }

  get thread(): number {
    return this.group.thread
  }

  next(): Promise<IteratorResult<unknown, undefined>> {
    if (!this.started) this.start()
    if (this.hasArrived()) return Promise.resolve(this.shift())
    this.sample()
    if (this.over) return this.outcome()
    this.consumption.want()
    if (!this.last) this.instance.row.restartWait()
    const promise = new Promise(capture) as Promise<IteratorResult<unknown, undefined>>
    this.resolve = captured.resolve
    if (this.isLockstep) this.group.want()
    return promise
  }

  /** As at a `yield`: the functions end, and what they yield meanwhile is dropped. */
  return(): Promise<IteratorResult<unknown, undefined>> {
    if (!this.started) this.started = this.over = true
    this.leave(undefined)
    if (this.over) return this.outcome()
    return new Promise((resolve) => {
      const before = this.resolve
      this.resolve = (value) => {
        before?.(value)
        resolve(value as IteratorResult<unknown, undefined>)
      }
    })
  }

  throw(error: unknown): Promise<IteratorResult<unknown, undefined>> {
    this.leave({ error })
    return this.next()
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return()
  }

  take(): IteratorResult<unknown, undefined> | null {
    if (this.hasArrived()) return this.shift()
    this.sample()
    return null
  }

  report(): void {
    this.consumption.report()
  }

  leave(failure: Failure | undefined): void {
    if (this.left || !this.started) return
    this.left = true
    this.discard(this.reader?.clear() ?? 0)
    if (!this.over) this.group.leave(failure)
  }

  release(): PromiseLike<unknown> | undefined {
    return this.group.release()
  }

  unheard(): Failure | undefined {
    return this.group.unheard()
  }

  stageOf(): string | undefined {
    return this.failedStage === undefined ? undefined : this.group.stages[this.failedStage - this.group.first]?.name
  }

  bytes(): { in: number; out: number } {
    return this.group.bytes()
  }

  stageMetrics(): StageMetrics[] {
    return this.group.stageMetrics()
  }

  get isBusy(): boolean {
    return !(this.last && this.group.isHeld) && !this.awaitsEvent
  }

  get awaitsEvent(): boolean {
    if (this.over || this.reader === null) return true
    // The stage after it, on this thread, works on a result.
    if (!this.last && !this.isAsked) return false
    return !this.group.isBusy
  }

  get isAsked(): boolean {
    return this.resolve !== null
  }

  get isLeaving(): boolean {
    return this.group.isLeaving
  }

  account(): void {
    this.group.account()
  }

  suspect(): void {
    this.group.suspect()
  }

  stands(): Standing {
    return this.group.stands()
  }

  place(): { thread: number; segment: number } | undefined {
    return this.group.place()
  }

  private get isLockstep(): boolean {
    return this.instance.mode.ahead === 0
  }

  get isWanted(): boolean {
    return this.resolve !== null || !this.isLockstep
  }

  isStillWanted(): boolean {
    if (this.isLockstep) this.arrived()
    return this.isWanted
  }

  get isReading(): boolean {
    return !this.left && !this.over
  }

  connecting(): number {
    return this.consumption.begin(this.arrivals)
  }

  connected(reader: DuctReader): void {
    this.reader = reader
    this.consumption.follow(reader)
    if (this.resolve !== null) this.consumption.want()
  }

  arrived(): void {
    const { reader } = this
    if (reader === null) return
    let asks = false
    try {
      while (reader.pull()) {
        if (reader.control !== Control.Asks) continue
        reader.control = Control.None
        asks = true
      }
    } catch (error) {
      return this.finish(0, { error })
    }
    if (asks) this.group.asked()
    if (this.left) this.discard(reader.clear())
    if (reader.control !== Control.None) {
      const { discarded, thrown, returned } = reader.payload as Outcome
      this.failedStage = thrown?.stage
      this.returned = unpackReturned(returned)
      this.group.lastIsOver()
      return this.finish(discarded, thrown === undefined ? undefined : { error: this.group.errors.receive(thrown) })
    }
    this.serve()
    if (asks && this.isWanted) this.group.onRoom()
  }

  lost(error: unknown): void {
    this.finish(0, { error })
  }

  private start(): void {
    this.started = true
    this.group.start()
  }

  private sample(): void {
    if (this.group.first === 0) this.instance.row.askedElsewhere()
  }

  /**
   * A function that waits although an event is timed may have given its result already: what it has asked for is counted first, and then looked for what it has given. The other way round, a result in between
   * would be taken for none.
   */
  private hasArrived(): boolean {
    if (this.arrivals > 0) return true
    this.group.recount()
    if (this.instance.row.isTiming) this.arrived()
    return this.arrivals > 0
  }

  private get arrivals(): number {
    return this.reader?.length ?? 0
  }

  private serve(): void {
    if (this.resolve === null || this.arrivals === 0) return
    const { resolve } = this
    this.resolve = null
    resolve(this.shift())
  }

  /** The last function has ended: results that are here are still given out, then its end. */
  private finish(discarded: number, failure: Failure | undefined): void {
    if (this.over) return
    this.over = true
    this.discard(discarded)
    this.failure = failure ?? null
    this.group.end()
    this.consumption.end()
    this.serve()
    const { resolve } = this
    if (resolve === null) return
    this.resolve = this.failure = null
    if (failure === undefined) resolve({ value: this.returned, done: true })
    else rejectWith(resolve, failure.error)
  }

  private outcome(): Promise<IteratorResult<unknown, undefined>> {
    const { failure } = this
    this.failure = null
    return failure === null ? Promise.resolve({ value: this.returned, done: true } as Ended) : Promise.reject(failure.error)
  }

  private shift(): IteratorResult<unknown, undefined> {
    const value = (this.reader as DuctReader).shift()
    this.consumption.take()
    if (this.instance.row.isTiming) this.group.recount() // it may be the result of the event that is timed
    return { value, done: false } as unknown as IteratorResult<unknown, undefined>
  }

  private discard(count: number): void {
    if (count > 0 && this.last) this.instance.discarded(count)
  }
}
