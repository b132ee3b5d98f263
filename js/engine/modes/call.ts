// The call form `fn(source)`: an async iterator of results, pulled in lockstep as a bare generator is. Unlike a bare generator, its return() settles a
// pending next() at once.

import type { AsyncResource } from 'node:async_hooks'
import { capture, iterationEnd, lastResolve, type Resolve, rejectWith } from '../../kit/promises.js'
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

const { Delivered, Yielded } = Word

export class CallInstance extends Instance {
  protected readonly direct = false
  readonly ahead = false
  readonly holdsResults = false
  private readonly source: unknown
  /** The oldest `next()` that waits. */
  private reader: Resolve | null = null
  /** Further ones. */
  private readers: Resolve[] | null = null
  /** For the next read, once. */
  private unread: { error: unknown } | null = null
  private over = false
  private idled = false

  protected readonly onResult = (result: IteratorResult<unknown>): void => {
    if (result.done === true || this.state >= State.Closing) return this.lastResult(result)
    this.running = false
    const { page, at } = this
    const count = ++page[at + Yielded]
    if (COUNTERS) {
      const { probe } = this
      if (probe.event > 0 && probe.result === 0 && page[at + Delivered] >= probe.event) {
        probe.yielded(count)
        probe.read(this.slot)
      }
    }
    this.shiftReader()(result)
    if (this.reader !== null) this.ask()
  }

  constructor(def: Definition, source: unknown, signal: AbortSignal | undefined, scope: AsyncResource) {
    super(def, def.pulledIdle, { signal, scope })
    this.source = source
    if (signal?.aborted) this.abort(signal.reason)
  }

  next(): Promise<IteratorResult<unknown, undefined>> {
    if (this.over) {
      const failure = this.unread
      this.unread = null
      return failure === null ? iterationEnd() : Promise.reject(failure.error)
    }
    if (this.timed) waitBegins()
    const promise = new Promise(capture) as Promise<IteratorResult<unknown, undefined>>
    const reader = lastResolve
    if (this.reader !== null) {
      ;(this.readers ??= []).push(reader)
      return promise
    }
    this.reader = reader
    this.ask()
    return promise
  }

  protected openInlet(): Inlet<unknown> {
    return pulledInlet(this, this.source, false)
  }

  protected idleMs(): number {
    return this.def.pulledIdle
  }

  protected admitted(): void {
    if (this.started) this.start()
  }

  protected idle(): void {
    this.idled = true
    this.state = step(this.slot, Input.Idle) & 15
    const { inlet } = this
    inlet?.cut(undefined)
    if (inlet instanceof AsyncInlet) inlet.giveBack()
  }

  protected cutOutput(failure: Failure | undefined): void {
    this.over = true
    // Every wait gets the abort; with none, the next read does.
    if (failure !== undefined && this.reader === null) this.unread = failure
    while (this.reader !== null) {
      const reader = this.shiftReader()
      if (failure !== undefined) rejectWith(reader, failure.error)
      else reader({ value: undefined, done: true })
    }
  }

  protected endOutput(failure: Failure | undefined): void {
    if (this.over) return
    this.over = true
    this.unread = failure ?? (this.idled ? { error: sourceIdle(this.id, this.def.options.idleTimeout) } : null)
    while (this.reader !== null) {
      const reader = this.shiftReader()
      const told = this.unread
      this.unread = null
      if (told !== null) rejectWith(reader, told.error)
      else reader({ value: undefined, done: true })
    }
  }

  protected isAwaited(): boolean {
    return this.reader !== null
  }

  get hasUnread(): boolean {
    return false
  }

  protected dropUnread(): void {}

  private ask(): void {
    if (!this.started) this.start()
    else if (this.generator !== null && !this.running) {
      this.running = true
      this.scope.runInAsyncScope(this.pump, this)
    }
  }

  private shiftReader(): Resolve {
    const reader = this.reader as Resolve
    this.reader = this.readers?.shift() ?? null
    if (this.readers?.length === 0) this.readers = null
    if (this.timed) waitEnds()
    return reader
  }
}
