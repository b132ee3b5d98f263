// Where things come from that are thrown through a function on a worker thread: what came from the caller, or from the stage before, goes on as what it was.

import { packFailure, unpackFailure } from '../codec/graph/failure.js'
import { KNOWN_ERRORS, type Thrown } from '../wire/protocol.js'

export class ReceivedErrors {
  private readonly foreign: { error: unknown; thrown: Thrown }[] = []

  /** Something thrown elsewhere, as the function gets it. */
  receive(thrown: Thrown): unknown {
    const error = unpackFailure(thrown.packed)
    if (this.foreign.push({ error, thrown }) > KNOWN_ERRORS) this.foreign.shift()
    return error
  }

  /** Something on its way out; `stage` threw it, unless it is known to be another one's. */
  send(error: unknown, stage: number | undefined): Thrown {
    const known = this.foreign.find((one) => Object.is(one.error, error))?.thrown
    if (known?.token === undefined) return { packed: packFailure(error), stage: known?.stage ?? stage }
    return { ...known, stage: known.stage ?? stage }
  }
}
