// Where a durable stream is, as soon as its journal was read: long before what is kept has been played, which may take as long as its function likes.

import type { Standing } from '../iteration/pulled.js'
import type { Position, Resumed } from '../types.js'
import type { ByteBudget } from './byte-budget.js'

interface Durable {
  readonly resumed: Promise<Resumed | null>
  readonly position: Position
}

/** Ask for it in the turn in which the stream is opened. Rejects as the stream fails where the journal refuses it. */
export function standingOf(stream: Durable, budget: ByteBudget): Promise<Standing> {
  // Of one that has ended, and of which only the end is kept, nothing is begun.
  const known = stream.resumed.then((resumed) => {
    const { events, results } = stream.position
    return { isNew: resumed === null, isEnded: resumed !== null, events, results }
  })
  return Promise.race([budget.standing(), known])
}
