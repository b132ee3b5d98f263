// The events of an operator that spreads them over several functions, in the order in which they came: before the oldest one in work all are done.

import { Queue } from '../../kit/queue.js'

/** An event in work, in so many places. */
export class Working {
  places = 1
}

export class InWork {
  readonly #line = new Queue<Working>()
  #taken = 0

  /** An event came; it has a place until `left()`. */
  take(): Working {
    const working = new Working()
    this.#line.push(working)
    this.#taken++
    return working
  }

  /** How many events are done, without one before them that is not. */
  get done(): number {
    while (this.#line.first()?.places === 0) this.#line.shift()
    return this.#taken - this.#line.length
  }

  get isEmpty(): boolean {
    return this.done === this.#taken
  }
}
