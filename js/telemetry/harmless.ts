// What a tracing system does must do no harm to the stream that it is about: what it throws is told once, and nobody else hears of it.

import { shown } from '../kit/shown.js'

export class Harmless {
  #isTold = false

  /** Does it; `undefined` where it throws. */
  attempt<Value>(work: () => Value): Value | undefined {
    try {
      return work()
    } catch (error) {
      this.tell(error)
      return undefined
    }
  }

  tell(error: unknown): void {
    if (this.#isTold) return
    this.#isTold = true
    process.emitWarning(`what was given to instrument() threw, streams go on without it: ${shown(error)}`, {
      type: 'VeloWarning',
      code: 'velo:trace-failed',
    })
  }
}
