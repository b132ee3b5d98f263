// The process as a whole: its numbers, its limit, its end.

import { drainMailbox, whenDrained } from '../engine/border/mailbox.js'
import { native } from '../engine/border/native.js'
import { whenStuck } from '../engine/watch.js'
import { bytesOfProcess, limitBytes } from '../kit/bytes/byte-sum.js'
import { duration, integer, LONGEST, onlyKnown } from '../kit/check.js'
import type { Exposed, ExposeOptions } from '../kit/sight/exposed.js'
import type { StreamInspection } from '../kit/sight/inspection.js'
import type { Log } from '../kit/sight/log.js'
import { MEASURES } from '../kit/sight/measures.js'
import { OVERSIGHT } from '../kit/sight/oversight.js'
import { GUARD_SIGNALS, type SignalGuard, type SignalPatience } from '../kit/signals/signal-guard.js'
import type { Snapshot } from '../kit/types.js'
import { remotes } from '../workers/caller/placement.js'
import { configureWorkers, workersSnapshot } from '../workers/caller/pool.js'
import { resolveWorkers, type WorkersOptions } from '../workers/options.js'
import { type Recovered, type RecoverOptions, recover } from './recover.js'
import { oversight } from './sight/changes.js'
import { configureSight } from './sight/configure-sight.js'
import { expose } from './sight/expose.js'
import { type InspectOptions, inspect } from './sight/inspect.js'
import { measures } from './sight/measures.js'
import { tellStuck } from './sight/stuck.js'

/** Options of `runtime.configure`. */
export interface RuntimeOptions {
  /** How many streams may be open at once in the whole process, over all functions and threads. 0 = no limit, the default. */
  maxConcurrent?: number
  /** Worker threads of this thread: how many at most, or more about them. Default: the cores of the machine less one, at least 1. */
  workers?: number | WorkersOptions
  /** How many bytes may wait in the streams of HTTP and WebSocket of the whole process, over all threads; beyond it new ones are refused. Default 536870912. */
  maxBufferedBytes?: number
  /** Where lines of the log go: a logger of pino, `console`, or anything with some of `error`, `warn`, `info` and `debug`, each called with fields and a message. `null`: nowhere, the default. */
  log?: Log | null
  /** ms after which a function at work without an event or a result is told to be stuck, on the channel `velo:stream:stuck` and in the log. 0 = never. Default 10000. */
  stuckAfter?: number
  /** Names of headers whose values `runtime.inspect` does not show, beside `authorization`, `proxy-authorization`, `cookie` and `set-cookie`. */
  redact?: readonly string[]
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
    bytesOfProcess() // what this thread has not reported yet is in the picture
    return { ...native.snapshot(), workers: workersSnapshot() }
  },

  /** Sets the limits of the process and what its worker threads are. Threads that run keep what they were started with. Throws `VELO_CONFIG`. */
  configure(options: RuntimeOptions): void {
    onlyKnown(options, 'runtime.configure(options)', ['maxConcurrent', 'workers', 'maxBufferedBytes', 'log', 'stuckAfter', 'redact'])
    const { maxConcurrent, workers, maxBufferedBytes } = options
    configureSight(options)
    if (maxBufferedBytes !== undefined) limitBytes(integer(maxBufferedBytes, 'runtime.configure(options).maxBufferedBytes', 1, 0))
    if (workers !== undefined) configureWorkers(resolveWorkers(workers, 'runtime.configure(options).workers'))
    if (maxConcurrent === undefined) return
    integer(maxConcurrent, 'runtime.configure(options).maxConcurrent', 0, 0, LONGEST)
    native.configure({ maxConcurrent })
    queueMicrotask(drainMailbox) // a higher limit may have admitted streams of this thread
  },

  /** Every live stream of this thread, those on its worker threads included: what it waits for, and since when. */
  inspect(options: InspectOptions = {}): StreamInspection[] {
    return inspect(options)
  },

  /**
   * Makes a local socket, for the user of this process alone (mode 0600), at which `velo top` sees the streams of this thread and may abort them. Resolves when it is there. Rejects with
   * `VELO_CONFIG` where it cannot be; a path that a live process has is refused. It keeps no process alive.
   */
  expose(options: ExposeOptions = {}): Promise<Exposed> {
    return expose(options)
  },

  /** Starts the worker threads now, so that the first streams need not wait for them. Rejects with `VELO_WORKER_EXITED` where that fails, with `VELO_NATIVE_LOAD` where what they are run with cannot be loaded. */
  async warm(): Promise<void> {
    await remotes().warm()
  },

  /**
   * Opens the durable streams again that a crash, a deploy or `close()` left: those of these functions that are stored and not open here. Resolves with them by function and id; those beyond
   * `maxConcurrent` wait in line for a place, in state `waiting`. One that cannot be resumed is reported to `onError`, and stays in its journal. Rejects with `VELO_CONFIG` for a function without
   * `durable`, with `VELO_CHECKPOINT` if a journal cannot list its streams.
   */
  recover(options: RecoverOptions): Promise<Recovered> {
    return recover(options)
  },

  /**
   * Ends the process's streams in good order, for ever: no new ones (`VELO_DRAINING`), running ones finish, at the deadline the rest is aborted. Resolves when nothing
   * is open. A second call shares the first one's promise, and may bring the deadline forward: the earliest counts.
   */
  drain(options: DrainOptions = {}): Promise<void> {
    onlyKnown(options, 'runtime.drain(options)', ['deadline'])
    const deadline = duration(options.deadline, 'runtime.drain(options).deadline', 0, DEFAULT_DEADLINE)
    draining ??= new Promise(whenDrained)
    native.drain(deadline)
    return draining
  },
} as const

// For the command `velo`; not enumerable, because it is for nobody else.
Object.defineProperty(runtime, GUARD_SIGNALS, {
  value({ first, again }: SignalPatience): SignalGuard {
    native.guardSignals(first, again)
    return { heard: native.signalsHeard, dispose: native.unguardSignals }
  },
})

// For `velo-stream/telemetry`, likewise.
Object.defineProperty(runtime, MEASURES, { value: measures })
Object.defineProperty(runtime, OVERSIGHT, { value: oversight })
whenStuck((lease, ms) => void tellStuck(lease, ms))
