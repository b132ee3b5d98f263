// Latency of one event in SAMPLE_EVERY: from its acceptance to the moment the function asks for the next one (processing), and to the moment
// the first result after it is taken. One sample is under way at a time in a stream. A clock read per event would cost a fifth of the path, and two calls and
// three clock reads in every stream a tenth of a short one: the events of a function are counted across its streams.

import { SAMPLE_EVERY } from './law.js'
import { native } from './native.js'

/** A build flag: off, it removes what only metrics need (counts, samples), so that a benchmark can show their price. */
export const COUNTERS = true

/** `((count + phase) & SAMPLE_MASK) === 1` picks the events of a stream that are timed; `phase` says how many came before in other streams of the function. */
export const SAMPLE_MASK = SAMPLE_EVERY - 1

/** How many events the streams of a function have had, as far as its samples go by that: the first one is timed. */
export class Sampling {
  private events = 0

  /** A stream opens: its phase. It counts for one event until it ends, so that streams that are open at once do not all time the same one. */
  opens(): number {
    const phase = this.events
    this.events = (phase + 1) & SAMPLE_MASK
    return phase
  }

  /** It has ended, after so many events. */
  ends(accepted: number): void {
    this.events = (this.events + accepted - 1) & SAMPLE_MASK
  }
}

const PROCESSING = 0
const RESULT = 1

export class Probe {
  /** Ordinal of the event that is timed: 0 = none, -1 = it was processed and its result is awaited. */
  event = 0
  /** Ordinal of its result once there is one; 0 before, -1 when that was taken while the function still works on the event. */
  result = 0
  #since = 0

  /** Event number `ordinal` was accepted. */
  accepted(ordinal: number): void {
    if (this.event !== 0) return
    this.event = ordinal
    this.#since = performance.now()
  }

  /** The function asks for the event after the one that is timed. */
  asked(slot: number): void {
    native.sample(slot, PROCESSING, (performance.now() - this.#since) * 1000)
    if (this.result > 0) {
      this.event = -1
    } else {
      this.event = this.result = 0 // no result came of it, or it was taken: nothing more to time
    }
  }

  /** Result number `ordinal` came of the event that is timed. */
  yielded(ordinal: number): void {
    this.result = ordinal
  }

  /** That result was taken. */
  read(slot: number): void {
    native.sample(slot, RESULT, (performance.now() - this.#since) * 1000)
    if (this.event > 0) {
      this.result = -1 // further results are not those of the event
    } else {
      this.event = this.result = 0
    }
  }
}
