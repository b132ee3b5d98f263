// Between two functions of a stream on one worker thread: the results of one are the events of the other, without bytes. Its wait ends at once when the stream
// does.

import { capture, iterationEnd, lastResolve, type Resolve, rejectWith } from '../internal/promises.js'
import type { AnyGenerator, Failure } from '../internal/stages.js'
import type { Tally } from './tally.js'

export class HostedLink implements AsyncIterableIterator<unknown> {
  private readonly source: AnyGenerator
  private readonly index: number
  private readonly tally: Tally
  private resolve: Resolve | null = null
  private over = false
  private failure: Failure | null = null
  private released: Promise<unknown> | undefined
  /** What the function that feeds it threw. */
  thrown: Failure | undefined
  /** The same, when nobody listened any more. */
  unheard: Failure | undefined

  /** Feeds the stage `index`. */
  constructor(source: AnyGenerator, index: number, tally: Tally) {
    this.source = source
    this.index = index
    this.tally = tally
  }

  next(): Promise<IteratorResult<unknown, undefined>> {
    const { failure } = this
    this.failure = null
    if (failure !== null) return Promise.reject(failure.error)
    if (this.over) return iterationEnd()
    const promise = new Promise(capture) as Promise<IteratorResult<unknown, undefined>>
    const resolve = lastResolve
    this.resolve = resolve
    this.source.next().then(
      (result) => {
        if (this.resolve !== resolve) return
        this.resolve = null
        if (result.done === true) this.over = true
        else this.pass()
        resolve(result.done === true ? { value: undefined, done: true } : result)
      },
      (error) => {
        this.thrown = { error }
        if (this.resolve !== resolve) {
          this.unheard ??= { error }
          return
        }
        this.resolve = null
        this.over = true
        rejectWith(resolve, error)
      },
    )
    return promise
  }

  private pass(): void {
    this.tally.give(this.index - 1)
    this.tally.take(this.index)
  }

  async return(value?: unknown): Promise<IteratorResult<unknown, undefined>> {
    this.cut(undefined)
    await this.release().catch(() => {}) // told by whoever ends it
    return { value: value as undefined, done: true }
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
    this.failure = failure ?? null
    const { resolve } = this
    this.resolve = null
    if (resolve === null) return
    this.failure = null
    if (failure !== undefined) rejectWith(resolve, failure.error)
    else resolve({ value: undefined, done: true })
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
}
