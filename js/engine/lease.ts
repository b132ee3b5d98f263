// What an instance holds of the process: its permit or place in line, its row of the control block, its id, its async context; and what timers of Rust
// say to it. How it runs and ends is the business of the instance.

import { AsyncResource } from 'node:async_hooks'
import type { Failure } from '../kit/errors.js'
import { onAbort, reasonOf } from '../kit/signals/signals.js'
import type { StreamEnd, StreamHeaders } from '../kit/types.js'
import { openRow, type Tenant, tenants } from './border/control-block.js'
import { Effect, State, Timer, Trigger, Verdict } from './border/law.js'
import { isolate, step, watchExit } from './border/mailbox.js'
import { native } from './border/native.js'
import { Row } from './border/row.js'
import { waitBegins, waitEnds } from './border/wakefulness.js'
import { ClockTimers, type Timed } from './clock-timers.js'
import type { Definition } from './definition.js'
import type { Driver } from './driver.js'
import type { Mode } from './mode.js'
import { drained, idInUse, lastedTooLong, refusal, stalled } from './refusals.js'
import type { Harness } from './stages/harness.js'
import { stagedStreams } from './stages/stage-counts.js'

let opened = 0

/** Row 0 holds the clock and serves no stream: what an exemplar counts there is read by nobody. */
const NOBODYS_SLOT = 0

/** Part of every default id, so that they differ between processes and threads, and hardly ever meet a given one. */
const tag = `-${Math.random().toString(36).slice(2, 6)}${isolate === 0 ? '' : `.${isolate}`}-`
/** Given ids of open streams that look like default ones. */
const lookalikes = new Set<string>()

function claim({ options: { name } }: Definition, id: string): void {
  const alike = id.includes(tag)
  if ((alike && tenants.some((tenant) => tenant?.id === id)) || !native.claim(name, id)) throw idInUse(name, id)
  if (alike) lookalikes.add(id)
}

function unclaim({ options: { name } }: Definition, id: string): void {
  native.unclaim(name, id)
  lookalikes.delete(id)
}

/** Takes a permit or a place in line: the slot. */
function enter(def: Definition, idleMs: number, id: string | undefined): number {
  if (id !== undefined) claim(def, id)
  const slot = openRow(def.fn, def.options.clock === undefined ? idleMs : 0)
  if (slot >= 0) return slot
  if (id !== undefined) unclaim(def, id)
  throw refusal(slot, def.options, def.gates.length > 0)
}

/** Those of this thread with a stage on another one. */
export const remoteLeases = new Set<Lease>()

/** With what an instance is opened. */
export interface LeaseOptions {
  id?: string | undefined
  /** The id is unique elsewhere: streams of this process may have the same one. */
  isForeign?: boolean
  headers?: StreamHeaders | undefined
  signal?: AbortSignal | undefined
  /** The async context to run in; default: the current one. */
  scope?: AsyncResource
  /** What stands between the library and its functions. */
  harness?: Harness | undefined
}

export function currentScope(): AsyncResource {
  // Whoever watches async resources (profilers, node:test) is told of its end when it is collected: nobody else knows when the last stage has left it.
  return new AsyncResource('VeloStream')
}

/** What timers ask of an instance, and tell it. */
export interface Holder {
  readonly mode: Mode
  readonly driver: Driver
  /** Somebody waits for its end. */
  readonly isClosing: boolean
  /** It is closing, or what it leaves behind is being released: `closeTimeout` runs. */
  readonly isUnwinding: boolean
  /** A timer of an operator runs for it. */
  readonly isTimed: boolean
  /** What it fails with, or was aborted with, on its way out. */
  readonly lastFailure: Failure | undefined
  /** Bytes that went to other threads and came from there, and were not counted yet, are. */
  countBytes(): void
  /** What it was opened with. */
  contextParts(): { headers: StreamHeaders | undefined }
  abort(reason: unknown): void
  /** `closeTimeout` has passed. */
  closeTimedOut(): void
}

export class Lease implements Tenant, Timed {
  readonly def: Definition
  readonly row: Row
  readonly scope: AsyncResource
  /** What the option `context` gave. */
  readonly declared: unknown
  /** A timer of ours may settle what is awaited of the stream. */
  readonly timed: boolean
  readonly holder: Holder
  private readonly givenId: string | undefined
  /** The id, where no other open stream of its function may have it. */
  private readonly claimed: string | undefined
  private readonly timers: ClockTimers | undefined
  private readonly unguard: (() => void) | undefined
  /** The signal that had fired before. */
  readonly abortedBy: AbortSignal | undefined
  private ordinal: number
  /** Somebody waits for the end of a function on another thread: its work keeps no process alive by itself. */
  private watched = false
  /** It leaves such a function, which has not said yet whether it goes at once. */
  private leaving = false

  /** Takes a permit or a place in line; throws OverloadedError, or VELO_CONFIG for an id in use. */
  constructor(def: Definition, idleMs: number, { id, isForeign, signal, scope }: LeaseOptions, holder: Holder) {
    // User code, and before anything is taken: it may throw.
    this.declared = def.options.context?.()
    if (signal?.aborted) this.abortedBy = signal
    else if (signal !== undefined) this.unguard = onAbort(signal, () => holder.abort(reasonOf(signal)))
    this.def = def
    this.holder = holder
    this.givenId = id
    this.claimed = isForeign === true ? undefined : id
    this.ordinal = def.isExemplar ? 0 : ++opened
    let slot: number
    try {
      slot = def.isExemplar ? NOBODYS_SLOT : enter(def, idleMs, this.claimed)
    } catch (error) {
      this.unguard?.()
      throw error
    }
    while (id === undefined && lookalikes.size > 0 && lookalikes.has(this.id)) this.ordinal = ++opened
    this.row = new Row(slot, def.sampling)
    if (slot === NOBODYS_SLOT) this.row.state = State.Open
    else tenants[slot] = this
    const { maxDuration, maxStall } = def.options
    this.scope = scope ?? currentScope()
    const { clock } = def.options
    this.timed = (clock === undefined && (idleMs > 0 || maxDuration > 0 || maxStall > 0)) || def.remote
    if (clock !== undefined) this.row.watch = this.timers = new ClockTimers(clock, this)
    if (this.timed) watchExit()
    if (def.remote && !def.isExemplar) remoteLeases.add(this)
    if (def.stages.length > 1 && !def.isExemplar) stagedStreams(1)
  }

  get id(): string {
    return this.givenId ?? `${this.def.options.name}${tag}${this.ordinal}`
  }

  get idleMs(): number {
    return this.holder.mode.idleMs
  }

  get maxDuration(): number {
    return this.def.options.maxDuration
  }

  get maxStall(): number {
    return this.def.options.maxStall
  }

  /** Its mode is there: a clock of its own starts. */
  begin(): void {
    if (this.row.state !== State.Waiting) this.timers?.open()
  }

  /** `closeTimeout` begins. */
  armClose(): void {
    const { closeTimeout } = this.def.options
    if (this.timers === undefined) native.arm(this.row.slot, Timer.Close, closeTimeout)
    else this.timers.close(closeTimeout)
  }

  processEnds(): void {
    this.holder.mode.processEnds?.()
  }

  countStages(): void {
    this.holder.driver.countStages()
  }

  giveUp(reason: unknown = drained(this.id)): void {
    this.holder.abort(reason)
  }

  verdict(kind: number, seen: number): void {
    const { holder, row } = this
    const { maxDuration, maxStall } = this.def.options
    if (kind === Verdict.Admitted) {
      if (row.state !== State.Waiting) return
      row.state = State.Open
      this.timers?.open()
      holder.mode.admitted()
    } else if (kind === Verdict.Idle) {
      // Whether the row still says so is for Rust to see; it knows nothing of what comes here, and this side may not know of the admission.
      if (row.state !== State.Waiting && !this.isFed()) this.stopInput(step(row.slot, Trigger.Idle))
    } else if (kind === Verdict.Duration) {
      holder.abort(lastedTooLong(this.id, maxDuration))
    } else if (kind === Verdict.Stall) {
      if (this.isStalled(seen)) holder.abort(stalled(this.id, maxStall))
    } else if (kind === Verdict.Close) {
      holder.closeTimedOut()
    }
  }

  holdsProcess(): boolean {
    const { holder, row } = this
    if (!holder.mode.isAwaited && !holder.isClosing && !this.watched && !this.leaving) return false
    // A clock of the user's own settles nothing by itself.
    if (this.timers !== undefined) return holder.driver.isBusyElsewhere
    if (holder.isUnwinding) return true // closeTimeout
    // What a function does on another thread keeps no process alive by itself.
    if (holder.driver.isBusyElsewhere || holder.isTimed) return true
    const { maxDuration, maxStall } = this.def.options
    if (maxDuration > 0 && row.state !== State.Waiting) return true
    if (row.state === State.Open && holder.mode.idleMs > 0 && this.isSilent()) return true
    return maxStall > 0 && this.isStalled(row.read)
  }

  /** Somebody waits for its end, and what it does until then on another thread keeps no process alive by itself. */
  watch(): void {
    if (!this.def.remote || this.watched || this.row.state === State.Closed) return
    this.watched = true
    waitBegins()
  }

  /** It leaves a function on another thread: an end that needs nothing but the way there and back is waited for. */
  leaves(): void {
    if (this.leaving || this.row.state === State.Closed) return
    this.leaving = true
    waitBegins()
  }

  /** Whatever the function does now is its own business. */
  hasLeft(): void {
    if (this.leaving) waitEnds()
    this.leaving = false
  }

  /** Gives everything back; answers what was dropped. */
  vacate(): StreamEnd['dropped'] {
    tenants[this.row.slot] = undefined
    if (this.def.remote) remoteLeases.delete(this)
    if (this.def.stages.length > 1) stagedStreams(-1)
    this.timers?.end()
    const dropped = this.row.vacate()
    if (this.claimed !== undefined) unclaim(this.def, this.claimed)
    this.unguard?.()
    this.hasLeft()
    if (this.watched) waitEnds()
    this.watched = false
    return dropped
  }

  /** Results wait, and nobody has read one since `read` were. */
  private isStalled(read: number): boolean {
    return this.holder.mode.hasUnread && this.row.read === read
  }

  /** Rust agrees that it is idle, or does not. */
  private stopInput(packed: number): void {
    if (((packed >> 8) & Effect.StopInput) === 0) return
    this.row.state = packed & 15
    this.holder.mode.idle()
  }

  /** Sends wait, or a stage works, which the first one does not show: stages on other threads run ahead of those that come after them. That is no silence. */
  isFed(): boolean {
    const { holder } = this
    return holder.mode.isSending || holder.mode.isFeeding === true || (this.def.remote && !holder.driver.awaitsEvent)
  }

  private isSilent(): boolean {
    return !this.isFed() && this.row.isWaiting
  }
}
