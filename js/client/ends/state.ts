// js/client/ends: what becomes of a client: its states, and how it ends. Knows nothing of the wire but codes.
//
// Where a client is, and who is told of it.

/** `'connecting'`: there is no connection, and one is attempted, or its turn is awaited. `'open'`: there is one. `'closed'`: all is over. */
export type ClientState = 'connecting' | 'open' | 'closed'

/** Keeps the state, and tells a listener of the user. */
export class StateOf {
  readonly #listener: ((state: ClientState) => void) | undefined
  #state: ClientState = 'connecting'

  constructor(listener: ((state: ClientState) => void) | undefined) {
    this.#listener = listener
  }

  get now(): ClientState {
    return this.#state
  }

  /** `closed` is final. */
  set(state: ClientState): void {
    if (this.#state === state || this.#state === 'closed') return
    this.#state = state
    try {
      this.#listener?.(state)
    } catch (error) {
      report(error)
    }
  }
}

/** Shows an error of a listener where the console of a browser shows those of its own. */
function report(error: unknown): void {
  try {
    ;(globalThis as { reportError?: (error: unknown) => void }).reportError?.(error)
  } catch {
    // Whoever replaced it has had the error.
  }
}
