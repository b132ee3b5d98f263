// Events gathered into arrays, by size and by time.
//
// Bounds: one array at a time, of at most `maxSize` events. Without `maxWait` it gathers only while somebody reads; with it also meanwhile, so that time counts.

import type { StreamContext } from '../../index.js'
import { configError, duration, integer } from '../../kit/check.js'
import { type Clock, clockOf } from '../../kit/clock.js'
import { MARK, type Mark, type Marking } from '../../kit/marks.js'
import { capture, captured, endResult, type Resolve } from '../../kit/promises.js'
import type { Counts } from '../engine/counts.js'
import { Iteration } from '../engine/iteration.js'
import { StreamTimer } from '../engine/stream-timer.js'

type Result = IteratorResult<unknown, unknown>

/** When an array of events is full. */
export interface ChunkOptions {
  /** The most events in one array. Integer from 1. Default 100. */
  maxSize?: number | undefined
  /** How long the first event of an array waits for others, ms, from 1. Then it goes on as it is. Default: until it is full. */
  maxWait?: number | undefined
  /** With fewer events than this it waits on although `maxWait` is over. The end of the stream waits for nobody: the last array may be shorter. Integer from 1 to `maxSize`. Default 1. */
  minSize?: number | undefined
  /** Where `maxWait` gets the time from. Default: the clock of the machine. */
  clock?: Clock | undefined
}

export interface Sizes {
  readonly maxSize: number
  readonly minSize: number
  /** ms; 0: none. */
  readonly maxWait: number
  readonly clock: Clock
}

export const CHUNK_NAMES = ['maxSize', 'minSize', 'maxWait', 'clock'] as const

export function sizesOf(options: ChunkOptions, field: string): Sizes {
  const maxSize = integer(options.maxSize, `${field}.maxSize`, 1, 100)
  const minSize = integer(options.minSize, `${field}.minSize`, 1, 1)
  if (minSize > maxSize) throw configError(`${field}.minSize`, `an integer from 1 to maxSize, ${maxSize}`, minSize)
  return { maxSize, minSize, maxWait: duration(options.maxWait, `${field}.maxWait`, 1, 0), clock: clockOf(options.clock, `${field}.clock`) }
}

export class Chunks extends Iteration<unknown> implements Marking {
  private readonly sizes: Sizes
  private readonly counts: Counts | undefined
  private readonly events: AsyncIterator<unknown>
  private readonly ctx: StreamContext
  private chunk: unknown[] = []
  /** Events in arrays that were given, and these. */
  private passed = 0
  private given = 0
  private readonly readers: Resolve[] = []
  private started = false
  private pulling = false
  /** `maxWait` is over for this array. */
  private isDue = false
  private readonly timer: StreamTimer
  /** The events ended or threw. */
  private spent = false
  private sourceError: { error: unknown } | null = null
  private over = false

  private readonly onEvent = (result: Result): void => {
    this.pulling = false
    if (this.over) return
    if (result.done === true) this.spent = true
    else if (!this.add(result.value)) return
    this.deliver()
  }
  private readonly onThrow = (error: unknown): void => {
    this.pulling = false
    this.spent = true
    this.sourceError = { error }
    this.deliver()
  }
  private readonly leave = (): void => this.cancel()
  private readonly due = (): void => {
    this.isDue = true
    this.deliver()
  }

  constructor(sizes: Sizes, counts: Counts | undefined, events: AsyncIterator<unknown>, ctx: StreamContext) {
    super()
    this.sizes = sizes
    this.counts = counts
    this.events = events
    this.ctx = ctx
    this.timer = new StreamTimer(sizes.clock, ctx)
  }

  next(): Promise<Result> {
    if (this.over) return Promise.resolve(endResult())
    const promise = new Promise(capture) as Promise<Result>
    this.readers.push(captured.resolve)
    if (!this.started) {
      this.started = true
      if (this.ctx.signal.aborted) this.cancel()
      else this.ctx.signal.addEventListener('abort', this.leave)
    }
    this.deliver()
    return promise
  }

  /** Does not queue behind a next() that waits: that one is done at once. */
  async return(value?: unknown): Promise<Result> {
    this.cancel()
    if (!this.spent) {
      this.spent = true
      await this.events.return?.()
    }
    return endResult(await value)
  }

  [MARK](): Mark {
    return { results: this.given, events: this.passed, exact: true }
  }

  /** False: the clock threw, and that is the end. */
  private add(event: unknown): boolean {
    const { maxWait } = this.sizes
    this.chunk.push(event)
    if (this.counts !== undefined) this.counts.underWay++
    if (maxWait === 0 || this.chunk.length > 1) return true
    try {
      this.timer.set(this.due, maxWait)
      return true
    } catch (error) {
      this.fail(error)
      return false
    }
  }

  /** Tells the error once the events are given back. */
  private fail(error: unknown): void {
    const [reader, ...others] = this.readers.splice(0)
    const told = (): void => {
      reader?.(Promise.reject(error))
      for (const other of others) other(endResult())
    }
    this.return().then(told, told)
  }

  private deliver(): void {
    const { maxSize, minSize, maxWait } = this.sizes
    while (this.readers.length > 0 && !this.over) {
      const { length } = this.chunk
      if (length >= maxSize || (this.isDue && length >= minSize) || (this.spent && length > 0)) {
        const value = this.takeChunk()
        this.readers.shift()?.({ value, done: false })
      } else if (this.spent) {
        const { sourceError } = this
        if (sourceError !== null) this.readers.shift()?.(Promise.reject(sourceError.error))
        this.cancel()
      } else break
    }
    if (this.over || this.spent || this.pulling || this.chunk.length >= maxSize) return
    if (this.readers.length === 0 && maxWait === 0) return
    this.pulling = true
    this.events.next().then(this.onEvent, this.onThrow)
  }

  private takeChunk(): unknown[] {
    const { chunk } = this
    this.chunk = []
    this.passed += chunk.length
    this.given++
    this.forgetTime()
    if (this.counts !== undefined) {
      this.counts.underWay -= chunk.length
      this.counts.done += chunk.length
    }
    return chunk
  }

  private forgetTime(): void {
    this.isDue = false
    this.timer.clear()
  }

  private cancel(): void {
    if (this.over) return
    this.over = true
    this.ctx.signal.removeEventListener('abort', this.leave)
    this.forgetTime()
    if (this.counts !== undefined) this.counts.underWay -= this.chunk.length
    this.chunk = []
    for (const reader of this.readers.splice(0)) reader(endResult())
  }
}
