// Signals that come while the main thread hears of nothing, because a function does not give it back: what the command `velo` asks of the library for its own process, which
// nobody else is offered. The key is one of the whole process.

/** Key of the property of `runtime` that guards. */
export const GUARD_SIGNALS: unique symbol = Symbol.for('velo-stream.guard-signals') as never

/** How long the main thread may take to hear of a signal, ms: of a first SIGTERM, and of one after another. */
export interface SignalPatience {
  readonly first: number
  readonly again: number
}

/** Ends the process where the main thread hears of no signal in time. */
export interface SignalGuard {
  /** It hears of them. */
  heard(): void
  /** Guards no more. */
  dispose(): void
}

/** Begins to guard; after listeners of the signals are there. Nothing on Windows, where the system ends such a process. */
export function guardSignals(runtime: object, patience: SignalPatience): SignalGuard {
  return (runtime as { [GUARD_SIGNALS]: (patience: SignalPatience) => SignalGuard })[GUARD_SIGNALS](patience)
}
