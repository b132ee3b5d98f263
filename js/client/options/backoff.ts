// js/client/options: every option of the client, once: its meaning, its default and its check. Knows nothing of connections.
//
// How long to wait before the next attempt: full jitter, so that the clients of a server that was away do not all come back at once.

import { configError, duration, onlyKnown } from '../../kit/check.js'

/** Attempts after a cut, or while a server cannot be reached. Durations are ms. */
export interface BackoffOptions {
  /** The first wait lies between 0 and this; the next between 0 and twice as much, and so on. Default 250. */
  minMs?: number | undefined
  /** No wait is longer. Keep it well below the `graceMs` of the server. Default 5000. */
  maxMs?: number | undefined
  /** Attempts in a row without anything coming of them, from 0; then it is given up. `Infinity` for no end. Default 20. */
  attempts?: number | undefined
}

/** The same with every default filled in. */
export interface Backoff {
  readonly minMs: number
  readonly maxMs: number
  readonly attempts: number
}

export function backoffOf(options: BackoffOptions | undefined, field: string): Backoff {
  if (options === undefined) return { minMs: 250, maxMs: 5000, attempts: 20 }
  onlyKnown(options, field, ['minMs', 'maxMs', 'attempts'])
  const { attempts = 20 } = options
  if (attempts !== Infinity && !(Number.isInteger(attempts) && attempts >= 0))
    throw configError(`${field}.attempts`, 'an integer from 0 up, or Infinity', attempts)
  return {
    minMs: duration(options.minMs, `${field}.minMs`, 0, 250),
    maxMs: duration(options.maxMs, `${field}.maxMs`, 0, 5000),
    attempts,
  }
}

/** Counts attempts in a row. */
export class Attempts {
  readonly #backoff: Backoff
  /** The last thing that a server said about when to come back, ms. */
  #least = 0
  #count = 0

  constructor(backoff: Backoff) {
    this.#backoff = backoff
  }

  /** Something came of the last one. */
  reset(): void {
    this.#count = 0
  }

  /** The server asks for a wait of at least so many ms before the next one; no more than `maxMs` are granted. */
  askFor(ms: number): void {
    if (ms > 0) this.#least = ms
  }

  /** ms until the next one, or undefined where there is none any more. */
  next(): number | undefined {
    const { minMs, maxMs, attempts } = this.#backoff
    if (this.#count >= attempts) return undefined
    const most = Math.min(maxMs, minMs * 2 ** this.#count++)
    const least = Math.min(maxMs, this.#least)
    this.#least = 0
    return least + Math.random() * Math.max(0, most - least)
  }
}
