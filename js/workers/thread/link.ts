// Between two functions of a stream on one worker thread: the results of one are the events of the other, without bytes. Its waits end at once when the stream
// does.

import { bounded } from '../../engine/border/bounded.js'
import type { AnyGenerator } from '../../engine/stages/stage.js'
import type { Failure } from '../../kit/errors.js'
import { capture, captured, iterationEnd, type Resolve, rejectWith } from '../../kit/promises.js'
import { Pause } from '../wire/protocol.js'
import type { Tally } from '../wire/tally.js'
import { isOvertime, nextTurn } from './turns.js'

export class ThreadLink implements AsyncIterableIterator<unknown> {
  private readonly source: AnyGenerator
  private readonly index: number
  private readonly tally: Tally
  private readonly closeTimeout: number
  /** Those that wait, oldest first: the results come in the order of the calls. */
  private waits: Resolve[] = []
  private asked = 0
  private over = false
  private failure: Failure | null = null
  private released: Promise<unknown> | undefined
  /** What the function that feeds it threw. */
  thrown: Failure | undefined
  /** The same, when nobody listened any more. */
  unheard: Failure | undefined

  private readonly arrived = (result: IteratorResult<unknown>): void => {
    const resolve = this.waits.shift()
    if (resolve === undefined) return // cut meanwhile
    if (result.done === true) {
      this.over = true
      this.tally.setPause(this.index, Pause.None)
      return resolve({ value: undefined, done: true })
    }
    this.tally.give(this.index - 1)
    this.tally.take(this.index)
    resolve(result)
  }
  private readonly failed = (error: unknown): void => {
    this.thrown = { error }
    const resolve = this.waits.shift()
    if (resolve === undefined) {
      this.unheard ??= { error }
      return
    }
    this.over = true
    rejectWith(resolve, error)
  }

  /** Feeds the stage `index`. */
  constructor(source: AnyGenerator, index: number, tally: Tally, closeTimeout: number) {
    this.source = source
    this.index = index
    this.tally = tally
    this.closeTimeout = closeTimeout
  }

  next(): Promise<IteratorResult<unknown, undefined>> {
    const { failure } = this
    this.failure = null
    if (failure !== null) return Promise.reject(failure.error)
    if (this.over) return iterationEnd()
    const promise = new Promise(capture) as Promise<IteratorResult<unknown, undefined>>
    this.waits.push(captured.resolve)
    this.tally.setPause(this.index, Pause.Event)
    // Two functions that keep each other busy leave nobody else a turn.
    if ((++this.asked & 7) === 0 && isOvertime()) nextTurn(() => this.ask())
    else this.ask()
    return promise
  }

  async return(value?: unknown): Promise<IteratorResult<unknown, undefined>> {
    this.cut(undefined)
    await bounded(
      this.release().catch(() => {}),
      this.closeTimeout,
    ) // told by whoever ends it
    return { value: (await value) as undefined, done: true }
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return()
  }

  cut(failure: Failure | undefined): void {
    if (this.over) return
    this.over = true
    const { waits } = this
    this.waits = []
    const [first, ...others] = waits
    if (first === undefined) this.failure = failure ?? null
    else if (failure === undefined) first({ value: undefined, done: true })
    else rejectWith(first, failure.error)
    for (const resolve of others) resolve({ value: undefined, done: true })
  }

  /** Returns the function that feeds it, once; settles when it has ended. */
  release(): Promise<unknown> {
    this.cut(undefined)
    this.released ??= this.source.return(undefined).catch((error) => {
      this.thrown ??= { error }
      this.unheard ??= { error }
      throw error
    })
    return this.released
  }

  private ask(): void {
    this.source.next().then(this.arrived, this.failed)
  }
}
