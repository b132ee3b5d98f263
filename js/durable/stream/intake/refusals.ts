// Entries of which the journal has refused something: whoever sent them hears of it when it is known what the journal has, and so how much of them is kept.

import type { Failure } from '../../../kit/errors.js'
import { type Entry, withAccepted } from './entry.js'

export interface RefusalsOwner {
  /** There were some. */
  refused(): void
  /** The end of the input cannot be kept. */
  fail(error: unknown): void
}

export class Refusals {
  private entries: Entry[] = []
  private readonly owner: RefusalsOwner

  constructor(owner: RefusalsOwner) {
    this.owner = owner
  }

  add(entry: Entry, failure: Failure): void {
    if (entry.failure !== undefined) return
    entry.failure = failure
    this.entries.push(entry)
  }

  /** `next`: index of the next event, with everything that is kept. */
  tell(next: number): void {
    const { entries, owner } = this
    if (entries.length === 0) return
    this.entries = []
    for (const entry of entries) {
      const { error } = entry.failure as Failure
      // Also where all of it is there: a disk that failed may not have it for long.
      entry.failure = { error: withAccepted(error, entry.countBefore(next)) }
      entry.settle()
      if (entry.end) owner.fail(error)
    }
    owner.refused()
  }
}
