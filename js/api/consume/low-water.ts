// js/api/consume: a stream function at work on a source that wants to know which events are done. Knows nothing of brokers.
//
// The low-water mark: every event of a stream before it is done, which means that its functions are through with it and that all results of it were accepted. The one
// place that knows it, whatever the functions are (operators that hold several events, pipelines) and on whichever threads they run. Each thread says of its functions how
// many events are done after how many results (segment-marks.ts); here that is put together.

import { MessageChannel, type MessagePort } from 'node:worker_threads'
import { MarkLine } from '../../engine/marks/mark-line.js'
import { SegmentMarks } from '../../engine/marks/segment-marks.js'
import type { Departure, Harness, StagePlace } from '../../engine/stages/harness.js'
import type { Mark } from '../../kit/marks.js'
import type { StreamGenerator } from '../../kit/types.js'
import type { Arrival, Told } from './arrive.js'

const MODULE = new URL('./arrive.js', import.meta.url).href

/** Neighboring functions on one thread, as they are known here. */
class Segment {
  length = 0
  readonly low = new MarkLine()
  readonly exact = new MarkLine()

  heard(length: number, exact: Mark | undefined, low: Mark): void {
    this.length = length
    if (exact !== undefined) {
      this.low.add(exact.results, exact.events)
      this.exact.add(exact.results, exact.events)
    }
    this.low.add(low.results, low.events)
  }
}

export class LowWater implements Harness {
  readonly #stages: number
  /** By the number of their first function. */
  readonly #segments = new Map<number, Segment>()
  readonly #news: () => void
  readonly #here: SegmentMarks[] = []
  readonly #ports = new Set<MessagePort>()
  /** Of the functions here that were made last: the number of the one behind them, and what counts them. */
  #end = -1
  #marks: SegmentMarks | undefined

  /** For a stream of so many stages; `news` is called when more may be done. */
  constructor(stages: number, news: () => void) {
    this.#stages = stages
    this.#news = news
  }

  wrap(fn: StreamGenerator<never, unknown>, { index }: StagePlace): StreamGenerator<never, unknown> {
    if (this.#marks === undefined || this.#end !== index) {
      const marks = new SegmentMarks((exact, low) => {
        this.#segment(index).heard(marks.length, exact, low)
        this.#news()
      })
      this.#marks = marks
      this.#here.push(marks)
      // It may be asked before it has told anything.
      this.#segment(index)
    }
    this.#end = index + 1
    return this.#marks.wrap(fn, index)
  }

  departure(): Departure {
    const { port1, port2 } = new MessageChannel()
    port1.on('message', ({ first, length, exact, low }: Told) => {
      this.#segment(first).heard(length, exact, low)
      this.#news()
    })
    port1.unref()
    this.#ports.add(port1)
    const data: Arrival = { port: port2 }
    return { module: MODULE, data, transfer: [port2] }
  }

  /** How many events are done when so many results were accepted. Never asked with fewer than before. */
  low(results: number): number {
    let reached = results
    let end = this.#stages
    for (const [first, segment] of this.#fromLast()) {
      if (first + segment.length !== end) return 0
      reached = segment.low.reach(reached)
      end = first
    }
    return end === 0 ? reached : 0
  }

  /**
   * The latest moment between two events that was reached with so many results, whole events and all that came of them; `undefined`: none is known. Of functions on several threads there
   * is none.
   */
  exact(results: number): { results: number; events: number } | undefined {
    const whole = this.#segments.get(0)
    if (this.#segments.size > 1) return undefined
    // Nothing was heard yet.
    if (whole === undefined || whole.length === 0) return { results: 0, events: 0 }
    if (whole.length !== this.#stages) return undefined
    whole.exact.reach(results)
    const { results: reached, events } = whole.exact
    return { results: reached, events }
  }

  /** What is known here is put to use at once. */
  flush(): void {
    for (const marks of this.#here) marks.flush()
  }

  /** The first function gets no more events. */
  stop(): void {
    for (const marks of this.#here) marks.stop()
    for (const port of this.#ports) port.postMessage('stop')
  }

  /** The stream is over. */
  close(): void {
    for (const marks of this.#here) marks.close()
    for (const port of this.#ports) port.close()
  }

  #segment(first: number): Segment {
    let segment = this.#segments.get(first)
    if (segment === undefined) this.#segments.set(first, (segment = new Segment()))
    return segment
  }

  #fromLast(): [number, Segment][] {
    return [...this.#segments].sort(([one], [other]) => other - one)
  }
}
