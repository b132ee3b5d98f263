// js/engine: one instance at work: its driver, its lease, its ending. Knows nothing of threads, nor of what users import.
//
// One instance of a stream function at work. Owns: how it ends, and who is told of that. Its generator is run by its driver, its permit, row and timers
// are those of its lease, how events come in and results go out is the business of its mode (live, run, call). Every change of state is asked of Rust
// (`step`); nothing here decides one.

import type { AsyncResource } from 'node:async_hooks'
import { ClosedError, type Failure } from '../kit/errors.js'
import { DONE_VOID } from '../kit/promises.js'
import { isLogged } from '../kit/sight/log.js'
import { currentTracer, type StreamSpan } from '../kit/sight/stream-tracer.js'
import { reasonOf } from '../kit/signals/signals.js'
import { thread } from '../kit/start/thread.js'
import type { StreamEnd, StreamHeaders, StreamMetrics } from '../kit/types.js'
import { bounded } from './border/bounded.js'
import { Effect, Life, State, Trigger } from './border/law.js'
import { step, watchExit } from './border/mailbox.js'
import { native } from './border/native.js'
import type { Row } from './border/row.js'
import { Context } from './context.js'
import type { Definition } from './definition.js'
import { type Driven, Driver } from './driver.js'
import { Ending } from './ending.js'
import { type Holder, Lease, type LeaseOptions } from './lease.js'
import { logEnd, logOpen } from './log-lines.js'
import type { Mode } from './mode.js'
import { leaseTraced } from './spans.js'
import type { Harness } from './stages/harness.js'
import { type StreamTrace, stuckStreams, traced, traceEnd, traceOpen } from './tracing.js'
import { watch } from './watch.js'

const NO_BYTES = { in: 0, out: 0 }

export class Instance implements Holder, Driven {
  readonly def: Definition
  readonly mode: Mode
  readonly driver: Driver
  readonly row: Row
  readonly context: Context
  readonly harness: Harness | undefined
  private readonly lease: Lease
  private readonly trace: StreamTrace | undefined
  /** What a tracing system makes of it. */
  readonly span: StreamSpan | undefined
  private end: Ending | undefined
  /** Sends refused as overrun. */
  refused = 0
  /** Bytes to and from other threads that were counted. */
  private carried = NO_BYTES
  /** How the function ended, while what fed it is being released. */
  private outcome: { how: number; failure: Failure | undefined } | undefined

  /** Throws OverloadedError where there is no place, or VELO_CONFIG for an id in use. */
  constructor(def: Definition, mode: Mode, idleMs: number, options: LeaseOptions) {
    this.def = def
    this.mode = mode
    this.harness = options.harness
    const tracer = currentTracer()
    if (tracer === undefined || def.isExemplar) this.lease = new Lease(def, idleMs, options, this)
    else ({ lease: this.lease, span: this.span } = leaseTraced(tracer, def, idleMs, options, this))
    this.row = this.lease.row
    this.context = new Context(this, this.span?.headers ?? options.headers, this.lease.declared)
    this.driver = new Driver(this, mode)
    if (stuckStreams.hasSubscribers) watch()
    if (traced() && !def.isExemplar) this.trace = { id: this.id, name: this.name }
  }

  get id(): string {
    return this.lease.id
  }

  get name(): string {
    return this.def.options.name
  }

  get scope(): AsyncResource {
    return this.lease.scope
  }

  get timed(): boolean {
    return this.lease.timed
  }

  /** Made when the end is near, or somebody asks for it: most of its life a stream has none. */
  get ending(): Ending {
    return (this.end ??= new Ending())
  }

  /** Last in the making of its mode: a signal that had fired before, or fires when it is told of, ends it at once. Says whether one did. */
  begin(): boolean {
    this.lease.begin()
    // What is told is user code, which may look at the stream.
    if (isLogged() && !this.def.isExemplar) logOpen(this)
    if (this.trace !== undefined) traceOpen(this.trace)
    const { abortedBy } = this.lease
    if (abortedBy !== undefined) this.abort(reasonOf(abortedBy))
    return this.row.state >= State.Closing
  }

  get isClosing(): boolean {
    return this.end?.closePromise !== undefined
  }

  get isTimed(): boolean {
    return Context.isTimed(this.context)
  }

  get isUnwinding(): boolean {
    return this.row.state === State.Closing || this.outcome !== undefined
  }

  get awaitsEvent(): boolean {
    return this.driver.awaitsEvent
  }

  get lastFailure(): Failure | undefined {
    const { failure, abortError } = this.end ?? {}
    return failure ?? (abortError && { error: abortError })
  }

  countBytes(): void {
    const { carried } = this
    this.carried = this.driver.bytes()
    const more = [this.carried.in - carried.in, this.carried.out - carried.out] as const
    if (more[0] > 0 || more[1] > 0) native.carried(this.def.fn, ...more)
  }

  /** The promise of `stream.closed`. */
  whenEnded(): Promise<StreamEnd> {
    return this.ending.whenEnded()
  }

  /** The same for somebody whose work is not done before: what the function does on another thread meanwhile keeps the process alive. */
  awaitEnd(): Promise<StreamEnd> {
    this.lease.watch()
    return this.ending.whenEnded()
  }

  metrics(): StreamMetrics {
    const { stages } = this.def
    const { remotes } = this.driver
    const head = stages[0]?.placement === undefined ? undefined : remotes[0]
    const metrics: StreamMetrics = this.row.metrics(stages[0]?.placement === undefined ? thread() : (head?.thread ?? 0))
    const bytes = this.def.remote ? this.driver.bytes() : NO_BYTES
    if (stages[0]?.placement !== undefined) metrics.bytesIn = bytes.in
    if (stages.at(-1)?.placement !== undefined) metrics.bytesOut = bytes.out
    if (stages.length === 1) return metrics
    metrics.stages = this.driver.stageMetrics() ?? stages.map(({ name }) => ({ name, thread: 0, eventsIn: 0, eventsOut: 0 }))
    return metrics
  }

  /** Runs user code of the caller's side. */
  inScope(work: () => void, owner: object): void {
    this.scope.runInAsyncScope(work, owner)
  }

  /** What of its context can travel. */
  contextParts(): { headers: StreamHeaders | undefined; declared: unknown } {
    return Context.parts(this.context)
  }

  bounded(promise: PromiseLike<unknown>): Promise<unknown> {
    const { closeTimeout, clock } = this.def.options
    return bounded(promise, closeTimeout, clock)
  }

  /** Why a read or send meets nobody. */
  closedError(accepted?: number): ClosedError {
    return this.ending.closedError(this.id, accepted, this.row.state >= State.Closing)
  }

  /** Why an event is refused; `ended`: only because the input has ended. */
  sendError(accepted: number, ended: boolean): ClosedError {
    if (!ended || this.row.state >= State.Closing) return this.closedError(accepted)
    return new ClosedError('VELO_ENDED', `stream ${this.id}: its input has ended`, { streamId: this.id, accepted })
  }

  /** Counts results that are dropped after the end; `yielded` of them were not even yielded before it. */
  lateDrop(results: number, yielded = 0): void {
    const { end } = this.ending
    if (end === undefined) return
    native.late(this.def.fn, yielded, results)
    end.dropped = { events: end.dropped.events, results: end.dropped.results + results }
  }

  /** Results that nobody wants any more, of a function here or on another thread. */
  discarded(count: number): void {
    this.row.yieldUnwanted(count)
    this.lateDrop(count, count)
  }

  leftElsewhere(): void {
    if (!this.driver.isLeavingElsewhere) this.lease.hasLeft()
  }

  close(): Promise<void> {
    const { ending, row } = this
    if (row.state === State.Closed) {
      this.mode.dropUnread?.()
      return DONE_VOID
    }
    if (ending.closePromise !== undefined) return ending.closePromise
    const promise = ending.beginClose()
    if (row.state < State.Closing) this.leave(Trigger.Close, undefined)
    return promise
  }

  abort(reason: unknown): void {
    if (this.row.state === State.Closed) this.mode.dropUnread?.()
    else if (this.row.state < State.Closing) this.leave(Trigger.Abort, this.ending.abort(reason, this.id))
  }

  closeTimedOut(): void {
    const { outcome } = this
    // While it closes, a stage that does not finish is as good as a function that does not.
    if (this.row.state === State.Closing && (outcome === undefined || this.driver.isReleasing)) this.detach()
    else if (outcome !== undefined) this.finish(outcome.how, outcome.failure)
  }

  /** The generator has finished. What fed it is given back; that is waited for, at the latest until `closeTimeout` has passed. */
  ended(how: number, failure: Failure | undefined, value: unknown): void {
    // The abort that the function let through is not an error of its own.
    const own = failure !== undefined && this.ending.isOwnAbort(failure) ? undefined : failure
    const outcome = { how: own === undefined ? Trigger.Return : how, failure: own }
    this.outcome = outcome
    this.ending.returned = value
    this.ending.failure = own // whoever waits to send is told why
    const { source, stages } = this.driver.release(this.row.state === State.Closing)
    if (source === undefined && stages.length === 0 && !this.driver.isPipeline) return this.finish(outcome.how, own)
    this.lease.armClose()
    watchExit()
    void Promise.allSettled([source, ...stages]).then(([given]) => this.released(given as PromiseSettledResult<unknown>))
  }

  /** Close and abort. */
  private leave(input: number, failure: Failure | undefined): void {
    const packed = step(this.row.slot, input)
    const inLine = ((packed >> 8) & Effect.LeaveLine) !== 0
    if (inLine) this.driver.leaveLine()
    else this.row.state = packed & 15
    this.mode.cut(failure)
    this.driver.cut(failure)
    if (inLine) return this.settled(packed, undefined)
    // A listener of the signal is user code that may come back here: the state says already that it is closing.
    this.scope.runInAsyncScope(Context.fire, undefined, this.context, failure)
    this.driver.stop()
    if (!this.driver.isOver) {
      this.lease.armClose()
      if (this.driver.isLeavingElsewhere) this.lease.leaves()
    }
    watchExit()
  }

  private async released(source: PromiseSettledResult<unknown>): Promise<void> {
    const { driver } = this
    if (driver.life === Life.Finished) return // it took too long
    if (driver.isDetached) {
      driver.released()
      return native.attached(this.def.fn)
    }
    // Only where nothing else went wrong: a source that fails to close, or a stage that threw when nobody listened to it any more.
    const late = source.status === 'rejected' && this.row.state < State.Closing ? { error: source.reason } : driver.unheard()
    const thrown = this.outcome?.failure ?? (late !== undefined && !this.ending.isOwnAbort(late) ? late : undefined)
    if (thrown !== undefined && driver.isPipeline) this.ending.stage = await driver.stageOf(thrown.error)
    if (this.outcome !== undefined) this.finish(thrown === undefined ? Trigger.Return : Trigger.Throw, thrown)
  }

  /** Nothing of it is at work any more. */
  private finish(how: number, failure: Failure | undefined): void {
    this.driver.released()
    this.outcome = undefined
    this.ending.failure = failure
    this.driver.account()
    this.settled(step(this.row.slot, how), failure)
  }

  private detach(): void {
    this.driver.giveUp()
    this.outcome = undefined
    this.driver.account()
    this.settled(step(this.row.slot, Trigger.Expire), undefined)
  }

  /** The machine has closed: the row is given back, and everybody who waits is told. */
  private settled(packed: number, failure: Failure | undefined): void {
    const wasClosing = this.row.state === State.Closing
    if (this.def.remote) this.countBytes()
    this.driver.countStages()
    this.row.state = packed & 15
    const dropped = this.lease.vacate()
    const end = this.ending.settle((packed >> 4) & 15, { dropped, refused: this.refused, detached: this.driver.isDetached })
    if (failure !== undefined) this.scope.runInAsyncScope(Context.fire, undefined, this.context, failure)
    if (!wasClosing) this.mode.end(failure)
    this.ending.tell(end)
    if (this.trace !== undefined) traceEnd(this.trace, end)
    this.span?.ended(end)
    if (isLogged()) logEnd(this, end)
  }
}
