// Durable streams that another process left, and whose clients may come back to this one. Owns how long they are waited for: a stream to which nobody came back is removed, as it would have
// been there. Only streams of clients: what was opened under an id of its own belongs to somebody else.

import type { StreamFunction } from '../../index.js'
import { isOfClient } from '../../kit/keeping/client-ids.js'
import { silence } from '../../kit/promises.js'

/** A durable function, and how long its clients may stay away, ms. */
export interface Awaited {
  readonly fn: StreamFunction<never, unknown>
  readonly grace: number
}

export class LeftBehind {
  /** Ids by the name of their function. */
  readonly #ids = new Map<string, Set<string>>()
  readonly #timers: NodeJS.Timeout[] = []

  /** Reads which streams there are. Rejects with what a journal says. */
  async await(functions: readonly Awaited[]): Promise<void> {
    const graces = new Map<string, number>()
    for (const { fn, grace } of functions) graces.set(fn.name, Math.max(grace, graces.get(fn.name) ?? 0))
    for (const { fn } of functions) {
      if (this.#ids.has(fn.name)) continue
      const ids = new Set((await fn.unfinished()).map(({ id }) => id).filter(isOfClient))
      this.#ids.set(fn.name, ids)
      if (ids.size > 0) this.#timers.push(setTimeout(() => this.#giveUp(fn, ids), graces.get(fn.name)).unref())
    }
  }

  /** A stream is opened: its client is back. */
  opened(name: string, id: string | undefined): void {
    if (id !== undefined) this.#ids.get(name)?.delete(id)
  }

  /** Nothing is removed any more. */
  stop(): void {
    for (const timer of this.#timers) clearTimeout(timer)
    this.#ids.clear()
  }

  #giveUp(fn: StreamFunction<never, unknown>, ids: Set<string>): void {
    for (const id of ids) silence(fn.discard(id))
    ids.clear()
  }
}
