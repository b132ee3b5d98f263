// What became of events that the journal refused: a store that fails may have kept them all the same. Until it says what is there, nothing is appended in their place,
// where it would be passed over as a repeat.

import type { Failure } from '../../../kit/errors.js'
import type { EventRecord, Journal, Ownership } from '../../journal.js'

/** Events read at a time. */
const PAGE = { events: 256, bytes: 1 << 20 }

export interface DoubtOwner {
  /** Index of the next event. */
  readonly next: number
  readonly store: { readonly journal: Journal; readonly own: Ownership } | undefined
  /** These are there, from `next` on. */
  adopt(records: readonly EventRecord[]): void
  /** The journal has said it, or does not. */
  answered(failure: Failure | undefined): void
}

export class Doubt {
  /** Nobody knows what is there behind `next`. */
  isOpen = false
  private isAsking = false
  private readonly owner: DoubtOwner

  constructor(owner: DoubtOwner) {
    this.owner = owner
  }

  /** Asks the journal, where there is a doubt. */
  async settle(): Promise<void> {
    const { owner } = this
    const { store } = owner
    if (!this.isOpen || this.isAsking || store === undefined) return
    this.isAsking = true
    let failure: Failure | undefined
    try {
      while (this.isOpen && owner.store === store) {
        const records = await store.journal.read(store.own, owner.next, PAGE)
        if (owner.store !== store) break
        if (records.length > 0) owner.adopt(records)
        else this.isOpen = false
      }
    } catch (error) {
      failure = { error }
    }
    this.isAsking = false
    owner.answered(failure)
  }
}
