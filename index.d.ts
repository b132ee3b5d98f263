// The public contract of velo-stream on one page. Generated from js/ by `npm run generate`; do not edit.

import type { Duplex } from 'node:stream'
import type { ReadableStream as ReadableStream_2, WritableStream as WritableStream_2 } from 'node:stream/web'
import type { ResourceLimits } from 'node:worker_threads'
import type { StandardSchemaV1 } from '@standard-schema/spec'

/** The stream was aborted: `name` is `AbortError`, `code` is `VELO_ABORTED`, `cause` is the reason given. */
export declare class AbortError extends VeloError {
  constructor(message: string, options?: VeloErrorOptions)
}

/** Options of a call, `fn(source)`. */
export declare interface CallOptions extends SignalOption {
  /** How many results may be made before they are asked for, instead of what the function says. */
  ahead?: number | undefined
}

/** A source of time and timers. `virtualClock()` of `velo-stream/testing` is one that moves only when it is told to. */
export declare interface Clock {
  /** ms since some moment in the past; never goes back. */
  now(): number
  /** Calls `callback` once after `ms`; answers a handle for `clearTimeout`. */
  setTimeout(callback: () => void, ms: number): unknown
  /** Forgets a timer that has not fired. */
  clearTimeout(handle: unknown): void
}

/** The stream takes or gives nothing more: `VELO_ENDED` after `end()`, `VELO_CLOSED` otherwise; `cause` is the function's error if it failed. */
export declare class ClosedError extends VeloError {}

/**
 * How values travel to another thread.
 *
 * `'structured'`: with the semantics of structured clone. `'json'`: as `JSON.stringify` writes them. `'binary'`: byte values raw, and they arrive as views into a buffer that
 * they share with their neighbors (mind `byteOffset`, as with a `Buffer`); all others as `'structured'`. Or a pair of functions of your own.
 */
export declare type Codec =
  | 'structured'
  | 'json'
  | 'binary'
  | {
      encode(value: unknown): Uint8Array
      decode(bytes: Uint8Array): unknown
    }

/** Options of `runtime.drain`. */
export declare interface DrainOptions {
  /** ms until streams that still run are aborted. Default 10000. */
  deadline?: number
}

/** Why a stream ended. */
export declare type EndReason = 'done' | 'closed' | 'idle' | 'aborted' | 'failed'

/** Totals of all streams of one stream function. */
export declare interface FunctionMetrics {
  name: string
  streamsOpen: number
  streamsWaiting: number
  streamsDetached: number
  streamsOpened: number
  streamsRefused: number
  closedBy: Record<EndReason, number>
  eventsIn: number
  eventsOut: number
  dropped: {
    events: number
    results: number
  }
  /** Sends refused with `VELO_OVERRUN`. */
  overruns: number
  /** Errors thrown by detached functions, which nobody gets. */
  lateErrors: number
  latency: LatencyQuantiles
  processing: LatencyQuantiles
}

/** An async generator function: events in, results out, local variables are the state. */
declare type Generator_2<In, Out> = (events: AsyncIterableIterator<In>, ctx: StreamContext) => AsyncGenerator<Out, unknown, undefined>

export { Generator_2 as Generator }

/** Latency in microseconds, from one sampled event in 64; `NaN` without a sample. */
export declare interface LatencyQuantiles {
  readonly p50: number
  readonly p95: number
  readonly p99: number
  /** How many samples the quantiles rest on. */
  readonly samples: number
}

/** Options of `open`. */
export declare interface OpenOptions extends SignalOption {
  /** Default: made from the function's name and a number. One that is in use is refused with `VELO_CONFIG`. */
  id?: string | undefined
  /** Handed to the function as `ctx.headers`. */
  headers?: StreamHeaders | undefined
}

/** No place: `VELO_OVERLOADED` (a limit is reached), `VELO_OVERRUN` (too many sends wait) or `VELO_DRAINING` (shutting down). */
export declare class OverloadedError extends VeloError {}

/** Options of `recv`. */
export declare interface RecvOptions extends SignalOption {
  /** Rejects with `VELO_TIMEOUT` after so many ms; the result that comes later goes to the next read. */
  timeout?: number | undefined
}

/** What all stream functions of the process share. */
export declare const runtime: {
  /** Totals of the process: a plain object of numbers, made anew at each call. */
  readonly snapshot: () => Snapshot
  /** Sets the limits of the process and what its worker threads are. Threads that run keep what they were started with. Throws `VELO_CONFIG`. */
  readonly configure: (options: RuntimeOptions) => void
  /** Starts the worker threads now, so that the first streams need not wait for them. Rejects with `VELO_WORKER_EXITED` where that fails. */
  readonly warm: () => Promise<void>
  /**
   * Ends the process's streams in good order, for ever: no new ones (`VELO_DRAINING`), running ones finish, at the deadline the rest is aborted. Resolves when nothing
   * is open. A second call shares the first one's promise, and may bring the deadline forward: the earliest counts.
   */
  readonly drain: (options?: DrainOptions) => Promise<void>
}

/** Options of `runtime.configure`. */
export declare interface RuntimeOptions {
  /** How many streams may be open at once in the whole process, over all functions and threads. 0 = no limit, the default. */
  maxConcurrent?: number
  /** Worker threads of this thread: how many at most, or more about them. Default: the cores of the machine less one, at least 1. */
  workers?: number | WorkersOptions
  /** How many bytes may wait in the streams of HTTP and WebSocket of the whole process, over all threads; beyond it new ones are refused. Default 536870912. */
  maxBufferedBytes?: number
}

/** With a call: abort it, or the stream it starts. */
export declare interface SignalOption {
  signal?: AbortSignal | undefined
}

/** Totals of the process, a plain object. */
export declare interface Snapshot extends Omit<FunctionMetrics, 'name' | 'processing'> {
  /**
   * Bytes that wait in the streams of HTTP and WebSocket of all threads, beyond `maxBufferedBytes` of which new ones are refused. Each thread reports in steps of 64 KiB, so the
   * others may be that far off.
   */
  bytesBuffered: number
  functions: FunctionMetrics[]
  /** Worker threads that run streams. */
  workers: WorkerSnapshot[]
}

/** What a stream function may be fed from: anything that can be iterated, Node and Web streams included. Promises in a sync source are awaited. */
export declare type Source<In> = Iterable<In | PromiseLike<In>> | AsyncIterable<In> | WebSource<In>

/** What one stage of a pipeline has done. */
export declare interface StageMetrics {
  readonly name: string
  /** Number of its thread; 0 also before it starts. */
  readonly thread: number
  /** Events given to its function. */
  readonly eventsIn: number
  /** Results that went on from it. */
  readonly eventsOut: number
}

/** One live instance of a stream function; made by `open()`. */
export declare class Stream<In, Out> implements AsyncIterable<Out>, AsyncDisposable {
  #private
  /** Unique among the open streams of the process. */
  get id(): string
  /** `waiting` (in line for a permit), `open`, `ending` (no more input), `closing`, `closed`. */
  get state(): StreamState
  /** Resolves once, when the function has finished, unread results or not. Never rejects. */
  get closed(): Promise<StreamEnd>
  /** Counts and latencies of this stream: a plain object, made anew at each access. */
  get metrics(): StreamMetrics
  /**
   * Sends one event; resolves when it is accepted. With a full input it waits: that is backpressure.
   * Rejects with `VELO_ENDED` after `end()`, `VELO_CLOSED`, `VELO_EVENT` (the schema), `VELO_OVERRUN` (more than `max(buffer, 16)` sends wait), AbortError.
   */
  send(event: In, options?: SignalOption): Promise<void>
  /** Sends one event if there is room at once. False while anyone waits to send, and after the end. Throws `VELO_EVENT` when the schema refuses the event. */
  trySend(event: In): boolean
  /** Sends many: one place in line, contiguous, accepted in parts where room is short; an error carries `accepted`. */
  sendBatch(events: readonly In[]): Promise<void>
  /** Reads one result. Rejects with what the function threw (once), then with `VELO_CLOSED`; with AbortError or `VELO_TIMEOUT` nothing is lost. */
  recv(options?: RecvOptions): Promise<Out>
  /** Reads up to `max` results, waiting for the first; empty at the end. */
  recvBatch(max: number): Promise<Out[]>
  /** Sends everything of `source`, then ends the input. It starts at once, is the only sender and the reader; leaving its loop closes the stream. */
  feed(source: Source<In>): AsyncIterableIterator<Out> & AsyncDisposable
  /** No more events: the function sees the end of its input, may still yield, and its results stay readable. */
  end(): void
  /**
   * Ends the stream: buffered events and unread results are dropped, `ctx.signal` fires, the function's `finally` runs. Resolves when it has finished, at the latest
   * after `closeTimeout`. Rejects once with an error thrown while closing.
   */
  close(): Promise<void>
  /** Ends the stream at once with an error: every wait settles with an AbortError whose cause is `reason`. */
  abort(reason?: unknown): void
  [Symbol.asyncDispose](): Promise<void>
  /** The results until the end. `next()` makes it the reader; `return()` (a `break`) closes the stream. */
  [Symbol.asyncIterator](): AsyncIterableIterator<Out>
  /** A Node stream in object mode: what is written is sent, what is yielded can be read; ending it ends the input, and it has finished when the function has; destroying it aborts. */
  toDuplex(): Duplex
  /** A pair of Web streams. `close()` of the writable ends the input and waits for the function. */
  toWeb(): {
    readable: ReadableStream_2<Out>
    writable: WritableStream_2<In>
  }
}

/** What every instance of a stream function is told, its second argument. */
export declare interface StreamContext {
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
}

/** How a stream ended: what `closed` resolves with. */
export declare interface StreamEnd {
  /** Why it ended. */
  readonly reason: EndReason
  /** With `failed`, what the function threw, untouched; with `aborted`, the AbortError. */
  readonly error?: unknown
  /** With `failed` in a pipeline: name of the stage that threw first. */
  readonly stage?: string
  /** Events accepted but never given to the function, and results yielded but never read. Grows while unread results are dropped later. */
  readonly dropped: {
    readonly events: number
    readonly results: number
  }
  /** Sends refused with `VELO_OVERRUN`, because too many waited: events of theirs that were not accepted before are in no other count. */
  readonly refused: number
  /** With `done`, what the function returned, where that is not `undefined`. */
  readonly value?: unknown
  /** True when the function had not finished within `closeTimeout`. */
  readonly detached: boolean
}

/**
 * Makes a stream function that runs on worker threads, out of the URL of the module that exports it: as its default, or under the name that the option `export` says.
 * With no other option different, it behaves as one on the caller's thread; values arrive as copies.
 *
 * @example
 * const detect = streamFn<Frame, Motion>(new URL('./detect.js', import.meta.url), { placement: 'worker' })
 *
 * @throws VeloError `VELO_FUNCTION_REF` for what is no URL; `VELO_CONFIG` when an option is unknown or out of range. A module that cannot be loaded, or that exports no such
 * function, fails its streams with `VELO_FUNCTION_REF`.
 */
export declare function streamFn<In, Out>(
  module: URL | string,
  options: StreamOptions & {
    placement: 'worker'
  },
): StreamFunction<In, Out>

/**
 * Makes a stream function out of an async generator function. Each stream gets its own instance; local variables are its state.
 *
 * @example
 * const runningAverage = streamFn(async function* (events: AsyncIterable<number>) {
 *   let total = 0, count = 0
 *   for await (const event of events) yield (total += event) / ++count
 * })
 * await runningAverage.run([1, 2, 3]) // [1, 1.5, 2]
 *
 * @throws VeloError `VELO_CONFIG` when `fn` is no async generator function, or an option is unknown or out of range.
 */
export declare function streamFn<Schema extends StandardSchemaV1, Out>(
  fn: Generator_2<StandardSchemaV1.InferOutput<Schema>, Out>,
  options: StreamOptions & {
    schema: Schema
  },
): StreamFunction<StandardSchemaV1.InferInput<Schema>, Out>

export declare function streamFn<In, Out>(
  fn: Generator_2<In, Out>,
  options?: StreamOptions & {
    schema?: undefined
  },
): StreamFunction<In, Out>

/** A stream function: an async generator with options. Every use makes an instance of its own. */
export declare interface StreamFunction<In, Out> {
  /**
   * Feeds `source` through a new instance, pulled in lockstep with whoever iterates the results, as a bare generator is, or up to `ahead` results before they are asked for. It starts at the first `next()`. Fits
   * `pipeline()` and `compose()` of `node:stream`.
   *
   * Throws `VELO_CONFIG` for what cannot be iterated; the first `next()` rejects with `VELO_OVERLOADED` or `VELO_DRAINING` where there is no place.
   */
  (source: Source<In>, options?: CallOptions): AsyncIterableIterator<Out> & AsyncDisposable
  /** Name of the stream function, as in metrics. */
  readonly name: string
  /** Feeds all of `source` through a new instance and collects the results. Never resolves short without an error unless the function returned early. */
  run(source: Source<In>, options?: SignalOption): Promise<Out[]>
  /** Opens a live stream. Throws `OverloadedError` where there is no place, neither among the open streams nor in line. */
  open(options?: OpenOptions): Stream<In, Out>
  /** The results of this function become the events of `next`: a stream function of its own, which takes one permit. */
  pipe<Next>(next: StreamFunction<Out, Next>): StreamFunction<In, Next>
  pipe<Next>(next: Generator_2<Out, Next>): StreamFunction<In, Next>
  /** The same function with other options, limits and metrics of its own. */
  with(options: StreamOptions): StreamFunction<In, Out>
  /** Totals of all streams of this function in this process, from Rust: a plain object, made anew at each access. */
  readonly metrics: FunctionMetrics
}

/** Headers of a stream as `open({ headers })` got them; `req.headers` of Node fits. */
export declare type StreamHeaders = Readonly<Record<string, string | readonly string[] | undefined>>

/** Numbers of one stream. */
export declare interface StreamMetrics {
  /** Events accepted. */
  eventsIn: number
  /** Results yielded. */
  eventsOut: number
  /** Bytes that events became on their way to another thread, where they did. */
  bytesIn?: number
  /** The same of results. */
  bytesOut?: number
  dropped: {
    events: number
    results: number
  }
  /** From an accepted event to the moment its result is taken, microseconds. */
  latency: LatencyQuantiles
  /** From an accepted event to the moment the function asks for the next one, microseconds. */
  processing: {
    p50: number
    p95: number
    p99: number
  }
  /** From admission to now, or to the end. */
  durationMs: number
  /** Number of the thread on which the function runs (the first stage of a pipeline), as `threadId` of `node:worker_threads`; 0 until a stream on a worker thread starts. */
  thread: number
  /** In a pipeline: each stage, first one first. */
  stages?: StageMetrics[]
}

/** Options of a stream function. Durations are milliseconds. */
export declare interface StreamOptions {
  /** Shown in metrics, errors and `ctx.name`. Default: the name of the generator function, or `stream`. */
  name?: string
  /** Capacity of the input channel (events) and of the output channel (results), each. Integer from 1 to 1048576. Default 256. */
  buffer?: number
  /**
   * How long the function may wait for an event before its input ends (it may still yield a last summary). The clock runs only while it waits.
   * 0 = never. Default 30000 for live streams (`open`); pulled sources (`run`, a call, `feed`) have none unless it is set.
   */
  idleTimeout?: number
  /** How long a stream may live, from its admission; then it is aborted with a `TimeoutError` as cause. 0 or left out = no limit. */
  maxDuration?: number
  /** How long `close()` waits for the function to finish before the stream is detached. From 1. Default 5000. */
  closeTimeout?: number
  /** How many streams of this function may be open at once. Integer from 1. Default 1000. */
  maxConcurrent?: number
  /** How many streams may wait in line when `maxConcurrent` is reached; beyond it `open` throws `OverloadedError`. Default 0. */
  queue?: number
  /** Aborts a stream whose unread results nobody reads for so long. 0 or left out = off. */
  maxStall?: number
  /** Where instances run. `'local'`: on the caller's thread. `'worker'`: on worker threads; the function must then be given as the URL of its module. Default `'local'`. */
  placement?: 'local' | 'worker'
  /** Name under which the module exports the function. Worker threads only. Default `'default'`. */
  export?: string
  /**
   * How values travel between threads. `'structured'`: as structured clone does it, so that what arrives is a copy. `'json'`. `'binary'`: byte values raw, arriving as
   * views of a shared buffer, as a `Buffer` of Node.js may be; others as `'structured'`. Or `{ encode, decode }`, which the module of the function must export as `codec` too. Worker threads only. Default `'structured'`.
   */
  codec?: Codec
  /** Moves the ArrayBuffers of events and results to the other thread instead of copying them: they are detached here. Worker threads only. Default `false`. */
  transfer?: boolean
  /** What becomes of a stream whose thread dies: it fails with `VELO_WORKER_EXITED`, or `'reopen'`: its function starts anew on another thread. Worker threads only. Default `'fail'`. */
  onWorkerExit?: 'fail' | 'reopen'
  /** Called where a stream is opened, for example to read an `AsyncLocalStorage`; the function finds what it returns in `ctx.context`, on another thread a copy of it. */
  context?: () => unknown
  /** Keeps the time of every timeout of a stream, and of `recv({ timeout })`, instead of the machine: `virtualClock()` of `velo-stream/testing` moves it. Default: the machine. */
  clock?: Clock
  /**
   * How many results a call, `fn(source)`, may make before they are asked for; its source is pulled no further than they need. 0 = lockstep, as a bare generator is. At most `buffer`
   * where a stage runs on a worker thread. Default 0, and `buffer` where a stage runs on a worker thread: in lockstep each event is a trip between threads there.
   */
  ahead?: number
  /** A Standard Schema (zod, valibot, arktype ...) for events; the function gets its output. */
  schema?: StandardSchemaV1
}

/** Where a stream is in its life. */
export declare type StreamState = 'waiting' | 'open' | 'ending' | 'closing' | 'closed'

/** Something took too long: `VELO_TIMEOUT`, or `VELO_IDLE` for a source that fell silent. */
export declare class TimeoutError extends VeloError {}

/** Every error that velo-stream itself raises. */
export declare class VeloError extends Error {
  /** Stable name of what went wrong. */
  readonly code: VeloErrorCode
  /** Whether the same call may succeed later without a change. */
  readonly retryable: boolean
  /** `id` of the stream it belongs to, where there is one. */
  readonly streamId?: string
  /** Path of the option at fault, with `VELO_CONFIG`. */
  readonly field?: string
  /** Events of a `sendBatch` that were accepted before it failed; those stay accepted. */
  readonly accepted?: number
  /** What the schema said, with `VELO_EVENT`. */
  readonly issues?: ReadonlyArray<StandardSchemaV1.Issue>
  /** Why the stream ended or is ending, with `VELO_CLOSED`. */
  readonly reason?: EndReason
  constructor(code: VeloErrorCode, message: string, options?: VeloErrorOptions)
}

/** A stable name of what went wrong, `VELO_*`. docs/errors.md lists them all. */
export declare type VeloErrorCode =
  | 'VELO_CONFIG'
  | 'VELO_OVERLOADED'
  | 'VELO_DRAINING'
  | 'VELO_ENDED'
  | 'VELO_CLOSED'
  | 'VELO_ABORTED'
  | 'VELO_IDLE'
  | 'VELO_OVERRUN'
  | 'VELO_EVENT'
  | 'VELO_TIMEOUT'
  | 'VELO_LOCKED'
  | 'VELO_CODEC'
  | 'VELO_FUNCTION_REF'
  | 'VELO_WORKER_EXITED'
  | 'VELO_ADAPTER'
  | 'VELO_CHECKPOINT'
  | 'VELO_NATIVE_LOAD'
  | 'VELO_BUG'

/** What an error may carry beside its message. */
export declare interface VeloErrorOptions {
  /** What led to it: a user's error, the reason of an abort, a client's error. */
  cause?: unknown
  /** `id` of the stream it belongs to. */
  streamId?: string | undefined
  /** Path of the option at fault, for example `streamFn(options).buffer`. */
  field?: string
  /** How many events of a `sendBatch` were accepted before it failed. */
  accepted?: number
  /** What a schema said about an event. */
  issues?: ReadonlyArray<StandardSchemaV1.Issue>
  /** Why the stream ended or is ending. */
  reason?: EndReason | undefined
}

/** A `ReadableStream` as the types of web pages (`lib: ['dom']`) describe it, which may say nothing of iteration: the body of a fetch. */
export declare interface WebSource<In> {
  readonly locked: boolean
  cancel(reason?: unknown): Promise<void>
  getReader(): {
    read(): Promise<{
      done: boolean
      value?: In | undefined
    }>
  }
}

/** One worker thread in `runtime.snapshot()`. */
export declare interface WorkerSnapshot {
  /** Its number in Node.js, as `threadId` of `node:worker_threads`. */
  readonly thread: number
  /** Streams that run there. */
  readonly streams: number
  /** Part of its time that it was busy lately, 0 to 1. */
  readonly busy: number
  /** ms that its start took; `NaN` while it starts. */
  readonly startMs: number
}

/** Worker threads of an isolate, for `runtime.configure({ workers })`. */
export declare interface WorkersOptions {
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

export {}
