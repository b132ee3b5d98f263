// The worker people write by hand for many streams at once: a generator for each number, behind `postMessage`. Owns: the thread's side; the caller's is in sessions.mjs.
// A message is `{ id, value }`, or `{ id, end: true }`; the answers are `{ id, value }` and `{ id, done: true }`.
import { parentPort } from 'node:worker_threads'
import { sums } from './functions.mjs'

/** What a generator iterates: an array and one waiting promise. */
class Inbox {
  #events = []
  #ended = false
  #wake = null

  next() {
    if (this.#events.length > 0) return Promise.resolve({ value: this.#events.shift(), done: false })
    if (this.#ended) return Promise.resolve({ value: undefined, done: true })
    return new Promise((resolve) => (this.#wake = resolve))
  }

  [Symbol.asyncIterator]() {
    return this
  }

  push(value) {
    if (this.#wake === null) this.#events.push(value)
    else this.#hand({ value, done: false })
  }

  end() {
    this.#ended = true
    if (this.#wake !== null) this.#hand({ value: undefined, done: true })
  }

  #hand(result) {
    const wake = this.#wake
    this.#wake = null
    wake(result)
  }
}

const inboxes = new Map()

async function serve(id, inbox) {
  for await (const value of sums(inbox)) parentPort.postMessage({ id, value })
  parentPort.postMessage({ id, done: true })
}

parentPort.on('message', ({ id, value, end }) => {
  let inbox = inboxes.get(id)
  if (inbox === undefined) {
    inbox = new Inbox()
    inboxes.set(id, inbox)
    void serve(id, inbox)
  }
  if (end !== true) return inbox.push(value)
  inboxes.delete(id)
  inbox.end()
})
