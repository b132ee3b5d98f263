// A live stream as its user sees it: events in, results out, and four ways to end it.

import type { Duplex } from 'node:stream'
import type { ReadableStream, WritableStream } from 'node:stream/web'
import type { InspectOptions } from 'node:util'
import type { ReadOptions } from '../engine/channels/reader.js'
import { configError, duration, integer, iterable, onlyKnown, signalOf } from '../kit/check.js'
import type { VeloError } from '../kit/errors.js'
import { DONE_VOID, refuse } from '../kit/promises.js'
import { builtin } from '../kit/start/builtin.js'
import type {
  Position,
  RecvOptions,
  Resumed,
  SignalOption,
  Source,
  StreamEnd,
  StreamMetrics,
  StreamState,
  ValueIterator,
} from '../kit/types.js'
import { Feed } from './feed.js'
import { duplexOf, webOf } from './interop.js'
import type { Live } from './live.js'
import { locked, StreamIterator } from './stream-iterator.js'

/** Node's own key, which is the same in every realm. */
const INSPECT = Symbol.for('nodejs.util.inspect.custom')
type Inspect = (value: unknown, options: InspectOptions) => string

const NOTHING_THERE: Promise<null> = Promise.resolve(null)

const states: readonly StreamState[] = ['waiting', 'open', 'ending', 'closing', 'closed']

/** One live instance of a stream function; made by `open()`. */
export class Stream<In, Out> implements AsyncIterable<Out>, AsyncDisposable {
  readonly #live: Live
  /** A feed is the only sender. */
  #fed = false

  /** @internal */
  constructor(live: Live) {
    this.#live = live
  }

  /** Unique among the open streams of its function in the process. */
  get id(): string {
    return this.#live.id
  }

  /** `waiting` (in line for a permit), `open`, `ending` (no more input), `closing`, `closed`. */
  get state(): StreamState {
    return states[this.#live.row.state] as StreamState
  }

  /** Resolves once, when the function has finished, unread results or not. Never rejects. */
  get closed(): Promise<StreamEnd> {
    return this.#live.instance.whenEnded()
  }

  /** Counts and latencies of this stream: a plain object, made anew at each access. */
  get metrics(): StreamMetrics {
    return this.#live.instance.metrics()
  }

  /** How many events were accepted and results read; of a durable stream over all its lives. */
  get position(): Position {
    const { lives, row } = this.#live
    return lives === undefined ? { events: row.accepted, results: row.read } : lives.position
  }

  /**
   * Of a durable stream: what was there already, once it has been taken by the new instance, or as far as unread results let; `null` for a new one. Rejects as the first read does, and may be
   * left alone. `null` where nothing is durable.
   */
  get resumed(): Promise<Resumed | null> {
    return this.#live.lives?.resumed ?? NOTHING_THERE
  }

  /**
   * Of a durable stream: all results read so far count as delivered, and will not be given again; resolves when that is kept. Else the next read says so of those before it. Rejects with
   * `VELO_CHECKPOINT`. Does nothing where nothing is durable.
   */
  ack(): Promise<void> {
    return this.#live.lives?.ack() ?? DONE_VOID
  }

  /**
   * Sends one event; resolves when it is accepted. With a full input it waits: that is backpressure.
   * Rejects with `VELO_ENDED` after `end()`, `VELO_CLOSED`, `VELO_EVENT` (the schema), `VELO_OVERRUN` (more than `max(buffer, 16)` sends wait), AbortError.
   */
  send(event: In, options?: SignalOption): Promise<void> {
    if (this.#fed) return refuse(this.#locked('a feed is its only sender'))
    if (options === undefined) return this.#live.input.send(event, undefined)
    try {
      onlyKnown(options, 'send(event, options)', ['signal'])
      return this.#live.input.send(event, signalOf(options.signal, 'send(event, options).signal'))
    } catch (error) {
      return refuse(error)
    }
  }

  /** Sends one event if there is room at once. False while anyone waits to send, and after the end. Throws `VELO_EVENT` when the schema refuses the event. */
  trySend(event: In): boolean {
    return !this.#fed && this.#live.input.trySend(event)
  }

  /** Sends many: one place in line, contiguous, accepted in parts where room is short; an error carries `accepted`. */
  sendBatch(events: readonly In[]): Promise<void> {
    if (this.#fed) return refuse(this.#locked('a feed is its only sender'))
    if (!Array.isArray(events)) return refuse(configError('sendBatch(events)', 'an array', events))
    return this.#live.input.sendBatch(events)
  }

  /** Reads one result. Rejects with what the function threw (once), then with `VELO_CLOSED`; with AbortError or `VELO_TIMEOUT` nothing is lost. */
  recv(options?: RecvOptions): Promise<Out> {
    if (this.#live.output.isOwned) return Promise.reject(this.#locked('an iterator reads it'))
    if (options === undefined) return this.#live.output.recv(undefined) as Promise<Out>
    try {
      return this.#live.output.recv(readOptions(options)) as Promise<Out>
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /** Reads up to `max` results, waiting for the first; empty at the end. */
  recvBatch(max: number): Promise<Out[]> {
    if (this.#live.output.isOwned) return Promise.reject(this.#locked('an iterator reads it'))
    try {
      return this.#live.output.recvBatch(integer(max, 'recvBatch(max)', 1, Number.NaN)) as Promise<Out[]>
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /** Sends everything of `source`, then ends the input. It starts at once, is the only sender and the reader; leaving its loop closes the stream. */
  feed(source: Source<In>): ValueIterator<Out> & AsyncDisposable {
    iterable(source, 'feed(source)')
    if ((source as unknown) === this || (source instanceof StreamIterator && source.reads(this.#live)))
      throw configError('feed(source)', 'another source than the results of the stream itself', source)
    if (this.#fed || this.#live.output.soleReader !== null || this.#live.output.reading)
      throw this.#locked(this.#fed ? 'it is fed already' : 'somebody reads it')
    const feed = new Feed<Out>(this.#live, source)
    this.#fed = true
    this.#live.output.soleReader = feed
    return feed
  }

  /** No more events: the function sees the end of its input, may still yield, and its results stay readable. */
  end(): void {
    this.#live.endInput()
  }

  /**
   * Ends the stream: buffered events and unread results are dropped, `ctx.signal` fires, the function's `finally` runs. Resolves when it has finished, at the latest
   * after `closeTimeout`. Rejects once with an error thrown while closing.
   */
  close(): Promise<void> {
    return this.#live.instance.close()
  }

  /** Ends the stream at once with an error: every wait settles with an AbortError whose cause is `reason`. */
  abort(reason?: unknown): void {
    this.#live.instance.abort(reason)
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  /** The results until the end. `next()` makes it the reader; `return()` (a `break`) closes the stream. */
  [Symbol.asyncIterator](): ValueIterator<Out> {
    return new StreamIterator(this.#live)
  }

  /** @internal What `console.log()` shows. */
  [INSPECT](_depth: number, options: InspectOptions, inspect: Inspect = builtin('node:util').inspect): string {
    const { id, state, metrics } = this
    const { eventsIn, eventsOut, dropped } = metrics
    return `Stream ${inspect({ id, state, eventsIn, eventsOut, dropped }, { ...options, depth: 1 })}`
  }

  /** A Node stream in object mode: what is written is sent, what is yielded can be read; ending it ends the input, and it has finished when the function has; destroying it aborts. */
  toDuplex(): Duplex {
    return duplexOf(this, () => this.#live.instance.awaitEnd())
  }

  /** A pair of Web streams. `close()` of the writable ends the input and waits for the function. */
  toWeb(): { readable: ReadableStream<Out>; writable: WritableStream<In> } {
    return webOf(this, () => this.#live.instance.awaitEnd())
  }

  #locked(why: string): VeloError {
    return locked(this.id, why)
  }
}

function readOptions(options: RecvOptions): ReadOptions {
  onlyKnown(options, 'recv(options)', ['signal', 'timeout'])
  const { signal, timeout } = options
  duration(timeout, 'recv(options).timeout', 0, 0)
  return { signal: signalOf(signal, 'recv(options).signal'), timeout }
}
