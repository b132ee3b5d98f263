// The worker threads of an isolate: started when streams come, warm between them, ended when idle; and which of them a stream goes to.

import type { Isolation } from '../../engine/stages/harness.js'
import { line } from '../../kit/sight/log.js'
import { builtin } from '../../kit/start/builtin.js'
import type { WorkerSnapshot } from '../../kit/types.js'
import type { WorkersOptions } from '../options.js'
import type { WorkerThread } from './worker-thread.js'

/** MB of the young generation of a thread, where nothing else is said: events and results are short-lived, and 48, what Node.js takes, is held by each thread for good. */
const YOUNG_MB = 12

/** ms between two checks of threads that have streams. */
const CHECK_MS = 1000

/** Since the start: how many threads were started, and how many ended that nobody had asked to. */
export const threadCounts = { starts: 0, losses: 0 }

/** How a thread is made. Set by what is loaded before there is one. */
let Thread: typeof WorkerThread
let options: WorkersOptions = {}
let threads: WorkerThread[] = []
/** Threads that nobody else may get, and for whom. */
const isolated = new Map<WorkerThread, Isolation>()
const idle = new Map<WorkerThread, NodeJS.Timeout>()
let checking: NodeJS.Timeout | undefined
/** It was told that no thread answers. */
let isTold = false

function most(): number {
  return options.max ?? Math.max(1, builtin('node:os').availableParallelism() - 1, options.min ?? 0)
}

/** Says how a thread is made. */
export function threadsAre(made: typeof WorkerThread): void {
  Thread = made
}

/** Sets the options; threads that run keep what they were started with. */
export function configureWorkers(given: WorkersOptions): void {
  options = { ...given }
  for (const thread of threads) markIdle(thread)
}

/** The thread for a new stream, or for one more stage of it; `taken`: those its other stages got. Started if need be. */
export function placeStream(taken: readonly WorkerThread[] = []): WorkerThread {
  const { sound, room } = places()
  if (sound.length + room === 0) tellHung()
  const able = sound.length + room > 0 ? sound : shared()
  const loads = able.map((thread) => ({
    streams: thread.streams + taken.filter((one) => one === thread).length,
    busy: thread.utilization(),
  }))
  const thread = able[choose(loads, able.length + room)] ?? start()
  clearTimeout(idle.get(thread))
  idle.delete(thread)
  return thread
}

/** A thread where nothing runs, one more than there may be if need be, for an isolated stream alone. */
export function placeAlone(isolation: Isolation): WorkerThread {
  const thread = shared().find((one) => one.streams === 0 && !one.isSuspected) ?? start()
  clearTimeout(idle.get(thread))
  idle.delete(thread)
  isolated.set(thread, isolation)
  return thread
}

/** The threads that streams may share. */
function shared(): WorkerThread[] {
  for (const [thread, { isOver }] of isolated) if (isOver) isolated.delete(thread)
  return threads.filter((thread) => !isolated.has(thread))
}

/** The threads that answer, and how many more there may be: while some do not, one beside them all. */
function places(): { sound: WorkerThread[]; room: number } {
  const all = shared()
  const sound = all.filter((thread) => !thread.isSuspected)
  const limit = most() + (sound.length < all.length ? 1 : 0)
  return { sound, room: Math.max(0, limit - all.length) }
}

/** Finds out which threads hang, a busy loop in code of the user, before another stream is placed there. */
function check(): void {
  for (const thread of threads) if (thread.streams > 0) thread.check()
}

/** Every thread hangs, and there may not be more: told once, until one answers again. */
function tellHung(): void {
  if (isTold) return
  isTold = true
  const message = `none of the ${threads.length} worker threads answers, and no more may be started: streams wait until a function there pauses, or is closed. Give functions pauses (await), or raise workers.max`
  process.emitWarning(message, { type: 'VeloWarning', code: 'velo:workers-hung' })
  line('warn', { code: 'velo:workers-hung' }, message)
}

/** What waits to begin on threads that do not answer goes to others, if there are any. */
function disperse(): void {
  const { sound, room } = places()
  if (sound.length > 0) isTold = false
  if (sound.length + room > 0) for (const thread of threads) if (thread.isSuspected) thread.disperse()
}

/**
 * Index of the thread for a stream, -1 = start another one: while there are fewer than `max`, and none of those that run is without streams.
 * The load of a thread is its share of all streams plus the part of its time that it is busy (0 to 1), so that many quiet streams weigh as much as one
 * that computes; the first of the least loaded ones is taken.
 */
export function choose(loads: readonly { streams: number; busy: number }[], max: number): number {
  if (loads.length < max && loads.every(({ streams }) => streams > 0)) return -1
  const all = loads.reduce((sum, { streams }) => sum + streams, 0) || 1
  const weights = loads.map(({ streams, busy }) => streams / all + busy)
  return weights.indexOf(Math.min(...weights))
}

/** Starts as many threads as there may be; resolves when they take orders. */
export async function warm(): Promise<void> {
  while (threads.length < most()) start()
  await Promise.all(threads.map((thread) => thread.whenReady()))
  for (const thread of threads) if (!idle.has(thread)) markIdle(thread)
}

/** What `runtime.snapshot()` says of the threads. */
export function workersSnapshot(): WorkerSnapshot[] {
  return threads.map((thread) => ({
    thread: thread.number,
    streams: thread.streams,
    busy: thread.utilization(),
    startMs: thread.startMs,
  }))
}

function start(): WorkerThread {
  const { resourceLimits, env, execArgv = inherited(), spin = 0 } = options
  const given = {
    resourceLimits: { maxYoungGenerationSizeMb: YOUNG_MB, ...resourceLimits },
    ...(env === undefined ? {} : { env }),
    ...(execArgv === undefined ? {} : { execArgv }),
  }
  const thread: WorkerThread = new Thread(given, spin, {
    onFree: markIdle,
    onHealth: disperse,
    onExit(served) {
      const asked = !threads.includes(thread)
      forget(thread)
      if (!asked) {
        threadCounts.losses++
        line(
          'error',
          { code: 'VELO_WORKER_EXITED', thread: thread.number },
          `worker thread ${thread.number} ended; its streams fail, or go on elsewhere`,
        )
      }
      // Another one takes its place; but one that cannot even start would be started for ever.
      if (served && !asked && shared().length < most()) markIdle(start())
      disperse()
    },
  })
  threads.push(thread)
  threadCounts.starts++
  // In two steps: answers that came while this thread was busy are heard first.
  checking ??= setInterval(() => setImmediate(check).unref(), CHECK_MS).unref()
  return thread
}

/** A process started with `--eval` has options that no thread with a file can have. */
function inherited(): string[] | undefined {
  return process.execArgv.some((option) => /^(--input-type|--eval|--print|-e|-p|-pe)\b/.test(option)) ? [] : undefined
}

/** Nothing is left on a thread: it is ended after a while, unless it is one of the last `min`. */
export function markIdle(thread: WorkerThread): void {
  clearTimeout(idle.get(thread))
  idle.delete(thread)
  if (thread.streams > 0 || !threads.includes(thread)) return
  const end = (): void => {
    if (threads.length <= (options.min ?? 0)) return
    forget(thread)
    void thread.terminate()
  }
  idle.set(thread, setTimeout(end, options.idleTimeout ?? 10_000).unref())
}

function forget(thread: WorkerThread): void {
  clearTimeout(idle.get(thread))
  idle.delete(thread)
  isolated.delete(thread)
  threads = threads.filter((one) => one !== thread)
  if (threads.length > 0) return
  clearInterval(checking)
  checking = undefined
}
