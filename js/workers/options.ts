// js/workers: worker-thread placement. Knows nothing of add-ons, nor of what users import.
//
// Every option of worker threads, once: its default, what it accepts, and the check.

import type { ResourceLimits } from 'node:worker_threads'
import { configError, duration, integer, LONGEST, onlyKnown, record } from '../kit/check.js'

/** Worker threads of an isolate, for `runtime.configure({ workers })`. */
export interface WorkersOptions {
  /** Threads that stay although nothing runs on them. They do not keep the process alive. Default 0. */
  min?: number
  /** Threads at most. Default: the cores of the machine less one, at least 1. */
  max?: number
  /** ms without a stream after which a thread beyond `min` is ended. Default 10000. */
  idleTimeout?: number
  /** us that a thread looks for more events before it sleeps; it burns a core meanwhile. Default 0 = off, at most 1000. */
  spin?: number
  /** Limits of each thread, as `new Worker()` takes them. Default: those of Node.js, but 12 MB of young generation. */
  resourceLimits?: ResourceLimits
  /** Environment variables of the threads. Default: a copy of `process.env`. */
  env?: Record<string, string | undefined>
  /** Options of Node.js for the threads. Default: those of the process. */
  execArgv?: string[]
}

const workersKnown = ['min', 'max', 'idleTimeout', 'spin', 'resourceLimits', 'env', 'execArgv']

/** The checked options of worker threads; a number is `max`. */
export function resolveWorkers(given: number | WorkersOptions, path: string): WorkersOptions {
  const wanted = typeof given === 'number' ? { max: given } : given
  onlyKnown(wanted, path, workersKnown)
  const { min, max, idleTimeout, spin, resourceLimits, env, execArgv } = wanted
  integer(min, `${path}.min`, 0, 0, LONGEST)
  integer(max, typeof given === 'number' ? path : `${path}.max`, 1, 0, 1024)
  if (min !== undefined && min > (max ?? 1024)) throw configError(`${path}.min`, 'no more than max', min)
  duration(idleTimeout, `${path}.idleTimeout`, 0, 0)
  if (spin !== undefined && !(typeof spin === 'number' && spin >= 0 && spin <= 1000))
    throw configError(`${path}.spin`, 'us from 0 to 1000', spin)
  for (const [name, value] of Object.entries({ resourceLimits, env })) {
    if (value !== undefined) record(value, `${path}.${name}`)
  }
  if (execArgv !== undefined && !(Array.isArray(execArgv) && execArgv.every((option) => typeof option === 'string')))
    throw configError(`${path}.execArgv`, 'an array of strings', execArgv)
  return { ...wanted }
}
