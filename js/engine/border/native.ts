// js/engine/border: what Rust and JavaScript say to each other: calls, rows, verdicts, the doorbell. Knows nothing of channels and functions.
//
// The one door to the Rust add-on: has it loaded once and gives it types. Nothing else imports the binding.

import { type ByteLedger, reportBytesTo } from '../../kit/bytes/byte-sum.js'
import type { JournalMetrics } from '../../kit/journal-metrics.js'
import type { Measures } from '../../kit/sight/measures.js'
import { loadBinary } from './binary.js'
import { refuseSecondInstallation } from './one-installation.js'

/** Limits of a stream function as Rust keeps them; durations in ms, 0 = none. */
export interface Limits {
  name: string
  buffer: number
  maxConcurrent: number
  queue: number
  maxDuration: number
  maxStall: number
  /** Numbers of functions at whose gates each stream takes a place as well. */
  stages: number[]
  /** Some stage runs on another thread. */
  remote: boolean
  /** Of a pipeline its stages, which are counted one by one. */
  counted: { name: string; remote: boolean }[]
}

/** What Rust says of a new function: its number, how many sends may wait for room, the credits with which its streams open on each side. */
export interface Defined {
  fn: number
  line: number
  credits: number
}

/** Quantiles in microseconds; `NaN` without samples. */
export interface Quantiles {
  p50: number
  p95: number
  p99: number
  samples: number
}

/** What Rust knows of a function. */
export interface FunctionTotals {
  name: string
  streamsOpen: number
  streamsWaiting: number
  streamsDetached: number
  streamsOpened: number
  streamsRefused: number
  closedBy: { done: number; closed: number; idle: number; aborted: number; failed: number }
  eventsIn: number
  eventsOut: number
  dropped: { events: number; results: number }
  overruns: number
  lateErrors: number
  latency: Quantiles
  processing: Quantiles
}

/** What Rust knows of the process. One entry for each name of functions. */
export interface Totals extends Omit<FunctionTotals, 'name' | 'processing'> {
  bytesBuffered: number
  functions: FunctionTotals[]
  journals: JournalMetrics[]
}

/** The calls of the add-on; ARCHITECTURE section 4 says what each means. */
export interface Native extends ByteLedger {
  open(fn: number, idleMs: number): number
  step(slot: number, input: number): number
  grant(slot: number, side: number): number
  arm(slot: number, kind: number, ms: number): void
  silent(slot: number): void
  disarm(slot: number, kind: number): void
  timer(ms: number): number
  cancel(id: number): void
  sample(slot: number, kind: number, us: number): void
  late(fn: number, yielded: number, dropped: number): void
  note(fn: number, what: number): void
  carried(fn: number, bytesIn: number, bytesOut: number): void
  staged(fn: number, stage: number, taken: number, given: number): void
  tellTime(): number
  attached(fn: number): void
  take(into: Float64Array): number
  hold(on: number): void
  limit(): number
  duct(ahead: number, slot: number, head: number): number
  join(duct: number, end: number): number
  part(duct: number, end: number): void
  discard(duct: number): void
  credit(duct: number, sent: number): number
  push(duct: number, memory: Uint8Array, size: number, weight: number): number
  pull(duct: number, into: Uint8Array): number
  demand(duct: number, total: number, delivered: number, waiting: number): void
  spin(duct: number, us: number): number
  dirty(into: Float64Array): number
  journalOpen(path: string, synced: boolean, create: boolean): number
  journalSubmit(journal: number, memory: Uint8Array, size: number): number
  journalTake(journal: number): Uint8Array
  journalClose(journal: number, id: number): void
  journalForget(journal: number): void
  journalMetrics(journal: number): JournalMetrics
  start(onBell: () => void): number
  /** The argument of `start`. Rust refers to it weakly, so it is stored here and lives as long as these exports. */
  onBell?: () => void
  attach(): Float64Array
  define(limits: Limits): Defined
  forget(fn: number): void
  claim(name: string, id: string): boolean
  unclaim(name: string, id: string): void
  setQueue(fn: number, queue: number): void
  configure(options: { maxConcurrent: number }): void
  drain(deadlineMs: number): void
  snapshot(): Totals
  measures(bounds: readonly number[], names: readonly string[], most: number): Omit<Measures, 'workers' | 'workerStarts' | 'workerLosses'>
  spent(fn: number, ms: readonly number[]): void
  functionMetrics(fn: number): FunctionTotals
  streamMetrics(slot: number): Quantiles & { processing: Quantiles; durationMs: number }
  transition(packed: number, trigger: number): number
  errorCodes(): string[]
  guardSignals(first: number, again: number): void
  signalsHeard(): void
  unguardSignals(): void
}

/** Second argument of `note`. */
export const Note = { Overrun: 0, LateError: 1 } as const

refuseSecondInstallation()
export const native = loadBinary() as Native
reportBytesTo(native)
