// The loop that runs one user generator: it is made, asked on, told to return, and what feeds it is released when it has finished. Every move goes by the
// table of Rust (`moved`). Not here: the state of the stream, and who is told of what (instance.ts).

import type { AsyncResource } from 'node:async_hooks'
import type { Failure } from '../kit/errors.js'
import { silence } from '../kit/promises.js'
import type { StreamSpan } from '../kit/sight/stream-tracer.js'
import type { StageMetrics } from '../kit/types.js'
import { Life, LifeTrigger, State, Trigger } from './border/law.js'
import { isDetached, isOver, moved } from './border/life.js'
import { Note, native } from './border/native.js'
import type { Row } from './border/row.js'
import type { Inlet } from './channels/inlet.js'
import type { Context } from './context.js'
import type { Definition } from './definition.js'
import type { Mode } from './mode.js'
import { untilFirst } from './spans.js'
import type { Links } from './stages/links.js'
import type { AnyGenerator, Remote, StageHost } from './stages/stage.js'
import { StreamCounts } from './stages/stage-counts.js'
import { makeStages } from './stages/stages.js'

/** Results yielded in a row while the stream unwinds, before the event loop gets a turn. */
const UNWIND_BURST = 64

const NO_REMOTES: readonly Remote[] = []

/** Whose generator it is. */
export interface Driven extends StageHost {
  readonly def: Definition
  readonly context: Context
  /** The async context of whoever opened the stream: user code runs in it. */
  readonly scope: AsyncResource
  /** Is told of the first result. */
  readonly span: StreamSpan | undefined
  /** The generator has finished, and had not been given up: what feeds it is still to be released. `value` is what it returned. */
  ended(how: number, failure: Failure | undefined, value: unknown): void
}

/** What is being released; each `undefined` or empty where nothing takes time. */
export interface Releases {
  readonly source: PromiseLike<unknown> | undefined
  readonly stages: PromiseLike<unknown>[]
}

export class Driver {
  /** Where the generator is in its life. */
  life: number = Life.NotStarted
  /** Of the last stage. */
  generator: AnyGenerator | null = null
  /** Stages on other threads. */
  remotes: readonly Remote[] = NO_REMOTES
  /** The events; a pulled source is opened when the function starts. */
  inlet: Inlet<unknown> | null = null
  /** Between the stages of a pipeline. */
  links: Links | null = null
  private readonly driven: Driven
  private readonly mode: Mode
  private readonly row: Row
  /** Of those stages, as far as it was counted. */
  private counts: StreamCounts | undefined
  private burst = 0
  /** That of the mode, which is there when the function starts. */
  private onResult: ((result: IteratorResult<unknown>) => void) | undefined
  private readonly onThrow = (error: unknown): void => this.ended(Trigger.Throw, { error })

  constructor(driven: Driven, mode: Mode) {
    this.driven = driven
    this.mode = mode
    this.row = driven.row
  }

  /** The function was started, or will be as soon as there is a permit. */
  get started(): boolean {
    return this.life !== Life.NotStarted
  }

  /** It has finished. */
  get isOver(): boolean {
    return isOver(this.life)
  }

  /** Stages that feed it are still on their way out. */
  get isReleasing(): boolean {
    return this.life === Life.Releasing
  }

  get isDetached(): boolean {
    return isDetached(this.life)
  }

  /** A stage on another thread is at work, or something is on its way to or from it. */
  get isBusyElsewhere(): boolean {
    return this.remotes.some((remote) => remote.isBusy)
  }

  /** Every stage waits for an event, and nothing is on its way from one to the next. */
  get awaitsEvent(): boolean {
    return this.links?.areAsked !== false && this.remotes.every((remote) => remote.awaitsEvent)
  }

  /** A stage on another thread was told to leave, and has not said yet whether it goes at once. */
  get isLeavingElsewhere(): boolean {
    return this.remotes.some((remote) => remote.isLeaving)
  }

  get isPipeline(): boolean {
    return this.links !== null
  }

  /** The generator is made and asked for the first time, in the async context of whoever opened the stream. */
  start(): void {
    this.life = moved(this.life, LifeTrigger.Ask)
    if (this.row.state !== State.Waiting) this.driven.scope.runInAsyncScope(this.boot, this)
  }

  /** There is a permit: starts it if that was wanted before. */
  startIfWanted(): void {
    if (this.life === Life.Running && this.generator === null) this.driven.scope.runInAsyncScope(this.boot, this)
  }

  /** Asks one that rests, or has not started, for a result. */
  ask(): void {
    if (this.life === Life.NotStarted) return this.start()
    if (this.life !== Life.Suspended) return
    this.life = moved(this.life, LifeTrigger.Ask)
    this.driven.scope.runInAsyncScope(this.pump, this)
  }

  /** One that rests goes on with `work`, which asks it on. */
  resume<Argument>(work: (argument: Argument) => void, owner: object, argument: Argument): void {
    this.life = moved(this.life, LifeTrigger.Ask)
    this.driven.scope.runInAsyncScope(work, owner, argument)
  }

  /** It stays at its `yield` until it is asked again. */
  rest(): void {
    this.life = moved(this.life, LifeTrigger.Yield)
  }

  /** Asks for the next result. Only in its async context. */
  pump(): void {
    try {
      ;(this.generator as AnyGenerator).next().then(this.onResult, this.onThrow)
    } catch (error) {
      this.threw(error)
    }
  }

  /** A result of one that is done, or whose results nobody wants any more. */
  lastResult(result: IteratorResult<unknown>): void {
    if (result.done === true) return this.ended(Trigger.Return, undefined, result.value)
    this.driven.discarded(1)
    this.rest()
    // A function that yields for ever in its `finally` must not starve the timers.
    if (++this.burst % UNWIND_BURST === 0) setImmediate(() => this.unwind())
    else this.unwind()
  }

  threw(error: unknown): void {
    this.ended(Trigger.Throw, { error })
  }

  /** The stream left the line for a permit: it never runs. */
  leaveLine(): void {
    this.life = moved(moved(moved(this.life, LifeTrigger.End), LifeTrigger.Clear), LifeTrigger.Released)
  }

  /** Closed, or aborted with `failure`: whatever it waits for in the library settles. */
  cut(failure: Failure | undefined): void {
    this.inlet?.cut(failure)
    this.links?.cut(failure)
    for (const remote of this.remotes) remote.leave(failure)
  }

  /** One that rests gets return(), one that was never made is over; one that works on hears of it when it yields. */
  stop(): void {
    if (this.isOver) return
    if (this.generator === null) this.ended(Trigger.Return, undefined)
    else if (this.life === Life.Suspended) this.unwind()
  }

  /** Releases what feeds one that has finished; `patient`: also waits for stages that still run. */
  release(patient: boolean): Releases {
    this.inlet?.cut(undefined)
    const source = this.inlet?.release()
    const stages = this.links?.release(patient) ?? []
    for (const remote of this.remotes) {
      const release = remote.release()
      if (release !== undefined) stages.push(silence(Promise.resolve(release)))
    }
    if (stages.length === 0) this.life = moved(this.life, LifeTrigger.Clear)
    return { source, stages }
  }

  /** What fed it is released, or was waited for long enough. */
  released(): void {
    this.life = moved(this.life, LifeTrigger.Released)
  }

  /** It does not end in time. */
  giveUp(): void {
    this.life = moved(this.life, LifeTrigger.GiveUp)
    for (const remote of this.remotes) remote.suspect()
  }

  /** What a stage threw when nobody listened to it any more. */
  unheard(): Failure | undefined {
    return this.links?.unheard() ?? this.remotes.find((remote) => remote.unheard() !== undefined)?.unheard()
  }

  /** Name of the stage that threw `error`, in a pipeline. */
  stageOf(error: unknown): Promise<string | undefined> | undefined {
    return this.links?.stageOf(error)
  }

  /** Counts what other threads have to say about the end. */
  account(): void {
    for (const remote of this.remotes) remote.account()
  }

  /** Bytes that its events and results became, where the first and the last stage run on other threads. */
  bytes(): { in: number; out: number } {
    const { stages } = this.driven.def
    const bytesIn = stages[0]?.placement === undefined ? 0 : (this.remotes[0]?.bytes().in ?? 0)
    return { in: bytesIn, out: stages.at(-1)?.placement === undefined ? 0 : (this.remotes.at(-1)?.bytes().out ?? 0) }
  }

  /** What each stage of a pipeline has taken and given; `undefined` before it starts. */
  stageMetrics(): StageMetrics[] | undefined {
    return this.links?.metrics(this.row.delivered, this.row.yielded)
  }

  /** Counts the same. */
  countStages(): void {
    if (this.links === null) return
    const { def } = this.driven
    this.counts ??= new StreamCounts(def)
    this.links.count(this.counts, this.row.delivered, this.row.yielded)
  }

  private boot(): void {
    const { span } = this.driven
    this.onResult = span === undefined ? this.mode.onResult : this.watched(span)
    this.row.endWait()
    try {
      this.inlet ??= this.mode.openInlet()
      const made = makeStages(this.driven, this.driven.context, this.inlet, this.mode.direct)
      this.generator = made.generator
      this.links = made.links
      this.remotes = made.remotes
    } catch (error) {
      return this.ended(Trigger.Throw, { error })
    }
    // What makes a generator is user code, and may have ended the stream.
    if (!this.isOver && this.mode.drive?.(this.generator) !== true) this.pump()
  }

  /** A function of its own, so that the others make no closure. */
  private watched(span: StreamSpan): Mode['onResult'] {
    return untilFirst(this.mode, span, () => void (this.onResult = this.mode.onResult))
  }

  private unwind(): void {
    this.driven.scope.runInAsyncScope(this.unwindStep, this)
  }

  /** It is suspended at a `yield`: it gets return(); one that yields while returning is asked on until it is through. */
  private unwindStep(): void {
    const generator = this.generator as AnyGenerator
    const returning = this.life === Life.Unwinding || this.life === Life.DetachedUnwinding
    this.life = moved(this.life, returning ? LifeTrigger.Ask : LifeTrigger.Return)
    const step = returning ? generator.next() : generator.return(undefined)
    step.then(this.onResult, this.onThrow)
  }

  private ended(how: number, failure: Failure | undefined, value?: unknown): void {
    if (this.isOver) return
    const detached = this.isDetached
    this.life = moved(this.life, LifeTrigger.End)
    if (!detached) return this.driven.ended(how, failure, value)
    const { fn } = this.driven.def
    if (failure !== undefined) native.note(fn, Note.LateError)
    native.attached(fn)
  }
}
