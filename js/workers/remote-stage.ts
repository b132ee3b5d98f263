// Stages that run on worker threads, as the caller's side sees them: a generator that is asked for results, like any other. Between stages on different
// threads the values do not come by here.

import { VeloError } from '../errors.js'
import type { Instance } from '../internal/instance.js'
import { Word } from '../internal/law.js'
import { native } from '../internal/native.js'
import { capture, lastResolve, type Resolve, rejectWith } from '../internal/promises.js'
import type { AnyGenerator, Failure, Remote, Stage } from '../internal/stages.js'
import type { StageMetrics } from '../types.js'
import { BatchReader, BatchWriter } from './codec.js'
import { Consumption } from './consumption.js'
import { DuctReader } from './duct-reader.js'
import { DuctWriter } from './duct-writer.js'
import { Feeder } from './feeder.js'
import type { WorkerPlacement } from './placement.js'
import { Control, HEADER, type Outcome } from './protocol.js'
import { RemoteInput } from './remote-input.js'
import { choosePlaces, type Place, Stay } from './stay.js'
import { Thrower } from './thrower.js'

const { Accepted, Delivered, DroppedEvents } = Word

export class RemoteStage implements Remote, AnyGenerator {
  private readonly instance: Instance
  private readonly events: AsyncIterableIterator<unknown>
  private readonly stages: readonly Stage[]
  /** Number of its first stage in the pipeline. */
  private readonly first: number
  /** Its results are those of the stream. */
  private readonly last: boolean
  private readonly thrower = new Thrower()
  private readonly consumption: Consumption
  /** In a pipeline: events taken by each stage, and results of the last; written by their threads, so always a little old. */
  private readonly counts: Float64Array<SharedArrayBuffer> | null
  /** In the order of the stages; empty before the start. */
  private stays: Stay[] = []
  private writer: DuctWriter | null = null
  private reader: DuctReader | null = null
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

  constructor(instance: Instance, events: AsyncIterableIterator<unknown>, stages: readonly Stage[], first: number, last: boolean) {
    this.instance = instance
    this.events = events
    this.stages = stages
    this.first = first
    this.last = last
    this.consumption = new Consumption(instance, last)
    this.counts = instance.def.stages.length === 1 ? null : new Float64Array(new SharedArrayBuffer((stages.length + 1) * 8))
  }

  get thread(): number {
    return this.stays[0]?.thread.number ?? 0
  }

  next(): Promise<IteratorResult<unknown, undefined>> {
    if (!this.started) this.start()
    if (this.reader !== null && this.reader.length > 0) return Promise.resolve(this.shift())
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

  /** A result that is here already. */
  take(): IteratorResult<unknown, undefined> | null {
    return this.reader !== null && this.reader.length > 0 ? this.shift() : null
  }

  report(): void {
    this.consumption.report()
  }

  leave(failure: Failure | undefined): void {
    if (this.left || !this.started) return
    this.left = true
    this.feeder?.stop()
    this.discard(this.reader?.clear() ?? 0)
    if (this.over) return
    const thrown = failure === undefined ? undefined : this.thrower.known(failure.error)
    for (const stay of this.stays) stay.leave(thrown)
  }

  release(): PromiseLike<unknown> | undefined {
    this.feeder?.stop()
    const pending = this.stays.filter((stay) => !stay.isOver)
    for (const stay of pending) stay.leave(undefined)
    return pending.length === 0 ? undefined : Promise.all(pending.map((stay) => stay.whenOver()))
  }

  unheard(): Failure | undefined {
    return this.stays.find((stay) => stay.failure !== undefined)?.failure
  }

  stageOf(): string | undefined {
    return this.failedStage === undefined ? undefined : this.stages[this.failedStage - this.first]?.name
  }

  stageMetrics(): StageMetrics[] {
    return this.stages.map(({ name }, index) => ({
      name,
      thread: this.stays.find((stay) => stay.has(this.first + index))?.thread.number ?? 0,
      eventsIn: this.counts?.[index] ?? 0,
      eventsOut: this.counts?.[index + 1] ?? 0,
    }))
  }

  account(): void {
    if (this.first > 0) return
    const { page, at } = this.instance
    page[at + DroppedEvents] = page[at + Accepted] - page[at + Delivered]
  }

  suspect(): void {
    for (const stay of this.stays) if (!stay.isOver) stay.thread.suspect(this.instance.def.options.closeTimeout)
  }

  private start(): void {
    this.started = true
    try {
      this.open()
    } catch (error) {
      this.finish(undefined, { error })
    }
  }

  /** Finds threads, connects them, and lets events flow; a second time after a thread was lost. */
  private open(): void {
    const { instance, first } = this
    const places = choosePlaces(this.stages, first)
    const ahead = instance.ahead ? instance.def.options.buffer : 0
    // The events of the stream are counted by whoever gets them; those of a stage in the middle are nobody's business.
    const ducts: [number, ...number[]] = [native.duct(ahead, first === 0 ? instance.slot : 0)]
    for (let index = 1; index < places.length; index++) ducts.push(native.duct(ahead, 0))
    ducts.push(native.duct(this.consumption.begin(this.reader?.length ?? 0), 0))
    this.connect(places, ducts)
  }

  private connect(places: Place[], ducts: [number, ...number[]]): void {
    const { first } = this
    const { travel } = (this.stages[0] as Stage).placement as WorkerPlacement
    const { codec, transfer } = travel
    const entry = (places[0] as Place).thread.bulk
    const exit = (places.at(-1) as Place).thread.bulk
    const results = ducts.at(-1) as number
    const values = new BatchWriter(codec, { reserve: HEADER, transfer, bulk: entry.outlet(ducts[0]) })
    const writer = new DuctWriter(ducts[0], values, true, () => this.onRoom())
    const decoder = new BatchReader(codec, { reserve: HEADER, bulk: exit.intake(results) })
    const reader = new DuctReader(results, decoder, () => this.arrived(), this.reader)
    this.writer = writer
    this.reader = reader
    this.consumption.follow(reader)
    this.stays = places.map((place, index) => {
      const [events, results, spliced] = [ducts[index] as number, ducts[index + 1] as number, index < places.length - 1]
      return new Stay(this.instance, place, { events, results, spliced, travel, counts: this.counts, first }, this.thrower, this)
    })
    if (this.events instanceof RemoteInput) this.events.attach(writer, this.thrower)
    else if (this.feeder === null) this.feeder = new Feeder(this.instance, this.events, writer, this.thrower, first === 0)
    else this.feeder.redirect(writer)
    reader.pull() // from here on the doorbell tells
    this.feeder?.go()
    if (this.resolve !== null) this.consumption.want()
  }

  /** There may be credits for events. */
  private onRoom(): void {
    if (this.events instanceof RemoteInput) this.events.open()
    else this.feeder?.go()
  }

  /** The first function stopped reading: its source is given back. */
  async stopped(stay: Stay): Promise<void> {
    const index = this.stays.indexOf(stay)
    if (index > 0) {
      const before = this.stays[index - 1] as Stay
      before.leave(undefined)
      await before.whenOver()
    } else {
      this.feeder?.stop()
      await Promise.resolve(this.events.return?.()).catch(() => {}) // told where it is released
    }
    stay.released()
  }

  /** A thread is gone. */
  orphaned(error: VeloError): void {
    if (this.over) return
    this.arrived() // what was sent before
    const { id } = this.instance
    const { onWorkerExit } = ((this.stages[0] as Stage).placement as WorkerPlacement).travel
    // A function that takes its thread down before it got anything would do so for ever.
    if (onWorkerExit === 'reopen' && !this.left && !this.over && (this.writer?.sent ?? 0) > 0) return this.reopen()
    const message = `stream ${id}: its ${error.message}`
    this.finish(undefined, { error: new VeloError('VELO_WORKER_EXITED', message, { streamId: id, cause: error.cause }) })
  }

  /** The functions start anew on other threads, with the events that come from now on; those that were under way are dropped and counted. */
  private reopen(): void {
    for (const stay of this.stays) stay.leave(undefined)
    this.writer?.part()
    this.reader?.part()
    this.start()
  }

  private arrived(): void {
    const { reader } = this
    if (reader === null) return
    try {
      while (reader.pull());
    } catch (error) {
      return this.finish(undefined, { error })
    }
    if (this.left) this.discard(reader.clear())
    if (reader.control !== Control.None) {
      const { discarded, thrown } = reader.payload as Outcome
      this.failedStage = thrown?.stage
      this.stays.at(-1)?.over()
      return this.finish(discarded, thrown === undefined ? undefined : { error: this.thrower.catch(thrown) })
    }
    this.serve()
  }

  private serve(): void {
    if (this.resolve === null || this.reader === null || this.reader.length === 0) return
    const { resolve } = this
    this.resolve = null
    resolve(this.shift())
  }

  /** The last function has ended: results that are here are still given out, then its end. */
  private finish(discarded: number | undefined, failure: Failure | undefined): void {
    if (this.over) return
    this.over = true
    this.feeder?.stop()
    if (discarded !== undefined) this.discard(discarded)
    this.failure = failure ?? null
    this.writer?.part()
    this.reader?.part()
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
    const value = (this.reader as DuctReader).shift()
    this.consumption.take()
    return { value, done: false } as unknown as IteratorResult<unknown, undefined>
  }

  private discard(count: number): void {
    if (count > 0 && this.last) this.instance.discarded(count)
  }
}
