// A session that is through with an event some turns of the microtask queue before another one hears that what it has done is stored. Each number of turns is tried, so that one of them is the moment in between.

import { streamFn } from 'velo-stream'
import { within } from './within.mjs'

const MOST = 40
const SOON = 10_000

export class Turns {
  /** Turns between an answer of the broker and the end of the other's work. */
  #count = 0
  #onEntered = () => {}
  #onOpened = () => {}
  #opened
  #isArmed = false

  /** Its events are `{ waits }`: those that wait are through with the next answer of the broker. */
  get fn() {
    const self = this
    const waiting = async function* waiting(events) {
      for await (const { waits } of events) {
        if (waits) {
          self.#onEntered()
          await self.#opened
          for (let turn = 0; turn < self.#count; turn++) await undefined
        }
        yield waits
      }
    }
    return streamFn(waiting, { state: { initial: () => ({}), version: 1 } })
  }

  /** What the broker answers to a step, or to something else. */
  async answered(answer, isStep) {
    const value = await answer
    if (!isStep || !this.#isArmed) return value
    this.#isArmed = false
    this.#onOpened()
    return value
  }

  /** `tell(key, event)` settles when the results of the event are there. Answers the numbers of turns with which that did not happen. */
  async all(tell) {
    const lost = []
    for (this.#count = 0; this.#count < MOST && lost.length === 0; this.#count++) {
      const entered = new Promise((resolve) => {
        this.#onEntered = resolve
      })
      this.#opened = new Promise((resolve) => {
        this.#onOpened = resolve
      })
      const one = tell('one', { waits: true })
      await within(SOON, entered, 'a session at work')
      this.#isArmed = true
      const other = tell('other', { waits: false })
      await within(SOON, Promise.all([one, other]), 'results').catch(() => lost.push(this.#count))
    }
    return lost
  }
}
