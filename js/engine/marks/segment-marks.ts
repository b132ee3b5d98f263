// Neighboring functions of one stream on one thread, and which of their events are done: one mark for all of them. A function that holds several events says so
// itself (`MARK`); every other one by asking for the next.

import type { Mark } from '../../kit/marks.js'
import type { StreamContext, StreamGenerator } from '../../kit/types.js'
import type { AnyGenerator } from '../stages/stage.js'
import { Marked, MarkedEvents, type MarkedOwner, MarkedResults } from './marked.js'

type Call = (events: AsyncIterableIterator<unknown>, ctx: StreamContext) => AnyGenerator

/** ms after which functions that hold events are looked at again: the last of them may be done without another being asked for. */
const AGAIN = 20

export class SegmentMarks implements MarkedOwner {
  readonly #stages: Marked[] = []
  readonly #tell: ((exact: Mark | undefined, low: Mark) => void) | undefined
  /** The last moment between two events: all results up to there come from events that are done. */
  #exact: Mark | undefined
  #told = 0
  #isDue = false
  #isOver = false
  #timer: NodeJS.Timeout | undefined

  /** `tell` hears of news once a turn of the event loop. */
  constructor(tell?: (exact: Mark | undefined, low: Mark) => void) {
    this.#tell = tell
  }

  /** How many functions there are. */
  get length(): number {
    return this.#stages.length
  }

  /** The next function, counted; `index`: its number in the stream, where events may be cut off. */
  wrap(fn: StreamGenerator<never, unknown>, index = -1): StreamGenerator<never, unknown> {
    const marked = new Marked(this, index === 0)
    this.#stages.push(marked)
    const call: Call = (events, ctx) => {
      const generator = (fn as unknown as Call)(new MarkedEvents(events as AsyncIterator<unknown, undefined>, marked), ctx)
      marked.made(generator)
      if (marked.holds) for (const before of this.#stages) before.isKept = before !== marked && !before.holds
      return new MarkedResults(generator, marked)
    }
    return call as unknown as StreamGenerator<never, unknown>
  }

  asked(): void {
    const events = this.#aligned()
    if (events >= 0) this.#exact = { results: (this.#stages.at(-1) as Marked).results, events, exact: true }
    if (this.#isDue || this.#isOver || this.#tell === undefined) return
    this.#isDue = true
    setImmediate(this.#report)
  }

  /** The first function of the stream gets no more events: for it the input has ended. */
  stop(): void {
    const [first] = this.#stages
    if (first?.isFirst === true) first.isStopped = true
  }

  /** Tells what there is to tell at once. */
  flush(): void {
    if (this.#isDue) this.#report()
  }

  /** Nobody wants to know any more. */
  close(): void {
    this.#isOver = true
    clearTimeout(this.#timer)
  }

  /** The latest moment between two events, if there was one. */
  get exact(): Mark | undefined {
    return this.#exact
  }

  /** What is done by now. */
  low(): Mark {
    const last = this.#stages.at(-1) as Marked
    const own = last.held
    const results = own?.results ?? last.results
    let events = own?.events ?? last.events
    let exact = own?.exact !== false
    for (let at = this.#stages.length - 2; at >= 0; at--) {
      const stage = this.#stages[at] as Marked
      const held = stage.held
      stage.line.add(held?.results ?? stage.results, held?.events ?? stage.events)
      const wanted = events
      events = stage.line.reach(wanted)
      exact &&= held?.exact !== false && stage.line.results === wanted
    }
    return { results: Math.max(0, results), events, exact }
  }

  /** Whether each function has done with all that the one before it has given: how many events are done then, else -1. */
  #aligned(): number {
    const stages = this.#stages
    let behind: Marked | undefined
    for (let at = stages.length - 1; at >= 0; at--) {
      const stage = stages[at] as Marked
      if (stage.holds || stage.asks === 0) return -1
      if (behind !== undefined && behind.events !== stage.results) return -1
      behind = stage
    }
    return behind?.events ?? -1
  }

  readonly #report = (): void => {
    if (this.#isOver || !this.#isDue) return
    this.#isDue = false
    const low = this.low()
    const exact = low.exact ? low : this.#exact
    const news = Math.max(low.events, exact?.events ?? 0)
    if (news > this.#told) {
      this.#told = news
      this.#tell?.(exact, low)
    }
    const [head] = this.#stages as [Marked]
    if (low.events >= head.asks - 1 || !this.#stages.some((stage) => stage.holds)) return
    clearTimeout(this.#timer)
    this.#timer = setTimeout(this.#again, AGAIN).unref()
  }

  readonly #again = (): void => {
    this.#isDue = true
    this.#report()
  }
}
