// The worker people write by hand: an async generator behind `postMessage`. Owns: the thread's side; the caller's is in hand.mjs.
// `workerData`: `{ fn, batch, transfer }`. A message is an event or, with `batch`, an array of events; null is the end of a stream.
import { parentPort, workerData } from 'node:worker_threads'

const { batch, transfer } = workerData
const { [workerData.fn]: fn } = await import('./functions.mjs')
const never = () => {}

/** What the generator iterates: nothing but an array with a head index and one waiting promise. */
class Inbox {
  #events = []
  #head = 0
  #ended = false
  #wake = null
  #dry

  constructor(dry) {
    this.#dry = dry
  }

  [Symbol.asyncIterator]() {
    return this
  }

  next() {
    if (this.#head < this.#events.length) return Promise.resolve({ value: this.#events[this.#head++], done: false })
    this.#dry()
    if (this.#ended) return Promise.resolve({ value: undefined, done: true })
    return new Promise((resolve) => (this.#wake = resolve))
  }

  push(event) {
    if (this.#wake !== null) this.#hand({ value: event, done: false })
    else {
      this.#tidy()
      this.#events.push(event)
    }
  }

  pushAll(events) {
    this.#tidy()
    if (this.#events.length === 0) this.#events = events
    else for (const event of events) this.#events.push(event)
    if (this.#wake !== null && this.#events.length > 0) this.#hand({ value: this.#events[this.#head++], done: false })
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

  #tidy() {
    if (this.#head < this.#events.length && this.#head < 1024) return
    this.#events = this.#events.slice(this.#head)
    this.#head = 0
  }
}

async function serveEach(inbox) {
  if (transfer) for await (const result of fn(inbox)) parentPort.postMessage(result, [result.buffer])
  else for await (const result of fn(inbox)) parentPort.postMessage(result)
}

/** Answers go back when there are `batch` of them, or when the function has nothing left to do. */
function serveBatches() {
  let results = []
  const flush = () => {
    if (results.length === 0) return
    parentPort.postMessage(results)
    results = []
  }
  const inbox = new Inbox(flush)
  void (async () => {
    for await (const result of fn(inbox)) if (results.push(result) === batch) flush()
    flush()
  })()
  return inbox
}

function serve() {
  if (batch > 0) return serveBatches()
  const inbox = new Inbox(never)
  void serveEach(inbox)
  return inbox
}

let inbox = serve()
parentPort.on('message', (message) => {
  if (message === null) {
    inbox.end()
    inbox = serve()
  } else if (batch > 0) inbox.pushAll(message)
  else inbox.push(message)
})
