// The options of `runtime.configure` about what can be seen of streams: the log, functions that are stuck, headers that are not shown.

import { setStuckAfter, watch } from '../../engine/watch.js'
import { configError, duration } from '../../kit/check.js'
import { type Log, logTo } from '../../kit/sight/log.js'
import { redact } from './inspect.js'

const FIELD = 'runtime.configure(options)'
const LEVELS = ['error', 'warn', 'info', 'debug'] as const

export interface Sight {
  log?: Log | null
  stuckAfter?: number
  redact?: readonly string[]
}

/** Checks and sets them; throws `VELO_CONFIG`, and then nothing is set. */
export function configureSight({ log, stuckAfter, redact: names }: Sight): void {
  if (log !== undefined && log !== null) checkLog(log)
  if (stuckAfter !== undefined) duration(stuckAfter, `${FIELD}.stuckAfter`, 0, 0)
  if (names !== undefined && !(Array.isArray(names) && names.every((name) => typeof name === 'string')))
    throw configError(`${FIELD}.redact`, 'a list of names of headers', names)
  if (stuckAfter !== undefined) setStuckAfter(stuckAfter)
  if (names !== undefined) redact(names)
  if (log === undefined) return
  logTo(log ?? undefined)
  if (log !== null) watch()
}

function checkLog(log: Log): void {
  const expected = 'a logger with some of error, warn, info and debug'
  if (typeof log !== 'object' && typeof log !== 'function') throw configError(`${FIELD}.log`, expected, log)
  const given = LEVELS.filter((level) => log[level] !== undefined)
  if (given.length === 0 || given.some((level) => typeof log[level] !== 'function')) throw configError(`${FIELD}.log`, expected, log)
}
