// Ctrl-C and SIGTERM, in two steps: the first ends the input, so that the function finishes and its results are written; the second, or
// too long a wait, aborts it. Where a function keeps the main thread, which hears of no signal then, the second one ends the process, and SIGTERM does after that wait.

import { runtime } from '../index.js'
import { guardSignals, type SignalGuard } from '../kit/signals/signal-guard.js'
import { Exit } from './failure.js'

/** How long a function may take to finish behind the first signal, ms. */
const GRACE_MS = 5000
/** How long the main thread may take to hear of a second signal, ms. */
const PATIENCE_MS = 500

/** Watches for signals until it is disposed of. */
export class Interrupt {
  readonly #abort = new AbortController()
  readonly #stops = new Set<() => void>()
  #timer: NodeJS.Timeout | undefined
  readonly #guard: SignalGuard
  /** The exit code that the signal means; `undefined` while there was none. */
  code: number | undefined

  constructor() {
    process.on('SIGINT', this.#onSignal)
    process.on('SIGTERM', this.#onSignal)
    this.#guard = guardSignals(runtime, { first: GRACE_MS, again: PATIENCE_MS })
  }

  /** Fires at the second step. */
  get signal(): AbortSignal {
    return this.#abort.signal
  }

  /** Calls `stop` at the first step, at once if that is over; answers what takes it back. */
  onStop(stop: () => void): () => void {
    if (this.code !== undefined) stop()
    this.#stops.add(stop)
    return () => this.#stops.delete(stop)
  }

  /** The command is about to end. One more signal after those that ended it does not change its exit code. */
  dispose(): void {
    clearTimeout(this.#timer)
    this.#guard.dispose()
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      if (this.code !== undefined) process.on(signal, ignore)
      process.off(signal, this.#onSignal)
    }
  }

  readonly #onSignal = (signal: NodeJS.Signals): void => {
    this.#guard.heard()
    const again = this.code !== undefined
    this.code ??= signal === 'SIGTERM' ? Exit.terminated : Exit.interrupted
    if (again) return this.#abort.abort()
    this.#timer = setTimeout(() => this.#abort.abort(), GRACE_MS)
    for (const stop of this.#stops) stop()
  }
}

function ignore(): void {}
