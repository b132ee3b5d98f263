// What is thrown across threads arrives as a copy. What came from here and comes back is the very object it was: it travels with a number.

import { packFailure, unpackFailure } from '../codec/graph/failure.js'
import { KNOWN_ERRORS, type Thrown } from '../wire/protocol.js'

export class SentErrors {
  /** By token; the oldest ones are forgotten, and come back as copies. */
  private readonly originals = new Map<number, unknown>()
  private tokens = 0

  /** Something thrown here, on its way to the function. */
  send(error: unknown): Thrown {
    const token = this.tokens++
    this.originals.set(token, error)
    this.originals.delete(token - KNOWN_ERRORS)
    return { packed: packFailure(error), token }
  }

  /** Something thrown there. */
  receive({ packed, token }: Thrown): unknown {
    return token !== undefined && this.originals.has(token) ? this.originals.get(token) : unpackFailure(packed)
  }
}
