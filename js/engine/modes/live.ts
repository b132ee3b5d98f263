// js/engine/modes: the ways to use a stream function: live, run, call. Knows nothing of what users import.
//
// A live stream: events are sent to it, results are read from it, each through a bounded channel; the function runs ahead up to `buffer`.

import type { StandardSchemaV1 } from '@standard-schema/spec'
import type { ClosedError, Failure } from '../../kit/errors.js'
import type { Milestone, Progress, Puller } from '../../kit/iteration/pulled.js'
import { after } from '../border/after.js'
import { Effect, State, Timer, Trigger } from '../border/law.js'
import { step } from '../border/mailbox.js'
import { Note, native } from '../border/native.js'
import type { Row } from '../border/row.js'
import { FedInput } from '../channels/fed-input.js'
import type { Input } from '../channels/input.js'
import { Output } from '../channels/output.js'
import type { InputOwner, OutputOwner } from '../channels/owner.js'
import type { Definition } from '../definition.js'
import type { Driver } from '../driver.js'
import { Instance } from '../instance.js'
import type { LeaseOptions } from '../lease.js'
import type { Mode } from '../mode.js'
import { sourceIdle } from '../refusals.js'
import type { Remote } from '../stages/stage.js'
import { warnOverrun, warnStuck } from '../warnings.js'

export class LiveMode implements Mode, InputOwner, OutputOwner, Progress {
  readonly direct = false
  readonly holdsResults = true
  readonly instance: Instance
  readonly row: Row
  readonly input: Input<unknown>
  readonly output: Output<unknown>
  readonly schema: StandardSchemaV1 | undefined
  readonly buffer: number
  readonly line: number
  readonly ahead: number
  readonly timed: boolean
  private readonly driver: Driver
  readonly puller: Puller | undefined
  /** The last stage runs on another thread. */
  private readonly lastIsRemote: boolean
  /** Gives the source of a feed back. */
  private giveBack: (() => void) | undefined
  /** Its events come from a source: set for a feed, and for add-ons that pull. */
  isPulled: boolean
  private fedIdle = false
  /** It was told that the process ends while sends wait. */
  private isStuck = false
  isUndecided = false
  /** The function reads no more, and why is not known: called when it yields all the same. */
  private goesOn: (() => void) | null = null
  /** Those who wait to send are to be told why: called when it is known. */
  private known: (() => void) | null = null

  readonly onResult = (yielded: IteratorResult<unknown>): void => {
    if (yielded.done === true || this.row.state >= State.Closing) return this.driver.lastResult(yielded)
    let result: IteratorResult<unknown> = yielded
    if (this.puller !== undefined) {
      result = encoded(yielded, this.puller)
      // Foreign code that was called for that may have closed the stream.
      if (this.row.state >= State.Closing) return this.driver.lastResult(yielded)
    }
    if (this.goesOn !== null) this.goesOn()
    if (this.output.spend()) return this.put(result)
    this.output.held = result
    this.driver.rest()
  }

  /** `puller`: an add-on that sends what it pulls, so that silence is as it is with a source. */
  constructor(def: Definition, options: LeaseOptions, puller?: Puller) {
    const instance = new Instance(def, this, puller === undefined ? def.liveIdle : def.pulledIdle, options)
    this.isPulled = puller !== undefined
    this.puller = puller
    this.instance = instance
    this.row = instance.row
    this.driver = instance.driver
    this.timed = instance.timed
    this.buffer = this.ahead = def.options.buffer
    this.line = def.line
    this.schema = def.stages[0]?.schema
    this.lastIsRemote = def.stages.at(-1)?.placement !== undefined
    this.driver.inlet = this.input = def.stages[0]?.placement?.input(this) ?? new FedInput(this)
    this.output = new Output(this, puller)
    if (this.row.state !== State.Waiting) this.takeCredits()
    instance.begin()
    puller?.watch(this)
  }

  get id(): string {
    return this.instance.id
  }

  get idleMs(): number {
    return this.isPulled ? this.instance.def.pulledIdle : this.instance.def.liveIdle
  }

  get isAwaited(): boolean {
    return this.output.reading || this.input.sending
  }

  get isSending(): boolean {
    return this.input.sending
  }

  get hasUnread(): boolean {
    return this.output.unread > 0
  }

  get delivered(): number {
    return this.row.delivered
  }

  get milestone(): Milestone | null {
    return this.row.milestone
  }

  set milestone(milestone: Milestone | null) {
    this.row.milestone = milestone
  }

  hear(): void {
    this.input.hear()
  }

  get started(): boolean {
    return this.driver.started
  }

  start(): void {
    this.driver.start()
  }

  /** `end()`, or the end of a fed source; with `failure`, what that source threw. */
  endInput(failure?: Failure): void {
    const { state } = this.row
    if (state !== State.Waiting && state !== State.Open) return
    this.input.end(failure)
    if (state === State.Open) this.closeInput(Trigger.End)
    else if (!this.started) this.start()
  }

  /**
   * A feed is a pulled source: it has an idle timeout only when one was set, and then the source is given back, the summary is delivered, and a
   * TimeoutError.
   */
  feedFrom(giveBack: () => void): void {
    this.giveBack = giveBack
    this.isPulled = true
    if (this.instance.def.pulledIdle === 0 && this.row.state !== State.Closed) native.disarm(this.row.slot, Timer.Idle)
  }

  /** A read waits or was served: the function may have to start, or to go on. */
  demand(): void {
    if (!this.driver.started) {
      this.driver.start()
    } else if (this.output.held !== null && this.output.spend()) {
      const result = this.output.held
      this.output.held = null
      this.driver.resume(this.put, this, result)
    }
    if (this.lastIsRemote) this.driver.remotes.at(-1)?.report()
  }

  /** Of what a feed pulls more may come in the same turn: its batches last until the end of that. */
  inputIsDry(): void {
    if (this.giveBack === undefined) this.output.inputIsDry()
  }

  deserted(): void {
    this.isUndecided = true
    this.giveBack?.()
    // Results of another thread may be older than the news that it reads no more.
    if (!this.instance.def.remote) this.goesOn = () => this.decided()
    if (this.input.sending) this.undecided()
  }

  /** Those who wait to send are told why when the function has ended; that it goes on it says by its next result, or by nothing for `closeTimeout`. */
  undecided(): void {
    if (this.known !== null) return
    const known = new Promise<void>((resolve) => void (this.known = resolve))
    void this.bounded(known).then(() => {
      this.known = null
      this.decided()
      this.input.rejectLine()
    })
  }

  private decided(): void {
    this.isUndecided = false
    this.goesOn = null
    this.known?.()
  }

  overrun(bound: number): void {
    const { def, id } = this.instance
    native.note(def.fn, Note.Overrun)
    this.instance.refused++
    warnOverrun(def, id, bound)
  }

  processEnds(): void {
    if (this.isStuck || !this.input.sending || this.output.reading) return
    this.isStuck = true
    warnStuck(this.id, this.input.waiting, this.output.unread)
  }

  lateDrop(results: number): void {
    this.instance.lateDrop(results)
  }

  after(ms: number, fire: () => void): () => void {
    return after(ms, fire, this.instance.def.options.clock)
  }

  bounded(promise: PromiseLike<unknown>): Promise<unknown> {
    return this.instance.bounded(promise)
  }

  closedError(): ClosedError {
    return this.instance.closedError()
  }

  sendError(accepted: number, ended: boolean): ClosedError {
    return this.instance.sendError(accepted, ended)
  }

  openInlet(): Input<unknown> {
    return this.input
  }

  admitted(): void {
    this.takeCredits()
    if (this.input.hasEnded) this.row.state = step(this.row.slot, Trigger.End) & 15
    this.driver.startIfWanted()
    this.input.open()
  }

  idle(): void {
    if (!this.started) this.start()
    this.input.end()
    this.fedIdle = this.isPulled
    this.giveBack?.()
  }

  cut(failure: Failure | undefined): void {
    this.known?.()
    this.output.cut(failure)
  }

  end(failure: Failure | undefined): void {
    this.known?.()
    const { id, def } = this.instance
    this.output.end(failure ?? (this.fedIdle ? { error: sourceIdle(id, def.options.idleTimeout) } : undefined))
  }

  dropUnread(): void {
    this.output.cut(undefined)
  }

  protected give(result: IteratorResult<unknown>): void {
    this.row.yield()
    this.output.put(result)
  }

  private put(result: IteratorResult<unknown>): void {
    this.give(result)
    if (this.lastIsRemote && !this.putMore(this.driver.remotes.at(-1) as Remote)) return
    this.driver.pump()
  }

  /** Results of another thread come many at a time. False when the channel is full. */
  private putMore(remote: Remote): boolean {
    const { puller } = this
    for (let taken = remote.take(); taken !== null; taken = remote.take()) {
      const result = puller === undefined ? taken : encoded(taken, puller)
      if (!this.output.spend()) {
        this.output.held = result
        this.driver.rest()
        return false
      }
      this.give(result)
    }
    remote.report()
    return true
  }

  private takeCredits(): void {
    this.input.credits = this.output.credits = this.instance.def.credits
  }

  private closeInput(how: number): void {
    const packed = step(this.row.slot, how)
    this.row.state = packed & 15
    if ((packed >> 8) & Effect.StopInput && !this.started) this.start()
  }
}

function encoded(result: IteratorResult<unknown>, puller: Puller): IteratorResult<unknown> {
  return { value: puller.encode(result.value), done: false }
}
