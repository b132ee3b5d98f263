// Sources that count what is done to them.

import { Readable } from 'node:stream'
import { ReadableStream } from 'node:stream/web'

/** The integers from 0 up to, not including, `count`. */
export const numbers = (count) => Array.from({ length: count }, (_, i) => i)

class Counted {
  pulls = 0
  returns = 0
  opens = 0
  finished = false
  #iterator
  #fail

  constructor(events, fail) {
    this.#iterator = events[Symbol.iterator]()
    this.#fail = fail
  }

  pull() {
    this.pulls++
    const result = this.#iterator.next()
    if (result.done !== true) return { value: result.value, done: false }
    this.finished = true
    if (this.#fail) throw this.#fail.error
    return { value: undefined, done: true }
  }
}

/** A minimal async iterator over `events`; with `fail`, it throws `fail.error` after them. Counts `opens`, `pulls` and `returns`. */
export function asyncSource(events, { fail } = {}) {
  const source = new Counted(events, fail)
  source[Symbol.asyncIterator] = () => {
    source.opens++
    return source
  }
  source.next = async () => source.pull()
  source.return = async () => {
    source.returns++
    return { value: undefined, done: true }
  }
  return source
}

/** The same as a synchronous iterable. */
export function syncSource(events, { fail } = {}) {
  const source = new Counted(events, fail)
  source[Symbol.iterator] = () => {
    source.opens++
    return source
  }
  source.next = () => source.pull()
  source.return = () => {
    source.returns++
    return { value: undefined, done: true }
  }
  return source
}

/** The same as a Node stream in object mode. `returns` counts a destruction before the end. */
export function readableSource(events, { fail } = {}) {
  const source = new Counted(events, fail)
  const readable = new Readable({
    objectMode: true,
    highWaterMark: 4,
    read() {
      try {
        const { value, done } = source.pull()
        this.push(done ? null : value)
      } catch (error) {
        this.destroy(error)
      }
    },
    destroy(error, done) {
      if (!source.finished) source.returns++
      done(error)
    },
  })
  readable.counts = source
  return readable
}

/** The same as a Web stream. `returns` counts cancellations. */
export function webSource(events, { fail } = {}) {
  const source = new Counted(events, fail)
  const readable = new ReadableStream(
    {
      pull(controller) {
        const { value, done } = source.pull()
        if (done) controller.close()
        else controller.enqueue(value)
      },
      cancel() {
        source.returns++
      },
    },
    { highWaterMark: 0 },
  )
  readable.counts = source
  return readable
}
