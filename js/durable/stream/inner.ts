// The plain live stream inside a durable one: records go in and come out. It tells the durable stream of each result before anybody reads it, and is no idle stream while
// events are on their way into the journal.

import type { Definition } from '../../engine/definition.js'
import type { LeaseOptions } from '../../engine/lease.js'
import { LiveMode } from '../../engine/modes/live.js'
import { type Failure, TimeoutError } from '../../kit/errors.js'
import { DONE_VOID } from '../../kit/promises.js'
import { Given, type Pulling } from './pulling.js'

export interface InnerOwner {
  /** The journal was read: the function may start. */
  readonly isReady: boolean
  /** Something is on its way to it, or may be at any time. */
  readonly isFeeding: boolean
  /** Something is on its way to it. */
  readonly isKeeping: boolean
  /** A result was made. False: it was given out before, and nobody wants it again. */
  made(record: Uint8Array): boolean
  /** The function waits for somebody to read. */
  heldBack(): void
  /** The function has ended with `failure`, or returned: what the reader gets instead of that. */
  ending(failure: Failure | undefined): Failure | undefined
}

export class Inner extends LiveMode {
  private readonly durable: InnerOwner
  private readonly pulling: Pulling | undefined
  /** A read waits for the function to start. */
  private isWanted = false
  /** Results of an earlier life that come first. */
  private earlier: Uint8Array[] = []
  private onGiven: (() => void) | undefined

  constructor(def: Definition, options: LeaseOptions, pulling: Pulling | undefined, durable: InnerOwner) {
    super(def, options, pulling)
    this.durable = durable
    this.pulling = pulling
  }

  override get isSending(): boolean {
    return super.isSending || this.isKeeping
  }

  get isKeeping(): boolean {
    return this.durable?.isKeeping === true
  }

  get isFeeding(): boolean {
    return this.durable?.isFeeding === true
  }

  override demand(): void {
    if (this.durable?.isReady !== true) this.isWanted = true
    else if (this.giveEarlier()) super.demand()
  }

  /** The journal was read: `earlier` are the results that come before those of the function. Settles when all of them have found room. */
  ready(earlier: readonly Uint8Array[]): Promise<void> {
    this.earlier = [...earlier]
    if (this.giveEarlier()) {
      if (this.isWanted) super.demand()
      return DONE_VOID
    }
    this.durable.heldBack()
    return new Promise((resolve) => void (this.onGiven = resolve))
  }

  override end(failure: Failure | undefined): void {
    super.end(this.durable === undefined ? failure : this.durable.ending(failure))
  }

  /** `maxDuration` and `maxStall` end a run of the function, and not the stream, before everything stored was processed again. */
  override cut(failure: Failure | undefined): void {
    if (failure !== undefined && isLimit(failure)) this.durable?.ending(failure)
    super.cut(failure)
  }

  protected override give(result: IteratorResult<unknown>): void {
    const { value } = result
    if (!this.durable.made(value instanceof Given ? value.record : (value as Uint8Array))) {
      this.row.yield()
      this.row.take(1)
      return
    }
    this.pass(value instanceof Given ? { value: value.value, done: false } : result)
  }

  private pass(result: IteratorResult<unknown>): void {
    super.give(result)
    // The function goes no further until somebody reads.
    if (this.output.unread >= this.buffer) this.durable.heldBack()
  }

  /** False while there is no room for all of them. */
  private giveEarlier(): boolean {
    while (this.earlier.length > 0 && this.output.spend()) {
      const record = this.earlier.shift() as Uint8Array
      this.pass({ value: this.pulling === undefined ? record : this.pulling.give(record).value, done: false })
    }
    if (this.earlier.length > 0) return false
    this.onGiven?.()
    this.onGiven = undefined
    return true
  }
}

function isLimit({ error }: Failure): boolean {
  return (error as { cause?: unknown }).cause instanceof TimeoutError
}
