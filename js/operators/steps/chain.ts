// Steps at work on the events of one stream, all in one iterator: what three generators would hand to each other by promises is one loop here.
// Written by hand, because a generator makes a promise more for each event; it keeps to the law of generators, but its return() does not queue
// behind a next() that waits.

import type { StreamContext } from '../../index.js'
import { readResult } from '../../kit/iteration/iteration.js'
import { PUSH, type Pushing, type Sink } from '../../kit/iteration/push.js'
import { MARK, type Mark, type Marking } from '../../kit/marks.js'
import { capture, captured, endResult, isThenable, type Resolve } from '../../kit/promises.js'
import { Iteration } from '../engine/iteration.js'
import { type Expansion, Expansions } from './expansions.js'
import { Leaving } from './leaving.js'
import { Passing } from './passing.js'
import { type Care, LATER, MANY, SKIP, type Step, type StepHost, type StepMaker } from './step.js'
import { Through, type ThroughHost } from './through.js'

type Result = IteratorResult<unknown, unknown>

/** The answer will be given to `reader`. */
const PENDING = Symbol('pending')
type Answer = Result | Promise<Result> | typeof PENDING

export class Chain extends Iteration<unknown> implements StepHost, ThroughHost, Pushing, Marking {
  over = false
  private readonly events: AsyncIterator<unknown>
  private readonly steps: readonly Step[]
  /** Settles the promise that next() gave, where that is none of `events`. */
  private reader: Resolve | null = null
  /** A next() has no answer yet. */
  private busy = false
  /** Those that came after it. */
  private queued = 0
  private newest: Promise<Result> | null = null
  /** No more events are taken. */
  full = false
  /** The events ended or threw by themselves: they need not be given back. */
  private spent = false
  private readonly expansions = new Expansions()
  /** The step at work. */
  private at = 0
  /** What that step waits for. */
  private waiting: Promise<unknown> | null = null
  private readonly leaving: Leaving
  private readonly passing = new Passing()

  private readonly onEvent = (result: Result): Result | Promise<Result> => {
    this.passing.arrived()
    if (this.over) return endResult()
    if (result.done === true) {
      this.spent = this.full = true
      return this.settle(this.finish())
    }
    let out: unknown
    try {
      out = this.apply(result.value, 0)
    } catch (error) {
      return this.settle(this.fail(error))
    }
    // The usual case, in as few words as possible.
    if (typeof out !== 'symbol' && this.reader === null) {
      this.busy = false
      return { value: out, done: false }
    }
    return this.settle(this.answer(out) ?? this.advance())
  }
  private readonly onThrow = (error: unknown): Result | Promise<Result> => {
    this.spent = true
    return this.over ? endResult() : this.settle(this.fail(error))
  }

  constructor(makers: readonly StepMaker[], events: AsyncIterator<unknown>, ctx: StreamContext) {
    super()
    this.events = events
    this.leaving = new Leaving(ctx, () => this.cancel())
    this.steps = makers.map((make, index) => {
      this.at = index
      return make(this)
    })
  }

  next(): Promise<Result> {
    if (this.busy || this.queued > 0) return this.queue()
    if (this.over) return Promise.resolve(endResult())
    this.busy = true
    this.passing.asked++
    if (this.full || this.expansions.top !== undefined) return (this.newest = Promise.resolve(this.settle(this.advance())))
    this.passing.asking = true
    return (this.newest = this.events.next().then(this.onEvent, this.onThrow))
  }

  [PUSH](sink: Sink): void {
    new Through(this, sink).start(this.events)
  }

  goOn(out: unknown): Promise<Result> {
    this.busy = true
    return (this.newest = Promise.resolve(this.settle(this.answer(out) ?? this.advance())))
  }

  sourceEnded(): void {
    this.spent = this.full = true
  }

  async return(value?: unknown): Promise<Result> {
    const thrown = this.cancel()
    await this.giveBack()
    if (thrown !== undefined) throw thrown.error
    return endResult(await value)
  }

  [MARK](): Mark | undefined {
    const { passing } = this
    return passing.mark(this.events, this.expansions.top === undefined && (passing.asking || !this.busy))
  }

  get signal(): AbortSignal {
    return this.leaving.signal
  }

  wait(promise: Promise<unknown>): void {
    this.waiting = promise
  }

  expand(values: object, care?: Care): void {
    if (this.expansions.push(values, this.at + 1, care).isAsync) this.leaving.watch()
  }

  last(): void {
    this.full = true
    this.expansions.leave(this.at, undefined)
  }

  atEnd(callback: () => unknown): void {
    this.leaving.atEnd(() => this.expansions.closes(callback()))
  }

  /** `value` goes through the steps from number `at` on. */
  private take(value: unknown, at: number): Answer {
    return this.applied(value, at) ?? this.advance()
  }

  private applied(value: unknown, at: number): Answer | undefined {
    try {
      return this.answer(this.apply(value, at))
    } catch (error) {
      return this.fail(error)
    }
  }

  apply(value: unknown, at: number): unknown {
    const steps = this.steps
    for (; at < steps.length; at++) {
      this.at = at
      value = (steps[at] as Step).take(value)
      if (value === SKIP || value === LATER || value === MANY) return value
    }
    return value
  }

  /** What `out` means for the reader; undefined: nothing yet. */
  private answer(out: unknown): Answer | undefined {
    if (out === SKIP || out === MANY) return undefined
    if (out !== LATER) return { value: out, done: false }
    const at = this.at + 1
    return this.await(this.waiting as Promise<unknown>, (value) => (value === SKIP ? this.advance() : this.take(value, at)))
  }

  /** Goes on until there is an answer, or something to wait for. A loop: what is dropped in a row must not grow the stack. */
  private advance(): Answer {
    for (let top = this.expansions.top; top !== undefined; top = this.expansions.top) {
      let result: Result
      try {
        if (top.isAsync) return this.later(top, this.expansions.next(top))
        result = readResult(top.iterator.next())
        if (isThenable(result.value)) return this.later(top, this.expansions.settled(top, result.value))
      } catch (error) {
        return this.broke(top, error)
      }
      if (result.done === true) {
        this.expansions.pop()
        continue
      }
      const answer = this.applied(result.value, top.at)
      if (answer !== undefined) return answer
    }
    if (this.full) return this.finish()
    this.passing.asking = true
    this.events.next().then(this.onEvent, this.onThrow)
    return PENDING
  }

  /** The next value of an expansion, where it has to be waited for. */
  private later(top: Expansion, next: Promise<Result>): Answer {
    const taken = ({ done, value }: Result) => {
      if (done !== true) return this.take(value, top.at)
      this.expansions.pop()
      return this.advance()
    }
    return this.await(next, taken as (value: unknown) => Answer, (error) => this.broke(top, error))
  }

  /** The newest expansion threw. */
  private broke({ care, at }: Expansion, error: unknown): Answer {
    this.expansions.pop()
    if (care === undefined) return this.fail(error)
    const instead = (values: unknown): Answer => {
      this.at = at - 1
      if (values !== SKIP) this.expand(values as object)
      return this.advance()
    }
    try {
      const values = care.threw(error)
      if (!isThenable(values)) return instead(values)
      return this.await(Promise.resolve(values), instead)
    } catch (thrown) {
      return this.fail(thrown)
    }
  }

  private await(
    promise: Promise<unknown>,
    then: (value: unknown) => Answer,
    or = (error: unknown): Answer => this.fail(error),
  ): typeof PENDING {
    const go = (next: (settled: unknown) => Answer) => (settled: unknown) => {
      if (!this.over) this.settle(next(settled))
    }
    this.leaving.watch()
    promise.then(go(then), go(or))
    return PENDING
  }

  /** Tells the reader; answers what next() gives where the reader has no promise yet. */
  private settle(answer: Answer): Result | Promise<Result> {
    const reader = this.reader
    // A step may end the stream itself: then nothing answers what it left pending.
    if (answer !== PENDING || this.over) {
      this.busy = false
      const told = answer === PENDING ? endResult() : answer
      if (reader === null) return told
      this.reader = null
      reader(told)
      return endResult()
    }
    if (reader !== null) return endResult()
    const promise = new Promise(capture) as Promise<Result>
    this.reader = captured.resolve
    return promise
  }

  private queue(): Promise<Result> {
    this.queued++
    const again = () => {
      const queued = --this.queued
      this.queued = 0
      const promise = this.next()
      this.queued = queued
      return promise
    }
    return (this.newest = (this.newest as Promise<Result>).then(again, again))
  }

  private finish(): Result | Promise<Result> {
    const thrown = this.stop()
    if (thrown !== undefined) return this.giveBack().then(() => Promise.reject(thrown.error))
    return this.spent && !this.expansions.areClosing ? endResult() : this.giveBack().then(() => endResult())
  }

  /** Rejects with `error` itself once the events are given back. */
  fail(error: unknown): Promise<Result> {
    this.stop()
    const reject = () => Promise.reject(error)
    return this.giveBack().then(reject, reject)
  }

  /** The events, and the iterables that were left. */
  private async giveBack(): Promise<void> {
    const left = this.expansions.finished()
    if (this.spent) return left
    this.spent = true
    await Promise.all([this.events.return?.(), left])
  }

  /** The result is not wanted any more: a next() that waits is done at once. Answers what a step threw at that. */
  private cancel(): { error: unknown } | undefined {
    if (this.over) return undefined
    const thrown = this.stop()
    this.leaving.abort()
    if (this.reader === null) return thrown
    if (thrown !== undefined) this.settle(Promise.reject(thrown.error))
    else this.settle(this.expansions.areClosing ? this.expansions.finished().then(() => endResult()) : endResult())
    return thrown
  }

  private stop(): { error: unknown } | undefined {
    this.over = this.full = true
    if (this.expansions.top !== undefined) this.expansions.leave(this.steps.length, this.leaving.reason())
    return this.leaving.stop()
  }
}
