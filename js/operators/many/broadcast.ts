// broadcast: one source, read by several. Owns: the ring of the latest events, the place of each reader in it, and who holds the source back.

import type { Source } from '../../index.js'
import { configError, integer, iterable, onlyKnown, word } from '../../kit/check.js'
import type { Failure } from '../engine/yielder.js'
import { BroadcastReader, type Hub } from './broadcast-reader.js'
import { SourceReader } from './source-reader.js'

export type { BroadcastReader } from './broadcast-reader.js'

/** Options of `broadcast`. */
export interface BroadcastOptions {
  /** How many readers must have subscribed before it starts. Integer from 1. Default 1. */
  readers?: number | undefined
  /** How many events a reader may be behind the newest. Integer from 1. Default 256. */
  buffer?: number | undefined
  /** What a reader that is so far behind does: `'wait'`: holds the source back; `'drop'`: loses its oldest events, which are counted. Default `'wait'`. */
  onSlow?: 'wait' | 'drop' | undefined
}

/** One source for several readers. */
export interface Broadcast<Value> {
  /** A reader of its own: it gets what comes from now on, until it leaves its loop. */
  subscribe(): BroadcastReader<Value>
  /** Readers that have subscribed and not left. */
  readonly readers: number
  /** Events that readers lost, those who have left included. Only with `onSlow: 'drop'`. */
  readonly dropped: number
}

/** Events that nobody took, in a row, before the event loop gets a turn. */
const BURST = 256

class Broadcaster<Value> implements Broadcast<Value>, Hub<Value> {
  readonly #source: SourceReader<Value>
  readonly #ring: (Value | undefined)[]
  readonly #buffer: number
  readonly #drops: boolean
  readonly #least: number
  readonly #readers = new Set<BroadcastReader<Value>>()
  /** Number of the next event. */
  head = 0
  isOver = false
  failure: Failure | undefined
  #subscribed = 0
  /** Somebody has asked for an event. */
  #asked = false
  #pulling = false
  #droppedBefore = 0
  /** Pulls since a reader took an event. */
  #alone = 0

  constructor(source: Source<Value>, { readers, buffer, drops }: { readers: number; buffer: number; drops: boolean }) {
    this.#source = new SourceReader(source)
    this.#least = readers
    this.#buffer = buffer
    this.#drops = drops
    this.#ring = []
  }

  get readers(): number {
    return this.#readers.size
  }

  get dropped(): number {
    let dropped = this.#droppedBefore
    for (const reader of this.#readers) dropped += reader.dropped
    return dropped
  }

  subscribe(): BroadcastReader<Value> {
    const reader = new BroadcastReader<Value>(this, this.head)
    this.#subscribed++
    if (!this.isOver) this.#readers.add(reader)
    if (this.#asked) this.#pull()
    return reader
  }

  /** The oldest event that is still there. */
  get tail(): number {
    return Math.max(0, this.head - this.#buffer)
  }

  at(place: number): Value {
    return this.#ring[place % this.#buffer] as Value
  }

  /** A reader took an event, or began to wait for one. */
  wanted(): void {
    this.#asked = true
    this.#alone = 0
    this.#pull()
  }

  /** A reader has left; the last one gives the source back. */
  async left(reader: BroadcastReader<Value>): Promise<void> {
    if (!this.#readers.delete(reader)) return
    this.#droppedBefore += reader.dropped
    if (this.#readers.size > 0) return this.#pull()
    if (this.isOver) return
    this.isOver = true
    this.#ring.length = 0
    await this.#source.leave()
  }

  #pull(): void {
    if (this.#pulling || this.isOver || this.#subscribed < this.#least || !this.#hasRoom()) return
    this.#pulling = true
    this.#source.pull(this.#onResult, this.#onError)
  }

  #hasRoom(): boolean {
    if (this.#drops) return true
    for (const reader of this.#readers) if (this.head - reader.place >= this.#buffer) return false
    return true
  }

  readonly #onResult = (result: IteratorResult<Value, unknown>): void => {
    this.#pulling = false
    if (this.isOver) return
    if (result.done === true) return this.#end(undefined)
    this.#ring[this.head++ % this.#buffer] = result.value
    for (const reader of this.#readers) reader.arrived()
    // A source that never waits must leave time to others.
    if (this.#drops && ++this.#alone % Math.min(this.#buffer, BURST) === 0) setImmediate(() => this.#pull())
    else this.#pull()
  }

  readonly #onError = (error: unknown): void => {
    this.#pulling = false
    if (!this.isOver) this.#end({ error })
  }

  #end(failure: Failure | undefined): void {
    this.isOver = true
    this.failure = failure
    for (const reader of this.#readers) reader.arrived()
  }
}

/**
 * Lets several readers read one source, each all of it from its `subscribe()` on. The source is pulled from the first `next()` of any reader on (with `readers: n`, once so
 * many have subscribed): up to `buffer` events ahead of the slowest reader, who holds it back, or with `onSlow: 'drop'` as fast as it gives, and slow readers lose their oldest.
 *
 * The end and the error of the source reach every reader after the events before it. When the last reader has left, the source gets return(), and it is over.
 *
 * @example
 * const news = broadcast(ticker, { onSlow: 'drop', buffer: 16 })
 * for await (const price of news.subscribe()) show(price)
 *
 * @throws VeloError `VELO_CONFIG` when an option is unknown or out of range, or the source cannot be iterated.
 */
export function broadcast<Value>(source: Source<Value>, options: BroadcastOptions = {}): Broadcast<Value> {
  const field = 'broadcast(options)'
  iterable(source, 'broadcast(source)')
  onlyKnown(options, field, ['readers', 'buffer', 'onSlow'])
  const buffer = integer(options.buffer, `${field}.buffer`, 1, 256)
  if (buffer > 1_048_576) throw configError(`${field}.buffer`, 'an integer from 1 to 1048576', buffer)
  const readers = integer(options.readers, `${field}.readers`, 1, 1)
  const drops = word(options.onSlow, `${field}.onSlow`, ['wait', 'drop']) === 'drop'
  return new Broadcaster(source, { readers, buffer, drops })
}
