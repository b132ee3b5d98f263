// The timers of a stream whose function has a clock of its own (option `clock`): to it they are what the timers of Rust are to others, and say the same
// verdicts. Rust still bears out that a stream is idle. Not here: what a verdict leads to (lease.ts).

import type { Clock } from '../kit/clock.js'
import { State, Verdict } from './border/law.js'
import { native } from './border/native.js'
import type { Row, RowWatch } from './border/row.js'

/** Whose timers they are. */
export interface Timed {
  readonly row: Row
  /** ms of the idle timer in force, 0 = none. */
  readonly idleMs: number
  readonly maxDuration: number
  readonly maxStall: number
  /** Some stage runs on another thread, and says nothing of its waits here. */
  readonly def: { readonly remote: boolean }
  /** Sends wait, or a stage works. */
  isFed(): boolean
  verdict(kind: number, seen: number): void
  /** Its clock threw. */
  giveUp(reason: unknown): void
}

export class ClockTimers implements RowWatch {
  private readonly clock: Clock
  private readonly timed: Timed
  /** Handles of the clock, by verdict. */
  private readonly armed = new Map<number, unknown>()
  private waitingSince = 0
  private unreadSince = 0
  /** What had been delivered when it was last looked at, and whether a stage was at work then. */
  private delivered = 0
  private wasFed = false

  constructor(clock: Clock, timed: Timed) {
    this.clock = clock
    this.timed = timed
  }

  /** It has a permit: its clocks start. */
  open(): void {
    const { idleMs, maxDuration, maxStall } = this.timed
    this.waitingSince = this.now()
    if (idleMs > 0) this.arm(Verdict.Idle, idleMs)
    if (maxDuration > 0) this.arm(Verdict.Duration, maxDuration)
    if (maxStall > 0) this.arm(Verdict.Stall, maxStall)
  }

  waits(): void {
    this.waitingSince = this.now()
  }

  unread(): void {
    this.unreadSince = this.now()
  }

  /** `closeTimeout` begins. */
  close(ms: number): void {
    this.arm(Verdict.Close, ms)
  }

  /** The stream is over. */
  end(): void {
    for (const handle of this.armed.values()) this.guarded(() => this.clock.clearTimeout(handle))
    this.armed.clear()
  }

  private now(): number {
    let now = 0
    this.guarded(() => {
      now = this.clock.now()
    })
    return now
  }

  /** A clock is foreign code: one that throws fails the stream, and nobody who only wants to wait. */
  private guarded(call: () => void): void {
    try {
      call()
    } catch (error) {
      queueMicrotask(() => this.timed.giveUp(error))
    }
  }

  private arm(kind: number, ms: number): void {
    const before = this.armed.get(kind)
    this.guarded(() => {
      if (before !== undefined) this.clock.clearTimeout(before)
      this.armed.set(
        kind,
        this.clock.setTimeout(() => this.fire(kind), ms),
      )
    })
  }

  private fire(kind: number): void {
    if (!this.armed.delete(kind)) return
    const { timed } = this
    if (kind === Verdict.Idle) return this.lookIdle()
    if (kind === Verdict.Stall) return this.lookStalled()
    timed.verdict(kind, 0)
  }

  private lookIdle(): void {
    const { row, idleMs, def } = this.timed
    if (idleMs === 0 || row.state !== State.Open) return
    const now = this.now()
    const isFed = this.timed.isFed()
    if (def.remote && (isFed || this.wasFed || row.delivered !== this.delivered)) this.waitingSince = now
    this.delivered = row.delivered
    this.wasFed = isFed
    const due = row.isWaiting ? this.waitingSince + idleMs : now + idleMs
    // Armed again: should the verdict be void, the timer goes on.
    this.arm(Verdict.Idle, due > now ? due - now : idleMs)
    if (due > now) return
    native.silent(row.slot)
    this.timed.verdict(Verdict.Idle, row.delivered)
  }

  private lookStalled(): void {
    const { row, maxStall } = this.timed
    const now = this.now()
    const due = this.unreadSince + maxStall
    this.arm(Verdict.Stall, due > now ? due - now : maxStall)
    if (due <= now) this.timed.verdict(Verdict.Stall, row.read)
  }
}
