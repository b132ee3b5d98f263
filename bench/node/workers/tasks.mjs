// The same stateful work through Piscina. Owns: the pool, as large as ours, and the loop that carries the state from task to task.
import { Piscina } from 'piscina'

const filename = new URL('./task.mjs', import.meta.url).href

export class Tasks {
  #pool

  /** `threads`: how many. `atOnce`: how many tasks a thread may be handed before it has answered. */
  constructor(threads, atOnce) {
    this.#pool = new Piscina({ filename, minThreads: threads, maxThreads: threads, concurrentTasksPerWorker: atOnce })
  }

  /** A task needs the state that the one before it left, so a stream is one task after the other. */
  through = async (events, take) => {
    let state = { sum: 0 }
    for (const event of events) {
      const answer = await this.#pool.run({ state, event })
      state = answer.state
      take(answer.result)
    }
  }

  stop() {
    return this.#pool.destroy()
  }
}
