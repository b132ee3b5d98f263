// What is thrown across threads arrives as a copy. What came from here and comes back is the very object it was: it travels with a number.

import { packFailure, unpackFailure } from './failure.js'
import type { Thrown } from './protocol.js'

export class Thrower {
  private readonly originals: unknown[] = []

  /** Something thrown here, on its way to the function. */
  known(error: unknown): Thrown {
    return { packed: packFailure(error), token: this.originals.push(error) - 1 }
  }

  /** Something thrown there. */
  catch({ packed, token }: Thrown): unknown {
    return token === undefined ? unpackFailure(packed) : this.originals[token]
  }
}
