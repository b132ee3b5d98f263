// Messages that may kill the process that works on them: delivered so often without an end, they are given one at a time, in order, and none beside them is fetched, so that
// none beside them counts a delivery more.
//
// Owns: when is worked so, and the wait for a suspect to be through.

import { mustBeAlone } from '../../kit/executions.js'
import type { Delivery } from './delivery.js'

export class Care {
  #since = -Infinity
  #suspect: Delivery | undefined
  #onSettled: (() => void) | undefined
  isOn = false

  /** `isNeeded`: there are messages that came more than once already. */
  begin(isNeeded: boolean): void {
    if (isNeeded) this.#start()
  }

  /** These came. `patience`: ms within which what others had in work would be delivered again. */
  came(deliveries: readonly Delivery[], patience: number): void {
    const suspect = deliveries.find(({ deliveries: count }) => mustBeAlone(count - 1))
    if (suspect !== undefined) {
      this.#suspect = suspect
      this.#start()
    } else if (this.isOn && performance.now() - this.#since > patience) this.isOn = false
  }

  /** Resolves when the last suspect is settled; one that takes longer than `ms` is not waited for. */
  async turn(ms: number): Promise<void> {
    const suspect = this.#suspect
    if (suspect === undefined) return
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms)
      this.#onSettled = () => {
        clearTimeout(timer)
        resolve()
      }
    })
    this.#suspect = undefined
  }

  /** These are settled. */
  settled(deliveries: readonly Delivery[]): void {
    if (this.#suspect === undefined || !deliveries.includes(this.#suspect)) return
    this.#suspect = undefined
    this.#onSettled?.()
  }

  /** Nothing is waited for any more. */
  stop(): void {
    this.#suspect = undefined
    this.#onSettled?.()
  }

  #start(): void {
    this.isOn = true
    this.#since = performance.now()
  }
}
