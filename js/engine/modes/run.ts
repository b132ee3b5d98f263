// `run(source)`: the source is pulled, the results are collected, one promise tells the outcome.

import { capture, lastResolve, type Resolve, rejectWith } from '../../kit/promises.js'
import { canPush, PUSH, type Sink } from '../../kit/push.js'
import { COUNTERS } from '../border/flags.js'
import { Input, State, Word } from '../border/law.js'
import { step } from '../border/mailbox.js'
import { waitBegins, waitEnds } from '../border/wakefulness.js'
import { AsyncInlet } from '../channels/async-inlet.js'
import type { Inlet } from '../channels/inlet.js'
import { pulledInlet } from '../channels/pulled.js'
import type { Definition } from '../definition.js'
import type { Failure } from '../ending.js'
import { Instance } from '../instance.js'
import { sourceIdle } from '../refusals.js'
import type { AnyGenerator } from '../stages/stages.js'

const { Delivered, Yielded } = Word

export class RunInstance extends Instance implements Sink {
  protected readonly direct = true
  readonly ahead = true
  readonly holdsResults = false
  readonly outcome: Promise<unknown[]>
  private readonly results: unknown[] = []
  private readonly resolve: Resolve
  private readonly source: unknown
  private idled = false
  private isTold = false

  protected readonly onResult = (result: IteratorResult<unknown>): void => {
    if (result.done === true || this.state >= State.Closing) return this.lastResult(result)
    this.take(result.value)
    if (this.def.remote) this.takeMore()
    ;(this.generator as AnyGenerator).next().then(this.onResult, this.onThrow)
  }

  constructor(def: Definition, source: unknown, signal: AbortSignal | undefined) {
    super(def, def.pulledIdle, { signal })
    this.source = source
    this.outcome = new Promise(capture) as Promise<unknown[]>
    this.resolve = lastResolve
    if (this.timed) waitBegins()
    if (signal?.aborted) this.abort(signal.reason)
    else this.start()
  }

  /** Sink of a generator that can push. */
  value(value: unknown): boolean {
    if (this.state >= State.Closing) {
      // Ended by the function itself, on its way to this result.
      this.lastResult({ value, done: false })
      return false
    }
    this.take(value)
    return true
  }

  ended(): void {
    this.onResult({ value: undefined, done: true })
  }

  threw(error: unknown): void {
    this.onThrow(error)
  }

  protected override pump(): void {
    const { generator } = this
    if (!canPush(generator)) return super.pump()
    this.running = true
    generator[PUSH](this)
  }

  protected openInlet(): Inlet<unknown> {
    return pulledInlet(this, this.source, true)
  }

  protected idleMs(): number {
    return this.def.pulledIdle
  }

  protected admitted(): void {
    this.start()
  }

  protected idle(): void {
    this.idled = true
    this.state = step(this.slot, Input.Idle) & 15
    const { inlet } = this
    inlet?.cut(undefined)
    if (inlet instanceof AsyncInlet) inlet.giveBack()
  }

  protected cutOutput(failure: Failure | undefined): void {
    if (this.hears()) rejectWith(this.resolve, failure === undefined ? this.closedError() : failure.error)
  }

  protected endOutput(failure: Failure | undefined): void {
    if (!this.hears()) return
    if (failure !== undefined) rejectWith(this.resolve, failure.error)
    else if (this.idled) rejectWith(this.resolve, sourceIdle(this.id, this.def.options.idleTimeout))
    else this.resolve(this.results)
  }

  private take(value: unknown): void {
    const { page, at } = this
    const count = ++page[at + Yielded]
    if (COUNTERS) {
      const { probe } = this
      if (probe.event > 0 && probe.result === 0 && page[at + Delivered] >= probe.event) {
        probe.yielded(count)
        probe.read(this.slot)
      }
    }
    this.results.push(value)
  }

  /** Results of another thread come many at a time. */
  private takeMore(): void {
    const remote = this.remotes.at(-1)
    if (remote === undefined || this.def.stages.at(-1)?.placement === undefined) return
    for (let result = remote.take(); result !== null; result = remote.take()) {
      this.take(result.value)
    }
  }

  /** Whether its caller still waits for the outcome, which is told once. */
  private hears(): boolean {
    if (this.isTold) return false
    this.isTold = true
    if (this.timed) waitEnds()
    return true
  }

  protected isAwaited(): boolean {
    return !this.isTold
  }

  get hasUnread(): boolean {
    return false
  }

  protected dropUnread(): void {}
}
