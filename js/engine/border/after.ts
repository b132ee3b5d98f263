// One timer that keeps a wait bounded: Rust's, or that of a clock of the user's own.

import type { Clock } from '../../kit/clock.js'
import { cancelTimer, setTimer } from './mailbox.js'

/** Calls `fire` once after `ms`; answers how to take that back. */
export function after(ms: number, fire: () => void, clock: Clock | undefined): () => void {
  if (clock === undefined) {
    const timer = setTimer(ms, fire)
    return () => cancelTimer(timer)
  }
  const handle = clock.setTimeout(fire, ms)
  return () => clock.clearTimeout(handle)
}
