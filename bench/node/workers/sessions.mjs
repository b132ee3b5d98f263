// The caller's side of the worker people write by hand for many streams at once (sessions-peer.mjs): no bounds, no errors, no way to end one early.
import { once } from 'node:events'
import { Worker } from 'node:worker_threads'

/** One stream. */
class Session {
  #id
  #worker
  #answers = []
  #wake = null

  constructor(id, worker) {
    this.#id = id
    this.#worker = worker
  }

  send(value) {
    this.#worker.postMessage({ id: this.#id, value })
  }

  end() {
    this.#worker.postMessage({ id: this.#id, end: true })
  }

  /** The next answer, the last of which has `done`. */
  recv() {
    if (this.#answers.length > 0) return Promise.resolve(this.#answers.shift())
    return new Promise((resolve) => (this.#wake = resolve))
  }

  heard(answer) {
    const wake = this.#wake
    this.#wake = null
    if (wake === null) this.#answers.push(answer)
    else wake(answer)
  }
}

export class Sessions {
  #worker
  #open = new Map()
  #opened = 0

  static async start() {
    const worker = new Worker(new URL('./sessions-peer.mjs', import.meta.url))
    await once(worker, 'online')
    return new Sessions(worker)
  }

  /** Use `start`. */
  constructor(worker) {
    this.#worker = worker
    worker.on('message', (answer) => {
      this.#open.get(answer.id).heard(answer)
      if (answer.done === true) this.#open.delete(answer.id)
    })
  }

  open() {
    const id = ++this.#opened
    const session = new Session(id, this.#worker)
    this.#open.set(id, session)
    return session
  }

  /** One event, its result, the end. */
  async one(event) {
    const session = this.open()
    session.send(event)
    const { value } = await session.recv()
    session.end()
    await session.recv()
    return value
  }

  /** All of them, and their results. */
  async all(events) {
    const session = this.open()
    for (const event of events) session.send(event)
    session.end()
    const results = []
    for (let answer = await session.recv(); answer.done !== true; answer = await session.recv()) results.push(answer.value)
    return results
  }

  stop() {
    return this.#worker.terminate()
  }
}
