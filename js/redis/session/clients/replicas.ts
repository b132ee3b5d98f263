// Replicas of the server: how far they are. A connection of its own asks, so that nothing else waits behind it: what it writes comes after all that was answered before, and who has that has
// everything. One question is under way at a time, for all who wait.

import type { Connection } from './connection.js'

export interface ReplicaOptions {
  /** How many must have it. */
  readonly replicas: number
  /** How long they are waited for, ms. */
  readonly ms: number
}

/** ms that the mark is kept. */
const KEPT = 60_000

export class Replicas {
  /** Times that fewer had it when the time was over, or nobody knows how many. */
  missed = 0
  readonly #connection: Connection
  readonly #mark: string
  readonly #options: ReplicaOptions
  /** Counts connections: a question that another one answers says nothing. */
  #connections = 0
  #asking: Promise<void> | undefined
  #next: Promise<void> | undefined

  /** `mark`: a key that may be written. */
  constructor(connection: Connection, mark: string, options: ReplicaOptions) {
    this.#connection = connection
    this.#mark = mark
    this.#options = options
    connection.onReady(() => void this.#connections++)
  }

  /** Settles when the replicas have what was answered so far, or the time is over. */
  reached(): Promise<void> {
    if (this.#asking === undefined) return this.#begin()
    // The question that is under way may have been asked before.
    this.#next ??= this.#asking.then(() => {
      this.#next = undefined
      return this.#begin()
    })
    return this.#next
  }

  close(): void {
    this.#connection.close()
  }

  #begin(): Promise<void> {
    this.#asking = this.#ask().finally(() => {
      this.#asking = undefined
    })
    return this.#asking
  }

  async #ask(): Promise<void> {
    const { replicas, ms } = this.#options
    const late = performance.now() + ms
    for (let left = ms; left > 0; left = late - performance.now()) {
      const at = this.#connections
      const have = await this.#answer(replicas, Math.ceil(left))
      if (at === this.#connections && have >= replicas) return
      // Fewer after all that time, or no answer.
      if (at === this.#connections) break
    }
    this.missed++
  }

  /** How many have it; a server that does not answer has none. */
  async #answer(replicas: number, ms: number): Promise<number> {
    const marked = this.#connection.call('SET', this.#mark, '', 'PX', KEPT)
    const counted = this.#connection.call('WAIT', replicas, ms)
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<number>((resolve) => {
      timer = setTimeout(() => resolve(0), ms + 1000)
    })
    const answers = Promise.all([marked, counted]).then(
      ([, count]) => Number(count),
      () => 0,
    )
    return Promise.race([answers, late]).finally(() => clearTimeout(timer))
  }
}
