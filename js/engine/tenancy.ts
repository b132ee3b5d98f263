// What an instance holds of the process: its permit or place in line, its row of the control block, its id, its async context; and what timers of Rust
// say to it. How it runs and ends is the business of the instance.

import { AsyncResource } from 'node:async_hooks'
import { threadId } from 'node:worker_threads'
import { ClosedError } from '../kit/errors.js'
import { onAbort } from '../kit/signals.js'
import type { StreamEnd, StreamHeaders, StreamMetrics } from '../kit/types.js'
import { bounded } from './border/bounded.js'
import { offsetOf, openRow, pageOf, type Tenant, tenants } from './border/control-block.js'
import { ROW_WORDS, State, Verdict, Word } from './border/law.js'
import { watchExit } from './border/mailbox.js'
import { readMetrics } from './border/metrics.js'
import { native } from './border/native.js'
import { Probe } from './border/probe.js'
import { waitBegins, waitEnds } from './border/wakefulness.js'
import { Context } from './context.js'
import type { Definition } from './definition.js'
import { Ending } from './ending.js'
import { drained, idInUse, lastedTooLong, refusal, stalled } from './refusals.js'
import { type StreamTrace, traced, traceOpen } from './tracing.js'

const { Delivered, DroppedEvents, DroppedResults, Waiting } = Word

let opened = 0

/** Part of every default id, so that they differ between processes and threads, and hardly ever meet a given one. */
const tag = `-${Math.random().toString(36).slice(2, 6)}${threadId === 0 ? '' : `.${threadId}`}-`
/** Given ids of open streams that look like default ones. */
const lookalikes = new Set<string>()

function claim(id: string): void {
  const alike = id.includes(tag)
  if ((alike && tenants.some((tenant) => tenant?.id === id)) || !native.claim(id)) throw idInUse(id)
  if (alike) lookalikes.add(id)
}

function unclaim(id: string): void {
  native.unclaim(id)
  lookalikes.delete(id)
}

export interface InstanceOptions {
  id?: string | undefined
  headers?: StreamHeaders | undefined
  signal?: AbortSignal | undefined
  /** The async context to run in; default: the current one. */
  scope?: AsyncResource
}

export function currentScope(): AsyncResource {
  return new AsyncResource('VeloStream', { requireManualDestroy: true })
}

export abstract class Tenancy implements Tenant {
  readonly def: Definition
  /** Its row of the control block; after the end, a copy of it. */
  page: Float64Array | number[]
  at: number
  /** -1 after the end. */
  slot: number
  state: number
  readonly probe = new Probe()
  /** A timer of ours may settle what is awaited of it. */
  readonly timed: boolean
  protected readonly scope: AsyncResource
  protected readonly context: Context
  protected readonly trace: StreamTrace | undefined
  private unguard: (() => void) | undefined
  private readonly givenId: string | undefined
  private ordinal = ++opened
  private end: Ending | undefined
  /** Somebody waits for the end of a function on another thread: its work keeps no process alive by itself. */
  private watched = false

  /** Takes a permit or a place in line; throws OverloadedError, or VELO_CONFIG for an id in use. */
  constructor(def: Definition, idleMs: number, { id, headers, signal, scope }: InstanceOptions) {
    // User code, and before anything is taken: it may throw.
    const declared = def.options.context?.()
    if (id !== undefined) claim(id)
    const slot = openRow(def.fn, idleMs)
    if (slot < 0) {
      if (id !== undefined) unclaim(id)
      throw refusal(slot, def)
    }
    this.def = def
    this.givenId = id
    while (id === undefined && lookalikes.size > 0 && lookalikes.has(this.id)) this.ordinal = ++opened
    this.slot = slot
    this.page = pageOf(slot)
    this.at = offsetOf(slot)
    this.state = this.page[this.at + Word.State]
    this.page[this.at + Waiting] = 1 // until it starts it waits for an event (rule 5)
    this.context = new Context(this, headers, declared)
    tenants[slot] = this
    const { maxDuration, maxStall } = def.options
    this.scope = scope ?? currentScope()
    this.timed = idleMs > 0 || maxDuration > 0 || maxStall > 0 || def.remote
    if (this.timed) watchExit()
    if (traced()) {
      this.trace = { id: this.id, name: def.options.name }
      traceOpen(this.trace)
    }
    if (signal !== undefined && !signal.aborted) this.unguard = onAbort(signal, () => this.abort(signal.reason))
  }

  /** Made when the end is near, or somebody asks for it: most of its life a stream has none. */
  get ending(): Ending {
    return (this.end ??= new Ending())
  }

  /** The promise of `stream.closed`. */
  whenEnded(): Promise<StreamEnd> {
    this.watch()
    return this.ending.whenEnded()
  }

  get id(): string {
    return this.givenId ?? `${this.def.options.name}${tag}${this.ordinal}`
  }

  metrics(): StreamMetrics {
    return readMetrics(this.page, this.at, this.slot, this.thread)
  }

  /** Number of the thread on which the function runs, or begins. */
  abstract get thread(): number
  abstract abort(reason: unknown): void

  giveUp(): void {
    this.abort(drained(this.id))
  }

  verdict(kind: number, seen: number): void {
    const { maxDuration, maxStall } = this.def.options
    if (kind === Verdict.Admitted) {
      if (this.state !== State.Waiting) return
      this.state = State.Open
      this.admitted()
    } else if (kind === Verdict.Idle) {
      if (this.state === State.Open && this.isSilent() && this.page[this.at + Delivered] === seen) this.idle()
    } else if (kind === Verdict.Duration) {
      this.abort(lastedTooLong(this.id, maxDuration))
    } else if (kind === Verdict.Stall) {
      if (this.isStalled(seen)) this.abort(stalled(this.id, maxStall))
    } else if (kind === Verdict.Close) {
      this.closeTimedOut()
    }
  }

  holdsProcess(): boolean {
    const awaited = this.isAwaited() || this.end?.closePromise !== undefined || this.watched
    if (!awaited) return false
    if (this.isUnwinding) return true // closeTimeout
    if (this.isBusyElsewhere()) return true
    const { maxDuration, maxStall } = this.def.options
    if (maxDuration > 0 && this.state !== State.Waiting) return true
    if (this.state === State.Open && this.idleMs() > 0 && this.isSilent()) return true
    return maxStall > 0 && this.isStalled(this.page[this.at + Word.Read])
  }

  /** Settles with `promise`, at the latest after `closeTimeout`. */
  bounded(promise: PromiseLike<unknown>): Promise<unknown> {
    return bounded(promise, this.def.options.closeTimeout)
  }

  /** Why a read or send meets nobody. */
  closedError(accepted?: number): ClosedError {
    return this.ending.closedError(this.id, accepted, this.state >= State.Closing)
  }

  /** Why an event is refused; `ended`: only because the input has ended. */
  sendError(accepted: number, ended: boolean): ClosedError {
    if (!ended || this.state >= State.Closing) return this.closedError(accepted)
    return new ClosedError('VELO_ENDED', `stream ${this.id}: its input has ended`, { streamId: this.id, accepted })
  }

  /** Counts results that are dropped after the end; `yielded` of them were not even yielded before it. */
  lateDrop(results: number, yielded = 0): void {
    const { end } = this.ending
    if (end === undefined) return
    native.late(this.def.fn, yielded, results)
    end.dropped = { events: end.dropped.events, results: end.dropped.results + results }
  }

  /** ms of the idle timer in force, 0 = none. */
  protected abstract idleMs(): number
  /** It has a permit now. */
  protected abstract admitted(): void
  /** The function waited too long for an event. */
  protected abstract idle(): void
  /** Somebody waits for this stream. */
  protected abstract isAwaited(): boolean
  /** Results wait to be read. */
  abstract get hasUnread(): boolean
  /** Somebody waits to send. */
  protected abstract isSending(): boolean
  /** A function of it is at work on another thread, which keeps no process alive by itself. */
  protected abstract isBusyElsewhere(): boolean
  /** `closeTimeout` has passed. */
  protected abstract closeTimedOut(): void
  /** It is closing, or what it leaves behind is being released: `closeTimeout` runs. */
  protected abstract get isUnwinding(): boolean

  /** From now on the end of a function on another thread is awaited. */
  protected watch(): void {
    if (!this.def.remote || this.watched || this.state === State.Closed) return
    this.watched = true
    waitBegins()
  }

  /** Gives the row back, and keeps a copy for whoever reads the numbers later; answers what was dropped. */
  protected vacate(): StreamEnd['dropped'] {
    const { page, at } = this
    tenants[this.slot] = undefined
    const copy: number[] = []
    for (let word = 0; word < ROW_WORDS; word++) copy.push(page[at + word])
    this.page = copy
    this.at = 0
    this.slot = -1
    if (this.givenId !== undefined) unclaim(this.givenId)
    this.unguard?.()
    if (this.watched) waitEnds()
    this.watched = false
    return { events: copy[DroppedEvents], results: copy[DroppedResults] }
  }

  /** Results wait, and nobody has read one since `read` were. */
  private isStalled(read: number): boolean {
    return this.hasUnread && this.page[this.at + Word.Read] === read
  }

  private isSilent(): boolean {
    // Stages on other threads run ahead of those that come after them, and what is on its way to them is no silence.
    if (this.isSending() || (this.def.remote && this.isBusyElsewhere())) return false
    return this.page[this.at + Waiting] === 1
  }
}
