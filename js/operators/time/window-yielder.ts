// The engine of window: pulls an event when a result is wanted, moves time forward, and gives the windows that are over.

import { OverloadedError, type StreamContext } from '../../index.js'
import { configError, LONGEST } from '../../kit/check.js'
import type { Clock } from '../../kit/clock.js'
import { MARK, type Mark, type Marking } from '../../kit/marks.js'
import { isThenable, silence } from '../../kit/promises.js'
import { StreamTimer } from '../engine/stream-timer.js'
import { type Failure, Yielder } from '../engine/yielder.js'
import type { Panes, Span } from './panes.js'

export interface WindowPlan<In, Result> {
  readonly panes: () => Panes<In>
  readonly aggregate: (events: In[], window: Span) => Result | PromiseLike<Result>
  readonly by: ((event: In) => number) | undefined
  readonly onLate: ((event: In) => unknown) | undefined
  readonly lateness: number
  readonly maxEvents: number
  /** In how many windows an event is at most. */
  readonly overlap: number
  readonly clock: Clock
}

export class WindowYielder<In, Result> extends Yielder<Result> implements Marking {
  readonly #events: AsyncIterator<In>
  readonly #ctx: StreamContext
  readonly #plan: WindowPlan<In, Result>
  readonly #totals: { late: number; windows: number }
  readonly #panes: Panes<In>
  /** Windows that end by then are over. */
  #watermark = -Infinity
  /** Events in open windows. */
  #held = 0
  /** Events that came. */
  #taken = 0
  /** Number of the newest event in windows that are over. */
  #newestOver = -Infinity
  /** Number of the oldest event in windows whose aggregates are awaited. */
  #awaited = Infinity
  #pulling = false
  #sourceOver = false
  readonly #timer: StreamTimer
  /** The last aggregate that is awaited, and all before it. */
  #tail: Promise<void> | undefined

  constructor(events: AsyncIterator<In>, ctx: StreamContext, plan: WindowPlan<In, Result>, totals: { late: number; windows: number }) {
    super()
    this.#events = events
    this.#ctx = ctx
    this.#plan = plan
    this.#timer = new StreamTimer(plan.clock, ctx)
    this.#totals = totals
    this.#panes = plan.panes()
  }

  /** An event is done with the last of its windows. What was given comes from no event that is in an open window, unless windows overlap or events come out of order. */
  [MARK](): Mark {
    const events = Math.min(this.#panes.oldest, this.#awaited, this.#taken)
    return { results: this.given, events, exact: this.#newestOver < events }
  }

  protected begin(): void {
    if (this.#ctx.signal.aborted) return this.#stop()
    this.#ctx.signal.addEventListener('abort', this.#stop)
    this.#pull()
  }

  protected wanted(): void {
    this.#pull()
  }

  protected async leave(): Promise<void> {
    this.#release()
  }

  #pull(): void {
    if (this.#pulling || this.#sourceOver || this.isOver || this.#tail !== undefined || this.unread > 0 || !this.isAwaited) return
    this.#pulling = true
    this.#events.next().then(this.#onEvent, this.#onError)
  }

  readonly #onEvent = (result: IteratorResult<In, unknown>): void => {
    this.#pulling = false
    if (this.isOver) return
    try {
      if (result.done === true) return this.#sourceEnded()
      this.#take(result.value)
    } catch (error) {
      return this.#fail(error)
    }
    this.#pull()
  }

  readonly #onError = (error: unknown): void => this.#fail(error)

  #take(event: In): void {
    const { by, clock, lateness, maxEvents, onLate } = this.#plan
    const time = by === undefined ? clock.now() : by(event)
    if (typeof time !== 'number' || !Number.isFinite(time))
      throw configError('window(options).by', 'a function that gives ms, a finite number', time)
    if (by === undefined) this.#close(time)
    const room = maxEvents - this.#held
    const places = this.#panes.add(event, this.#taken++, time, this.#watermark, room)
    if (places > room) throw overrun(maxEvents, this.#plan.overlap)
    this.#held += places
    if (places === 0) {
      this.#totals.late++
      const heard = onLate?.(event)
      if (isThenable(heard)) this.#awaited = Math.min(this.#awaited, this.#taken - 1)
      if (isThenable(heard)) this.#await(Promise.resolve(heard).then(() => undefined))
    }
    if (by === undefined) this.#arm()
    else this.#close(time - lateness)
  }

  /** Time has come so far; it never goes back. */
  #close(watermark: number): void {
    if (watermark <= this.#watermark) return
    this.#watermark = watermark
    for (const pane of this.#panes.close(watermark)) {
      this.#held -= pane.size
      this.#newestOver = Math.max(this.#newestOver, pane.newest)
      this.#totals.windows++
      this.#emit(this.#plan.aggregate(pane.events(), { start: pane.start, end: pane.end }), pane.oldest)
    }
  }

  /** Gives a result after those before it. */
  #emit(result: Result | PromiseLike<Result>, oldest: number): void {
    const isLater = isThenable(result)
    if (!isLater && this.#tail === undefined) return this.give(result)
    this.#awaited = Math.min(this.#awaited, oldest)
    this.#await(isLater ? Promise.resolve(result) : result, (value) => this.give(value))
  }

  /** Waits for it after all that is awaited already; its rejection fails the operator. */
  #await<Value>(result: Value | Promise<Value>, take?: (value: Value) => void): void {
    // It may reject before its turn has come, or when an earlier one has failed already.
    if (result instanceof Promise) silence(result)
    const tail = this.#after(this.#tail, result, take)
    this.#tail = tail
    tail.then(() => this.#settled(tail), this.#onError)
  }

  async #after<Value>(before: Promise<void> | undefined, result: Value | Promise<Value>, take?: (value: Value) => void): Promise<void> {
    await before
    const value = await result
    take?.(value)
  }

  /** An awaited aggregate has been given; where it was the last one, things go on as they would have. */
  #settled(tail: Promise<void>): void {
    if (this.#tail !== tail || this.isOver) return
    this.#tail = undefined
    this.#awaited = Infinity
    if (this.#sourceOver) this.#finish()
    else this.#pull()
  }

  #arm(): void {
    const { nextEnd } = this.#panes
    if (this.#timer.isSet || nextEnd === Infinity) return
    this.#timer.set(this.#onTimer, Math.min(Math.max(0, nextEnd - this.#plan.clock.now()), LONGEST))
  }

  readonly #onTimer = (): void => {
    try {
      this.#close(this.#plan.clock.now())
      this.#arm()
    } catch (error) {
      this.#fail(error)
    }
  }

  #sourceEnded(): void {
    this.#sourceOver = true
    this.#close(Infinity)
    if (this.#tail === undefined) this.#finish()
  }

  #fail(error: unknown): void {
    this.#finish({ error })
  }

  #finish(failure?: Failure): void {
    this.#release()
    this.end(failure)
  }

  /** The stream is closed or aborted. */
  readonly #stop = (): void => this.#finish()

  #release(): void {
    this.#ctx.signal.removeEventListener('abort', this.#stop)
    this.#timer.clear()
  }
}

function overrun(maxEvents: number, overlap: number): OverloadedError {
  const often = `; an event is in up to ${overlap} windows at once (sliding / every) and counts in each: there is room for about ${Math.floor(maxEvents / overlap)} events`
  const message = `window(options).maxEvents: open windows hold ${maxEvents} events, and one more came${overlap > 1 ? often : ''}`
  return new OverloadedError('VELO_OVERRUN', message, { field: 'window(options).maxEvents' })
}
