// Reading once, looking, trimming, acknowledging and taking over by hand.

import { configError, duration, integer, onlyKnown, text } from '../../kit/check.js'
import { codecOf, type EntryCodec } from '../client/codec.js'
import { adapterError, insist } from '../client/faults.js'
import { entriesOf, recordOf, streamsOf } from '../client/replies.js'
import { type Argument, type RedisClient, type Wire, wireOf } from '../client/wire.js'
import { Blocking } from '../source/blocking.js'
import type { RedisEntry } from '../source/options.js'
import { compareIds } from '../source/pending.js'

/** Options of `consumeOnce`. */
export interface ConsumeOnceOptions {
  stream: string
  /** An id: entries after it. Default `'0'`, all. */
  from?: string | undefined
  /** Most entries. Integer from 1. Default 100. */
  count?: number | undefined
  /** ms to wait for the first one where there is none. Default 0: not at all. */
  block?: number | undefined
  /** How values lie in entries. Default `'json'`. */
  codec?: EntryCodec | undefined
  /** The field of `'json'` and `'msgpack'`. Default `'data'`. */
  field?: string | undefined
}

async function ask(wire: Wire, command: readonly Argument[], binary = false): Promise<unknown> {
  try {
    return await insist(wire, command, binary)
  } catch (error) {
    throw adapterError(`${command[0]} ${command[1]}`, error)
  }
}

/** Reads entries after an id, once, without a group. `next` is where to go on. */
export async function consumeOnce<Value = unknown>(
  client: RedisClient,
  options: ConsumeOnceOptions,
): Promise<{ entries: RedisEntry<Value>[]; next: string }> {
  const field = 'consumeOnce(client, options)'
  const wire = wireOf(client, 'consumeOnce(client)')
  onlyKnown(options, field, ['stream', 'from', 'count', 'block', 'codec', 'field'])
  const { stream, from = '0' } = options
  text(stream, `${field}.stream`)
  if (!/^\d+(-\d+)?$/.test(from)) throw configError(`${field}.from`, 'an id', from)
  const count = integer(options.count, `${field}.count`, 1, 100)
  const block = duration(options.block, `${field}.block`, 0, 0)
  const codec = codecOf(options.codec, options.field, field)
  let found = entriesOf(await ask(wire, ['XRANGE', stream, `(${from}`, '+', 'COUNT', count], codec.isBinary))
  if (found.length === 0 && block > 0) {
    const blocking = new Blocking(wire)
    try {
      const reply = await blocking.read(
        ['XREAD', 'COUNT', count, 'BLOCK', Math.ceil(block), 'STREAMS', stream, from],
        block,
        codec.isBinary,
      )
      found = streamsOf(reply)[0]?.entries ?? []
    } catch (error) {
      throw adapterError(`XREAD ${stream}`, error)
    } finally {
      blocking.close()
    }
  }
  const entries = found.map(({ id, fields }) => ({ id, stream, deliveries: 1, value: codec.decode(fields ?? []) as Value }))
  return { entries, next: entries.at(-1)?.id ?? from }
}

/** One group of a stream. */
export interface RedisGroupInfo {
  readonly name: string
  readonly consumers: number
  /** Delivered and not acknowledged. */
  readonly pending: number
  readonly lastDelivered: string
  /** Not delivered yet; `undefined` where the server does not know, after deletions. */
  readonly lag: number | undefined
}

/** A stream as it is. */
export interface RedisStreamInfo {
  readonly length: number
  readonly firstId: string | undefined
  readonly lastId: string | undefined
  readonly groups: readonly RedisGroupInfo[]
  /** The sum of all groups. */
  readonly pending: number
  /** That of the group that is farthest behind; `undefined` where the server does not know that of some group. */
  readonly lag: number | undefined
}

/** Length, groups, what is pending and what waits. A stream that is not there is an empty one. */
export async function streamInfo(client: RedisClient, stream: string): Promise<RedisStreamInfo> {
  const wire = wireOf(client, 'streamInfo(client)')
  text(stream, 'streamInfo(client, stream)')
  if (Number(await ask(wire, ['EXISTS', stream])) === 0)
    return { length: 0, firstId: undefined, lastId: undefined, groups: [], pending: 0, lag: 0 }
  const about = recordOf(await ask(wire, ['XINFO', 'STREAM', stream]))
  const found = (await ask(wire, ['XINFO', 'GROUPS', stream])) as unknown[]
  const groups = found.map((group): RedisGroupInfo => {
    const { name, consumers, pending, lag, 'last-delivered-id': lastDelivered } = recordOf(group)
    return {
      name: String(name),
      consumers: Number(consumers),
      pending: Number(pending),
      lastDelivered: String(lastDelivered),
      lag: lag === null || lag === undefined ? undefined : Number(lag),
    }
  })
  const lags = groups.map(({ lag }) => lag)
  return {
    length: Number(about.length),
    firstId: idOf(about['first-entry']),
    lastId: idOf(about['last-entry']),
    groups,
    pending: groups.reduce((sum, { pending }) => sum + pending, 0),
    lag: lags.includes(undefined) ? undefined : Math.max(0, ...(lags as number[])),
  }
}

function idOf(entry: unknown): string | undefined {
  return Array.isArray(entry) ? String(entry[0]) : undefined
}

/** How far to trim: to about so many entries (`exact`: exactly), or to those from an id on. */
export interface TrimOptions {
  maxlen?: number | undefined
  minid?: string | undefined
  exact?: boolean | undefined
}

/** Trims a stream; resolves with how many entries are gone. With `minid: 'acked'` those go that every group has acknowledged. */
export async function trim(client: RedisClient, stream: string, options: TrimOptions): Promise<number> {
  const field = 'trim(client, stream, options)'
  const wire = wireOf(client, 'trim(client)')
  text(stream, 'trim(client, stream)')
  onlyKnown(options, field, ['maxlen', 'minid', 'exact'])
  const { maxlen, minid, exact } = options
  if ((maxlen === undefined) === (minid === undefined)) throw configError(field, 'either maxlen or minid', options)
  if (maxlen !== undefined) integer(maxlen, `${field}.maxlen`, 0, 0)
  if (minid !== undefined && !/^(acked|\d+(-\d+)?)$/.test(minid)) throw configError(`${field}.minid`, "an id or 'acked'", minid)
  const how = exact === true ? '=' : '~'
  if (maxlen !== undefined) return Number(await ask(wire, ['XTRIM', stream, 'MAXLEN', how, maxlen]))
  const from = minid === 'acked' ? await ackedUpTo(wire, stream) : (minid as string)
  return from === undefined ? 0 : Number(await ask(wire, ['XTRIM', stream, 'MINID', how, from]))
}

/** The first id that some group still needs; `undefined`: there is no group. */
async function ackedUpTo(wire: Wire, stream: string): Promise<string | undefined> {
  const groups = (await ask(wire, ['XINFO', 'GROUPS', stream])) as unknown[]
  let least: string | undefined
  for (const group of groups) {
    const { name, pending, 'last-delivered-id': delivered } = recordOf(group)
    // The entry after the last one that was delivered, where none is pending.
    let needed = next(String(delivered))
    if (Number(pending) > 0) needed = String(((await ask(wire, ['XPENDING', stream, String(name)])) as unknown[])[1])
    if (least === undefined || compareIds(needed, least) < 0) least = needed
  }
  return least
}

function next(id: string): string {
  const [ms = '0', number = '0'] = id.split('-')
  return `${ms}-${BigInt(number) + 1n}`
}

/** Acknowledges entries by hand; resolves with how many were pending. */
export async function ack(client: RedisClient, stream: string, group: string, ids: readonly string[]): Promise<number> {
  const wire = wireOf(client, 'ack(client)')
  text(stream, 'ack(client, stream)')
  text(group, 'ack(client, stream, group)')
  return ids.length === 0 ? 0 : Number(await ask(wire, ['XACK', stream, group, ...ids]))
}

/** Options of `reclaim`. */
export interface ReclaimOptions {
  stream: string
  group: string
  /** Who gets them. */
  consumer: string
  /** Those that nobody was heard of for so many ms. */
  minIdle: number
  /** Most entries. Integer from 1. Default 100. */
  count?: number | undefined
}

/** Takes over entries that are pending with consumers that are not heard of; resolves with their ids. A source does that by itself. */
export async function reclaim(client: RedisClient, options: ReclaimOptions): Promise<string[]> {
  const field = 'reclaim(client, options)'
  const wire = wireOf(client, 'reclaim(client)')
  onlyKnown(options, field, ['stream', 'group', 'consumer', 'minIdle', 'count'])
  const { stream, group, consumer } = options
  for (const name of ['stream', 'group', 'consumer'] as const) text(options[name], `${field}.${name}`)
  const idle = Math.ceil(duration(options.minIdle, `${field}.minIdle`, 0, Number.NaN))
  const count = integer(options.count, `${field}.count`, 1, 100)
  const reply = await ask(wire, ['XAUTOCLAIM', stream, group, consumer, idle, '0-0', 'COUNT', count, 'JUSTID'])
  return ((reply as [unknown, unknown[]])[1] ?? []).map(String)
}
