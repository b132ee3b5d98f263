// js/engine/channels: events on their way in, results on their way out, and who waits for them. Knows nothing of generators and stages.
//
// What the user's function gets as `events`. An inlet owns the wait for an event, so that closing and aborting settle it at once, which a bare
// generator cannot do (tc39/proposal-async-iteration#126). Where events come from is the business of its subclasses.

import { capture, captured, iterationEnd, type Resolve, rejectWith } from '../../kit/promises.js'
import type { ValueIterator } from '../../kit/types.js'
import type { Row } from '../border/row.js'
import type { Owner } from './owner.js'

export abstract class Inlet<In> implements ValueIterator<In> {
  protected readonly owner: Owner
  protected readonly row: Row
  /** The waiting `next()`; more than one only if the function asks again without awaiting. */
  protected resolve: Resolve | null = null
  protected more: Resolve[] | null = null
  /** Nothing further is delivered. */
  over = false
  /** Thrown at the next pull, once. */
  protected failure: { error: unknown } | null = null

  constructor(owner: Owner) {
    this.owner = owner
    this.row = owner.row
  }

  abstract next(): Promise<IteratorResult<In, undefined>>

  [Symbol.asyncIterator](): this {
    return this
  }

  /** The function waits for an event. */
  get isAsked(): boolean {
    return this.resolve !== null
  }

  /** The function stops reading: nothing more is delivered, and the source is given back. */
  async return(value?: unknown): Promise<IteratorResult<In, undefined>> {
    this.cut(undefined)
    const release = this.release()
    if (release !== undefined) await this.owner.bounded(release)
    return { value: (await value) as undefined, done: true }
  }

  /** Ends it at once: what waits gets the end or `failure`, what is buffered is dropped and counted. */
  cut(failure: { error: unknown } | undefined): void {
    if (this.over) return
    this.over = true
    this.failure = failure ?? null
    this.drop()
    this.settleWaits()
  }

  /** Gives the source back, once; a promise where that is worth waiting for. */
  release(): PromiseLike<unknown> | undefined {
    return undefined
  }

  /** Drops what is buffered and counts it. */
  protected abstract drop(): void

  /** A send is under way. */
  protected noSilence(): void {
    this.row.endWait()
  }

  /** Nothing is under way any more: if the function waits, silence begins. */
  protected silence(): void {
    if (this.resolve !== null) this.row.wait(true)
  }

  /** The wait for an event begins. */
  protected park(): Promise<IteratorResult<In, undefined>> {
    const promise = new Promise(capture) as Promise<IteratorResult<In, undefined>>
    if (this.resolve !== null) {
      ;(this.more ??= []).push(captured.resolve)
      return promise
    }
    this.resolve = captured.resolve
    this.silence()
    return promise
  }

  /** The oldest wait ends; its `resolve`. Only while one waits. */
  protected unpark(): Resolve {
    const resolve = this.resolve as Resolve
    if (this.more === null) {
      this.resolve = null
      this.row.endWait()
    } else {
      const next = this.more.shift() as Resolve
      if (this.more.length === 0) this.more = null
      this.resolve = next
    }
    return resolve
  }

  /** Every wait gets the failure (the first) or the end. */
  protected settleWaits(): void {
    while (this.resolve !== null) {
      const resolve = this.unpark()
      const failure = this.failure
      this.failure = null
      if (failure !== null) rejectWith(resolve, failure.error)
      else resolve({ value: undefined, done: true })
    }
  }

  /** Answer of `next()` once it is over. */
  protected nextOver(): Promise<IteratorResult<In, undefined>> {
    const failure = this.failure
    if (failure === null) return iterationEnd()
    this.failure = null
    return Promise.reject(failure.error)
  }
}
