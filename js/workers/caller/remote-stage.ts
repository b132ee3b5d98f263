// Stages that run on worker threads, as the caller's side sees them: a generator that is asked for results, like any other. Between stages on different
// threads the values do not come by here.

import type { AnyGenerator, Remote, Stage, StageHost } from '../../engine/stages/stage.js'
import type { Failure } from '../../kit/errors.js'
import { VeloError } from '../../kit/errors.js'
import { capture, lastResolve, type Resolve, rejectWith } from '../../kit/promises.js'
import type { StageMetrics } from '../../kit/types.js'
import { Control, type Outcome } from '../wire/protocol.js'
import { Tally } from '../wire/tally.js'
import { Connection, type StageGroup } from './connection.js'
import { Consumption } from './consumption.js'
import { Feeder } from './feeder.js'
import { RemoteInput } from './remote-input.js'
import type { RemoteSegment } from './remote-segment.js'
import { Reopening, sendAgain } from './reopening.js'
import { SentErrors } from './sent-errors.js'
import { referenceOf } from './travel.js'

export class RemoteStage implements Remote, AnyGenerator {
  private readonly group: StageGroup
  private readonly events: AsyncIterableIterator<unknown>
  /** Its results are those of the stream. */
  private readonly last: boolean
  private readonly consumption: Consumption
  /** `null` before the start. */
  private connection: Connection | null = null
  private feeder: Feeder | null = null
  /** The `next()` or `return()` that waits. */
  private resolve: Resolve | null = null
  private started = false
  /** Nobody wants its results any more. */
  private left = false
  private over = false
  /** What it threw, for the next `next()`. */
  private failure: Failure | null = null
  private failedStage: number | undefined
  private readonly reopening = new Reopening()

  constructor(instance: StageHost, events: AsyncIterableIterator<unknown>, stages: readonly Stage[], first: number, last: boolean) {
    this.group = { instance, stages, first, tally: Tally.of(first, stages.length), errors: new SentErrors() }
    this.events = events
    this.last = last
    this.consumption = new Consumption(instance, last)
  }

  get thread(): number {
    return this.connection?.segments[0]?.thread.number ?? 0
  }

  next(): Promise<IteratorResult<unknown, undefined>> {
    if (!this.started) this.start()
    if (this.arrivals > 0) return Promise.resolve(this.shift())
    this.sample()
    if (this.over) return this.outcome()
    this.consumption.want()
    const promise = new Promise(capture) as Promise<IteratorResult<unknown, undefined>>
    this.resolve = lastResolve
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
    if (this.arrivals > 0) return this.shift()
    this.sample()
    return null
  }

  report(): void {
    this.consumption.report()
  }

  leave(failure: Failure | undefined): void {
    if (this.left || !this.started) return
    this.left = true
    this.feeder?.stop()
    this.discard(this.connection?.reader.clear() ?? 0)
    if (!this.over) this.connection?.leave(failure === undefined ? undefined : this.group.errors.send(failure.error))
  }

  release(): PromiseLike<unknown> | undefined {
    this.feeder?.stop()
    return this.connection?.release()
  }

  unheard(): Failure | undefined {
    return this.connection?.unheard()
  }

  stageOf(): string | undefined {
    return this.failedStage === undefined ? undefined : this.group.stages[this.failedStage - this.group.first]?.name
  }

  bytes(): { in: number; out: number } {
    return this.connection?.bytes() ?? { in: 0, out: 0 }
  }

  stageMetrics(): StageMetrics[] {
    const { stages, first, tally } = this.group
    return stages.map(({ name }, index) => {
      const { taken: eventsIn, given: eventsOut } = tally.total(first + index)
      return { name, thread: this.connection?.threadOf(first + index) ?? 0, eventsIn, eventsOut }
    })
  }

  get isBusy(): boolean {
    if (!this.started || this.over || this.connection === null) return false
    if (this.last && this.connection.isHeld(this.group)) return false
    // The stage after it, on this thread, works on a result.
    if (!this.last && this.resolve === null) return true
    return this.feeder?.isAboutToPull === true || this.connection.isBusy(this.group)
  }

  account(): void {
    if (this.group.first > 0) return
    this.recount()
    this.group.instance.row.dropUndelivered()
  }

  private sample(): void {
    this.recount()
    if (this.group.first === 0) this.group.instance.row.askedElsewhere()
  }

  /** The row is told at the end of a turn, which a thread that dies does not reach. */
  private recount(): void {
    const { instance, first, tally } = this.group
    if (first === 0) instance.row.deliveredTo(tally.total(first).taken)
  }

  suspect(): void {
    this.connection?.suspect(this.group.instance.def.options.closeTimeout)
  }

  /** Finds threads and lets events flow; again after a thread was lost, then with the events that are left of before. */
  private start(untaken: unknown[] = []): void {
    this.started = true
    const { group, events } = this
    const before = this.connection?.reader
    try {
      const connection = new Connection(group, this.consumption.begin(before?.length ?? 0), this, before)
      const { writer, reader } = connection
      this.connection = connection
      this.consumption.follow(reader)
      sendAgain(writer, untaken, this.feeder)
      if (events instanceof RemoteInput) events.attach(writer, group.errors)
      else if (this.feeder === null) this.feeder = new Feeder(group.instance.row, events, writer, group.errors, group.first === 0)
      else this.feeder.redirect(writer)
    } catch (error) {
      if (events instanceof RemoteInput) events.refuse({ error })
      return this.finish(0, { error })
    }
    this.feeder?.go()
    if (this.resolve !== null) this.consumption.want()
  }

  /** There may be credits for events: user code makes them, in the context of whoever opened the stream. */
  onRoom(): void {
    this.group.instance.inScope(this.makeRoom, this)
  }

  private makeRoom(): void {
    if (this.events instanceof RemoteInput) this.events.open()
    else this.feeder?.go()
  }

  /** A function stopped reading: what comes before it ends, and the source is given back. */
  async stopped(segment: RemoteSegment): Promise<void> {
    const connection = this.connection as Connection
    if (!connection.segments.includes(segment)) return segment.released()
    const before = connection.leaveBefore(segment)
    this.reopening.gaveBack = true
    this.feeder?.stop()
    let failure: Failure | undefined
    try {
      await this.events.return?.()
    } catch (error) {
      failure = { error }
    }
    await this.group.instance.bounded(before)
    segment.released(failure)
  }

  /** A thread is gone. */
  orphaned(segment: RemoteSegment, error: VeloError): void {
    if (this.over || !this.connection?.segments.includes(segment)) return
    this.arrived() // what was sent before
    const { instance, stages } = this.group
    const { onWorkerExit } = referenceOf(stages[0] as Stage).travel
    if (onWorkerExit === 'reopen' && !this.left && !this.over && this.reopening.mayReopen(this.group.tally)) return this.reopen()
    const message = `stream ${instance.id}: its ${error.message}`
    this.finish(0, { error: new VeloError('VELO_WORKER_EXITED', message, { streamId: instance.id, cause: error.cause }) })
  }

  /** The functions start anew on other threads, with the events that were not taken. */
  private reopen(): void {
    const { tally } = this.group
    const untaken = this.connection?.untaken() ?? []
    this.feeder?.rebase(tally.taken(tally.first))
    this.connection?.leave(undefined)
    this.connection?.part()
    this.recount()
    this.group.tally = this.group.tally.renewed()
    this.start(untaken)
  }

  arrived(): void {
    if (this.connection === null) return
    const { reader, segments } = this.connection
    try {
      while (reader.pull());
    } catch (error) {
      return this.finish(0, { error })
    }
    if (this.left) this.discard(reader.clear())
    if (reader.control !== Control.None) {
      const { discarded, thrown } = reader.payload as Outcome
      this.failedStage = thrown?.stage
      segments.at(-1)?.over()
      return this.finish(discarded, thrown === undefined ? undefined : { error: this.group.errors.receive(thrown) })
    }
    this.serve()
  }

  private get arrivals(): number {
    return this.connection?.reader.length ?? 0
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
    this.feeder?.stop()
    this.discard(discarded)
    this.failure = failure ?? null
    this.connection?.part()
    this.consumption.end()
    this.serve()
    const { resolve } = this
    if (resolve === null) return
    this.resolve = this.failure = null
    if (failure === undefined) resolve({ value: undefined, done: true })
    else rejectWith(resolve, failure.error)
  }

  private outcome(): Promise<IteratorResult<unknown, undefined>> {
    const { failure } = this
    this.failure = null
    return failure === null ? Promise.resolve({ value: undefined, done: true }) : Promise.reject(failure.error)
  }

  private shift(): IteratorResult<unknown, undefined> {
    const value = (this.connection as Connection).reader.shift()
    this.consumption.take()
    if (this.group.instance.row.isTiming) this.recount() // it may be the result of the event that is timed
    return { value, done: false } as unknown as IteratorResult<unknown, undefined>
  }

  private discard(count: number): void {
    if (count > 0 && this.last) this.group.instance.discarded(count)
  }
}
