// Where whatever waits gets the time from: the machine, or a clock that a test moves.

import { callable, configError } from './check.js'

/** A source of time and timers. `virtualClock()` of `velo-stream/testing` is one that moves only when it is told to. */
export interface Clock {
  /** ms since some moment in the past; never goes back. */
  now(): number
  /** Calls `callback` once after `ms`; answers a handle for `clearTimeout`. */
  setTimeout(callback: () => void, ms: number): unknown
  /** Forgets a timer that has not fired. */
  clearTimeout(handle: unknown): void
}

/** The clock of the machine. Its timers keep the process alive, because somebody waits for what they do. */
export const machineClock: Clock = {
  now: () => performance.now(),
  setTimeout: (callback, ms) => setTimeout(callback, ms),
  clearTimeout: (handle) => clearTimeout(handle as NodeJS.Timeout),
}

/** A clock, that of the machine where it was left out. Throws `VELO_CONFIG` for what is none. */
export function clockOf(value: Clock | undefined, field: string): Clock {
  if (value === undefined) return machineClock
  if (typeof value !== 'object' || value === null) throw configError(field, 'a clock ({ now, setTimeout, clearTimeout })', value)
  for (const name of ['now', 'setTimeout', 'clearTimeout'] as const) callable((value as Partial<Clock> | null)?.[name], `${field}.${name}`)
  return value
}
