// One instance of a stream function at work: its generator, and the ways it starts and ends. How events come in and results go out is the business
// of its subclasses (live, run, call). Every change of state is asked of Rust (`step`); nothing here decides one.

import { threadId } from 'node:worker_threads'
import { DONE_VOID } from '../kit/promises.js'
import type { StreamHeaders, StreamMetrics } from '../kit/types.js'
import { Effect, Input, State, Timer, Word } from './border/law.js'
import { step, watchExit } from './border/mailbox.js'
import { Note, native } from './border/native.js'
import type { Inlet } from './channels/inlet.js'
import { Context } from './context.js'
import type { Failure } from './ending.js'
import type { Links } from './stages/links.js'
import { type AnyGenerator, makeStages, type Remote } from './stages/stages.js'
import { Tenancy } from './tenancy.js'
import { traceEnd } from './tracing.js'

const { Delivered, DroppedResults, Waiting, Yielded } = Word

/** Results yielded in a row while the stream unwinds, before the event loop gets a turn. */
const UNWIND_BURST = 64

const NO_REMOTES: readonly Remote[] = []

export abstract class Instance extends Tenancy {
  started = false
  /** Of the last stage. */
  protected generator: AnyGenerator | null = null
  /** A request of ours to the generator is under way; else it is suspended at a `yield`, or has not started. */
  protected running = false
  /** Its generator has finished, or was never started and never will be. */
  protected finished = false
  /** Its events; a pulled source is opened when the function starts. */
  protected inlet: Inlet<unknown> | null = null
  /** Between the stages of a pipeline. */
  private links: Links | null = null
  /** Its stages on other threads. */
  protected remotes: readonly Remote[] = NO_REMOTES
  private detached = false
  private returning = false
  private burst = 0
  /** What is done once the releases at the end have settled or took too long. */
  private settleNow: (() => void) | undefined
  /** Stages before the last one are still on their way out. */
  private releasing = false

  get thread(): number {
    return this.def.stages[0]?.placement === undefined ? threadId : (this.remotes[0]?.thread ?? 0)
  }

  override metrics(): StreamMetrics {
    const { stages } = this.def
    const head = stages[0]?.placement === undefined ? undefined : (this.remotes[0]?.bytes().in ?? 0)
    const last = stages.at(-1)?.placement === undefined ? undefined : (this.remotes.at(-1)?.bytes().out ?? 0)
    const bytes = { ...(head === undefined ? {} : { bytesIn: head }), ...(last === undefined ? {} : { bytesOut: last }) }
    const metrics = { ...super.metrics(), ...bytes }
    if (stages.length === 1) return metrics
    const { page, at } = this
    const idle = stages.map(({ name }) => ({ name, thread: 0, eventsIn: 0, eventsOut: 0 }))
    return { ...metrics, stages: this.links?.metrics(page[at + Delivered], page[at + Yielded]) ?? idle }
  }

  /** Runs user code of the caller's side. */
  inScope(work: () => void, owner: object): void {
    this.scope.runInAsyncScope(work, owner)
  }

  /** What of its context can travel. */
  contextParts(): { headers: StreamHeaders | undefined; declared: unknown } {
    return Context.parts(this.context)
  }

  /** Starts the function: its generator is made and asked for the first time, in the async context of whoever opened the stream. */
  start(): void {
    this.started = true
    if (this.state !== State.Waiting) this.scope.runInAsyncScope(this.boot, this)
  }

  close(): Promise<void> {
    const { ending } = this
    if (this.state === State.Closed) {
      this.dropUnread()
      return DONE_VOID
    }
    if (ending.closePromise !== undefined) return ending.closePromise
    const promise = ending.beginClose()
    if (this.state < State.Closing) this.leave(Input.Close, undefined)
    return promise
  }

  abort(reason: unknown): void {
    if (this.state === State.Closed) this.dropUnread()
    else if (this.state < State.Closing) this.leave(Input.Abort, this.ending.abort(reason, this.id))
  }

  protected closeTimedOut(): void {
    // While it closes, a stage that does not finish is as good as a function that does not.
    if (this.state === State.Closing && (this.settleNow === undefined || this.releasing)) this.detach()
    else this.settleNow?.()
  }

  protected isSending(): boolean {
    return false
  }

  protected isBusyElsewhere(): boolean {
    return this.remotes.some((remote) => remote.isBusy)
  }

  protected get isUnwinding(): boolean {
    return this.state === State.Closing || this.settleNow !== undefined
  }

  /** Makes the events of the function's first stage. */
  protected abstract openInlet(): Inlet<unknown>
  /** Whether the links of a pipeline are direct. */
  protected abstract readonly direct: boolean
  /** Whether the function runs ahead of whoever reads, up to `buffer`; else it is asked for one result at a time. */
  abstract readonly ahead: boolean
  /** Whether results wait in a channel until they are read. */
  abstract readonly holdsResults: boolean
  /** Closed or aborted: waits of the caller settle at once, unread results are dropped. */
  protected abstract cutOutput(failure: Failure | undefined): void
  /** The end: the caller's waits settle; `failure` is what the function threw. */
  protected abstract endOutput(failure: Failure | undefined): void
  /** Drops results that were left unread at the end. */
  protected abstract dropUnread(): void

  /**
   * A result of the function. The closures of an instance are called by promises only: optimized code that calls a closure of one instance is thrown
   * away with that instance.
   */
  protected abstract readonly onResult: (result: IteratorResult<unknown>) => void
  protected readonly onThrow = (error: unknown): void => this.functionEnded(Input.Throw, { error })

  /** The rest of `onResult` where the function is done, or nobody wants its results any more. */
  protected lastResult(result: IteratorResult<unknown>): void {
    if (result.done === true) return this.functionEnded(Input.Return, undefined)
    this.page[this.at + Yielded]++
    this.dropResult()
    this.running = false
    // A function that yields for ever in its `finally` must not starve the timers.
    if (++this.burst % UNWIND_BURST === 0) setImmediate(() => this.unwind())
    else this.unwind()
  }

  /** Asks the function for its next result. Only in its async context. */
  protected pump(): void {
    this.running = true
    ;(this.generator as AnyGenerator).next().then(this.onResult, this.onThrow)
  }

  private boot(): void {
    this.page[this.at + Waiting] = 0
    try {
      this.inlet ??= this.openInlet()
      const made = makeStages(this, this.context, this.inlet, this.direct)
      this.generator = made.generator
      this.links = made.links
      this.remotes = made.remotes
    } catch (error) {
      return this.functionEnded(Input.Throw, { error })
    }
    this.pump()
  }

  /** Close and abort. */
  private leave(input: number, failure: Failure | undefined): void {
    const packed = step(this.slot, input)
    const inLine = ((packed >> 8) & Effect.LeaveLine) !== 0
    if (inLine) this.finished = true
    else this.state = packed & 15
    this.cutOutput(failure)
    this.inlet?.cut(failure)
    if (inLine) return this.settled(packed, undefined)
    this.links?.cut(failure)
    for (const remote of this.remotes) remote.leave(failure)
    // A listener of the signal is user code that may come back here: the state says already that it is closing.
    this.scope.runInAsyncScope(Context.fire, undefined, this.context, failure)
    if (!this.finished) {
      if (this.generator === null) this.functionEnded(Input.Return, undefined)
      else if (!this.running) this.unwind()
    }
    if (!this.finished) {
      native.arm(this.slot, Timer.Close, this.def.options.closeTimeout)
      this.watch()
    }
    watchExit()
  }

  /** The function is suspended at a `yield`: it gets return(); one that yields while returning is asked on until it is through. */
  private unwind(): void {
    this.running = true
    this.scope.runInAsyncScope(this.unwindStep, this)
  }

  private unwindStep(): void {
    const generator = this.generator as AnyGenerator
    const step = this.returning ? generator.next() : generator.return(undefined)
    this.returning = true
    step.then(this.onResult, this.onThrow)
  }

  private dropResult(): void {
    this.page[this.at + DroppedResults]++
    this.lateDrop(1, 1)
  }

  /** The generator has finished. */
  private functionEnded(input: number, failure: Failure | undefined): void {
    if (this.finished) return
    this.finished = true
    this.running = false
    if (this.detached) {
      if (failure !== undefined) native.note(this.def.fn, Note.LateError)
      return native.attached(this.def.fn)
    }
    // The abort that the function let through is not an error of its own.
    const own = failure !== undefined && this.ending.isOwnAbort(failure) ? undefined : failure
    const settle = (how: number, thrown: Failure | undefined): void => {
      this.settleNow = undefined
      this.ending.failure = thrown
      this.account()
      this.settled(step(this.slot, how), thrown)
    }
    const how = own === undefined ? Input.Return : input
    this.ending.failure = own // whoever waits to send is told why
    this.inlet?.cut(undefined)
    const released = this.inlet?.release()
    const closing = this.state === State.Closing
    const releases = this.links?.release(closing) ?? []
    for (const remote of this.remotes) {
      const release = remote.release()
      if (release !== undefined) releases.push(release)
    }
    if (released === undefined && releases.length === 0 && this.links === null) return settle(how, own)
    this.settleNow = () => settle(how, own)
    this.releasing = releases.length > 0
    native.arm(this.slot, Timer.Close, this.def.options.closeTimeout)
    watchExit()
    const links = this.links
    Promise.allSettled([released, ...releases]).then(async ([source]) => {
      if (this.settleNow === undefined) return this.detached ? native.attached(this.def.fn) : undefined
      // Only where nothing else went wrong: a source that fails to close, or a stage that threw when nobody listened to it any more.
      const late = source?.status === 'rejected' && this.state < State.Closing ? { error: source.reason } : this.unheard()
      const thrown = own ?? (late !== undefined && !this.ending.isOwnAbort(late) ? late : undefined)
      if (thrown !== undefined && links !== null) this.ending.stage = await links.stageOf(thrown.error)
      if (this.settleNow !== undefined) settle(thrown === undefined ? Input.Return : Input.Throw, thrown)
    })
  }

  /** What a stage threw when nobody listened to it any more. */
  private unheard(): Failure | undefined {
    return this.links?.unheard() ?? this.remotes.find((remote) => remote.unheard() !== undefined)?.unheard()
  }

  /** Counts what other threads have to say about the end. */
  private account(): void {
    for (const remote of this.remotes) remote.account()
  }

  /** Results that another thread dropped, because nobody wanted them any more. */
  discarded(count: number): void {
    this.page[this.at + Yielded] += count
    this.page[this.at + DroppedResults] += count
    this.lateDrop(count, count)
  }

  private detach(): void {
    this.detached = true
    this.settleNow = undefined
    for (const remote of this.remotes) remote.suspect()
    this.account()
    this.settled(step(this.slot, Input.Expire), undefined)
  }

  /** The machine has closed: the row is given back, and everybody who waits is told. */
  private settled(packed: number, failure: Failure | undefined): void {
    const wasClosing = this.state === State.Closing
    this.state = packed & 15
    const dropped = this.vacate()
    const end = this.ending.settle((packed >> 4) & 15, dropped, this.detached)
    if (failure !== undefined) this.scope.runInAsyncScope(Context.fire, undefined, this.context, failure)
    if (!wasClosing) this.endOutput(failure)
    this.ending.tell(end)
    if (this.trace !== undefined) traceEnd(this.trace, end)
  }
}
