// The shapes users see: what a stream function is given, what it takes in, what a stream tells about itself.

import type { EffectOptions } from './effects/attempts.js'
import type { EndReason } from './end-reason.js'
import type { JournalMetrics } from './journal-metrics.js'

export type { EffectOptions, EndReason, JournalMetrics }

/** What a stream function may be fed from: anything that can be iterated, Node and Web streams included. Promises in a sync source are awaited. */
export type Source<In> = Iterable<In | PromiseLike<In>> | AsyncIterable<In> | WebSource<In>

/** A `ReadableStream` as the types of web pages (`lib: ['dom']`) describe it, which may say nothing of iteration: the body of a fetch. */
export interface WebSource<In> {
  readonly locked: boolean
  cancel(reason?: unknown): Promise<void>
  getReader(): { read(): Promise<{ done: boolean; value?: In | undefined }> }
}

/** Headers of a stream as `open({ headers })` got them; `req.headers` of Node fits. */
export type StreamHeaders = Readonly<Record<string, string | readonly string[] | undefined>>

/** What every instance of a stream function is told, its second argument. `State` is what the option `state` says. */
export interface StreamContext<State = unknown> {
  /** Unique among the open streams of the process. */
  readonly id: string
  /** Name of the stream function. */
  readonly name: string
  /** Fires when the stream is closed, aborted or fails, not when it ends by itself: pass it to `fetch` and friends. */
  readonly signal: AbortSignal
  /**
   * Whether the signal has fired, or is about to: on a worker thread it says so at once also to a function that computes without a pause, in which no signal can
   * fire. Look at it in a long loop.
   */
  readonly aborted: boolean
  /** What `open({ headers })` was given; empty otherwise. */
  readonly headers: StreamHeaders
  /** What the option `context` gave when the stream was opened. */
  readonly context: unknown
  /** With the option `state`: what is kept of the stream instead of its history. Change it in place, or assign it; plain data. */
  state: State
  /** Whether events are played again that were taken before, and what was given out before has not been made again. False where nothing is durable. */
  readonly replaying: boolean
  /**
   * Does something that must not be done again after a crash: what `fn` gives or throws is kept under this name (and how often the name came before) and given back on replay. Resolves with
   * a copy. Where nothing is durable it calls `fn`. Rejects with what `fn` threw at last; `VELO_CODEC` for what cannot be kept; `VELO_CHECKPOINT` where the journal refuses it.
   */
  run<Value>(name: string, fn: () => Value | PromiseLike<Value>, options?: EffectOptions): Promise<Value>
  /** When the event taken last was accepted, Unix ms: the same on replay. Where nothing is durable, the time. */
  now(): number
  /** A number from 0 up to 1, the same on replay. Where nothing is durable, `Math.random()`. */
  random(): number
}

/**
 * An async iterator that can be iterated itself. Unlike with `AsyncIterableIterator`, `value` is
 * `undefined` at the end, and not `any`.
 */
export interface ValueIterator<Value> extends AsyncIterator<Value, undefined, undefined> {
  next(): Promise<IteratorResult<Value, undefined>>
  [Symbol.asyncIterator](): ValueIterator<Value>
}

/** An async generator function: events in, results out, local variables are the state. */
export type StreamGenerator<In, Out, State = unknown> = (
  events: ValueIterator<In>,
  ctx: StreamContext<State>,
) => AsyncGenerator<Out, unknown, undefined>

/** The same for a function with the option `state`. */
export type StatefulGenerator<In, Out, State> = StreamGenerator<In, Out, State>

/** Where a stream is in its life. */
export type StreamState = 'waiting' | 'open' | 'ending' | 'closing' | 'closed'

/** Where a stream is: the next event and the next result have these indexes. Of a durable stream over all its lives. */
export interface Position {
  /** Events accepted. */
  readonly events: number
  /** Results read. */
  readonly results: number
}

/** What was there already when a durable stream was opened. */
export interface Resumed extends Position {
  /** How it came back: its events were played again, or it went on from its state. */
  readonly by: 'replay' | 'state'
}

/** A durable stream that is kept, is not open in this process, and has not finished. */
export interface UnfinishedStream extends Position {
  readonly id: string
  /** What is kept of it. */
  readonly bytes: number
}

/** How a stream ended: what `closed` resolves with. */
export interface StreamEnd {
  /** Why it ended. */
  readonly reason: EndReason
  /** With `failed`, what the function threw, untouched; with `aborted`, the AbortError. */
  readonly error?: unknown
  /** With `failed` in a pipeline: name of the stage that threw first. */
  readonly stage?: string
  /** Events accepted but never given to the function, and results yielded but never read. Grows while unread results are dropped later. */
  readonly dropped: { readonly events: number; readonly results: number }
  /** Sends refused with `VELO_OVERRUN`, because too many waited: events of theirs that were not accepted before are in no other count. */
  readonly refused: number
  /** With `done`, what the function returned, where that is not `undefined`. */
  readonly value?: unknown
  /** True when the function had not finished within `closeTimeout`. */
  readonly detached: boolean
}

/** Latency in microseconds, from one sampled event in 64; `NaN` without a sample. */
export interface LatencyQuantiles {
  readonly p50: number
  readonly p95: number
  readonly p99: number
  /** How many samples the quantiles rest on. */
  readonly samples: number
}

/** Numbers of one stream. */
export interface StreamMetrics {
  /** Events accepted. */
  eventsIn: number
  /** Results yielded. */
  eventsOut: number
  /** Bytes that events became on their way to another thread, where they did. */
  bytesIn?: number
  /** The same of results. */
  bytesOut?: number
  dropped: { events: number; results: number }
  /** From an accepted event to the moment its result is taken, microseconds. */
  latency: LatencyQuantiles
  /** From an accepted event to the moment the function asks for the next one, microseconds. */
  processing: { p50: number; p95: number; p99: number }
  /** From admission to now, or to the end. */
  durationMs: number
  /** Number of the thread on which the function runs (the first stage of a pipeline), as `threadId` of `node:worker_threads`; 0 until a stream on a worker thread starts. */
  thread: number
  /** In a pipeline: each stage, first one first. */
  stages?: StageMetrics[]
}

/** What one stage of a pipeline has done. */
export interface StageMetrics {
  readonly name: string
  /** Number of its thread; 0 also before it starts. */
  readonly thread: number
  /** Events given to its function. */
  readonly eventsIn: number
  /** Results that went on from it. */
  readonly eventsOut: number
}

/** Totals of all streams of one stream function. */
export interface FunctionMetrics {
  name: string
  streamsOpen: number
  streamsWaiting: number
  streamsDetached: number
  streamsOpened: number
  streamsRefused: number
  closedBy: Record<EndReason, number>
  eventsIn: number
  eventsOut: number
  dropped: { events: number; results: number }
  /** Sends refused with `VELO_OVERRUN`. */
  overruns: number
  /** Errors thrown by detached functions, which nobody gets. */
  lateErrors: number
  latency: LatencyQuantiles
  processing: LatencyQuantiles
}

/** Totals of the process, a plain object. */
export interface Snapshot extends Omit<FunctionMetrics, 'name' | 'processing'> {
  /**
   * Bytes that wait in the streams of HTTP and WebSocket of all threads, beyond `maxBufferedBytes` of which new ones are refused. Each thread reports in steps of 64 KiB, so the
   * others may be that far off.
   */
  bytesBuffered: number
  functions: FunctionMetrics[]
  /** Journals in folders that the process has open, by path. */
  journals: JournalMetrics[]
  /** Worker threads that run streams. */
  workers: WorkerSnapshot[]
}

/** One worker thread in `runtime.snapshot()`. */
export interface WorkerSnapshot {
  /** Its number in Node.js, as `threadId` of `node:worker_threads`. */
  readonly thread: number
  /** Streams that run there. */
  readonly streams: number
  /** Part of its time that it was busy lately, 0 to 1. */
  readonly busy: number
  /** ms that its start took; `NaN` while it starts. */
  readonly startMs: number
}

/**
 * How values travel to another thread.
 *
 * `'structured'`: with the semantics of structured clone. `'json'`: as `JSON.stringify` writes them. `'binary'`: byte values raw, and they arrive as views into a buffer that
 * they share with their neighbors (mind `byteOffset`, as with a `Buffer`); all others as `'structured'`. Or a pair of functions of your own.
 */
export type Codec = 'structured' | 'json' | 'binary' | { encode(value: unknown): Uint8Array; decode(bytes: Uint8Array): unknown }

/** With a call: abort it, or the stream it starts. */
export interface SignalOption {
  signal?: AbortSignal | undefined
}

/** A source of a durable stream that is asked to begin with the event of this index, the first that is not done. */
export type SourceFrom<In> = (from: number) => Source<In> | PromiseLike<Source<In>>

/** Options of `run`. */
export interface RunOptions extends SignalOption {
  /** Of a durable stream: the id of one that is kept goes on where that was. */
  id?: string | undefined
}

/** Options of a call, `fn(source)`. */
export interface CallOptions extends RunOptions {
  /** How many results may be made before they are asked for, instead of what the function says. */
  ahead?: number | undefined
}

/** Options of `open`. */
export interface OpenOptions extends SignalOption {
  /** Default: made from the function's name and a number. One that is in use is refused with `VELO_CONFIG`. */
  id?: string | undefined
  /** Handed to the function as `ctx.headers`. */
  headers?: StreamHeaders | undefined
}

/** Options of `recv`. */
export interface RecvOptions extends SignalOption {
  /** Rejects with `VELO_TIMEOUT` after so many ms; the result that comes later goes to the next read. */
  timeout?: number | undefined
}
