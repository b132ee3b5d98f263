// A live stream: events are sent to it, results are read from it, each through a bounded channel; the function runs ahead up to `buffer`.

import type { StandardSchemaV1 } from '@standard-schema/spec'
import { COUNTERS } from '../border/flags.js'
import { Effect, Input as On, State, Timer, Word } from '../border/law.js'
import { step } from '../border/mailbox.js'
import { native } from '../border/native.js'
import { Input } from '../channels/input.js'
import { Output } from '../channels/output.js'
import type { Definition } from '../definition.js'
import type { Failure } from '../ending.js'
import { Instance } from '../instance.js'
import { sourceIdle } from '../refusals.js'
import type { AnyGenerator, Remote } from '../stages/stages.js'
import type { InstanceOptions } from '../tenancy.js'

export class LiveInstance extends Instance {
  protected readonly direct = false
  readonly ahead = true
  readonly holdsResults = true
  readonly input: Input<unknown>
  readonly output: Output<unknown>
  readonly schema: StandardSchemaV1 | undefined
  /** The last stage runs on another thread. */
  private readonly lastIsRemote: boolean
  /** Gives the source of a feed back. */
  private giveBack: (() => void) | undefined
  private fedIdle = false

  protected readonly onResult = (result: IteratorResult<unknown>): void => {
    if (result.done === true || this.state >= State.Closing) return this.lastResult(result)
    if (this.output.spend()) return this.put(result)
    this.output.held = result
    this.running = false
  }

  constructor(def: Definition, options: InstanceOptions, idleMs = def.liveIdle) {
    super(def, idleMs, options)
    this.schema = def.stages[0]?.schema
    this.lastIsRemote = def.stages.at(-1)?.placement !== undefined
    this.inlet = this.input = def.stages[0]?.placement?.input(this) ?? new Input(this)
    this.output = new Output(this)
    if (this.state !== State.Waiting) this.takeCredits()
    // Last, because an aborted signal ends it at once.
    if (options.signal?.aborted) this.abort(options.signal.reason)
  }

  /** `end()`, or the end of a fed source; with `failure`, what that source threw. */
  endInput(failure?: { error: unknown }): void {
    if (this.state === State.Waiting || this.state === State.Open) {
      this.input.end(failure)
      if (this.state === State.Waiting) this.started = true
      else this.closeInput(On.End)
    }
  }

  /**
   * A feed is a pulled source: it has an idle timeout only when one was set, and then the source is given back, the summary is delivered, and a
   * TimeoutError.
   */
  feedFrom(giveBack: () => void): void {
    this.giveBack = giveBack
    if (this.def.pulledIdle === 0 && this.state !== State.Closed) native.disarm(this.slot, Timer.Idle)
  }

  /** A read waits or was served: the function may have to start, or to go on. */
  demand(): void {
    if (!this.started) {
      this.start()
    } else if (this.output.held !== null && this.output.spend()) {
      const result = this.output.held
      this.output.held = null
      this.running = true
      this.scope.runInAsyncScope(this.put, this, result)
    }
    if (this.lastIsRemote) this.remotes.at(-1)?.report()
  }

  /** A result goes to its reader or into the channel, and the function goes on. */
  private put(result: IteratorResult<unknown>): void {
    this.count(result)
    if (this.lastIsRemote && !this.putMore(this.remotes.at(-1) as Remote)) return
    ;(this.generator as AnyGenerator).next().then(this.onResult, this.onThrow)
  }

  /** Results of another thread come many at a time. False when the channel is full. */
  private putMore(remote: Remote): boolean {
    for (let result = remote.take(); result !== null; result = remote.take()) {
      if (!this.output.spend()) {
        this.output.held = result
        this.running = false
        return false
      }
      this.count(result)
    }
    remote.report()
    return true
  }

  private count(result: IteratorResult<unknown>): void {
    const { page, at } = this
    const count = ++page[at + Word.Yielded]
    if (COUNTERS) {
      const { probe } = this
      if (probe.event > 0 && probe.result === 0 && page[at + Word.Delivered] >= probe.event) probe.yielded(count)
    }
    this.output.put(result)
  }

  protected openInlet(): Input<unknown> {
    return this.input
  }

  protected idleMs(): number {
    return this.giveBack === undefined ? this.def.liveIdle : this.def.pulledIdle
  }

  protected admitted(): void {
    this.takeCredits()
    if (this.input.hasEnded) this.state = step(this.slot, On.End) & 15
    if (this.started) this.start()
    this.input.open()
  }

  protected idle(): void {
    this.closeInput(On.Idle)
    this.input.end()
    this.fedIdle = this.giveBack !== undefined
    this.giveBack?.()
  }

  protected cutOutput(failure: Failure | undefined): void {
    this.output.cut(failure)
  }

  protected endOutput(failure: Failure | undefined): void {
    this.output.end(failure ?? (this.fedIdle ? { error: sourceIdle(this.id, this.def.options.idleTimeout) } : undefined))
  }

  protected override isSending(): boolean {
    return this.input.sending
  }

  protected isAwaited(): boolean {
    return this.output.reading || this.input.sending
  }

  get hasUnread(): boolean {
    return this.output.unread > 0
  }

  protected dropUnread(): void {
    this.output.cut(undefined)
  }

  /** Rust grants `buffer` on each side at admission. */
  private takeCredits(): void {
    this.input.credits = this.output.credits = this.def.options.buffer
  }

  private closeInput(how: number): void {
    const packed = step(this.slot, how)
    this.state = packed & 15
    if ((packed >> 8) & Effect.StopInput && !this.started) this.start()
  }
}
