// The same stateful work through Piscina. Owns: the pool, as large as ours, and the loop that carries the state from task to task.
import { Piscina } from 'piscina'

const filename = new URL('./task.mjs', import.meta.url).href

export class Tasks {
  #pool

  /** `threads`: how many. `atOnce`: how many tasks a thread may be handed before it has answered. */
  constructor(threads, atOnce) {
    this.#pool = new Piscina({ filename, minThreads: threads, maxThreads: threads, concurrentTasksPerWorker: atOnce })
  }

  /** So many threads, which have answered once. */
  static async started(threads) {
    const tasks = new Tasks(threads, 1)
    await tasks.through([{ value: 0 }], () => {})
    return tasks
  }

  /** A task needs the state that the one before it left, so a stream is one task after the other; the microseconds of each go to `times`. */
  through = async (events, take, times = []) => {
    let state = { sum: 0 }
    for (const event of events) {
      const start = performance.now()
      const answer = await this.#pool.run({ state, event })
      times.push((performance.now() - start) * 1000)
      state = answer.state
      take(answer.result)
    }
  }

  stop() {
    return this.#pool.destroy()
  }
}
