// Latency of one event in SAMPLE_EVERY: from its acceptance to the moment the function asks for the next one (processing), and to the moment
// the first result after it is taken. One sample is under way at a time. A clock read per event would cost a fifth of the path.

import { SAMPLE_EVERY } from './law.js'
import { native } from './native.js'

/** A build flag: off, it removes what only metrics need (counts, samples), so that a benchmark can show their price. */
export const COUNTERS = true

/** `(count & SAMPLE_MASK) === 1` picks the events that are timed, the first one among them. */
export const SAMPLE_MASK = SAMPLE_EVERY - 1

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
