// The engine of keyed: which instance an event goes to, and when instances end. One list in order of last use serves both the bound of keys and one timer for all idle ones.

import { type StreamContext, VeloError } from '../../index.js'
import { configError } from '../../kit/check.js'
import type { Clock } from '../../kit/clock.js'
import { ORDERED, type Ordered } from '../../kit/effects/ordered.js'
import { isThenable } from '../../kit/promises.js'
import type { Inner } from '../engine/inner.js'
import { Lane, type LaneOwner } from '../engine/lane.js'
import { StreamTimer } from '../engine/stream-timer.js'
import type { Failure } from '../engine/yielder.js'
import { Fan } from './fan.js'
import type { EvictReason, Keyed } from './keyed.js'
import { type Linked, Recency } from './recency.js'

export interface KeyedPlan<In, Key, Out> {
  readonly fn: Inner<In, Out>
  readonly keyOf: (event: In) => Key
  readonly maxKeys: number
  readonly idleTimeout: number
  readonly buffer: number
  readonly maxWaiting: number
  readonly clock: Clock
  readonly until: ((event: In, key: Key) => boolean) | undefined
  readonly onEvict: ((key: Key, reason: EvictReason) => unknown) | undefined
  readonly allowUndefined: boolean
}

export interface KeyedTotals {
  keysOpen: number
  keysOpened: number
  readonly keysEnded: Record<EvictReason, number>
}

/** The instance of a key. */
class Session<In, Key, Out> extends Lane<In, Out> implements Linked {
  readonly key: Key
  older: this | null = null
  newer: this | null = null
  /** Why it was ended; undefined while it takes events. */
  reason: EvictReason | undefined
  /** The next one of the same key, which starts when this one has finished. */
  successor: Session<In, Key, Out> | undefined
  /** Its last event, or the beginning of its wait where it was found busy, on the clock that stands still while the source is held back. */
  since = 0
  /** Was busy when its time was up: that runs again from its next wait on. */
  overdue = false

  constructor(owner: LaneOwner<Out>, key: Key) {
    super(owner)
    this.key = key
  }
}

export class KeyedFan<In, Key, Out> extends Fan<In, In, Out, Keyed<Key, Out>> {
  readonly #plan: KeyedPlan<In, Key, Out>
  readonly #totals: KeyedTotals
  /** Those that take events. */
  readonly #sessions = new Map<Key, Session<In, Key, Out>>()
  /** Those that were ended and have not finished: the last of each key. */
  readonly #ending = new Map<Key, Session<In, Key, Out>>()
  readonly #recency = new Recency<Session<In, Key, Out>>()
  /** Instances that run. */
  #started = 0
  /** Listeners whose promises have not settled. */
  #listening = 0
  /** The source has ended: instances of a stream that is ordered end one by one. */
  #end: { readonly failure: Failure | undefined } | undefined
  readonly #isOrdered: boolean
  /** Events that no function has taken yet. */
  #waiting = 0
  /** The key of the event that is held. */
  #heldKey: Key | undefined
  readonly #timer: StreamTimer
  /** When the source was held back, and how long it was in all, ms. */
  #pausedAt: number | undefined
  #pausedFor = 0

  constructor(events: AsyncIterator<In>, ctx: StreamContext, plan: KeyedPlan<In, Key, Out>, totals: KeyedTotals) {
    const isOrdered = (ctx as Ordered)[ORDERED] === true
    super(events, ctx, plan.maxWaiting, isOrdered)
    this.#isOrdered = isOrdered
    this.#plan = plan
    this.#timer = new StreamTimer(plan.clock, ctx)
    this.#totals = totals
  }

  protected accept(event: In, again: boolean): boolean {
    const { maxKeys, buffer, maxWaiting, until, idleTimeout } = this.#plan
    const key = again ? (this.#heldKey as Key) : this.#keyOf(event)
    this.#heldKey = key
    // The user's function may have ended the stream.
    if (this.isLeaving) return false
    let session = this.#sessions.get(key)
    if (session === undefined) {
      if (this.lanes.size >= maxKeys) {
        // One that is ending already makes room as well.
        if (this.lanes.size === this.#sessions.size) this.#endSession(this.#recency.oldest as Session<In, Key, Out>, 'lru')
        return false
      }
      // It may not ask for its first event at once.
      if (this.#waiting >= maxWaiting) return false
      session = this.#open(key)
    } else if (!session.events.isWaiting && (session.events.size >= buffer || this.#waiting >= maxWaiting)) return false
    else this.#recency.touch(session)
    if (idleTimeout > 0) this.#used(session)
    if (session.push(event)) this.#waiting++
    if (until !== undefined && isLast(until(event, key))) this.#endSession(session, 'until')
    return true
  }

  #keyOf(event: In): Key {
    const key = this.#plan.keyOf(event)
    if (isThenable(key)) throw configError('keyed(options).by', 'a key that is there at once', key)
    if (key !== undefined || this.#plan.allowUndefined) return key
    const message =
      'keyed(options).by: expected a key, got undefined, which would be one for all events without; allowUndefined: true allows that'
    throw new VeloError('VELO_EVENT', message, { field: 'keyed(options).by' })
  }

  protected collect(lane: Session<In, Key, Out>, value: Out): void {
    this.give({ key: lane.key, value })
  }

  override laneTook(lane: unknown): void {
    this.#waiting--
    super.laneTook(lane)
  }

  override laneAsks(lane: unknown, waits: boolean): void {
    super.laneAsks(lane, waits)
    const session = lane as Session<In, Key, Out>
    if (!waits || session.reason !== undefined) return
    if (session.overdue) {
      this.#recency.touch(session)
      this.#used(session)
    }
    // The event that is held may be for it.
    if (this.#waiting >= this.#plan.maxWaiting) this.retry()
  }

  protected gone(lane: Session<In, Key, Out>): void {
    const { key, events } = lane
    // One that returned without taking anything would do so for ever.
    if (events.size > 0 && lane.given === 0) {
      lane.skip()
      this.#waiting--
    }
    const goesOn = events.size > 0
    if (!goesOn && lane.reason === undefined) this.#retire(lane, 'done')
    if (!goesOn && this.#ending.get(key) === lane) this.#ending.delete(key)
    this.#count(-1)
    const reason = goesOn ? 'done' : (lane.reason as EvictReason)
    this.#totals.keysEnded[reason]++
    this.#hear(this.#plan.onEvict?.(key, reason))
    if (this.isLeaving) return
    if (goesOn) {
      this.lanes.add(lane)
      this.#start(lane)
    } else if (lane.successor !== undefined) this.#start(lane.successor)
    this.#endNext()
  }

  /** What a listener has returned: where that is a promise, the end waits for it, and its rejection fails the operator as a throw does. */
  #hear(returned: unknown): void {
    if (!isThenable(returned)) return
    this.#listening++
    const heard = (): void => {
      this.#listening--
      this.endIfThrough()
    }
    Promise.resolve(returned).then(heard, (error) => this.fail(error))
  }

  protected override endIfThrough(): void {
    if (this.#listening === 0) super.endIfThrough()
  }

  protected endLanes(failure: Failure | undefined): void {
    if (this.#isOrdered) {
      this.#end = { failure }
      return this.#endNext()
    }
    for (const session of this.#sessions.values()) this.#endSession(session, 'end', failure)
  }

  #endNext(): void {
    const [session] = this.#sessions.values()
    if (this.#end !== undefined && session !== undefined) this.#endSession(session, 'end', this.#end.failure)
  }

  protected override paused(): void {
    if (this.#plan.idleTimeout > 0) this.#pausedAt ??= this.#plan.clock.now()
  }

  protected override resumed(): void {
    if (this.#pausedAt === undefined) return
    this.#pausedFor += this.#plan.clock.now() - this.#pausedAt
    this.#pausedAt = undefined
    this.#arm()
  }

  protected override stopped(): void {
    this.#timer.clear()
    this.#count(-this.#started)
  }

  /** A new instance. Where the one before it has not finished, it starts afterwards. */
  #open(key: Key): Session<In, Key, Out> {
    const session = new Session<In, Key, Out>(this, key)
    this.lanes.add(session)
    this.#sessions.set(key, session)
    this.#recency.add(session)
    const before = this.#ending.size === 0 ? undefined : this.#ending.get(key)
    if (before === undefined) this.#start(session)
    else before.successor = session
    return session
  }

  #start(session: Session<In, Key, Out>): void {
    this.#count(1)
    this.#totals.keysOpened++
    this.startLane(session, this.#plan.fn, 'call')
  }

  #count(change: number): void {
    this.#started += change
    this.#totals.keysOpen += change
  }

  #endSession(session: Session<In, Key, Out>, reason: EvictReason, failure?: Failure): void {
    this.#retire(session, reason)
    this.#ending.set(session.key, session)
    if (session.events.isWaiting) this.laneWorks(session)
    session.events.end(failure)
  }

  /** It takes no more events. */
  #retire(session: Session<In, Key, Out>, reason: EvictReason): void {
    session.reason = reason
    this.#sessions.delete(session.key)
    this.#recency.remove(session)
  }

  #now(): number {
    return (this.#pausedAt ?? this.#plan.clock.now()) - this.#pausedFor
  }

  #used(session: Session<In, Key, Out>): void {
    session.since = this.#now()
    session.overdue = false
    if (!this.#timer.isSet) this.#arm()
  }

  /** One timer, for the one that was used longest ago. */
  #arm(): void {
    const { oldest } = this.#recency
    if (oldest === null || this.#timer.isSet || this.isLeaving) return
    this.#timer.set(this.#onTimer, Math.max(0, oldest.since + this.#plan.idleTimeout - this.#now()))
  }

  readonly #onTimer = (): void => {
    if (this.#pausedAt !== undefined || this.isLeaving) return
    try {
      this.#endIdle()
      this.#arm()
    } catch (error) {
      this.fail(error)
    }
  }

  #endIdle(): void {
    const now = this.#now()
    const due = now - this.#plan.idleTimeout
    for (let session = this.#recency.oldest; session !== null && session.since <= due; session = this.#recency.oldest) {
      if (session.events.isWaiting) {
        this.#endSession(session, 'idle')
        continue
      }
      this.#recency.touch(session)
      session.since = now
      session.overdue = true
    }
  }
}

/** The verdict of `until`. */
function isLast(verdict: unknown): boolean {
  if (isThenable(verdict)) throw configError('keyed(options).until', 'a function that gives a boolean at once', verdict)
  return Boolean(verdict)
}
