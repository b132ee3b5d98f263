// Sharding where every event has exactly one result, out of one part or several: its parts go to the shards, and their results are put together in the order of the events.

import { type StreamContext, VeloError } from '../../index.js'
import { configError } from '../../kit/check.js'
import { isThenable } from '../../kit/promises.js'
import { Queue } from '../../kit/queue.js'
import { runsAhead } from '../engine/bodies.js'
import { generatorOf } from '../engine/inner.js'
import { Lane, type LaneOwner } from '../engine/lane.js'
import type { Failure } from '../engine/yielder.js'
import { Fan } from './fan.js'
import type { ShardPlan } from './shard.js'

/** ms between two looks at functions whose results are missing, and how many in a row must find them waiting for further events. */
const LOOK = 1000
const LOOKS = 5

/** An event under way. */
interface Task {
  readonly event: unknown
  /** Results of its parts; later, in place 0, its own. */
  results: unknown[]
  missing: number
  done: boolean
}

class Shard extends Lane<unknown, unknown> {
  readonly index: number
  /** The parts whose results have not come, in order. */
  readonly due = new Queue<{ task: Task; place: number }>()
  finished = false

  constructor(owner: LaneOwner<unknown>, index: number) {
    super(owner)
    this.index = index
  }
}

export class GatherFan extends Fan<unknown, unknown, unknown, unknown> {
  readonly #plan: ShardPlan
  readonly #sharded: number[]
  readonly #shards: Shard[]
  /** Whether a function that asks for an event has nothing left to say to those before. */
  readonly #lockstep: boolean
  /** Events whose result has not gone out; with `ordered` in that order, else only their number counts. */
  readonly #tasks = new Queue<Task>()
  #underWay = 0
  /** Events of which `merge` makes the result now. */
  #merging = 0
  /** Without `split`: the shard of the next event. */
  #cursor = 0
  #looking: NodeJS.Timeout | undefined
  /** Looks that found it standing still, and the results that had come by then. */
  #stood = 0
  #collected = 0
  /** The parts of the event that is held. */
  #heldParts: readonly unknown[] = []

  constructor(events: AsyncIterator<unknown>, ctx: StreamContext, plan: ShardPlan, sharded: number[]) {
    super(events, ctx, plan.buffer)
    this.#plan = plan
    this.#sharded = sharded
    this.#lockstep = generatorOf(plan.fn) !== undefined && !runsAhead(plan.fn)
    this.#shards = Array.from({ length: plan.shards }, (_, index) => new Shard(this, index))
  }

  protected override begin(): void {
    if (this.feedLanes(this.#shards, this.#plan.fn)) super.begin()
  }

  protected override get keepsResults(): boolean {
    return this.#underWay > 0
  }

  protected accept(event: unknown, again: boolean): boolean {
    const { split, shards, buffer } = this.#plan
    const parts = again ? this.#heldParts : split === undefined ? [event] : this.#checked(split(event, shards))
    this.#heldParts = parts
    if (this.#underWay >= buffer * shards) return false
    const first = split === undefined ? this.#cursor : 0
    for (let i = 0; i < parts.length && i < shards; i++) if (this.#shard(first + i).due.length >= buffer) return false
    this.#cursor = (this.#cursor + 1) % shards
    const task: Task = { event, results: new Array(parts.length), missing: parts.length, done: false }
    this.#underWay++
    this.#looking ??= setTimeout(this.#look, LOOK).unref()
    if (this.#plan.ordered) this.#tasks.push(task)
    for (const [place, part] of parts.entries()) {
      const shard = this.#shard(first + place)
      if (shard.finished) throw violation('got none, because the function had returned')
      shard.due.push({ task, place })
      this.#sharded[shard.index] = (this.#sharded[shard.index] ?? 0) + 1
      shard.push(part)
    }
    if (parts.length === 0) this.#complete(task)
    return true
  }

  protected collect(lane: Shard, value: unknown): void {
    if (lane.due.length === 0) throw violation('got more')
    this.#collected++
    const due = lane.due.shift()
    due.task.results[due.place] = value
    if (--due.task.missing === 0) this.#complete(due.task)
    this.retry()
  }

  override laneAsks(lane: unknown, _waits: boolean): void {
    const { due, events } = lane as Shard
    // Asking is told before the event leaves: all that has left already should have its result by now.
    if (this.#lockstep && due.length > events.size) this.fail(violation('the function asked for the next event before it gave one'))
  }

  protected override stopped(): void {
    clearTimeout(this.#looking)
    this.#looking = undefined
  }

  /** A function that gives fewer results than events stands still with all that it has been given: those behind a missing result wait for it, and soon there is no room for more. */
  readonly #look = (): void => {
    if (this.#underWay === 0) return this.stopped()
    const before = this.#collected
    const waits = this.isAwaited && this.#standsStill
    this.#stood = waits ? this.#stood + 1 : 0
    if (this.#stood > LOOKS) return this.fail(standstill(Math.max(...this.#shards.map((shard) => shard.due.length))))
    this.#looking = setTimeout(() => {
      if (this.#collected !== before) this.#stood = 0
      this.#look()
    }, LOOK)
    // Only who waits for this verdict keeps the process alive.
    if (!waits) this.#looking.unref()
  }

  /** A function without room waits for more, or all whose results are missing do, and those are what keeps further events out. */
  get #standsStill(): boolean {
    const due = this.#shards.filter((shard) => shard.due.length > 0)
    if (due.some((shard) => shard.due.length >= this.#plan.buffer && shard.starves)) return true
    return this.#merging === 0 && due.length > 0 && due.every((shard) => shard.starves)
  }

  protected gone(lane: Shard): void {
    lane.finished = true
    if (lane.due.length > 0) throw violation('got none, because the function had returned')
  }

  protected endLanes(failure: Failure | undefined): void {
    for (const shard of this.#shards) shard.events.end(failure)
  }

  protected override endIfThrough(): void {
    if (this.#underWay === 0) super.endIfThrough()
  }

  #shard(number: number): Shard {
    return this.#shards[number % this.#shards.length] as Shard
  }

  /** All results of its parts are there. */
  #complete(task: Task): void {
    const { merge } = this.#plan
    const result = merge === undefined ? task.results[0] : merge(task.results, task.event)
    if (!isThenable(result) || merge === undefined) return this.#out(task, result)
    this.#merging++
    Promise.resolve(result).then(
      (value) => {
        this.#merging--
        if (this.isLeaving) return
        this.#out(task, value)
        this.retry()
        this.endIfThrough()
      },
      (error) => this.fail(error),
    )
  }

  #out(task: Task, result: unknown): void {
    if (!this.#plan.ordered) {
      this.#underWay--
      this.give(result)
      return
    }
    task.results = [result]
    task.done = true
    for (let oldest = this.#tasks.first(); oldest?.done === true; oldest = this.#tasks.first()) {
      this.#tasks.shift()
      this.#underWay--
      this.give(oldest.results[0])
    }
  }

  #checked(parts: readonly unknown[]): readonly unknown[] {
    if (!Array.isArray(parts)) throw configError('shard(options).split', 'a function that gives an array', parts)
    return parts
  }
}

function standstill(taken: number): VeloError {
  const what = `the function has taken ${taken} event${taken === 1 ? '' : 's'}, gives nothing and waits for more; where some events have no result, use ordered: false or by`
  return violation(what)
}

function violation(what: string): VeloError {
  const message = `shard(fn): expected exactly one result for each event, as ordered: true and split need it; ${what}`
  return new VeloError('VELO_CONFIG', message, { field: 'shard(fn)' })
}
