// Streams that wait until others have taken or written what fills the room of the process. Owns: when they look again. Nothing tells one stream, or one thread, of
// every byte that another has released, so the waiting ones poll.

/** ms between two looks. */
const POLL_MS = 20

interface Starved {
  /** Looks again; false if it waits no longer. */
  retry(): boolean
}

const starved = new Set<Starved>()
let timer: NodeJS.Timeout | undefined

/** `waiting` looks again soon, those first that have waited longest. */
export function waitForOthers(waiting: Starved): void {
  starved.add(waiting)
  timer ??= setInterval(poll, POLL_MS).unref()
}

function poll(): void {
  for (const one of starved) if (!one.retry()) starved.delete(one)
  if (starved.size > 0) return
  clearInterval(timer)
  timer = undefined
}
