// What a function on a worker thread gets as `events`: values out of a duct, and waits that end at once when the stream does.

import { native } from '../../engine/border/native.js'
import type { Failure } from '../../kit/errors.js'
import { capture, captured, iterationEnd, type Resolve, rejectWith } from '../../kit/promises.js'
import type { DuctReader } from '../wire/duct-reader.js'
import { Control, type Outcome, Pause } from '../wire/protocol.js'
import type { Tally } from '../wire/tally.js'
import { isOvertime, nextTurn, turnBegins } from './turns.js'

/** Whom the events belong to. */
export interface EventsOwner {
  /** The function is suspended at a `yield`. */
  readonly isHeld: boolean
  /** Nothing is left to do until an event comes. `asks`: the caller must be told. */
  dry(asks: boolean): void
  /** A turn in which events were delivered comes to its end soon. */
  turnEndsLater(): void
  /** The function reads no further event; settles when its source was given back. */
  stopReading(): Promise<void>
  /** What came along with a `Fail`, or the `Threw` of the stage before. */
  failureOf(payload: unknown): unknown
}

export interface EventsOptions {
  /** One event at a time is asked for. */
  lockstep: boolean
  /** It is asked for along with the results. */
  asks: boolean
  buffer: number
  spin: number
  tally: Tally
  /** Number of the stage that reads. */
  index: number
}

export class ThreadEvents implements AsyncIterableIterator<unknown> {
  private readonly reader: DuctReader
  private readonly owner: EventsOwner
  private readonly lockstep: boolean
  private readonly asks: boolean
  /** After so many events one more was asked for along with the results. */
  private askedAfter = -1
  /** After so many events the other side is told, whether it waits or not. */
  private readonly lot: number
  private readonly spin: number
  /** Whether looking for events without sleeping was worth it lately; it is tried again now and then. */
  private lucky = 8
  /** The clock is looked at before an event whose number has none of these bits. */
  private glances = 7
  /** The oldest `next()` that waits, and further ones. */
  private resolve: Resolve | null = null
  private more: Resolve[] = []
  private failure: Failure | null = null
  private over = false
  delivered = 0
  private readonly tally: Tally
  private readonly index: number
  private reported = 0
  private reportedPause: number = Pause.None

  constructor(reader: DuctReader, owner: EventsOwner, { lockstep, asks, buffer, spin, tally, index }: EventsOptions) {
    this.reader = reader
    this.owner = owner
    this.lockstep = lockstep
    this.asks = asks
    this.lot = Math.max(1, buffer >> 1)
    this.spin = spin
    this.tally = tally
    this.index = index
  }

  next(): Promise<IteratorResult<unknown, undefined>> {
    if (this.resolve === null) {
      if (this.reader.length === 0) this.fetch()
      if (this.resolve !== null) return this.behind() // a codec of the user has asked meanwhile
      if (this.reader.length > 0) {
        if ((this.delivered & this.glances) === 0 && this.lingers()) return this.later()
        return Promise.resolve({ value: this.deliver(), done: false })
      }
      const { failure } = this
      this.failure = null
      if (failure !== null) return Promise.reject(failure.error)
      if (this.over) return iterationEnd()
    }
    const promise = new Promise(capture) as Promise<IteratorResult<unknown, undefined>>
    if (this.resolve !== null) {
      this.more.push(captured.resolve)
      return promise
    }
    this.resolve = captured.resolve
    this.wait()
    return promise
  }

  private behind(): Promise<IteratorResult<unknown, undefined>> {
    const promise = new Promise(capture) as Promise<IteratorResult<unknown, undefined>>
    this.more.push(captured.resolve)
    this.wake()
    return promise
  }

  async return(value?: unknown): Promise<IteratorResult<unknown, undefined>> {
    const wasOver = this.over
    this.cut(undefined)
    if (!wasOver) await this.owner.stopReading()
    return { value: (await value) as undefined, done: true }
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return()
  }

  /** Nothing further is delivered: whoever waits gets the failure (the first) or the end. */
  cut(failure: Failure | undefined): void {
    if (this.over) return
    this.over = true
    this.failure = failure ?? null
    this.settle()
    // Given up at once: whoever still sends must not wait for room here.
    this.report()
    this.reader.clear()
    this.reader.part()
  }

  /** The doorbell: there may be a batch. */
  wake(): void {
    if (this.resolve === null) return
    turnBegins()
    if (this.reader.length === 0) this.fetch()
    while (this.resolve !== null && this.reader.length > 0) {
      this.unpark()({ value: this.deliver(), done: false })
      if (this.resolve !== null && this.reader.length === 0) this.fetch()
    }
    if (this.over || this.failure !== null) this.settle()
    if (this.resolve !== null) this.wait()
  }

  /** Tells the other side how far the function has come. */
  report(): void {
    const waits = this.resolve !== null && !this.over
    const pause = waits ? Pause.Event : this.owner.isHeld ? Pause.Room : Pause.None
    if (this.reported === this.delivered && this.reportedPause === pause) return
    this.reported = this.delivered
    this.reportedPause = pause
    this.tally.setPause(this.index, pause)
    this.reader.demand(this.lockstep && waits ? this.delivered + 1 : this.delivered, this.delivered, waits)
  }

  private deliver(): unknown {
    this.delivered++
    if (this.delivered - this.reported >= this.lot && !this.lockstep) this.report()
    this.tally.take(this.index)
    this.owner.turnEndsLater()
    return this.reader.shift()
  }

  /** Whether this turn has lasted long enough. A slow function is looked at more often. */
  private lingers(): boolean {
    const overtime = isOvertime()
    this.glances = overtime ? 0 : Math.min(7, this.glances * 2 + 1)
    return overtime
  }

  /** There are events, but others have waited long enough. */
  private later(): Promise<IteratorResult<unknown, undefined>> {
    const promise = new Promise(capture) as Promise<IteratorResult<unknown, undefined>>
    this.resolve = captured.resolve
    nextTurn(() => this.wake())
    return promise
  }

  /** Nothing is here: the answers go out, the other side is told, and perhaps it is quick. */
  private wait(): void {
    if (this.asks) this.ask()
    else this.owner.dry(false)
    this.report()
    if (this.spin === 0 || --this.lucky === 0) return
    if (this.lucky < 0) {
      if (this.lucky > -64) return
      this.lucky = 1
    }
    if (native.spin(this.reader.duct, this.spin) === 1) {
      this.lucky = 8
      this.wake()
    }
  }

  /** Once for each event. What was taken is told first: there must be room for what is asked for. */
  private ask(): void {
    this.report()
    this.owner.dry(this.askedAfter !== this.delivered)
    this.askedAfter = this.delivered
  }

  /** Takes batches in until there are values, something was thrown, or the end. */
  private fetch(): void {
    const { reader } = this
    try {
      while (!this.over && this.failure === null && reader.length === 0) {
        if (reader.control === Control.None && !reader.pull()) return
        if (reader.length === 0) this.heed()
      }
    } catch (error) {
      // A codec of the user: what comes after cannot be trusted. What came before is still delivered, and nobody must wait to send more.
      this.over = true
      this.failure = { error }
      this.reader.part()
    }
  }

  /** What a batch says after its values. */
  private heed(): void {
    const { control, payload } = this.reader
    this.tally.heed(this.index)
    this.reportedPause = Pause.None
    this.reader.control = Control.None
    this.reader.payload = undefined
    // The stage before was told to leave: so is this one, and its signal fires before it sees the end.
    if (control === Control.Returned && (payload as Outcome).left) return
    // More events may follow what a source threw, nothing follows the end of a stage.
    this.over = control !== Control.None && control !== Control.Fail
    if (control === Control.Fail || control === Control.Threw) this.failure = { error: this.owner.failureOf(payload) }
  }

  private unpark(): Resolve {
    const resolve = this.resolve as Resolve
    this.resolve = this.more.shift() ?? null
    return resolve
  }

  /** Whoever waits gets the failure (the first) or, once it is over, the end. */
  private settle(): void {
    while (this.resolve !== null && (this.over || this.failure !== null)) {
      const resolve = this.unpark()
      const { failure } = this
      this.failure = null
      if (failure !== null) rejectWith(resolve, failure.error)
      else resolve({ value: undefined, done: true })
    }
  }
}
