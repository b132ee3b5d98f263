// Iterables that steps of a chain have made out of single values, each read to its end before the one below it goes on.

import { checkReturned, readResult } from '../../kit/iteration/iteration.js'
import { isThenable, refuse, silence } from '../../kit/promises.js'
import type { Care } from './step.js'

type Result = IteratorResult<unknown, unknown>

/** Values that one step made out of one, on their way to the step number `at`. */
export interface Expansion {
  readonly iterator: Iterator<unknown> | AsyncIterator<unknown>
  readonly isAsync: boolean
  readonly at: number
  readonly care: Care | undefined
}

export class Expansions {
  /** The newest last. Those below feed earlier steps. */
  private readonly open: Expansion[] = []
  /** Some that were left have still to finish. */
  private readonly closing: PromiseLike<unknown>[] = []
  /** The next() of the newest has not settled. */
  private waiting = false

  get top(): Expansion | undefined {
    const { length } = this.open
    // Reading before the start of an array is slow.
    return length === 0 ? undefined : this.open[length - 1]
  }

  push(values: object, at: number, care: Care | undefined): Expansion {
    const { [Symbol.asyncIterator]: make } = values as Partial<AsyncIterable<unknown>>
    const iterator = make === undefined ? (values as Iterable<unknown>)[Symbol.iterator]() : make.call(values)
    const expansion = { iterator, isAsync: make !== undefined, at, care }
    this.open.push(expansion)
    return expansion
  }

  /** The newest has ended or thrown. */
  pop(): void {
    this.open.pop()
  }

  /** The next value of the newest, where that is asynchronous. */
  async next(expansion: Expansion): Promise<Result> {
    this.waiting = true
    let result: Result
    try {
      result = readResult(await (expansion.iterator as AsyncIterator<unknown>).next())
    } finally {
      this.waiting = false
    }
    return isThenable(result.value) ? this.settled(expansion, result.value) : result
  }

  /**
   * What a promise among the values of the newest resolves with. If it rejects, the iterable is
   * closed: it does not know of the rejection.
   */
  async settled(expansion: Expansion, value: PromiseLike<unknown>): Promise<Result> {
    try {
      return { done: false, value: await value }
    } catch (error) {
      if (this.top === expansion) abandon(expansion.iterator)
      throw error
    }
  }

  /** Leaves those that feed the step `at` and the ones before it. */
  leave(at: number, reason: unknown): void {
    while (this.open[0] !== undefined && this.open[0].at <= at) this.leaveOne(this.open.shift() as Expansion, reason)
  }

  /** What the end of the stream waits for if it is a promise. */
  closes(returned: unknown): void {
    if (isThenable(returned)) this.closing.push(silence(Promise.resolve(returned)))
  }

  /** Whether `finished()` has something to wait for. */
  get areClosing(): boolean {
    return this.closing.length > 0
  }

  /** Those that were left have finished. */
  async finished(): Promise<void> {
    await Promise.all(this.closing.splice(0))
  }

  /** Its return() is waited for unless it queues behind a next() that waits. */
  private leaveOne({ iterator, isAsync, care }: Expansion, reason: unknown): void {
    care?.left?.(reason)
    try {
      const { return: giving } = iterator as { return?: () => unknown }
      if (giving == null) return
      const returned = giving.call(iterator)
      if (!isAsync) return checkReturned(returned)
      const given = silence(Promise.resolve(returned).then(checkReturned))
      if (!this.waiting) this.closing.push(given)
    } catch (error) {
      this.closing.push(refuse(error))
    }
  }
}

/** Closes an iterable after an error, which takes precedence over any error of its `return()`. */
function abandon(iterator: Expansion['iterator']): void {
  try {
    const returned: unknown = iterator.return?.()
    if (isThenable(returned)) silence(returned)
  } catch {}
}
