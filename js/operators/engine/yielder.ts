// js/operators/engine: what operators are made of: results given by hand, inner functions, counts. Knows nothing of any one operator.
//
// The results side of an operator that is written by hand: they are given one at a time, wait in a line, and are read with next(). Behaves as an async generator does;
// the end, or the error, comes after all results given before it.
// Not here: who gives results, and the bound of the line, which the giver keeps.

import { capture, captured, iterationEnd, type Resolve } from '../../kit/promises.js'
import { Queue } from '../../kit/queue.js'
import { Iteration } from './iteration.js'

/** What an operator failed with; boxed, because anything can be thrown. */
export interface Failure {
  readonly error: unknown
}

export abstract class Yielder<Result> extends Iteration<Result, undefined> implements AsyncGenerator<Result, undefined, undefined> {
  readonly #results = new Queue<Result>()
  /** The oldest next() that waits, and further ones. Somebody waits only while no result does. */
  #reader: Resolve | null = null
  #readers: Queue<Resolve> | null = null
  #started = false
  /** Results given so far. */
  protected given = 0
  #over = false
  /** For the next read after the end, once. */
  #failure: Failure | undefined

  /** The first next(). */
  protected abstract begin(): void
  /** A result was read, or somebody began to wait for one. */
  protected abstract wanted(): void
  /** return(): gives everything back; what it rejects with, return() does. */
  protected abstract leave(): Promise<void>

  /** Results that wait to be read. */
  protected get unread(): number {
    return this.#results.length
  }

  protected get isAwaited(): boolean {
    return this.#reader !== null
  }

  protected get isOver(): boolean {
    return this.#over
  }

  next(): Promise<IteratorResult<Result, undefined>> {
    if (this.#results.length > 0) {
      const value = this.#results.shift()
      this.wanted()
      return Promise.resolve({ value, done: false })
    }
    if (this.#over) return this.#afterEnd()
    const promise = new Promise(capture) as Promise<IteratorResult<Result, undefined>>
    if (this.#reader === null) this.#reader = captured.resolve
    else (this.#readers ??= new Queue()).push(captured.resolve)
    if (this.#started) this.wanted()
    else {
      this.#started = true
      this.begin()
    }
    return promise
  }

  async return(value?: unknown): Promise<IteratorResult<Result, undefined>> {
    const left = this.#over ? undefined : this.leave()
    this.#results.clear()
    this.end()
    this.#failure = undefined
    await left
    return { value: (await value) as undefined, done: true }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return()
  }

  /** One result: to whoever waits, else to the line. Results given after the end are dropped. */
  protected give(result: Result): void {
    this.given++
    if (this.#reader !== null) this.#shiftReader()({ value: result, done: false })
    else if (!this.#over) this.#results.push(result)
  }

  /** No more results; with a failure, whoever reads next after those that wait is told, once. Only the first end counts. */
  protected end(failure?: Failure): void {
    if (this.#over) return
    this.#over = true
    this.#failure = failure
    while (this.#reader !== null) this.#shiftReader()(this.#afterEnd())
  }

  #afterEnd(): Promise<IteratorResult<Result, undefined>> {
    const failure = this.#failure
    this.#failure = undefined
    return failure === undefined ? iterationEnd() : Promise.reject(failure.error)
  }

  #shiftReader(): Resolve {
    const reader = this.#reader as Resolve
    this.#reader = this.#readers !== null && this.#readers.length > 0 ? this.#readers.shift() : null
    return reader
  }
}
