// What comes from an operator that holds several events, on its way through the steps after it: which of them are done behind those.

import { type Mark, markOf } from '../../kit/marks.js'

export class Passing {
  /** Calls of next(). */
  asked = 0
  /** Values that came, and whether one is waited for. */
  came = 0
  asking = false
  #mark: Mark = { results: 0, events: 0, exact: true }

  arrived(): void {
    this.came++
    this.asking = false
  }

  /** What `events` say, as of the last moment `between` two of them: all that had come was through. */
  mark(events: unknown, between: boolean): Mark | undefined {
    const mark = markOf(events)
    if (mark === undefined) return undefined
    if (between && mark.results === this.came) this.#mark = { ...mark, results: this.asking ? this.asked - 1 : this.asked }
    return this.#mark
  }
}
