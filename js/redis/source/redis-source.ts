// Entries of streams of Redis or Valkey as a source: what is read and in which order its reader knows; here is what was given and not yet acknowledged.

import { randomBytes } from 'node:crypto'
import { type AckSource, VeloError } from '../../index.js'
import { configError } from '../../kit/check.js'
import { deliveriesOf } from '../../kit/executions.js'
import { inLots, oneByOne } from '../../kit/iteration/batches.js'
import { adapterError, insist } from '../client/faults.js'
import { Script, slotTag } from '../client/script.js'
import { type RedisClient, type Wire, wireOf } from '../client/wire.js'
import { Blocking } from './blocking.js'
import { DeadLetters } from './dead-letters.js'
import { byStream, type Entry } from './entry.js'
import { GroupReader } from './group-reader.js'
import { type RedisEntry, type RedisSourceOptions, type SourceSettings, sourceSettings } from './options.js'
import { type InWork, Pending } from './pending.js'
import { type EntryReader, TailReader } from './reader.js'

/** KEYS: stream. ARGV: group, consumer. A consumer is only deleted by whoever sees that nothing of it is pending: that would be lost. */
const LEAVE = new Script(`
local pending = redis.call('XPENDING', KEYS[1], ARGV[1], '-', '+', 1, ARGV[2])
if #pending == 0 then return redis.call('XGROUP', 'DELCONSUMER', KEYS[1], ARGV[1], ARGV[2]) end
return -1
`)

/** Entries of streams as a source: for `consume`, for any stream function, or a loop. Iterated once. */
export class RedisSource<Value = unknown> implements AckSource<Value>, InWork {
  /** Name of the consumer in the group. */
  readonly consumer: string
  /** @internal */
  readonly wire: Wire
  /** @internal */
  readonly settings: SourceSettings
  readonly #blocking: Blocking
  readonly #deadLetters: DeadLetters
  readonly #pending: Pending
  readonly #reader: EntryReader
  /** Those that were given and are not acknowledged, from number `#first` on. */
  #entries: Entry[] = []
  #first = 0
  #acked: Record<string, string> = {}
  #timer: NodeJS.Timeout | undefined
  #isKeeping = false
  #isOpen = false
  #isOver = false
  #onIdle: () => void = () => {}

  /** @internal */
  constructor(wire: Wire, settings: SourceSettings) {
    this.wire = wire
    this.settings = settings
    this.consumer = settings.consumer
    this.#blocking = new Blocking(wire)
    this.#deadLetters = new DeadLetters(wire, settings)
    this.#pending = new Pending(wire, settings, this, this.#deadLetters)
    this.#reader =
      settings.group === undefined
        ? new TailReader(wire, this.#blocking, settings)
        : new GroupReader(wire, this.#blocking, settings, this.#pending)
  }

  /** Most entries that are read and have not reached the function, about. */
  get ahead(): number {
    return this.settings.batch
  }

  /** How many entries were put aside. */
  get deadLettered(): number {
    return this.#deadLetters.count
  }

  /** The id of the last entry that was acknowledged, by stream: where a reader without a group goes on. */
  get position(): Readonly<Record<string, string>> {
    return { ...this.#acked }
  }

  /** @internal */
  get entries(): Iterable<Entry> {
    return this.#entries
  }

  /** @internal Resolves with true when every entry is acknowledged; with false after `ms`, or when nothing more is read. */
  async whenIdle(ms: number): Promise<boolean> {
    if (this.#entries.length === 0) return true
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms)
      this.#onIdle = () => {
        clearTimeout(timer)
        resolve()
      }
    })
    return this.#entries.length === 0
  }

  [Symbol.asyncIterator](): AsyncGenerator<Value, void, undefined> {
    return oneByOne(() => this.batches())
  }

  /** The events as they come, many at a time. */
  batches(): AsyncIterator<readonly Value[], undefined, number | undefined> {
    if (this.#isOpen) throw new VeloError('VELO_LOCKED', 'redisSource: it is read already: make one for each reader')
    this.#isOpen = true
    if (this.settings.group !== undefined) this.#timer = setInterval(this.#keep, this.#pending.every).unref()
    return inLots(
      (room) => this.#read(room),
      () => this.#close(),
    )
  }

  /** Every event before number `upTo` is done, counted from the first that was given. */
  async ack(upTo: number): Promise<void> {
    const { group } = this.settings
    const entries = this.before(upTo)
    if (group !== undefined && entries.length > 0) {
      try {
        await Promise.all([...byStream(entries)].map(([stream, ids]) => insist(this.wire, ['XACK', stream, group, ...ids])))
      } catch (error) {
        throw adapterError(`XACK ${group}`, error)
      }
    }
    this.forget(upTo)
  }

  /** Event number `event` anew: that is a delivery more. */
  again(event: number): Value {
    const entry = this.#entries[event - this.#first] as Entry
    entry.deliveries++
    return this.#valueOf(entry)
  }

  /** The function threw at this event alone: moves it to the dead-letter stream if it was executed often enough. */
  async failed(event: number, error: unknown, executions: number): Promise<boolean> {
    const { group, maxDeliveries, consumer } = this.settings
    const entry = this.#entries[event - this.#first] as Entry
    const all = entry.executions + executions
    if (group === undefined || all >= maxDeliveries) {
      await this.#deadLetters.put(entry, error)
      return true
    }
    // The count survives this process.
    const count = ['RETRYCOUNT', Math.max(entry.deliveries, deliveriesOf(all)), 'JUSTID']
    await insist(this.wire, ['XCLAIM', entry.stream, group, consumer, 0, entry.id, ...count])
    return false
  }

  /** @internal The entries of events before number `upTo`. */
  before(upTo: number): readonly Entry[] {
    return this.#entries.slice(0, Math.max(0, upTo - this.#first))
  }

  /** @internal They are acknowledged. */
  forget(upTo: number): void {
    const count = upTo - this.#first
    if (count <= 0) return
    if (count === this.#entries.length) this.#onIdle()
    let last: Entry | undefined
    for (const entry of this.#entries.splice(0, count)) {
      if (last !== undefined && last.stream !== entry.stream) this.#acked[last.stream] = last.id
      last = entry
    }
    if (last !== undefined) this.#acked[last.stream] = last.id
    this.#first = upTo
  }

  /** A read that waits is over: nothing more is read. */
  async #read(room: number): Promise<Value[]> {
    while (!this.#isOver) {
      const entries = await this.#reader.next(room)
      if (entries === undefined || this.#isOver) break
      const values: Value[] = []
      for (const entry of entries) {
        let value: Value
        try {
          value = this.#valueOf(entry)
        } catch (error) {
          await this.#deadLetters.put(
            entry,
            new VeloError('VELO_CODEC', `redis: entry ${entry.id} of ${entry.stream} cannot be read: ${error}`, { cause: error }),
          )
          continue
        }
        this.#entries.push(entry)
        values.push(value)
      }
      if (values.length > 0) return values
    }
    return []
  }

  #valueOf(entry: Entry): Value {
    const { codec, entries } = this.settings
    const value = codec.decode(entry.fields)
    if (!entries) return value as Value
    const { id, stream, deliveries } = entry
    const event: RedisEntry<unknown> = { id, stream, deliveries, value }
    return event as Value
  }

  readonly #keep = (): void => {
    if (this.#entries.length === 0 || this.#isKeeping) return
    this.#isKeeping = true
    this.#pending
      .keep()
      .catch(() => undefined)
      .finally(() => {
        this.#isKeeping = false
      })
  }

  /** Nothing more is read; what was given can still be acknowledged. */
  async #close(): Promise<void> {
    if (this.#isOver) return
    this.#isOver = true
    this.#onIdle()
    await this.#reader.stop()
  }

  /** Called by `consume` when nothing is acknowledged any more: others may have what is not done at once, and a consumer of our own with nothing pending is given back. */
  async end(begun = Number.POSITIVE_INFINITY): Promise<void> {
    await this.#close()
    clearInterval(this.#timer)
    const { group, consumer, isOwn, streams } = this.settings
    if (group === undefined) return
    const first = Math.max(0, begun - this.#first)
    await this.#pending.handOver(this.#entries.slice(0, first))
    await this.#pending.handOver(this.#entries.slice(first), true)
    if (!isOwn) return
    for (const stream of streams) await LEAVE.run(this.wire, [stream], [group, consumer]).catch(() => undefined)
  }
}

/**
 * Entries of one stream or several as a source: for `consume`, which acknowledges them, for any stream function, or a loop. `client` is yours, of ioredis, iovalkey or redis; a connection of its own,
 * made of it, waits for entries.
 *
 * @throws VeloError `VELO_CONFIG` when an option is unknown or out of range. Iterating rejects with `VELO_ADAPTER` for what the server refuses for good.
 */
export function redisSource<Value>(client: RedisClient, options: RedisSourceOptions & { entries: true }): RedisSource<RedisEntry<Value>>
export function redisSource<Value>(client: RedisClient, options: RedisSourceOptions): RedisSource<Value>
export function redisSource(client: RedisClient, options: RedisSourceOptions): RedisSource<unknown> {
  const wire = wireOf(client, 'redisSource(client)')
  const field = 'redisSource(client, options)'
  const settings = sourceSettings(options, field)
  if (wire.isCluster && new Set(settings.streams.map(slotTag)).size > 1)
    throw configError(
      `${field}.stream`,
      'streams of one slot, since the client is one of a cluster: one tag in braces in all names',
      settings.streams,
    )
  return new RedisSource(wire, settings)
}

/** Names what nobody else names. */
export function unique(): string {
  return randomBytes(9).toString('base64url')
}
