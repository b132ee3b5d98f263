// shard: one stream over several instances of a function. Owns: what users see, and the checks. The engines are shard-spread.ts and shard-gather.ts.

import { availableParallelism } from 'node:os'
import type { StreamContext } from '../../index.js'
import { callable, configError, flag, integer, onlyKnown } from '../../kit/check.js'
import { type By, reader } from '../engine/by.js'
import { type HandMade, handMade } from '../engine/hand-made.js'
import { checkInner, type Inner } from '../engine/inner.js'
import { GatherFan } from './shard-gather.js'
import { SpreadFan } from './shard-spread.js'

interface Common {
  /** How many instances. Integer from 1 to 1024. Default: the cores of the machine less one, at least 1. */
  shards?: number | undefined
  /** How many events may be under way in one shard, beside those that a stream function lets in by its own `buffer`. Integer from 1. Default 256. */
  buffer?: number | undefined
}

/** By key: events of one key go to one instance. */
export interface ShardByOptions<In> extends Common {
  /** The key of an event, a string, number, bigint or boolean: the name of a property, or a function. */
  by: By<In>
  ordered?: undefined
  split?: undefined
  merge?: undefined
}

/** Round robin. */
export interface ShardOptions extends Common {
  by?: undefined
  /** True: results come in the order of the events; the function must give exactly one for each. False: as they come, any number. Default true. */
  ordered?: boolean | undefined
  split?: undefined
  merge?: undefined
}

/** Each event in parts. */
export interface ShardPartsOptions<In, Part, Out, Result> extends Common {
  by?: undefined
  /** True: results come in the order of the events; false: as they come. Default true. */
  ordered?: boolean | undefined
  /** The parts of an event. Part `i` goes to shard `i % shards`. */
  split: (event: In, shards: number) => readonly Part[]
  /** The result of an event, out of the results of its parts, in the order of the parts. A promise is awaited. */
  merge: (results: Out[], event: In) => Result | PromiseLike<Result>
}

/** Numbers of a sharded function beside its metrics. */
export interface ShardNumbers {
  /** Events, or parts of events, given to each shard. */
  readonly sharded: readonly number[]
  /** Events for an instance that had returned by itself. */
  readonly dropped: number
}

type Options<In> = ShardByOptions<In> | ShardOptions | ShardPartsOptions<In, unknown, unknown, unknown>

/**
 * Runs one stream over several instances of `fn`: with a stream function of placement `'worker'`, over several cores. Every instance has state of its own; which events meet
 * which state is what the modes differ in.
 *
 * - `by`: all events of a key meet the same instance, and the order within a key is kept; between keys it is not. Any number of results.
 * - neither: the events go round. `ordered: true` (default) gives the results in the order of the events, and needs exactly one for each: more or fewer fail the stream with
 *   `VELO_CONFIG`. `ordered: false` gives any number as they come, and an event goes to the next instance that has room.
 * - `split` and `merge`: each event becomes parts, part `i` goes to shard `i % shards`, so that it meets the state of its own place; exactly one result for each part.
 *
 * What an instance throws fails the stream, untouched; the others get return(). What the source throws is thrown into every instance. One that returns by itself takes no
 * more: its events are dropped and counted, or where each has a result, fail the stream; once all have returned, the stream ends.
 *
 * @example
 * const detect = shard(streamFn(new URL('./detect.js', import.meta.url), { placement: 'worker' }), { shards: 4, by: 'camera' })
 *
 * @throws VeloError `VELO_CONFIG` when an option is unknown, out of range, or does not go with another.
 */
export function shard<In, Part, Out, Result>(
  fn: Inner<Part, Out>,
  options: ShardPartsOptions<In, Part, Out, Result>,
): HandMade<In, Result, ShardNumbers>
export function shard<In, Out>(fn: Inner<In, Out>, options?: ShardByOptions<In> | ShardOptions): HandMade<In, Out, ShardNumbers>
export function shard(fn: Inner<unknown, unknown>, options: Options<never> = {}): HandMade<never, unknown, ShardNumbers> {
  const field = 'shard(options)'
  checkInner(fn, 'shard(fn)')
  onlyKnown(options, field, ['shards', 'buffer', 'by', 'ordered', 'split', 'merge'])
  const { by, split, merge } = options
  const ordered = flag(options.ordered, `${field}.ordered`, by === undefined)
  if (by !== undefined && options.ordered !== undefined)
    throw configError(`${field}.ordered`, 'nothing beside by, which keeps the order within a key', ordered)
  if (by !== undefined && split !== undefined) throw configError(`${field}.split`, 'nothing beside by', split)
  if ((split === undefined) !== (merge === undefined)) throw configError(field, 'split and merge together, or neither', options)
  if (split !== undefined) callable(split, `${field}.split`)
  if (merge !== undefined) callable(merge, `${field}.merge`)
  const shards = integer(options.shards, `${field}.shards`, 1, Math.max(1, availableParallelism() - 1))
  if (shards > 1024) throw configError(`${field}.shards`, 'an integer from 1 to 1024', shards)
  const buffer = integer(options.buffer, `${field}.buffer`, 1, 256)
  const keyOf = by === undefined ? undefined : (reader(by as By<unknown>, `${field}.by`) as (event: unknown) => unknown)
  const plan = { fn, shards, buffer, ordered, keyOf, split, merge } as ShardPlan
  return handMade({ name: 'shard' }, () => {
    const numbers: ShardTotals = { sharded: new Array(shards).fill(0), dropped: 0 }
    const gathers = split !== undefined || (by === undefined && ordered)
    const body = (events: AsyncIterator<unknown>, ctx: StreamContext) =>
      gathers ? new GatherFan(events, ctx, plan, numbers.sharded) : new SpreadFan(events, ctx, plan, numbers)
    return { body, numbers }
  })
}

export interface ShardTotals {
  readonly sharded: number[]
  dropped: number
}

/** The options, checked. */
export interface ShardPlan {
  readonly fn: Inner<unknown, unknown>
  readonly shards: number
  readonly buffer: number
  readonly ordered: boolean
  readonly keyOf: ((event: unknown) => unknown) | undefined
  readonly split: ((event: unknown, shards: number) => readonly unknown[]) | undefined
  readonly merge: ((results: unknown[], event: unknown) => unknown) | undefined
}
