// The time between two transactions of a producer: the broker refuses the next one while it still ends the one before, and the client logs every refusal as an error. So as much time is left as it
// has lately needed, which costs no more than being refused.

import { afterMs } from './outcomes.js'

/** ms that a refused transaction adds, and by how much less is left each time: where some ms are needed, one transaction in twenty is refused and finds out whether less will do. */
const MORE = 1
const LESS = 0.985
const MOST = 20

export class Gap {
  #ms = 0
  #since = 0
  #isRefused = false

  /** A transaction was committed. */
  begin(): void {
    this.#since = performance.now()
    this.#isRefused = false
  }

  /** Resolves when the next one may begin. */
  async over(): Promise<void> {
    const left = this.#since + this.#ms - performance.now()
    if (left <= 0) return
    this.#ms *= LESS
    await afterMs(left)
  }

  /** It was too early. Resolves when it may be tried again. */
  async refused(): Promise<void> {
    if (!this.#isRefused) this.#ms = Math.min(this.#ms + MORE, MOST)
    this.#isRefused = true
    await afterMs(MORE)
  }
}
