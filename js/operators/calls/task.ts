// One event on its way through an operator: its calls, the waits between them, and what became of it.

import { isThenable } from '../../kit/promises.js'
import type { Call } from '../engine/call.js'
import type { Counts } from '../engine/counts.js'
import { type Reading, SKIP } from '../steps/step.js'
import { Attempt, type Limit, type Outcome } from './attempt.js'
import type { Policy } from './policy.js'

/** What an operator does with each event. */
export interface Work {
  readonly name: string
  readonly fn: (event: unknown, call: Call) => unknown
  /** What its results mean. */
  readonly reading: Reading
  readonly policy: Policy
  /** Of each call. */
  readonly limit: Limit
  readonly counts: Counts
  /** For how many an event counts; 1 where it is left out. */
  readonly weight?: (event: unknown) => number
}

/** What an error handler made of a task that stands for many events: the results of some, while others were left out. */
export class Rescued {
  readonly results: unknown[] = []
  lost = 0
}

export type Owner = { settled(task: Task): void }

export class Task implements Outcome {
  readonly event: unknown
  readonly index: number
  /** `'failed'`: the stream is to fail with `value`. */
  state: 'under way' | 'done' | 'skipped' | 'failed' = 'under way'
  /** The result, or the error. */
  value: unknown
  /** Neighbors in the list of its owner. */
  previous: Task | null = null
  next: Task | null = null
  /** Private fields would make construction slow, and one of these is made for each event. */
  private readonly work: Work
  private readonly owner: Owner
  /** Read once: the user's function may change the array that it is given. */
  readonly weight: number
  /** How many events its operator had taken before it. */
  before = 0
  private attempt: Attempt
  /** Of the wait before the next call. */
  private wait: { handle: unknown } | undefined
  private cancelled = false
  /** How many of the events that it stands for were left out. */
  private lost = 0

  constructor(event: unknown, index: number, work: Work, owner: Owner) {
    this.event = event
    this.index = index
    this.work = work
    this.owner = owner
    this.weight = work.weight?.(event) ?? 1
    this.attempt = new Attempt(index, 1)
  }

  start(): void {
    const { fn, counts } = this.work
    if (this.attempt.attempt === 1) counts.underWay += this.weight
    this.attempt.run(fn, this.event, this.work.limit, this)
  }

  succeeded(result: unknown): void {
    this.read(result)
  }

  threw(error: unknown): void {
    const { retry, clock } = this.work.policy
    const made = this.attempt.attempt
    const failed = (thrown: unknown) => this.settle('failed', thrown)
    const decided = (isWorthIt: unknown) => {
      // Meanwhile the user may have ended the stream.
      if (this.cancelled) return
      if (!isWorthIt) return this.gaveUp(error)
      try {
        this.again(made + 1, clock)
      } catch (thrown) {
        failed(thrown)
      }
    }
    if (made >= retry.attempts) return decided(false)
    let verdict: unknown = true
    try {
      if (retry.retryOn !== undefined) verdict = retry.retryOn(error, made)
      if (isThenable(verdict)) return void Promise.resolve(verdict).then(decided, failed)
    } catch (thrown) {
      return failed(thrown)
    }
    decided(verdict)
  }

  /** Nobody wants its result any more. Where that is there already, only the signal fires: it may be an iterable that was not read. */
  cancel(reason: unknown): void {
    if (this.cancelled) return
    if (this.state !== 'under way') return this.attempt.cancel(reason)
    this.cancelled = true
    this.work.counts.underWay -= this.weight
    if (this.wait !== undefined) this.work.policy.clock.clearTimeout(this.wait.handle)
    this.attempt.cancel(reason)
  }

  private again(attempt: number, clock: Policy['clock']): void {
    const go = () => {
      this.wait = undefined
      this.attempt = new Attempt(this.index, attempt)
      this.start()
    }
    const delay = this.work.policy.retry.delay(attempt - 1)
    if (delay > 0) this.wait = { handle: clock.setTimeout(go, delay) }
    // Not at once: attempts without number must not grow the stack.
    else queueMicrotask(() => this.cancelled || go())
  }

  /** The last call failed. */
  private gaveUp(error: unknown): void {
    const { onError } = this.work.policy
    if (onError === 'skip') return this.settle('skipped', undefined)
    if (typeof onError !== 'function') return this.settle('failed', error)
    // As a call of its own, so that it may take its time, too.
    const handling = new Attempt(this.index, this.attempt.attempt)
    this.attempt = handling
    const failed = (thrown: unknown) => this.settle('failed', thrown)
    const unlimited = { ...this.work.limit, timeout: 0 }
    handling.run((event, call) => onError(error, event, call), this.event, unlimited, {
      succeeded: (value) => this.read(value),
      threw: failed,
    })
  }

  private read(result: unknown): void {
    if (result instanceof Rescued) {
      this.lost = result.lost
      return this.settle('done', result.results)
    }
    let value: unknown
    try {
      value = this.work.reading(result, this.event, this.attempt)
    } catch (error) {
      return this.settle('failed', error)
    }
    if (value === SKIP) this.settle('skipped', undefined)
    else this.settle('done', value)
  }

  private settle(state: 'done' | 'skipped' | 'failed', value: unknown): void {
    if (this.cancelled) return
    const { counts } = this.work
    const weight = this.weight
    counts.underWay -= weight
    counts[state] += weight - this.lost
    counts.skipped += this.lost
    this.state = state
    this.value = value
    this.owner.settled(this)
  }
}
