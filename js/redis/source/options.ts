// js/redis/source: entries of streams as events, and their acknowledgement. Knows nothing of where results go.
//
// The options of `redisSource`, checked.

import { randomBytes } from 'node:crypto'
import { hostname } from 'node:os'
import { configError, duration, flag, integer, onlyKnown, text } from '../../kit/check.js'
import { codecOf, type EntryCodec, type FieldCodec } from '../client/codec.js'

/** Options of `redisSource`. */
export interface RedisSourceOptions {
  /** One stream, or several. */
  stream: string | readonly string[]
  /** The consumer group, made where it is missing. Without one every entry comes, and nothing is acknowledged. */
  group?: string | undefined
  /** Name of this consumer in the group. One that comes back under its name goes on with its own pending entries first. Default: a name of its own, which is given back in the end. */
  consumer?: string | undefined
  /** An id: entries after it. `'0'`: all. `'$'`: those from now on. With a group: where it begins if it is made. Default `'0'` with a group, else `'$'`. */
  from?: string | undefined
  /** Most entries read at a time. Integer from 1. Default 100. */
  batch?: number | undefined
  /** ms that one read waits for entries on the server. From 1. Default 2000. */
  block?: number | undefined
  /** How values lie in entries. Default `'json'`. */
  codec?: EntryCodec | undefined
  /** The field of `'json'` and `'msgpack'`. Default `'data'`. */
  field?: string | undefined
  /** Gives `{ id, stream, deliveries, value }` in place of the value. Default false. */
  entries?: boolean | undefined
  /** ms after which entries of a consumer that is not heard of are taken over. From 100. Default 30000. */
  reclaimAfter?: number | undefined
  /** How often an entry is delivered before it is put aside. Integer from 1. Default 5. */
  maxDeliveries?: number | undefined
  /** The stream for entries that were put aside. Without one they end the source: with what the function threw, or with `VELO_CODEC`. */
  deadLetter?: string | undefined
}

/** An entry as an event, with `entries: true`. */
export interface RedisEntry<Value> {
  readonly id: string
  readonly stream: string
  /** How often it was delivered, this time included. */
  readonly deliveries: number
  readonly value: Value
}

export interface SourceSettings {
  readonly streams: readonly string[]
  readonly group: string | undefined
  readonly consumer: string
  /** Nobody else knows the consumer: it is given back. */
  readonly isOwn: boolean
  readonly from: string
  readonly batch: number
  readonly block: number
  readonly codec: FieldCodec
  readonly entries: boolean
  readonly reclaimAfter: number
  readonly maxDeliveries: number
  readonly deadLetter: string | undefined
}

const NAMES = [
  'stream',
  'group',
  'consumer',
  'from',
  'batch',
  'block',
  'codec',
  'field',
  'entries',
  'reclaimAfter',
  'maxDeliveries',
  'deadLetter',
] as const
const FOR_GROUPS = ['consumer', 'reclaimAfter', 'maxDeliveries', 'deadLetter'] as const

export function sourceSettings(options: RedisSourceOptions, field: string): SourceSettings {
  onlyKnown(options, field, NAMES)
  const { group, consumer, deadLetter } = options
  const streams = streamsOf(options.stream, `${field}.stream`)
  if (group !== undefined) text(group, `${field}.group`)
  else {
    for (const name of FOR_GROUPS)
      if (options[name] !== undefined) throw configError(`${field}.${name}`, 'the option group beside it', options[name])
  }
  if (consumer !== undefined) text(consumer, `${field}.consumer`)
  if (deadLetter !== undefined) text(deadLetter, `${field}.deadLetter`)
  if (options.from !== undefined && !/^(\$|\d+(-\d+)?)$/.test(options.from))
    throw configError(`${field}.from`, "an id, '0' or '$'", options.from)
  return {
    streams,
    group,
    consumer: consumer ?? `${hostname()}-${process.pid}-${randomBytes(4).toString('hex')}`,
    isOwn: consumer === undefined,
    from: options.from ?? (group === undefined ? '$' : '0'),
    batch: integer(options.batch, `${field}.batch`, 1, 100),
    block: duration(options.block, `${field}.block`, 1, 2000),
    codec: codecOf(options.codec, options.field, field),
    entries: flag(options.entries, `${field}.entries`, false),
    reclaimAfter: duration(options.reclaimAfter, `${field}.reclaimAfter`, 100, 30_000),
    maxDeliveries: integer(options.maxDeliveries, `${field}.maxDeliveries`, 1, 5),
    deadLetter,
  }
}

function streamsOf(stream: string | readonly string[], field: string): readonly string[] {
  const streams = typeof stream === 'string' ? [stream] : stream
  if (!Array.isArray(streams) || streams.length === 0) throw configError(field, 'the name of a stream, or a list of names', stream)
  for (const one of streams) text(one, field)
  return [...new Set(streams as string[])]
}
