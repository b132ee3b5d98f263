// One candidate path over the border: the driver's loop with nothing in it but the crossing. Every candidate imports a copy of its own.
import { average } from './work.mjs'

/**
 * Drives `average` over `array`, crossing once per `batch` events on the way in and once on the way out.
 * `words`, where given, is the control block: four plain stores an event, at `at`.
 */
export async function drive(array, batch, { enter, leave, words, at }) {
  const generator = average(new Events(array, batch, enter, words, at))
  const results = []
  let left = 0
  for (let result = await generator.next(); !result.done; result = await generator.next()) {
    if (left === 0) left = leave(batch)
    left--
    if (words !== undefined) {
      words[at + 4]++
      words[at + 5]++
    }
    results.push(result.value)
  }
  return results
}

class Events {
  #array
  #batch
  #enter
  #words
  #at
  #next = 0
  #left = 0

  constructor(array, batch, enter, words, at) {
    this.#array = array
    this.#batch = batch
    this.#enter = enter
    this.#words = words
    this.#at = at
  }

  [Symbol.asyncIterator]() {
    return this
  }

  next() {
    if (this.#next === this.#array.length) return Promise.resolve({ value: undefined, done: true })
    if (this.#left === 0) this.#left = this.#enter(this.#batch)
    this.#left--
    const words = this.#words
    if (words !== undefined) {
      words[this.#at + 2]++
      words[this.#at + 3]++
    }
    return Promise.resolve({ value: this.#array[this.#next++], done: false })
  }
}
