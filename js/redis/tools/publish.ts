// js/redis/tools: single things that one does with streams. Knows nothing of sources at work.
//
// `publish`: events into a stream. Calls of one turn go together.

import { configError, onlyKnown, text } from '../../kit/check.js'
import { codecOf, type EntryCodec } from '../client/codec.js'
import { type Argument, type RedisClient, wireOf } from '../client/wire.js'
import { Appender, type MaxLength } from '../sink/appender.js'
import { checkMaxlen } from '../sink/redis-sink.js'
import { unique } from '../source/redis-source.js'

/** Options of `publish`. */
export interface PublishOptions {
  /** About how many entries the stream keeps, or exactly: `{ exact: n }`. Default: all. */
  maxlen?: MaxLength | undefined
  /** How values lie in entries. Default `'json'`. */
  codec?: EntryCodec | undefined
  /** The field of `'json'` and `'msgpack'`. Default `'data'`. */
  field?: string | undefined
}

interface Waiting {
  readonly entries: Argument[][]
  resolve(ids: string[]): void
  reject(error: unknown): void
}

/** What goes into one stream with one trimming. */
class Mouth {
  readonly #appender: Appender
  #waiting: Waiting[] = []
  #isBusy = false

  constructor(appender: Appender) {
    this.#appender = appender
  }

  publish(entries: Argument[][]): Promise<string[]> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ entries, resolve, reject })
      if (!this.#isBusy) queueMicrotask(() => void this.#go())
    })
  }

  async #go(): Promise<void> {
    if (this.#isBusy) return
    this.#isBusy = true
    while (this.#waiting.length > 0) {
      const waiting = this.#waiting
      this.#waiting = []
      try {
        const ids = await this.#appender.append(
          waiting.flatMap(({ entries }) => entries),
          true,
        )
        for (const { entries, resolve } of waiting) resolve(ids.splice(0, entries.length))
      } catch (error) {
        for (const { reject } of waiting) reject(error)
      }
    }
    this.#isBusy = false
  }
}

const mouths = new WeakMap<object, Map<string, Mouth>>()

/**
 * Appends an event, or each of an array in order, to a stream, each once, however often connections are cut. Resolves with its id, or theirs (those of a batch whose first answer was lost with a
 * connection are not known, and are left out). Calls made together travel together.
 *
 * @throws VeloError (a rejection) `VELO_CONFIG` for options, `VELO_CODEC` for a value that cannot be written, `VELO_ADAPTER` for what the server refuses.
 */
export function publish<Value>(client: RedisClient, stream: string, events: readonly Value[], options?: PublishOptions): Promise<string[]>
export function publish<Value>(client: RedisClient, stream: string, event: Value, options?: PublishOptions): Promise<string | undefined>
export async function publish(client: RedisClient, stream: string, event: unknown, options: PublishOptions = {}): Promise<unknown> {
  const field = 'publish(client, stream, event, options)'
  const wire = wireOf(client, 'publish(client)')
  text(stream, 'publish(client, stream)')
  onlyKnown(options, field, ['maxlen', 'codec', 'field'])
  const { maxlen } = options
  checkMaxlen(maxlen, `${field}.maxlen`)
  if (event === undefined) throw configError('publish(client, stream, event)', 'an event, or an array of events', event)
  const codec = codecOf(options.codec, options.field, field)
  const many = Array.isArray(event)
  const entries = (many ? event : [event]).map((one) => codec.encode(one))
  if (entries.length === 0) return []
  let of = mouths.get(client)
  if (of === undefined) mouths.set(client, (of = new Map()))
  const key = JSON.stringify([stream, maxlen])
  let mouth = of.get(key)
  if (mouth === undefined) of.set(key, (mouth = new Mouth(new Appender(wire, stream, unique(), maxlen))))
  const ids = await mouth.publish(entries)
  return many ? ids : ids[0]
}
