// What a test and its function tell each other, wherever the function runs: gates, probes, and functions of the test. Each knows the text that
// stands for it in a module on a worker; on the test's own thread it is used as it is.

import { remote, serve } from './bridge.mjs'
import { deferred } from './deferred.mjs'

/** Method that answers the text of an object in a module; that text may use `remote` of bridge.mjs. */
export const TEXT = Symbol('text')

/** Opened once, by either side: `promise` resolves with what `open(value)` was given. */
class Gate {
  constructor() {
    const { promise, resolve } = deferred()
    this.promise = promise
    this.open = (value) => resolve(value)
  }

  [TEXT]() {
    return `{ promise: ${remoteText(() => this.promise)}(), open: ${remoteText(this.open)} }`
  }
}

/** The function says what it saw; the test reads it in that order. */
class Probe {
  /** All that was said. */
  seen = []
  #read = 0
  #waiting = []

  saw = (value) => {
    this.seen.push(value)
    this.#waiting.shift()?.()
  }

  /** The next that was not read yet, waiting for it if need be. */
  async next() {
    const index = this.#read++
    if (index >= this.seen.length) await new Promise((resolve) => this.#waiting.push(resolve))
    return this.seen[index]
  }

  [TEXT]() {
    return `{ saw: ${remoteText(this.saw)} }`
  }
}

const remoteText = (fn) => `${remote.name}(${serve(fn)})`

export const gate = () => new Gate()
export const probe = () => new Probe()

/** `fn` of the test, to be called by a function: on a worker it answers a promise. */
export const callback = (fn) => Object.assign((...args) => fn(...args), { [TEXT]: () => remoteText(fn) })
