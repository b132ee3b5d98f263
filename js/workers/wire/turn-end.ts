// What is left to do when the turn of the event loop comes to its end: batches are sent, and what was taken is told. One tick for all, since each costs.

export interface Turning {
  /** The turn is at its end. */
  turnEnds(): void
}

const ending: Turning[] = []

/** Calls `turnEnds` of `one` after everything that runs now; once for each time. */
export function atTurnEnd(one: Turning): void {
  if (ending.push(one) === 1) process.nextTick(endTurn)
}

function endTurn(): void {
  let at = 0
  try {
    // What a call adds is called as well.
    for (; at < ending.length; at++) (ending[at] as Turning).turnEnds()
  } finally {
    // Whoever comes after one that throws is not forgotten.
    if (at < ending.length) ending.splice(0, at + 1)
    else ending.length = 0
    if (ending.length > 0) process.nextTick(endTurn)
  }
}
