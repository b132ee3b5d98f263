// Turns of the event loop on a worker thread. A function whose input never runs dry lives in microtasks: without a break no command would reach it, no timer
// of its own would fire, and no other stream on the thread would move.

/** ms that streams may go on in one turn. */
const TURN_MS = 4

let began = 0
let waiting: (() => void)[] = []

/** A turn begins. */
export function turnBegins(): void {
  began = performance.now()
}

/** Whether this turn has lasted long enough. */
export function isOvertime(): boolean {
  return performance.now() - began > TURN_MS
}

/** Calls `go` in the next turn. */
export function nextTurn(go: () => void): void {
  if (waiting.length === 0) setImmediate(goOn)
  waiting.push(go)
}

function goOn(): void {
  const going = waiting
  waiting = []
  turnBegins()
  for (const go of going) go()
}
