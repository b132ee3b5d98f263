// The caller's side of the worker people write by hand (peer.mjs). Owns: the window, which is the backpressure of such code. Each call is a
// stream of its own: a new generator with a new state.
import { once } from 'node:events'
import { Worker } from 'node:worker_threads'

/** Events under way at most. */
const WINDOW = 2048

export class Hand {
  #worker
  #batch
  #transfer
  #window
  #onMessage = null
  #fail = null

  /** `batch`: how many events a message carries, 0 for one event a message as it is. */
  static async start(fn, { batch = 0, transfer = false, window = WINDOW } = {}) {
    const worker = new Worker(new URL('./peer.mjs', import.meta.url), { workerData: { fn, batch, transfer } })
    await once(worker, 'online')
    return new Hand(worker, batch, transfer, window)
  }

  /** Use `start`. */
  constructor(worker, batch, transfer, window) {
    this.#worker = worker
    this.#batch = batch
    this.#transfer = transfer
    this.#window = window
    worker.on('message', (message) => this.#onMessage(message))
    worker.on('error', (error) => this.#fail(error))
  }

  /** Sends every event and hands every result to `take`. */
  through = async (events, take) => {
    await new Promise((resolve, reject) => {
      this.#fail = reject
      if (this.#batch > 0) this.#batches(events, take, resolve)
      else this.#each(events, take, resolve)
    })
    this.#worker.postMessage(null)
  }

  #each(events, take, done) {
    const [worker, transfer] = [this.#worker, this.#transfer]
    let sent = 0
    let received = 0
    const send = () => {
      const event = events.at(sent++)
      if (transfer) worker.postMessage(event, [event.buffer])
      else worker.postMessage(event)
    }
    this.#onMessage = (result) => {
      take(result)
      if (++received === events.length) done()
      else if (sent < events.length) send()
    }
    while (sent < Math.min(this.#window, events.length)) send()
  }

  #batches(events, take, done) {
    let sent = 0
    let received = 0
    const send = () => {
      while (sent < events.length && sent - received + this.#batch <= this.#window) {
        this.#worker.postMessage(events.slice(sent, sent + this.#batch))
        sent = Math.min(sent + this.#batch, events.length)
      }
    }
    this.#onMessage = (results) => {
      for (const result of results) take(result)
      received += results.length
      if (received === events.length) done()
      else send()
    }
    send()
  }

  /** One event in, its result out, then the next; the microseconds of each go to `times`. */
  async pingPong(events, take, times = []) {
    const worker = this.#worker
    for (const event of events) {
      const start = performance.now()
      const result = await new Promise((resolve, reject) => {
        this.#onMessage = resolve
        this.#fail = reject
        worker.postMessage(event)
      })
      times.push((performance.now() - start) * 1000)
      take(result)
    }
    worker.postMessage(null)
  }

  stop() {
    return this.#worker.terminate()
  }
}
