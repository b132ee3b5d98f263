// The input of a live stream on this thread, also for what is fed into it: a source that keeps pace with the function is handed over promise by promise, which
// saves one of ours an event, and a harness takes what waits here without any. Not here: who pulls the source (api/pump.ts).

import { Input } from './input.js'

/** A source that is fed into the stream, and pulled one event ahead of the function. */
export interface Fed<In> {
  /** The event that was pulled ahead and not accepted yet, as its source gave it. */
  readonly ready: Promise<IteratorResult<In, undefined>> | null
  /** It was accepted: on to the next. */
  taken(): void
}

export class FedInput<In> extends Input<In> {
  /** Only where there is no schema. */
  fed: Fed<In> | null = null

  override next(): Promise<IteratorResult<In, undefined>> {
    const { fed } = this
    if (fed === null || fed.ready === null || this.buffered.length > 0 || !this.isFree()) return super.next()
    // Nothing waits, so there is room.
    if (this.credits === 0) this.refill()
    this.credits--
    this.row.accept()
    this.row.deliver()
    const event = fed.ready
    fed.taken()
    return event
  }

  /** An event that waits here, at once, or `null`: for a harness. Half a buffer makes room together: its senders do not look at how far the function is. */
  takeNow(): IteratorResult<In, undefined> | null {
    const { buffered } = this
    if (buffered.length === 0) return null
    const value = buffered.shift()
    this.row.deliver()
    if (buffered.length <= this.owner.buffer >> 1) this.open()
    return { value, done: false }
  }

  /** Hands what the source gave to the function as it is. False where the function does not wait for it. */
  hand(result: IteratorResult<In, undefined>): boolean {
    const { resolve } = this
    if (resolve === null || this.more !== null || !this.isFree() || (this.credits === 0 && !this.refill())) return false
    this.credits--
    this.row.accept()
    this.resolve = null
    this.row.deliverAwaited()
    resolve(result)
    return true
  }

  /** Neither does an event wait for the function, nor the function for one. */
  get isIdle(): boolean {
    return this.buffered.length === 0 && !this.sending && this.resolve === null
  }
}
