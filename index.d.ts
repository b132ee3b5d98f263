// The public contract of velo-stream on one page. Generated from js/ by `npm run generate`; do not edit.

import { AsyncResource } from 'node:async_hooks'
import type { Duplex } from 'node:stream'
import type { ReadableStream as ReadableStream_2, WritableStream as WritableStream_2 } from 'node:stream/web'
import type { ResourceLimits } from 'node:worker_threads'
import type { StandardSchemaV1 } from '@standard-schema/spec'

/** The stream was aborted: `name` is `AbortError`, `code` is `VELO_ABORTED`, `cause` is the reason given. */
export declare class AbortError extends VeloError {
  constructor(message: string, options?: VeloErrorOptions)
}

/** Where events come from that want to be acknowledged. Events count from 0, in the order in which the iterator gives them. */
export declare interface AckSource<In> extends AsyncIterable<In> {
  /** Every event before number `upTo` is done. Called with growing numbers, one call at a time; resolves when that is kept. */
  ack(upTo: number): unknown
  /** In place of iterating one by one: arrays of events, as they come. `next(room)` should give no more than `room` events. */
  batches?(): AsyncIterator<readonly In[], unknown, number | undefined>
  /** Most events that are read and have not reached the function, about. Default 1024. */
  readonly ahead?: number | undefined
  /** Event number `event` anew, as it came. Without it the value that was given is given again. */
  again?(event: number): In
  /**
   * The function threw, and this event alone was in work; it was executed `executions` times in this process. Resolves with true where it was put aside (in a dead-letter stream, say): it counts as done then. With false it is delivered again. Without this method a
   * function that throws ends `consume`.
   */
  failed?(event: number, error: unknown, executions: number): boolean | PromiseLike<boolean>
  /** Nothing is acknowledged any more; called once, whatever became of the events. Those from number `begun` on have not reached the function. */
  end?(begun: number): unknown
  /** How many events were put aside, where the source does that by itself, too. */
  readonly deadLettered?: number
}

/** An adapter of a broker cannot go on: `adapter` says which, `cause` is the error of the client. */
export declare class AdapterError extends VeloError {
  /** `'redis'`, ... */
  readonly adapter?: string
  constructor(
    code: VeloErrorCode,
    message: string,
    options?: VeloErrorOptions & {
      adapter?: string
    },
  )
}

declare type AnyGenerator = AsyncGenerator<unknown, unknown, undefined>

/**
 * Whether stages were at work when their thread died: `'working'` on an event, or before the first one; `'idle'`: somebody else there was. `'unknown'`: nobody was, as far as
 * it can be told.
 */
declare type Blame = 'working' | 'idle' | 'unknown'

/** Options of a call, `fn(source)`. */
export declare interface CallOptions extends RunOptions {
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

/**
 * Runs `fn` on everything that `source` gives, and resolves when that is over, or `signal` stopped it. An event is acknowledged once the function is through with it (it asked for the next one) and
 * every result up to there was accepted by the sink: at least once. Where sink and source are one store that can, results and acknowledgements are one step: exactly once.
 *
 * Not awaited, and with a `signal`, it works in the background.
 *
 * @throws VeloError (a rejection) `VELO_CONFIG` for options; whatever the source or the sink throw; with `onError: 'stop'`, what the function throws.
 */
export declare function consume<In, Out>(
  fn: StreamFunction<In, Out> | StreamGenerator<In, Out>,
  options: ConsumeOptions<NoInfer<In>, NoInfer<Out>>,
): Promise<Consumed>

/** What `consume` did. */
export declare interface Consumed {
  /** Events that the source gave. */
  readonly received: number
  /** Events that are done, those that were put aside included. */
  readonly acked: number
  /** Results that the sink accepted. */
  readonly results: number
  /** Events that were put aside. */
  readonly deadLettered: number
}

/** Options of `consume`. */
export declare interface ConsumeOptions<In, Out> {
  /** Where events come from: a source of an adapter, or anything that can be iterated. One with parts has an instance of the function for each of them. */
  source: AckSource<In> | PartedSource<In> | AsyncIterable<In> | Iterable<In>
  /** Where results go. Without one they are counted and forgotten: what the function does is the purpose. */
  sink?: Sink<Out> | undefined
  /** Stops it in order: nothing more is read, what is in work finishes and is acknowledged. */
  signal?: AbortSignal | undefined
  /**
   * What a function that throws means. `'retry'`: what was not done is delivered again, one event at a time, to fresh instances; the source counts, and puts the culprit aside in the end. A source that
   * cannot do that, or `'stop'`: `consume` rejects with that error. Default `'retry'`.
   */
  onError?: 'retry' | 'stop' | undefined
  /** Most events that were read and are not done, of each part of a source that has some; beyond that nothing is read. A function that holds more at once never goes on. Integer from 1. Default 16384. */
  maxUnacked?: number | undefined
}

declare class Definition {
  #private
  /** As they run. */
  readonly stages: readonly Stage[]
  /** As they were given: what pipelines and variants are made of. */
  readonly given: readonly Stage[]
  readonly options: ResolvedOptions
  /** Functions at whose limits its streams count as well; none where one permit is all that they take. */
  readonly gates: readonly Definition[]
  /** ms without an event after which live input ends. */
  readonly liveIdle: number
  /** The same for pulled sources: only when it was set explicitly. */
  readonly pulledIdle: number
  /** Some stage runs on another thread. */
  readonly remote: boolean
  /** How many sends may wait for room in a stream of it. Rust says so together with `fn`, before there is a stream. */
  line: number
  /** The credits with which its streams open on each side; likewise. */
  credits: number
  isExemplar: boolean
  /** Which of its events are timed. */
  readonly sampling: Sampling
  constructor(stages: readonly Stage[], options: ResolvedOptions, gates?: readonly Definition[], given?: readonly Stage[])
  /** One of no user, whose streams Rust does not know: they hold no permit, keep no time, and must never end. */
  static exemplar(stages: readonly Stage[], options: ResolvedOptions): Definition
  /** How far a call may be ahead of whoever reads its results, where the call itself says nothing else. */
  aheadOf(given: number | undefined): number
  /** Its number in Rust, taken at first use. */
  get fn(): number
}

/** What takes a harness to another thread. */
declare interface Departure {
  /** Address of a module that exports `arrive`, an `Arrive`. */
  readonly module: string
  /** Its argument, which structured clone can copy, and what is transferred with it. */
  readonly data: unknown
  readonly transfer: readonly object[]
  /** The thread must be able to tell that the stream ends it, also while it waits: by a timer, for example. Costs time. */
  readonly isTraced?: boolean
}

/** Options of `runtime.drain`. */
export declare interface DrainOptions {
  /** ms until streams that still run are aborted. Default 10000. */
  deadline?: number
}

/** Key of what makes durable streams. */
declare const DURABILITY: unique symbol

declare interface Durability {
  /** The stages as bytes go through them. Throws `VELO_CONFIG` for options that do not go together with it. */
  stages(stages: readonly Stage[], options: Definition['options']): readonly Stage[]
  /** Opens a stream. Throws OverloadedError. */
  open(def: Definition, options: LeaseOptions, puller: Puller | undefined): Live
  /** All results of a source, or of one that begins where a stream was. */
  run(def: Definition, source: unknown, options: LeaseOptions): Promise<unknown[]>
  /** The results of a source one by one; the stream opens at the first. */
  call(def: Definition, source: unknown, options: LeaseOptions): ValueIterator<unknown> & AsyncDisposable
  unfinished(name: string): Promise<UnfinishedStream[]>
  discard(name: string, id: string): Promise<boolean>
}

/** A journal as the option `durable` takes it. */
export declare interface Durable {
  readonly [DURABILITY]: Durability
}

/** Options of `ctx.run`. */
export declare interface EffectOptions {
  /** Tries again after an error. Left out: one try. */
  retry?: RetryOptions | undefined
  /**
   * Identifies the step together with its name, instead of the order of the calls: for steps of one name whose order is not the same each time, because they follow from timers or from requests outside
   * of `ctx.run`.
   */
  key?: string | undefined
}

/** Why a stream ended. */
export declare type EndReason = 'done' | 'closed' | 'idle' | 'aborted' | 'failed'

/** A process that can be looked at. */
export declare interface Exposed extends AsyncDisposable {
  /** Where the socket is. */
  readonly path: string
  /** Ends it and removes the socket. */
  close(): Promise<void>
}

/** Options of `runtime.expose`. */
export declare interface ExposeOptions {
  /** Where the socket shall be. Default: named by the id of the process, where `velo top <pid>` finds it. */
  path?: string | undefined
  /** Refuses to abort streams. Default false. */
  readOnly?: boolean | undefined
}

/** Something thrown; a box, because `undefined` can be thrown too. */
declare interface Failure {
  error: unknown
}

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

/** Options beside a function, which cannot be handed to another thread. */
export declare interface FunctionOptions<Schema = undefined, State = unknown>
  extends Omit<StreamOptions, 'placement' | 'schema' | 'state'> {
  /** Where instances run: on the caller's thread. For worker threads give the URL of the module instead of the function. */
  placement?: 'local'
  /** A Standard Schema (zod, valibot, arktype ...) for events; the function gets its output. */
  schema?: Schema
  /** Keeps `ctx.state` instead of the history, so that a stream of any length takes constant space. Only with `durable`. */
  state?: StateOptions<State>
}

/** Of one stream. */
declare interface Harness {
  /** The function of a stage as it is to be called. */
  wrap(fn: StreamGenerator<never, unknown>, place: StagePlace): StreamGenerator<never, unknown>
  /** The same for another thread. */
  departure(): Departure
  /** Stages on other threads are lost. Called before the stream fails with the error. */
  lost?(loss: StageLoss): void
  /** Its stages must be alone on their thread. */
  readonly isolation?: Isolation | undefined
}

declare abstract class Inlet<In> implements ValueIterator<In> {
  protected readonly owner: Owner
  protected readonly row: Row
  /** The waiting `next()`; more than one only if the function asks again without awaiting. */
  protected resolve: Resolve | null
  protected more: Resolve[] | null
  /** Nothing further is delivered. */
  over: boolean
  /** Thrown at the next pull, once. */
  protected failure: {
    error: unknown
  } | null
  constructor(owner: Owner)
  abstract next(): Promise<IteratorResult<In, undefined>>
  [Symbol.asyncIterator](): this
  /** The function waits for an event. */
  get isAsked(): boolean
  /** The function stops reading: nothing more is delivered, and the source is given back. */
  return(value?: unknown): Promise<IteratorResult<In, undefined>>
  /** Ends it at once: what waits gets the end or `failure`, what is buffered is dropped and counted. */
  cut(
    failure:
      | {
          error: unknown
        }
      | undefined,
  ): void
  /** Gives the source back, once; a promise where that is worth waiting for. */
  release(): PromiseLike<unknown> | undefined
  /** Drops what is buffered and counts it. */
  protected abstract drop(): void
  /** A send is under way. */
  protected noSilence(): void
  /** Nothing is under way any more: if the function waits, silence begins. */
  protected silence(): void
  /** The wait for an event begins. */
  protected park(): Promise<IteratorResult<In, undefined>>
  /** The oldest wait ends; its `resolve`. Only while one waits. */
  protected unpark(): Resolve
  /** Every wait gets the failure (the first) or the end. */
  protected settleWaits(): void
  /** Answer of `next()` once it is over. */
  protected nextOver(): Promise<IteratorResult<In, undefined>>
}

declare class Input<In> extends Inlet<In> {
  protected readonly owner: InputOwner
  protected buffered: Queue<In>
  /** Made by the first send that waits. */
  private line
  /** `end()` or idleness: no new sends; what is buffered or in line is still delivered. */
  private ended
  /** Closed, aborted, or given up by the function: nothing is delivered any more. */
  private wasCut
  /** The senders of accepted events are told when no more than this many wait, when the function waits, or when the turn ends. */
  private readonly lowWater
  credits: number
  constructor(owner: InputOwner)
  next(): Promise<IteratorResult<In, undefined>>
  send(event: In, signal: AbortSignal | undefined): Promise<void>
  sendBatch(events: readonly In[]): Promise<void>
  trySend(event: In): boolean
  /** `end()` and idleness: nothing more comes in; `failure` is thrown after what is buffered. */
  end(failure?: { error: unknown }): void
  cut(
    failure:
      | {
          error: unknown
        }
      | undefined,
  ): void
  /** The function stops reading. Whoever waits to send, or comes now, is told why, which is known only when it has ended, or goes on. */
  return(value?: unknown): Promise<IteratorResult<In, undefined>>
  /** Whoever waits to send is told that nobody reads. */
  rejectLine(error?: unknown): void
  get hasEnded(): boolean
  /** How many sends wait in line. */
  get waiting(): number
  get sending(): boolean
  /** Admitted after a wait for a permit, or there are credits again: the line moves. */
  open(): void
  /** Whoever sends wants to know soon how far the function is: on the same thread it is told anyway. */
  hear(): void
  protected drop(): void
  /** Whether an event sent now needs no place in line, but for a credit. */
  protected isFree(): boolean
  protected refill(): boolean
  /** Takes an event in, for which there is a credit. One that cannot travel to another thread is refused: that throws, and nothing has happened. */
  protected accept(event: In): void
  private acceptNow
  private sendChecked
  private sendAll
  private join
  /** Accepts from the line, oldest first, as far as credits reach, and tells the senders when it is time. */
  private serve
  /** As much of a send as there are credits for; false when some of it is left. */
  private acceptAll
  private leave
  private shiftLine
  private lineIsEmpty
  /** The input has ended: a function that waits is told, once nothing is left for it. */
  protected endWaits(): void
  /** Why nothing can be sent any more. */
  private endedError
}

/** What the input channel needs of its stream. */
declare interface InputOwner extends Owner {
  /** For events. */
  readonly schema: StandardSchemaV1 | undefined
  readonly buffer: number
  /** How many sends may wait for room. */
  readonly line: number
  /** A timer of ours may settle what waits here. */
  readonly timed: boolean
  /** The function was started, or will be with its permit. */
  readonly started: boolean
  start(): void
  /** The function waits for an event. */
  inputIsDry(): void
  /** The function reads no more. */
  deserted(): void
  /** It does not, and why is not known yet. */
  readonly isUndecided: boolean
  /** Somebody waits to hear why. */
  undecided(): void
  /** A send was refused because too many wait. */
  overrun(bound: number): void
  /** Why an event is refused; `ended`: only because the input has ended. */
  sendError(accepted: number, ended: boolean): ClosedError
}

/** Options of `runtime.inspect`. */
export declare interface InspectOptions {
  /** Streams of the stream functions of this name only. */
  function?: string
  /** So many streams at most, those opened first. Default 1000. */
  limit?: number
}

/** A stream that nobody may share a thread with, because it may end it. */
declare interface Isolation {
  /** It has proven harmless, or is over. */
  readonly isOver: boolean
}

/** A sink and a source that are one store. */
export declare interface Joined<Out> {
  /** Called once, before the source is read. */
  begin?(): unknown
  /** All of it or nothing: these results, and every event before number `upTo` is done. */
  commit(results: readonly Out[], upTo: number): unknown
}

/** The journal of a folder in `runtime.snapshot()`: a plain object. Counts begin when this process opened the folder, and end when it gives it back. */
export declare interface JournalMetrics {
  /** The folder, absolute; in `runtime.snapshot()` with links followed. */
  readonly path: string
  /** Streams kept, retained ends among them. */
  readonly streams: number
  /** What is kept of them, bytes. */
  readonly bytes: number
  /** Bytes of the file on disk, in which what was removed leaves room. */
  readonly fileBytes: number
  /** Format of what is in it; 0 before it was opened. */
  readonly format: number
  /** Events appended. */
  readonly events: number
  /** Commands that were done: appends, commits, reads, openings. */
  readonly commands: number
  /** Transactions of the store: one for all commands that waited. */
  readonly commits: number
  /** What each of the last 1024 commits took, its sync included, microseconds. */
  readonly commitLatency: LatencyQuantiles
  /** Syncs of the file (fsync). */
  readonly syncs: number
  /** Bytes written to the file. */
  readonly writtenBytes: number
  /** Submissions that wait for the writer, each with the commands of a turn of one thread, and their bytes. */
  readonly queued: number
  readonly queuedBytes: number
  /** Streams opened that had been kept, and events read back for them. */
  readonly replays: number
  readonly replayedEvents: number
  /** Appends and commits refused because of `maxBytes`. */
  readonly refused: number
  /** How often the store failed and was opened again. */
  readonly reopened: number
}

/** Latency in microseconds, from one sampled event in 64; `NaN` without a sample. */
export declare interface LatencyQuantiles {
  readonly p50: number
  readonly p95: number
  readonly p99: number
  /** How many samples the quantiles rest on. */
  readonly samples: number
}

/** With what an instance is opened. */
declare interface LeaseOptions {
  id?: string | undefined
  /** The id is unique elsewhere: streams of this process may have the same one. */
  isForeign?: boolean
  headers?: StreamHeaders | undefined
  signal?: AbortSignal | undefined
  /** The async context to run in; default: the current one. */
  scope?: AsyncResource
  /** What stands between the library and its functions. */
  harness?: Harness | undefined
}

declare interface Live {
  readonly id: string
  readonly row: Pick<Row, 'state' | 'isWaiting' | 'accepted' | 'delivered' | 'yielded' | 'read'>
  /** Results wait to be read. */
  readonly hasUnread: boolean
  readonly input: Pick<Input<unknown>, 'send' | 'trySend' | 'sendBatch'>
  readonly output: Pick<Output<unknown>, 'isOwned' | 'reading' | 'soleReader' | 'recv' | 'recvBatch' | 'next'>
  readonly instance: LiveInstance
  /** For events. */
  readonly schema: StandardSchemaV1 | undefined
  /** The function was started, or will be with its permit. */
  readonly started: boolean
  /** Over all its lives, where it has several. */
  readonly lives?: Lives | undefined
  /** `end()`, or the end of a fed source; with `failure`, what that source threw. */
  endInput(failure?: Failure): void
  /** Its events come from a source from now on. */
  feedFrom(giveBack: () => void): void
}

declare interface LiveInstance {
  readonly def: {
    readonly remote: boolean
  }
  /** Every stage waits for an event, and nothing is on its way from one to the next. */
  readonly awaitsEvent: boolean
  close(): Promise<void>
  abort(reason: unknown): void
  whenEnded(): Promise<StreamEnd>
  /** The same for somebody whose work is not done before. */
  awaitEnd(): Promise<StreamEnd>
  metrics(): StreamMetrics
}

/** What only a durable stream knows. */
declare interface Lives {
  readonly resumed: Promise<Resumed | null>
  readonly position: Position
  ack(): Promise<void>
  /** Settles when the stream has come back as far as it can: as `resumed`, or when it waits for a place. Rejects as `resumed`. */
  whenBack?(): Promise<void>
}

/** A logger: pino and `console` are such. Methods that it does not have are not called. */
export declare interface Log {
  error?(fields: LogFields, message: string): void
  warn?(fields: LogFields, message: string): void
  info?(fields: LogFields, message: string): void
  debug?(fields: LogFields, message: string): void
}

/** What a line tells beside its message. */
export declare interface LogFields {
  /** `VELO_*` of an error, or `velo:*` of what is none. */
  readonly code: string
  /** Id of the stream. */
  readonly stream?: string | undefined
  /** Name of its stream function. */
  readonly function?: string | undefined
  readonly err?: unknown
  readonly [more: string]: unknown
}

/** Who is told, and when. It may be told late by a function on another thread. */
declare interface Milestone {
  readonly at: number
  reached(): void
}

/** Options beside the URL of a module. */
declare interface ModuleOptions extends StreamOptions {
  placement: 'worker'
}

/** Options of `open`. */
export declare interface OpenOptions extends SignalOption {
  /** Default: made from the function's name and a number. One that is in use is refused with `VELO_CONFIG`. */
  id?: string | undefined
  /** Handed to the function as `ctx.headers`. */
  headers?: StreamHeaders | undefined
}

declare class Output<Out> {
  private readonly owner
  private readonly row
  private results
  /** The oldest waiting read; the others wait in `readers`. Results wait only while no read does, but for a batch being filled. */
  private reader
  private readers
  /** A batch is filled until the input is dry, the output is full, or the turn ends. */
  private flushing
  /** No further result comes. */
  private over
  /** What the function threw, or the abort: for the next read, once. */
  private failure
  credits: number
  /** Who reads until the end: an iterator, or a feed. */
  soleReader: object | null
  /** The result at whose `yield` the function is suspended because the channel is full: not in it yet, nor counted. */
  held: IteratorResult<Out> | null
  /** Bounds the unread results by their bytes, where somebody counts them. */
  private readonly puller
  constructor(owner: OutputOwner, puller?: Puller)
  /** A result that the function yielded. */
  put(result: IteratorResult<Out>): void
  private isHeldBack
  /** Whether one more result may wait; spends the credit. */
  spend(): boolean
  recv(options: ReadOptions | undefined): Promise<Out>
  next(): Promise<IteratorResult<Out, undefined>>
  recvBatch(max: number): Promise<Out[]>
  /** Whether nothing is left to read: no result, no error. */
  get isOver(): boolean
  /** Whether an iterator or a feed reads it until the end. */
  get isOwned(): boolean
  /** Whether a read waits. */
  get reading(): boolean
  /** How many results wait. */
  get unread(): number
  /** The function waits for an event: a batch has all it gets for now. */
  inputIsDry(): void
  /** The function is over; what it threw goes to the oldest waiting read, else to the next. Says whether a read took it. */
  end(
    failure:
      | {
          error: unknown
        }
      | undefined,
  ): void
  /** Closed or aborted: nothing is delivered any more. What waits is dropped and counted. */
  cut(
    failure:
      | {
          error: unknown
        }
      | undefined,
  ): void
  private refill
  private take
  private takeMany
  private afterRead
  private wait
  /** Puts a bound on the read that was added last. */
  private limit
  private shiftReader
  /** A batch waits and a result came: flush when full, else when the input is dry or the turn ends. */
  private fill
  /** Hands results to the reads that wait, oldest first. */
  private flush
  /** No result is left: the first read gets the failure, the others the end. */
  private settleReaders
  private settleDone
  /** What a read meets after the last result: the failure once, then ClosedError; `undefined` while more may come. */
  private endOfReads
  private abortError
}

/** What the output channel needs of its stream. */
declare interface OutputOwner {
  readonly id: string
  readonly row: Row
  /** A timer of ours may settle what waits here. */
  readonly timed: boolean
  /** A read waits or was served: the function may have to start, or to go on. */
  demand(): void
  /** Calls `fire` once after `ms`; answers how to take that back. */
  after(ms: number, fire: () => void): () => void
  /** Results are dropped that the end did not count. */
  lateDrop(results: number): void
  /** Why a read meets nothing. */
  closedError(): ClosedError
}

/** No place: `VELO_OVERLOADED` (a limit is reached), `VELO_OVERRUN` (too many sends wait) or `VELO_DRAINING` (shutting down). */
export declare class OverloadedError extends VeloError {}

/** What an inlet needs of its stream. */
declare interface Owner {
  readonly id: string
  readonly row: Row
  /** Settles with `promise`, at the latest after `closeTimeout`. */
  bounded(promise: PromiseLike<unknown>): Promise<unknown>
}

/** One of them. Events count from 0 in each. */
export declare interface Part<In> extends AckSource<In> {
  /** Aborted once somebody else has it: what is in work is dropped, nothing of it is stored or acknowledged, and nobody hears of an error. */
  readonly lost?: AbortSignal
}

/** A source of many that go on beside each other: the partitions of a topic that this process has, say. Order is kept within each. */
export declare interface PartedSource<In> {
  /** Parts as they come. The end: there are no more, once those that were given are over. */
  parts(): AsyncIterator<Part<In>>
  /** Called once, when nothing of any part is acknowledged any more. */
  end?(): unknown
  /** Over all parts. */
  readonly deadLettered?: number
}

/** Where a stage runs that is not on the caller's thread. */
declare interface Placement {
  /** The input channel of a live stream that begins there. */
  input(owner: InputOwner): Input<unknown>
  /** Whether values go straight from a stage here to one there. */
  joins(next: Placement, schema: StandardSchemaV1 | undefined): boolean
  /** One generator for neighboring stages, `first` the number of the first of them; `last`: its results are those of the stream. */
  make(
    host: StageHost,
    events: AsyncIterableIterator<unknown>,
    stages: readonly Stage[],
    first: number,
    last: boolean,
  ): AnyGenerator & Remote
}

/** Where a stream is: the next event and the next result have these indexes. Of a durable stream over all its lives. */
export declare interface Position {
  /** Events accepted. */
  readonly events: number
  /** Results read. */
  readonly results: number
}

declare class Probe {
  #private
  /** Ordinal of the event that is timed: 0 = none, -1 = it was processed and its result is awaited. */
  event: number
  /** Ordinal of its result once there is one; 0 before, -1 when that was taken while the function still works on the event. */
  result: number
  /** Event number `ordinal` was accepted. */
  accepted(ordinal: number): void
  /** The function asks for the event after the one that is timed. */
  asked(slot: number): void
  /** Result number `ordinal` came of the event that is timed. */
  yielded(ordinal: number): void
  /** That result was taken. */
  read(slot: number): void
}

/** How far a stream has come. */
declare interface Progress {
  /** Events that were delivered to the function. */
  readonly delivered: number
  /** Who is told when so many were; null while nobody is. */
  milestone: Milestone | null
  /** The milestone matters soon: a function on another thread says by itself how far it is. It is asked again after each time. */
  hear(): void
  /** Of a durable stream: all results below `index` have arrived, see `confirms`. */
  confirm?(index: number): void
}

/** Who pulls, and reads the results. */
declare interface Puller {
  /** The stream is open. */
  watch(progress: Progress): void
  /** What the reader gets in place of this result. Called once, as it is yielded. Throws nothing. */
  encode(result: unknown): unknown
  /** It says itself which results have arrived: asking for the next one does not. */
  readonly confirms?: boolean
  /** The journal of a durable stream was read. */
  opened?(standing: Standing_2): void
  /** Whether the function must wait before the last result goes in: so many are unread. It is asked again after each read. */
  holds(unread: number): boolean
  /** Bytes that wait, events and results together, where somebody counts them. */
  readonly bytes?: number
}

declare class Queue<T> {
  #private
  /** How many values wait. */
  length: number
  push(value: T): void
  /** Only while `length` is not 0. */
  shift(): T
  /** The oldest value, which stays. */
  first(): T | undefined
  /** The youngest value, which stays. */
  last(): T | undefined
  /** Takes `value` out of the middle; false when it is not here. */
  remove(value: T): boolean
  /** Empties it and says how many values waited. */
  clear(): number
}

/** Bounds of one read. */
declare interface ReadOptions {
  signal: AbortSignal | undefined
  /** ms. */
  timeout: number | undefined
}

/** The streams that were opened again, by the name of their function and by their id. */
export declare type Recovered = Record<string, Record<string, Stream<never, unknown>>>

/** Options of `runtime.recover`. */
export declare interface RecoverOptions {
  /** Durable stream functions whose streams are opened again. */
  functions: Iterable<StreamFunction<never, unknown>>
  /** How many streams are read from their journals and played at a time. Default 16. */
  concurrency?: number
  /** Receives the error of each stream that cannot be resumed; it stays in its journal. Default: `process.emitWarning`. */
  onError?: (
    error: unknown,
    stream: {
      readonly function: string
      readonly id: string
    },
  ) => void
}

/** Options of `recv`. */
export declare interface RecvOptions extends SignalOption {
  /** Rejects with `VELO_TIMEOUT` after so many ms; the result that comes later goes to the next read. */
  timeout?: number | undefined
}

/** Stages on other threads: what they hear and tell beyond their results. */
declare interface Remote {
  /** Thread of the first of them, once they have started. */
  readonly thread: number
  /** A result that has arrived already. */
  take(): IteratorResult<unknown> | null
  /** Results were read: there is room for more. */
  report(): void
  /** Closed, or aborted with `failure`. */
  leave(failure: Failure | undefined): void
  /** Ends those that still run; a promise where that takes time. */
  release(): PromiseLike<unknown> | undefined
  /** What one of them threw when nobody listened any more. */
  unheard(): Failure | undefined
  /** Name of the one that failed. */
  stageOf(): string | undefined
  /** Whether one of them is at work, or something is on its way to or from them. */
  readonly isBusy: boolean
  /** Whether each of them waits for an event, and nothing is on its way to or from them. */
  readonly awaitsEvent: boolean
  /** Whether a result is asked for. */
  readonly isAsked: boolean
  /** Whether one of them was told to leave, and has not said yet whether it goes at once. */
  readonly isLeaving: boolean
  /** Counts the events that were dropped on their way, at the end. */
  account(): void
  /** They do not end: is their thread stuck? */
  suspect(): void
  /** At which of them the stream stands, and what that one waits for. */
  stands(): Standing
  /** The thread of one that is at work, and the number under which it is known there. */
  place():
    | {
        thread: number
        segment: number
      }
    | undefined
  /** Bytes that its events and its results became. */
  bytes(): {
    in: number
    out: number
  }
  /** What each of them has taken and given. */
  stageMetrics(): StageMetrics[]
}

declare type Resolve = (value: unknown) => void

/** Options with every default filled in. */
declare interface ResolvedOptions {
  readonly name: string
  readonly buffer: number
  /** `undefined` = not set: 30000 for live input, none for pulled sources. */
  readonly idleTimeout: number | undefined
  readonly maxDuration: number
  readonly closeTimeout: number
  readonly maxConcurrent: number
  readonly queue: number
  readonly maxStall: number
  readonly placement: 'local' | 'worker'
  readonly export: string
  readonly codec: Codec
  readonly transfer: boolean
  readonly onWorkerExit: 'fail' | 'reopen' | 'resume'
  readonly context: (() => unknown) | undefined
  readonly schema: StandardSchemaV1 | undefined
  /** `undefined` = not set: 0 on this thread, `buffer` where a stage runs on another. */
  readonly ahead: number | undefined
  /** `undefined`: the timers of Rust. */
  readonly clock: Clock | undefined
  /** Where its streams are kept, and how their state is: of no concern to the engine. */
  readonly durable: object | undefined
  readonly state: object | undefined
}

/** What was there already when a durable stream was opened. */
export declare interface Resumed extends Position {
  /** How it came back: its events were played again, or it went on from its state. */
  readonly by: 'replay' | 'state'
}

/** What is tried again after an error, and when. */
export declare interface RetryOptions {
  /** How many tries at most, the first one included. Integer from 1. Default 1. */
  attempts?: number | undefined
  /** ms before the second try; it doubles with each further one. Default 100. */
  backoff?: number | undefined
  /** The longest such delay, ms. Default 30000. */
  maxBackoff?: number | undefined
  /** The part of each delay that is left to chance, 0 to 1: with 1 the delay is anything from 0 to its whole. `true` is 1. Default 0. */
  jitter?: number | boolean | undefined
  /** Whether an error is worth another try; `attempt` counts from 1. A promise is awaited. Default: every one is. */
  retryOn?: ((error: unknown, attempt: number) => boolean | PromiseLike<boolean>) | undefined
}

declare class Row {
  /** After the end a copy: the row serves another stream then. */
  private page
  private at
  /** Its number in Rust; -1 after the end. */
  slot: number
  /** Where the stream is in its life, as Rust said last. */
  state: number
  readonly probe: Probe
  /** Only where the function has a clock of its own. */
  watch: RowWatch | null
  /** Who is told when so many events were delivered: where their bytes are counted. */
  milestone: Milestone | null
  private readonly sampling
  private readonly phase
  constructor(slot: number, sampling: Sampling)
  get accepted(): number
  get delivered(): number
  get yielded(): number
  get read(): number
  get droppedResults(): number
  /** A word of it, for whoever looks now and then. */
  word(word: number): number
  /** Whether the function waits for an event, and no send is under way. */
  get isWaiting(): boolean
  /** An event is taken in. */
  accept(): void
  /** An event is taken in because the function asks for it. */
  acceptAsked(): void
  /** The function asks, and gets an event that was there. */
  deliver(): void
  /** The function gets an event, and had asked before. */
  deliverAsked(): void
  /** The function gets the event that it waited for. */
  deliverAwaited(): void
  /** An event is taken in for which the function waits: it gets it at once. */
  acceptAwaited(): void
  /** The function asks, and waits for an event of which nothing is under way. */
  askAndWait(): void
  /** On another thread `count` events were delivered so far. */
  deliveredTo(count: number): void
  /** More events were delivered, perhaps. */
  passMilestone(): void
  /** What was accepted and not delivered is dropped. */
  dropUndelivered(): void
  dropEvents(count: number): void
  /** The function asks and has to wait; `silent`: for an event of which nothing is under way. */
  wait(silent: boolean): void
  /** A later stage of a pipeline asks and has to wait. The pipeline is idle only while every stage waits, so the clock starts again. */
  restartWait(): void
  /** The same for a function on another thread, whose thread says whether it waits. */
  waitElsewhere(): void
  /** The function waits no more, or an event is under way. */
  endWait(): void
  /** The function asks on after all that was delivered: a sample may be due. */
  asked(): void
  /** The same of a function on another thread: that it has asked is seen from what it did. */
  askedElsewhere(): void
  /** An event is being timed that was not processed yet. */
  get isTiming(): boolean
  /** A result came out of the function. */
  yield(): void
  /** A result came out of the function, and its reader gets it at once. */
  yieldToReader(): void
  /** The result at whose `yield` the function rested enters its channel. */
  yieldHeld(): void
  /** Results that nobody wants any more came out of the function. */
  yieldUnwanted(count: number): void
  /** The caller takes results that were yielded. */
  take(count: number): void
  /** Results that were yielded are dropped unread. */
  dropResults(count: number): void
  /** Since when results wait unread: from now on, or no more. After the end nobody asks, and the word holds a latency. */
  markUnread(unread: boolean): void
  /** More credits, as Rust grants them. */
  grant(side: (typeof Side)[keyof typeof Side]): number
  /** The stream is over, and the row is given back: a copy is kept for whoever reads the numbers later. Answers what was dropped. */
  vacate(): {
    events: number
    results: number
  }
  /** The numbers of the stream: from the row and, while it is open, from Rust. At the end Rust leaves the latencies in the row. */
  metrics(thread: number): StreamMetrics
  /** The function asks on after `delivered` events. */
  private askedAfter
  /** Whether the next result is the first one of the event that is timed. */
  private isTimed
}

/** Who keeps the time of a row beside Rust. */
declare interface RowWatch {
  /** The function asks and has to wait. */
  waits(): void
  /** A result was read, or the first one waits to be. */
  unread(): void
}

/** Options of `run`. */
export declare interface RunOptions extends SignalOption {
  /** Of a durable stream: the id of one that is kept goes on where that was. */
  id?: string | undefined
}

/** What all stream functions of the process share. */
export declare const runtime: {
  /** Totals of the process: a plain object of numbers, made anew at each call. */
  readonly snapshot: () => Snapshot
  /** Sets the limits of the process and what its worker threads are. Threads that run keep what they were started with. Throws `VELO_CONFIG`. */
  readonly configure: (options: RuntimeOptions) => void
  /** Every live stream of this thread, those on its worker threads included: what it waits for, and since when. */
  readonly inspect: (options?: InspectOptions) => StreamInspection[]
  /**
   * Makes a local socket, for the user of this process alone (mode 0600), at which `velo top` sees the streams of this thread and may abort them. Resolves when it is there. Rejects with
   * `VELO_CONFIG` where it cannot be; a path that a live process has is refused. It keeps no process alive.
   */
  readonly expose: (options?: ExposeOptions) => Promise<Exposed>
  /** Starts the worker threads now, so that the first streams need not wait for them. Rejects with `VELO_WORKER_EXITED` where that fails, with `VELO_NATIVE_LOAD` where what they are run with cannot be loaded. */
  readonly warm: () => Promise<void>
  /**
   * Opens the durable streams again that a crash, a deploy or `close()` left: those of these functions that are stored and not open here. Resolves with them by function and id; those beyond
   * `maxConcurrent` wait in line for a place, in state `waiting`. One that cannot be resumed is reported to `onError`, and stays in its journal. Rejects with `VELO_CONFIG` for a function without
   * `durable`, with `VELO_CHECKPOINT` if a journal cannot list its streams.
   */
  readonly recover: (options: RecoverOptions) => Promise<Recovered>
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
  /** Where lines of the log go: a logger of pino, `console`, or anything with some of `error`, `warn`, `info` and `debug`, each called with fields and a message. `null`: nowhere, the default. */
  log?: Log | null
  /** ms after which a function at work without an event or a result is told to be stuck, on the channel `velo:stream:stuck` and in the log. 0 = never. Default 10000. */
  stuckAfter?: number
  /** Names of headers whose values `runtime.inspect` does not show, beside `authorization`, `proxy-authorization`, `cookie` and `set-cookie`. */
  redact?: readonly string[]
}

/** How many events the streams of a function have had, as far as its samples go by that: the first one is timed. */
declare class Sampling {
  private events
  /** A stream opens: its phase. It counts for one event until it ends, so that streams that are open at once do not all time the same one. */
  opens(): number
  /** It has ended, after so many events. */
  ends(accepted: number): void
}

/** Second argument of `grant`. */
declare const Side: {
  readonly Input: 0
  readonly Output: 1
}

/** With a call: abort it, or the stream it starts. */
export declare interface SignalOption {
  signal?: AbortSignal | undefined
}

/** Where results go. */
export declare interface Sink<Out> {
  /** Resolves when these results were accepted. One call at a time, in order. */
  write(results: readonly Out[]): unknown
  /** Parts of a source may write at the same time, each one call at a time. Without it they take turns. */
  readonly isConcurrent?: boolean
  /** There are no more; called once, whatever became of them. */
  end?(): unknown
  /** What stores results and acknowledges events of `source`, or of one part of it, in one step, where that is possible. */
  joined?(source: unknown): Joined<Out> | undefined
}

/** Totals of the process, a plain object. */
export declare interface Snapshot extends Omit<FunctionMetrics, 'name' | 'processing'> {
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

/** What a stream function may be fed from: anything that can be iterated, Node and Web streams included. Promises in a sync source are awaited. */
export declare type Source<In> = Iterable<In | PromiseLike<In>> | AsyncIterable<In> | WebSource<In>

/** A source of a durable stream that is asked to begin with the event of this index, the first that is not done. */
export declare type SourceFrom<In> = (from: number) => Source<In> | PromiseLike<Source<In>>

/** One generator function of a pipeline; a plain stream function has one. */
declare interface Stage {
  readonly fn: StreamGenerator<never, unknown>
  readonly name: string
  readonly schema: StandardSchemaV1 | undefined
  /** Where it runs, if that is another thread; `fn` is never called then. */
  readonly placement?: Placement | undefined
}

/** What stages need of the instance that they are stages of. */
declare interface StageHost extends Owner {
  readonly def: {
    readonly stages: readonly Stage[]
    /** Some stage runs on another thread. */
    readonly remote: boolean
    readonly options: {
      readonly name: string
      readonly buffer: number
      readonly closeTimeout: number
    }
  }
  readonly mode: {
    /** How far the stages may be ahead of whoever reads; 0 = lockstep: one result at a time is asked for. */
    readonly ahead: number
    /** Results wait in a channel until they are read. */
    readonly holdsResults: boolean
    /** Some wait there. */
    readonly hasUnread: boolean
  }
  /** Stands between the library and the functions. */
  readonly harness: Harness | undefined
  /** Runs user code of the caller's side. */
  inScope(work: () => void, owner: object): void
  /** What of its context can travel. */
  contextParts(): {
    headers: StreamHeaders | undefined
    declared: unknown
  }
  /** Results that nobody wanted any more were yielded. */
  discarded(count: number): void
  /** A stage on another thread that was told to leave has ended, or does something of its own first. */
  leftElsewhere(): void
}

/** Stages that cannot run any more although their functions did nothing wrong, as far as anybody knows. */
declare interface StageLoss {
  readonly error: VeloError
  /** Their results are those of the stream: the error reaches its reader, and no further stage. */
  readonly last: boolean
  readonly blame: Blame
  /** Events that they had taken, and whether those are the events of the stream. */
  readonly taken: number
  readonly first: boolean
  /** They waited for the next event. */
  readonly isWaiting: boolean
}

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

/** Where a function stands in its pipeline: its number, and whether it is the last one. */
declare interface StagePlace {
  readonly index: number
  readonly last: boolean
}

/** Where a stream stands among stages on other threads: at which, where that can be told, and what that waits for; `undefined`: it works. */
declare interface Standing {
  readonly stage: string | undefined
  readonly waits: 'event' | 'reader' | 'start' | undefined
}

/** What the journal of a durable stream knew as it was opened. */
declare interface Standing_2 {
  /** There was nothing of it before. */
  readonly isNew: boolean
  /** Its input has ended. */
  readonly isEnded: boolean
  /** Events that are kept; the end of the input counts as one. */
  readonly events: number
  /** Results that were delivered. */
  readonly results: number
}

/** The same for a function with the option `state`. */
export declare type StatefulGenerator<In, Out, State> = StreamGenerator<In, Out, State>

/** How `ctx.state` is kept. */
export declare interface StateOptions<State> {
  /** What a new stream starts from, plain data; a function is called for each. */
  initial: State | (() => State)
  /** Of the shape of the state; an integer. */
  version: number
  /** Makes a state of this version out of one of another, which is refused otherwise. */
  migrate?: (old: unknown, from: number) => State | PromiseLike<State>
  /** A Standard Schema that a state which was kept, or migrated, must pass. */
  schema?: StandardSchemaV1
  /** It is saved when the function asks for an event and so many events, or ms, have passed since it was saved last. A number is one of events. Default `{ events: 64, ms: 100 }`. */
  every?:
    | number
    | {
        events?: number
        ms?: number
      }
}

/** One live instance of a stream function; made by `open()`. */
export declare class Stream<In, Out> implements AsyncIterable<Out>, AsyncDisposable {
  #private
  /** Unique among the open streams of its function in the process. */
  get id(): string
  /** `waiting` (in line for a permit), `open`, `ending` (no more input), `closing`, `closed`. */
  get state(): StreamState
  /** Resolves once, when the function has finished, unread results or not. Never rejects. */
  get closed(): Promise<StreamEnd>
  /** Counts and latencies of this stream: a plain object, made anew at each access. */
  get metrics(): StreamMetrics
  /** How many events were accepted and results read; of a durable stream over all its lives. */
  get position(): Position
  /**
   * Of a durable stream: what was there already, once it has been taken by the new instance, or as far as unread results let; `null` for a new one. Rejects as the first read does, and may be
   * left alone. `null` where nothing is durable.
   */
  get resumed(): Promise<Resumed | null>
  /**
   * Of a durable stream: all results read so far count as delivered, and will not be given again; resolves when that is kept. Else the next read says so of those before it. Rejects with
   * `VELO_CHECKPOINT`. Does nothing where nothing is durable.
   */
  ack(): Promise<void>
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
  feed(source: Source<In>): ValueIterator<Out> & AsyncDisposable
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
  [Symbol.asyncIterator](): ValueIterator<Out>
  /** A Node stream in object mode: what is written is sent, what is yielded can be read; ending it ends the input, and it has finished when the function has; destroying it aborts. */
  toDuplex(): Duplex
  /** A pair of Web streams. `close()` of the writable ends the input and waits for the function. */
  toWeb(): {
    readable: ReadableStream_2<Out>
    writable: WritableStream_2<In>
  }
}

/** What every instance of a stream function is told, its second argument. `State` is what the option `state` says. */
export declare interface StreamContext<State = unknown> {
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
 * @throws VeloError `VELO_FUNCTION_REF` for what is no URL; `VELO_CONFIG` when an option is unknown or out of range; `VELO_NATIVE_LOAD` where what runs worker threads cannot be loaded. A module that cannot be loaded, or that exports no such
 * function, fails its streams with `VELO_FUNCTION_REF`.
 */
export declare function streamFn<In, Out>(module: URL | string, options: ModuleOptions): StreamFunction<In, Out>

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
export declare function streamFn<Schema extends StandardSchemaV1, Out, State = unknown>(
  fn: StreamGenerator<StandardSchemaV1.InferOutput<Schema>, Out, NoInfer<State>>,
  options: FunctionOptions<Schema, State> & {
    schema: Schema
  },
): StreamFunction<StandardSchemaV1.InferInput<Schema>, Out>

export declare function streamFn<In, Out, State = unknown>(
  fn: StreamGenerator<In, Out, NoInfer<State>>,
  options?: FunctionOptions<undefined, State>,
): StreamFunction<In, Out>

/**
 * Only words errors: it accepts no call that the signatures above refuse. The compiler reports its
 * error for the last signature, and this one takes any function, so the error names the option.
 */
export declare function streamFn<Schema extends StandardSchemaV1 | undefined = undefined, State = unknown>(
  fn: StreamGenerator<Schema extends StandardSchemaV1 ? StandardSchemaV1.InferOutput<Schema> : never, unknown, NoInfer<State>>,
  options?: FunctionOptions<Schema, State>,
): StreamFunction<never, unknown>

/** A stream function: an async generator with options. Every use makes an instance of its own. */
export declare interface StreamFunction<In, Out> {
  /**
   * Feeds `source` through a new instance, pulled in lockstep with whoever iterates the results, as a bare generator is, or up to `ahead` results before they are asked for. It starts at the first `next()`. Fits
   * `pipeline()` and `compose()` of `node:stream`.
   *
   * Throws `VELO_CONFIG` for what cannot be iterated; the first `next()` rejects with `VELO_OVERLOADED` or `VELO_DRAINING` where there is no place.
   */
  (source: Source<In> | SourceFrom<In>, options?: CallOptions): ValueIterator<Out> & AsyncDisposable
  /** Name of the stream function, as in metrics. */
  readonly name: string
  /** Feeds all of `source` through a new instance and collects the results. Never resolves short without an error unless the function returned early. */
  run(source: Source<In> | SourceFrom<In>, options?: RunOptions): Promise<Out[]>
  /** Opens a live stream. Throws `OverloadedError` where there is no place, neither among the open streams nor in line. */
  open(options?: OpenOptions): Stream<In, Out>
  /** The results of this function become the events of `next`: a stream function of its own, which takes one permit. */
  pipe<Next>(next: StreamFunction<Out, Next>): StreamFunction<In, Next>
  pipe<Next>(next: StreamGenerator<Out, Next>): StreamFunction<In, Next>
  /** The same function with other options, limits and metrics of its own. */
  with(options: StreamOptions): StreamFunction<In, Out>
  /** Totals of all streams of this function in this process, from Rust: a plain object, made anew at each access. */
  readonly metrics: FunctionMetrics
  /** With `durable`: its streams that are kept, are not open in this process, and have not finished. Rejects with `VELO_CHECKPOINT`; `VELO_CONFIG` without `durable`. */
  unfinished(): Promise<UnfinishedStream[]>
  /** With `durable`: removes the stream of this id from the journal; false where there is none. One that is open here is aborted. Rejects as `unfinished`. */
  discard(id: string): Promise<boolean>
}

/** An async generator function: events in, results out, local variables are the state. */
export declare type StreamGenerator<In, Out, State = unknown> = (
  events: ValueIterator<In>,
  ctx: StreamContext<State>,
) => AsyncGenerator<Out, unknown, undefined>

/** Headers of a stream as `open({ headers })` got them; `req.headers` of Node fits. */
export declare type StreamHeaders = Readonly<Record<string, string | readonly string[] | undefined>>

/** One live stream. */
export declare interface StreamInspection {
  readonly id: string
  /** Name of its stream function. */
  readonly function: string
  /** In a pipeline: the stage at which it stands, where that can be told. */
  readonly stage?: string
  /** Where its function runs; of a pipeline, `'worker'` where one of its stages does. */
  readonly placement: 'local' | 'worker'
  /** `threadId` of the thread of its first stage; 0 until a stream on a worker thread starts. */
  readonly thread: number
  readonly state: StreamState
  /** Since it was admitted; while it waits for that, since it was opened. */
  readonly ageMs: number
  readonly waitingFor: WaitingFor
  /** For how long it has waited for that, without an event or a result since. Exact to a second. */
  readonly waitingMs: number
  /** What waits in its channels; bytes where they are known. */
  readonly buffered: {
    readonly events: number
    readonly results: number
    readonly bytes: number
  }
  readonly eventsIn: number
  readonly eventsOut: number
  /** What it failed with or was aborted with, while it is on its way out. */
  readonly lastError?: string
  /** What `open({ headers })` was given; values that are nobody's business are `'[redacted]'`, those that cannot be read `'[unreadable]'`. */
  readonly headers?: StreamHeaders
}

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
   * How values travel between threads, and into the journal of a durable stream. `'structured'`: as structured clone does it, so that what arrives is a copy. `'json'`. `'binary'`: byte values raw, arriving as
   * views of a shared buffer, as a `Buffer` of Node.js may be; others as `'structured'`. Or `{ encode, decode }`, which the module of the function must export as `codec` too. Worker threads and durable streams only. Default `'structured'`.
   */
  codec?: Codec
  /**
   * Moves the ArrayBuffers that an event or a result owns to the other thread instead of copying
   * them: they are detached here. Worker threads only. Default `false`.
   */
  transfer?: boolean
  /** What becomes of a stream whose thread dies: it fails with `VELO_WORKER_EXITED`, `'reopen'`: its function starts anew on another thread; `'resume'`: a durable one goes on where it was. Worker threads only. Default `'fail'`. */
  onWorkerExit?: 'fail' | 'reopen' | 'resume'
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
  /**
   * Where the streams of this function are kept, so that they survive their process: a journal of `velo-stream/durable`. A stream opened with the id of one that is kept goes on where that was:
   * its events are played to a new instance, or, with `state`, it starts from that.
   */
  durable?: Durable
  /** Keeps `ctx.state` instead of the history, so that a stream of any length takes constant space. Only with `durable`. */
  state?: StateOptions<unknown>
}

/** Where a stream is in its life. */
export declare type StreamState = 'waiting' | 'open' | 'ending' | 'closing' | 'closed'

/** What subscribers of `velo:stream:stuck` get: a stream whose function has been at work for long without taking an event or giving a result. */
export declare interface StuckStream {
  id: string
  /** Name of its stream function. */
  function: string
  /** In a pipeline: the stage, where that can be told. */
  stage?: string
  placement: 'local' | 'worker'
  thread: number
  /** For so long, ms. */
  waitingMs: number
  /** The place in its code where it stands, `file:line:column`, outermost last, where V8 can tell: the await that is pending, or, on a worker thread that computes, its stack. */
  at?: string[]
}

/** Something took too long: `VELO_TIMEOUT`, or `VELO_IDLE` for a source that fell silent. */
export declare class TimeoutError extends VeloError {}

/** A durable stream that is kept, is not open in this process, and has not finished. */
export declare interface UnfinishedStream extends Position {
  readonly id: string
  /** What is kept of it. */
  readonly bytes: number
}

/**
 * An async iterator that can be iterated itself. Unlike with `AsyncIterableIterator`, `value` is
 * `undefined` at the end, and not `any`.
 */
export declare interface ValueIterator<Value> extends AsyncIterator<Value, undefined, undefined> {
  next(): Promise<IteratorResult<Value, undefined>>
  [Symbol.asyncIterator](): ValueIterator<Value>
}

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
  /** Why the stream ended or is ending, with `VELO_CLOSED`; `'moved'`: another process sends to the session now. */
  readonly reason?: EndReason | 'moved'
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
  /** Why the stream ended or is ending; `'moved'` where another process sends to the session now. */
  reason?: EndReason | 'moved' | undefined
  /** Whether the same call may succeed later without a change. Default: that of the code. */
  retryable?: boolean
}

/**
 * What a stream waits for: `'event'` that somebody sends; `'user code'`, its function; `'reader'`, because its output is full or nobody asks for a result; `'room'`: a send waits, and the function
 * works; `'admission'`: a place under `maxConcurrent`; `'journal'`; `'nothing'`: something is on its way, or it is about to end.
 */
export declare type WaitingFor = 'event' | 'user code' | 'reader' | 'room' | 'admission' | 'journal' | 'nothing'

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
