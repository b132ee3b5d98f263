// One timer of an operator for one stream: it keeps no process alive that nobody waits in, and whoever waits for the stream waits for it too (rule 18).

import type { StreamContext } from '../../index.js'
import { type Clock, machineClock } from '../../kit/clock.js'
import { TIMING, type Timing } from '../../kit/effects/timing.js'

export class StreamTimer {
  readonly #clock: Clock
  readonly #ctx: StreamContext & Timing
  #handle: unknown
  #isSet = false

  constructor(clock: Clock, ctx: StreamContext) {
    this.#clock = clock
    this.#ctx = ctx
  }

  get isSet(): boolean {
    return this.#isSet
  }

  /** Calls `fire` once after `ms`. Not while it is set. Throws what the clock throws. */
  set(fire: () => void, ms: number): void {
    const fired = (): void => {
      this.#over()
      fire()
    }
    this.#handle = this.#clock.setTimeout(fired, ms)
    if (this.#clock === machineClock) (this.#handle as NodeJS.Timeout).unref()
    this.#isSet = true
    this.#ctx[TIMING]?.(1)
  }

  clear(): void {
    if (!this.#isSet) return
    const handle = this.#handle
    this.#over()
    this.#clock.clearTimeout(handle)
  }

  #over(): void {
    if (!this.#isSet) return
    this.#isSet = false
    this.#handle = undefined
    this.#ctx[TIMING]?.(-1)
  }
}
