// Functions whose sessions get no events for now, as the cluster says at each beat.

import { ALL } from '../names.js'

export class Pauses {
  #names: ReadonlySet<string> = new Set()
  #changed: Promise<void> | undefined
  #release: () => void = () => {}

  set(names: readonly string[]): void {
    if (names.length === this.#names.size && names.every((name) => this.#names.has(name))) return
    this.#names = new Set(names)
    const release = this.#release
    this.#changed = new Promise((resolve) => void (this.#release = resolve))
    release()
  }

  /** What a session of this function waits for; `undefined`: it goes on. */
  holds(name: string): Promise<void> | undefined {
    if (this.#names.size === 0) return undefined
    return this.#names.has(ALL) || this.#names.has(name) ? this.#changed : undefined
  }
}
