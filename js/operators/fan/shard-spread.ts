// Sharding where results go out as they come: by key, or to the next shard that has room.

import { type StreamContext, VeloError } from '../../index.js'
import { silenceIfPromise } from '../../kit/promises.js'
import { Lane, type LaneOwner } from '../engine/lane.js'
import type { Failure } from '../engine/yielder.js'
import { Fan } from './fan.js'
import type { ShardPlan, ShardTotals } from './shard.js'

class Shard extends Lane<unknown, unknown> {
  readonly index: number
  finished = false

  constructor(owner: LaneOwner<unknown>, index: number) {
    super(owner)
    this.index = index
  }
}

export class SpreadFan extends Fan<unknown, unknown, unknown, unknown> {
  readonly #plan: ShardPlan
  readonly #totals: ShardTotals
  readonly #shards: Shard[]
  #finished = 0
  /** Without a key: where the search for room begins. */
  #cursor = 0
  /** With one: where the event that is held belongs. */
  #heldShard: Shard | undefined

  constructor(events: AsyncIterator<unknown>, ctx: StreamContext, plan: ShardPlan, totals: ShardTotals) {
    super(events, ctx, plan.buffer)
    this.#plan = plan
    this.#totals = totals
    this.#shards = Array.from({ length: plan.shards }, (_, index) => new Shard(this, index))
  }

  protected override begin(): void {
    if (this.feedLanes(this.#shards, this.#plan.fn)) super.begin()
  }

  protected accept(event: unknown, again: boolean): boolean {
    const shard =
      this.#plan.keyOf === undefined ? this.#withRoom() : again ? (this.#heldShard as Shard) : this.#shardOf(this.#plan.keyOf(event))
    if (shard === undefined) return false
    if (shard.finished) {
      this.#totals.dropped++
      return true
    }
    this.#heldShard = shard
    if (!this.#hasRoom(shard)) return false
    this.#cursor = (shard.index + 1) % this.#shards.length
    const { sharded } = this.#totals
    sharded[shard.index] = (sharded[shard.index] ?? 0) + 1
    shard.push(event)
    return true
  }

  protected collect(_lane: Shard, value: unknown): void {
    this.give(value)
  }

  protected gone(lane: Shard): void {
    lane.finished = true
    this.#totals.dropped += lane.events.cut()
    // As with one function that returns: no more events are taken.
    if (++this.#finished === this.#shards.length) this.stopSource()
  }

  protected endLanes(failure: Failure | undefined): void {
    for (const shard of this.#shards) shard.events.end(failure)
  }

  #hasRoom(shard: Shard): boolean {
    return shard.events.isWaiting || shard.events.size < this.#plan.buffer
  }

  #withRoom(): Shard | undefined {
    const { length } = this.#shards
    for (let i = 0; i < length; i++) {
      const shard = this.#shards[(this.#cursor + i) % length] as Shard
      if (!shard.finished && this.#hasRoom(shard)) return shard
    }
    return undefined
  }

  #shardOf(key: unknown): Shard {
    return this.#shards[hash(key) % this.#shards.length] as Shard
  }
}

/** The same for the same key in every process: FNV-1a over its type and its text. */
function hash(key: unknown): number {
  const type = typeof key
  if (type !== 'string' && type !== 'number' && type !== 'bigint' && type !== 'boolean') {
    silenceIfPromise(key)
    throw new VeloError('VELO_EVENT', `shard(options).by: expected a string, number, bigint or boolean as key, got ${type}`, {
      field: 'shard(options).by',
    })
  }
  const text = type === 'string' ? (key as string) : `${type}:${key}`
  let bits = 0x811c9dc5
  for (let i = 0; i < text.length; i++) bits = Math.imul(bits ^ text.charCodeAt(i), 0x01000193)
  return (bits ^ (bits >>> 15)) >>> 0
}
