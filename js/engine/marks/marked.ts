// One function of a stream with its calls counted: what it asks for and what it is asked for. That it asks for an event says that every event before is done, and
// that what came of them was given: the generator is asked for one result at a time, so all but the one it is at work on.

import { type Mark, markOf } from '../../kit/marks.js'
import type { AnyGenerator } from '../stages/stage.js'
import { MarkLine } from './mark-line.js'

type Next = IteratorResult<unknown, undefined>
type Result = IteratorResult<unknown, unknown>

const DONE: Promise<Next> = Promise.resolve({ value: undefined, done: true })

/** Is told when a function asks. */
export interface MarkedOwner {
  asked(): void
}

/** The counts of one function. */
export class Marked {
  /** Events asked for. */
  asks = 0
  /** Results it was asked for. */
  calls = 0
  /** The mark of a function that asks for the next event when it is through with the last. */
  results = 0
  events = 0
  private generator: AnyGenerator | undefined
  /** It has several events in work. */
  holds = false
  /** What it said before, for a function behind it that holds events; where there is one, each word of it. */
  readonly line = new MarkLine()
  isKept = false
  private readonly owner: MarkedOwner

  /** The first function of its stream. */
  readonly isFirst: boolean
  /** It gets no more events. */
  isStopped = false

  constructor(owner: MarkedOwner, isFirst: boolean) {
    this.owner = owner
    this.isFirst = isFirst
  }

  /** Its generator is made. One that holds events counts them from now on. */
  made(generator: AnyGenerator): void {
    this.generator = generator
    this.holds = markOf(generator) !== undefined
  }

  /** What it has said itself, if it is an operator with several events in work. */
  get held(): Mark | undefined {
    return this.holds ? markOf(this.generator) : undefined
  }

  ask(): void {
    this.results = this.calls - 1
    this.events = this.asks++
    if (this.isKept) this.line.add(this.results, this.events)
    this.owner.asked()
  }
}

/** The events of a function. */
export class MarkedEvents implements AsyncIterableIterator<unknown> {
  readonly #events: AsyncIterator<unknown, undefined>
  readonly #marked: Marked

  constructor(events: AsyncIterator<unknown, undefined>, marked: Marked) {
    this.#events = events
    this.#marked = marked
  }

  next(): Promise<Next> {
    this.#marked.ask()
    return this.#marked.isStopped ? DONE : this.#events.next()
  }

  async return(value?: unknown): Promise<Next> {
    await this.#events.return?.()
    return { value: (await value) as undefined, done: true }
  }

  [Symbol.asyncIterator](): this {
    return this
  }
}

/** Its results. */
export class MarkedResults implements AnyGenerator {
  readonly #generator: AnyGenerator
  readonly #marked: Marked

  constructor(generator: AnyGenerator, marked: Marked) {
    this.#generator = generator
    this.#marked = marked
  }

  next(): Promise<Result> {
    this.#marked.calls++
    return this.#generator.next()
  }

  return(value: unknown): Promise<Result> {
    return this.#generator.return(value)
  }

  throw(error: unknown): Promise<Result> {
    return this.#generator.throw(error)
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return(undefined)
  }
}
