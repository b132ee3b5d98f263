// The process as a whole: its numbers, its limit, its end.

import { drainMailbox, whenDrained } from './internal/mailbox.js'
import { native } from './internal/native.js'
import { checkCount, checkMillis, onlyKnown } from './options.js'
import type { Snapshot } from './types.js'

/** Options of `runtime.configure`. */
export interface RuntimeOptions {
  /** How many streams may be open at once in the whole process, over all functions and threads. 0 = no limit, the default. */
  maxConcurrent?: number
}

/** Options of `runtime.drain`. */
export interface DrainOptions {
  /** ms until streams that still run are aborted. Default 10000. */
  deadline?: number
}

const DEFAULT_DEADLINE = 10_000

let draining: Promise<void> | undefined

/** What all stream functions of the process share. */
export const runtime = {
  /** Totals of the process: a plain object of numbers, made anew at each call. */
  snapshot(): Snapshot {
    return native.snapshot()
  },

  /** Sets the limits of the process. Throws `VELO_CONFIG`. */
  configure(options: RuntimeOptions): void {
    onlyKnown(options, 'runtime.configure(options)', ['maxConcurrent'])
    const { maxConcurrent } = options
    if (maxConcurrent === undefined) return
    checkCount(maxConcurrent, 'runtime.configure(options).maxConcurrent')
    native.configure({ maxConcurrent })
    queueMicrotask(drainMailbox) // a higher limit may have admitted streams of this thread
  },

  /**
   * Ends the process's streams in good order, for ever: no new ones (`VELO_DRAINING`), running ones finish, at the deadline the rest is aborted. Resolves when nothing
   * is open. A second call shares the first one's promise.
   */
  drain(options: DrainOptions = {}): Promise<void> {
    onlyKnown(options, 'runtime.drain(options)', ['deadline'])
    const { deadline = DEFAULT_DEADLINE } = options
    checkMillis(deadline, 'runtime.drain(options).deadline')
    draining ??= new Promise((resolve) => {
      whenDrained(resolve)
      native.drain(deadline)
    })
    return draining
  },
} as const
