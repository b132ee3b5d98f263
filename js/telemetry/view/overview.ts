// js/telemetry/view: what runs in the process as plain data that JSON can say, for whatever shows it: a terminal, a page, an answer over HTTP. Owns the shape. Knows nothing of who
// asks, and of whether they may.
//
// The process as a whole: its totals, its functions, its threads, its journals, its clusters.

import { basename } from 'node:path'
import { type FunctionMetrics, type JournalMetrics, runtime, type WorkerSnapshot } from '../../index.js'
import { type ClusterMetrics, clusterMetrics, type FunctionMeasures, measuresOf, type Spent } from '../../kit/sight/measures.js'
import { oversightOf } from '../../kit/sight/oversight.js'
import { namesOf } from '../collect.js'
import { latenciesOf, VIEW_BOUNDS, type ViewLatencies } from './latencies.js'

/** Numbers as JSON says them: one that is none, as a quantile without a sample, is `null`. */
export type Plain<Value> = Value extends number
  ? number | null
  : Value extends object
    ? { readonly [Key in keyof Value]: Plain<Value[Key]> }
    : Value

/** How long something took, microseconds; `null` without a sample. */
export interface ViewLatency {
  readonly p50: number | null
  readonly p95: number | null
  readonly p99: number | null
  readonly samples: number
}

/** What is counted of all streams together, and of those of one function. */
export interface ViewCounts extends Omit<FunctionMetrics, 'name' | 'latency' | 'processing'> {
  /** Events and results that wait in open streams. */
  readonly eventsBuffered: number
  readonly resultsBuffered: number
  readonly latency: ViewLatency
}

/** The functions of one name and placement. */
export interface ViewFunction extends ViewCounts {
  readonly name: string
  readonly placement: 'local' | 'worker'
  readonly bytesIn: number
  readonly bytesOut: number
  /** Seconds that its streams spent in each waiting state. */
  readonly spent: Spent
}

/** What `overview()` answers. */
export interface Overview {
  /** When it was made, Unix ms. */
  readonly at: number
  readonly process: {
    readonly pid: number
    /** `process.title`, or the name of its main file where that was never set. */
    readonly title: string
    /** Version of Node.js. */
    readonly node: string
    /** Unix ms. */
    readonly startedAt: number
    /** Resident memory, bytes. */
    readonly memory: number
  }
  /** Over all functions and threads. */
  readonly totals: ViewCounts & {
    /** What waits in the streams of HTTP and WebSocket, bytes. */
    readonly bytesBuffered: number
    readonly workerStarts: number
    /** Worker threads that ended without being asked to. */
    readonly workerLosses: number
  }
  /** Of all functions: the quantiles of `totals` are those since the start, what two looks differ in came between them. */
  readonly latencies: ViewLatencies
  readonly functions: readonly ViewFunction[]
  readonly workers: readonly Plain<WorkerSnapshot>[]
  readonly journals: readonly Plain<JournalMetrics>[]
  /** The clusters of which this process is a part. */
  readonly clusters: readonly Plain<ClusterMetrics>[]
}

/** Totals of the process, in one call of Rust. The streams themselves are `listStreams()`. */
export function overview(): Overview {
  oversightOf(runtime).keepChanges()
  const at = Date.now()
  const names = namesOf(undefined, 'overview()')
  const measures = measuresOf(runtime, { bounds: VIEW_BOUNDS, names: names.own, most: names.most })
  const functions = names.bounded(measures.functions)
  const { workers, journals, bytesBuffered, workerStarts, workerLosses } = measures
  const sum = (what: 'eventsBuffered' | 'resultsBuffered') => functions.reduce((total, of) => total + of[what], 0)
  const totals = counts(measures, sum('eventsBuffered'), sum('resultsBuffered'))
  return {
    at,
    process: {
      pid: process.pid,
      title: titleOf(process),
      node: process.version,
      startedAt: Math.round(at - process.uptime() * 1000),
      memory: process.memoryUsage.rss(),
    },
    totals: { ...totals, bytesBuffered, workerStarts, workerLosses },
    latencies: latenciesOf(functions),
    functions: functions.map(functionOf),
    workers: plain(workers),
    journals: plain(journals),
    clusters: plain(clusterMetrics()),
  }
}

function titleOf({ title, argv }: NodeJS.Process): string {
  // Node.js begins with its own name, or on some systems with the command line.
  return /^(?:node\b|.*[/\\]node(?:\.exe)?\b)/.test(title) || title === '' ? basename(argv[1] ?? 'node') : title
}

function functionOf(of: FunctionMeasures): ViewFunction {
  const { name, placement, bytesIn, bytesOut, spent } = of
  return { name, placement, ...counts(of, of.eventsBuffered, of.resultsBuffered), bytesIn, bytesOut, spent }
}

function counts(of: Omit<FunctionMetrics, 'name' | 'processing'>, eventsBuffered: number, resultsBuffered: number): ViewCounts {
  const { streamsOpen, streamsWaiting, streamsDetached, streamsOpened, streamsRefused, closedBy } = of
  const { eventsIn, eventsOut, dropped, overruns, lateErrors, latency } = of
  return {
    streamsOpen,
    streamsWaiting,
    streamsDetached,
    streamsOpened,
    streamsRefused,
    closedBy,
    eventsIn,
    eventsOut,
    dropped,
    overruns,
    lateErrors,
    eventsBuffered,
    resultsBuffered,
    latency: plain(latency) as ViewLatency,
  }
}

/** As JSON would bring it. */
function plain<Value>(value: Value): Plain<Value> {
  if (typeof value === 'number') return (Number.isFinite(value) ? value : null) as Plain<Value>
  if (typeof value !== 'object' || value === null) return value as Plain<Value>
  if (Array.isArray(value)) return value.map(plain) as Plain<Value>
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, plain(one)])) as Plain<Value>
}
