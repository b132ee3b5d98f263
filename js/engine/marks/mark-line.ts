// js/engine/marks: which events of a stream are done, in counts. Knows nothing of sources, sinks and acknowledgements.
//
// Marks that wait until as many results were accepted: each says that so many events are done then. Both numbers only grow.

import { Queue } from '../../kit/queue.js'

/** At so many that wait every other one is left out: what it says is said a little later by the next. */
const MOST = 1024

interface Waiting {
  readonly results: number
  readonly events: number
}

export class MarkLine {
  #waiting = new Queue<Waiting>()
  /** The mark that was reached last. */
  results = 0
  events = 0

  /** A mark that is no news is passed over. */
  add(results: number, events: number): void {
    const last = this.#waiting.last() ?? this
    if (events <= last.events) return
    if (results <= this.results) {
      this.#waiting.clear()
      this.events = events
      return
    }
    this.#waiting.push({ results, events })
    if (this.#waiting.length >= MOST) this.#thin()
  }

  /** So many results were accepted: how many events are done. */
  reach(results: number): number {
    for (let first = this.#waiting.first(); first !== undefined && first.results <= results; first = this.#waiting.first()) {
      this.#waiting.shift()
      this.results = first.results
      this.events = first.events
    }
    return this.events
  }

  /** Keeps every second one, and the youngest. */
  #thin(): void {
    const kept = new Queue<Waiting>()
    for (let n = this.#waiting.length; n > 0; n--) {
      const one = this.#waiting.shift()
      if (n % 2 === 1) kept.push(one)
    }
    this.#waiting = kept
  }
}
