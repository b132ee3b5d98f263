// js/operators/fan: operators that spread one stream over several inner functions. Knows nothing of steps and windows.
//
// The engine of operators that spread one stream over several instances of inner functions: pulls the events, holds the one that has no place yet, collects the results,
// and ends everything together.
// Not here: which lane an event goes to, and what a result looks like; those are the operators' own.

import { setMaxListeners } from 'node:events'
import type { StreamContext } from '../../index.js'
import { MARK, type Mark, type Marking } from '../../kit/marks.js'
import { allDone } from '../../kit/promises.js'
import { Queue } from '../../kit/queue.js'
import { InWork, type Working } from '../engine/in-work.js'
import type { Drive, Inner } from '../engine/inner.js'
import type { Lane, LaneOwner } from '../engine/lane.js'
import { laneContext } from '../engine/lane-context.js'
import { type Failure, Yielder } from '../engine/yielder.js'

/** ms that an error waits for the other instances to finish, as `closeTimeout` of a stream. */
const GRACE = 5000

export abstract class Fan<In, LaneIn, LaneOut, Result> extends Yielder<Result> implements LaneOwner<LaneOut>, Marking {
  /** Every instance that has not finished. */
  protected readonly lanes = new Set<Lane<LaneIn, LaneOut>>()
  readonly #events: AsyncIterator<In>
  readonly #ctx: StreamContext
  readonly #controller = new AbortController()
  readonly #laneCtx: StreamContext
  /** At this many unread results no lane is asked for more, nor the source. */
  readonly #mostUnread: number
  /** Lanes that wait for room for results. */
  readonly #suspended = new Queue<Lane<LaneIn, LaneOut>>()
  /** Lanes at work, where results are to come in the same order whenever the same events come: then one event is done with before the next one is taken. */
  readonly #busy: Set<unknown> | undefined
  /** The event that has no place yet. */
  #held: { event: In } | undefined
  #pulling = false
  #isPlacing = false
  /** Which events are done, for whoever asks. */
  #inWork: InWork | undefined
  #arriving: Working | undefined
  #marked = 0
  #sourceOver = false
  #sourceFailure: Failure | undefined
  /** Whether the source's error still has to be thrown at the end: nobody was there to catch it, or somebody let it through. */
  #uncaught = false
  /** Failed, returned, or told to stop; the promise settles when every instance has finished. */
  #isLeaving = false
  #leaving: Promise<void> | undefined

  constructor(events: AsyncIterator<In>, ctx: StreamContext, mostUnread: number, isOrdered = false) {
    super()
    this.#events = events
    this.#ctx = ctx
    this.#mostUnread = mostUnread
    this.#busy = isOrdered ? new Set() : undefined
    const { signal } = this.#controller
    setMaxListeners(0, signal)
    this.#laneCtx = laneContext(ctx, signal)
  }

  /** Gives the event its place. False: there is none now, and it is held until `retry()` finds one; `again` is true then. */
  protected abstract accept(event: In, again: boolean): boolean
  /** What becomes of a lane's result. Gives it, or keeps it for later. */
  protected abstract collect(lane: Lane<LaneIn, LaneOut>, value: LaneOut): void
  /** A lane has finished, and is no longer among the lanes. */
  protected abstract gone(lane: Lane<LaneIn, LaneOut>): void
  /** The source ended, or failed: ends the lanes' events. */
  protected abstract endLanes(failure: Failure | undefined): void
  /** The source is no longer asked for events, and asked again: time spent here is not the source's silence. */
  protected paused(): void {}
  protected resumed(): void {}
  /** The operator is over in one way or another: timers are cleared. */
  protected stopped(): void {}
  laneTook(_lane: unknown): void {
    this.retry()
  }
  laneAsks(lane: unknown, waits: boolean): void {
    if (waits && this.#busy?.delete(lane) === true) this.#goOn()
  }
  laneWorks(lane: unknown): void {
    this.#busy?.add(lane)
  }

  /** Results of lanes are kept for later. */
  protected get keepsResults(): boolean {
    return false
  }

  get arriving(): Working | undefined {
    return this.#arriving
  }

  [MARK](): Mark {
    this.#inWork ??= new InWork()
    for (const lane of this.lanes) lane.look()
    const inWork = this.#inWork
    if (!this.keepsResults) this.#marked = inWork.done
    return { results: this.given, events: this.#marked, exact: inWork.isEmpty && !this.keepsResults }
  }

  protected get isLeaving(): boolean {
    return this.#isLeaving
  }

  protected begin(): void {
    const { signal } = this.#ctx
    if (signal.aborted) return this.#abandon()
    signal.addEventListener('abort', this.#abandon)
    this.#pull()
  }

  protected wanted(): void {
    if (this.unread >= this.#mostUnread || this.isLeaving) return
    for (let { length } = this.#suspended; length > 0 && this.#suspended.length > 0; length--) this.#suspended.shift().resume()
    this.#goOn()
  }

  protected leave(): Promise<void> {
    return (this.#leaving ??= this.#letGo(undefined))
  }

  /** Starts an instance. What cannot start fails the operator. */
  protected startLane(lane: Lane<LaneIn, LaneOut>, fn: Inner<LaneIn, LaneOut>, drive: Drive): void {
    try {
      lane.start(fn, this.#laneCtx, drive)
    } catch (error) {
      this.fail(error)
    }
  }

  /** Starts these instances, each with a stream of its own. False: one of them could not, and the operator is leaving. */
  protected feedLanes(lanes: readonly Lane<LaneIn, LaneOut>[], fn: Inner<LaneIn, LaneOut>): boolean {
    for (const lane of lanes) {
      if (this.isLeaving) break
      this.lanes.add(lane)
      this.startLane(lane, fn, 'feed')
    }
    return !this.isLeaving
  }

  /** Looks again for a place for the event that is held. */
  protected retry(): void {
    const held = this.#held
    if (held === undefined || this.isLeaving) return
    // Taken out first: finding a place may come back here.
    this.#held = undefined
    if (!this.#place(held.event, true)) this.#held = held
    else if (!this.#sourceOver) this.#proceed()
  }

  /** Ends everything; then the error is told, after the results that were given before. */
  protected fail(error: unknown): void {
    if (this.isLeaving) return
    this.#leaving = this.#letGo(error)
    let timer: NodeJS.Timeout | undefined
    const told = (): void => {
      clearTimeout(timer)
      this.end({ error })
    }
    timer = setTimeout(told, GRACE)
    this.#leaving.then(told, told)
  }

  laneYielded(lane: Lane<LaneIn, LaneOut>, value: LaneOut): boolean {
    try {
      this.collect(lane, value)
    } catch (error) {
      this.fail(error)
    }
    if (this.unread < this.#mostUnread) return true
    this.#suspended.push(lane)
    return false
  }

  laneFinished(lane: Lane<LaneIn, LaneOut>, failure: Failure | undefined): void {
    this.lanes.delete(lane)
    this.#busy?.delete(lane)
    if (failure !== undefined) {
      if (failure.error !== this.#sourceFailure?.error || this.#sourceFailure === undefined) return this.fail(failure.error)
      this.#uncaught = true
    }
    try {
      this.gone(lane)
      if (!this.lanes.has(lane)) lane.forget()
    } catch (error) {
      return this.fail(error)
    }
    this.retry()
    if (this.#busy !== undefined) this.#goOn()
    this.endIfThrough()
  }

  /** The end, once the source has ended and every lane has finished. */
  protected endIfThrough(): void {
    if (!this.#sourceOver || this.lanes.size > 0 || this.#held !== undefined || this.isLeaving) return
    this.#release()
    this.end(this.#uncaught ? this.#sourceFailure : undefined)
  }

  /** No more events are taken, as when a function returns early. */
  protected stopSource(): void {
    this.#sourceOver = true
    this.#held = undefined
    this.endLanes(undefined)
    this.endIfThrough()
  }

  #pull(): void {
    this.#pulling = true
    this.#events.next().then(this.#onEvent, this.#onSourceError)
  }

  readonly #onEvent = (result: IteratorResult<In, unknown>): void => {
    this.#pulling = false
    if (this.isLeaving || this.#sourceOver) return
    if (result.done === true) return this.#sourceEnded(undefined)
    this.#arriving = this.#inWork?.take()
    if (this.#place(result.value, false)) return this.#proceed()
    if (this.isLeaving) return
    this.#held = { event: result.value }
    this.paused()
  }

  readonly #onSourceError = (error: unknown): void => {
    this.#pulling = false
    if (!this.isLeaving && !this.#sourceOver) this.#sourceEnded({ error })
  }

  #place(event: In, again: boolean): boolean {
    this.#isPlacing = true
    try {
      if (!this.accept(event, again)) return false
      const arrived = this.#arriving
      this.#arriving = undefined
      if (arrived !== undefined) arrived.places--
      return true
    } catch (error) {
      this.fail(error)
      return false
    } finally {
      this.#isPlacing = false
    }
  }

  /** The event has its place: on to the next, if there is room for what comes of it. */
  #proceed(): void {
    if (this.#pulling || this.isLeaving || this.#sourceOver) return
    if (this.#busy !== undefined && this.#busy.size > 0) return
    if (this.unread >= this.#mostUnread) return this.paused()
    this.resumed()
    this.#pull()
  }

  /** On to the next event, where none is held. */
  #goOn(): void {
    if (this.#held === undefined && !this.#isPlacing) this.#proceed()
  }

  #sourceEnded(failure: Failure | undefined): void {
    this.#sourceOver = true
    this.#sourceFailure = failure
    this.#uncaught = this.lanes.size === 0
    this.endLanes(failure)
    this.endIfThrough()
  }

  /** The stream is closed or aborted while the operator waits for something other than its source. */
  readonly #abandon = (): void => {
    if (this.isLeaving) return
    this.leave().then(
      () => this.end(),
      (error) => this.end({ error }),
    )
  }

  async #letGo(reason: unknown): Promise<void> {
    this.#isLeaving = true
    this.#release()
    // Before the signal fires: what its listeners make the functions do then concerns nobody.
    const left = [...this.lanes].map((lane) => lane.leave())
    this.#controller.abort(reason ?? this.#ctx.signal.reason)
    await allDone(left)
  }

  #release(): void {
    this.stopped()
    this.#held = undefined
    this.#ctx.signal.removeEventListener('abort', this.#abandon)
  }
}
