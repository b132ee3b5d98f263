// What is kept of a key between events: the state of its function and the outcomes since, how far it is, and how many results it has given. One message.

import type { Kept, Ownership } from '../journal.js'
import { after, bodyOf, type Entry, everythingOf, headOf, seal, unseal } from '../kept/entries.js'
import { KeptStream } from '../kept/kept-stream.js'

interface Head extends Pick<Entry, 'c' | 's' | 'z'> {
  readonly at: number
  readonly seed: number
  /** Sequence of the last event that is done. */
  readonly q: number
  /** Results given. */
  readonly r: number
}

export class KeyState {
  at = 0
  seed = 0
  cursor = 0
  results = 0
  #kept = new KeptStream()

  /** As it is kept; `undefined`: nothing is. */
  constructor(data: Buffer | undefined) {
    if (data === undefined) {
      this.#bear()
      return
    }
    const { head, body } = unseal<Head & Entry>(data)
    this.at = head.at
    this.seed = head.seed
    this.cursor = head.q
    this.results = head.r
    this.#kept = after(new KeptStream(), head, body)
  }

  /** The next life begins here. Events and results are counted from there. */
  told(own: Ownership, events: number): Kept {
    const { outcomes, state } = this.#kept.told()
    const nothing = { hashes: { from: 0, values: new Uint32Array() }, outputs: { from: 0, values: [] }, over: undefined }
    const before = state && { ...state, events: 0, results: 0 }
    return { own, isNew: false, at: this.at, seed: this.seed, first: 0, events, delivered: 0, outcomes, state: before, ...nothing }
  }

  keep({ outcomes, state }: Pick<Parameters<KeptStream['apply']>[0], 'outcomes' | 'state'>): void {
    // A later state is one that comes later, whatever its life has counted.
    const later = state && { ...state, events: (this.#kept.state?.events ?? 0) + 1, results: 0 }
    this.#kept.apply({ ...(outcomes && { outcomes }), ...(later && { state: later }) })
  }

  /** Nothing of the function: the next event begins anew. */
  get isEmpty(): boolean {
    const { state, outcomes } = this.#kept
    return state === undefined && outcomes.size === 0
  }

  /** The function has returned: the next event begins anew. */
  end(): void {
    this.#kept = new KeptStream()
    this.#bear()
  }

  message(): Buffer {
    const { commit, z } = everythingOf(this.#kept)
    const head: Head = { ...headOf(commit), at: this.at, seed: this.seed, q: this.cursor, r: this.results, z }
    return seal(head, bodyOf(commit))
  }

  #bear(): void {
    this.at = Date.now()
    this.seed = Math.floor(Math.random() * Number.MAX_SAFE_INTEGER)
  }
}
