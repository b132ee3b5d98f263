// A link that hands on the promises of the stage before as they are: no price per event, and no end to a wait before that stage ends it.

import type { Failure } from '../../kit/errors.js'
import { DONE_VOID, iterationEnd } from '../../kit/promises.js'
import type { Owner } from '../channels/owner.js'
import type { Link } from './stage.js'

export class DirectLink implements Link {
  /** Nothing is asked ahead: whether its reader waits is seen from the stage that feeds it. */
  readonly isAsked = undefined
  private readonly owner: Owner
  private readonly source: AsyncIterator<unknown>
  private last: Promise<IteratorResult<unknown>> | undefined
  private failure: Failure | undefined
  private over = false
  private released = false
  private asked = 0
  /** The one asked for last came. */
  private isTaken = false

  constructor(owner: Owner, source: AsyncIterator<unknown>) {
    this.owner = owner
    this.source = source
  }

  next(): Promise<IteratorResult<unknown>> {
    if (this.over) return this.nextOver()
    this.asked++
    return (this.last = this.source.next())
  }

  async return(value?: unknown): Promise<IteratorResult<unknown>> {
    // Whoever leaves works on what came last.
    if (!this.over) this.isTaken = true
    this.cut(undefined)
    const release = this.release()
    if (release !== undefined) await this.owner.bounded(release)
    return { value: await value, done: true }
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  /** The one asked for last may not have come yet, or was the end. */
  get passed(): number {
    return this.isTaken ? this.asked : Math.max(0, this.asked - 1)
  }

  cut(failure: Failure | undefined): void {
    if (this.over) return
    this.over = true
    this.failure = failure
  }

  release(): PromiseLike<unknown> | undefined {
    if (this.released) return undefined
    this.released = true
    return this.source.return?.()
  }

  unheard(): Failure | undefined {
    return undefined // the stage that reads it gets everything
  }

  thrown(): Promise<Failure | undefined> {
    if (this.last === undefined) return Promise.resolve(undefined)
    const outcome = this.last.then(
      () => undefined,
      (error) => ({ error }),
    )
    // It may be pending for ever; one that has settled answers first.
    return Promise.race([outcome, DONE_VOID.then(() => undefined).then(() => undefined)])
  }

  waits(): Promise<boolean> {
    if (this.last === undefined || this.over) return Promise.resolve(false)
    const settled = this.last.then(
      () => false,
      () => false,
    )
    return Promise.race([settled, DONE_VOID.then(() => undefined).then(() => true)])
  }

  private nextOver(): Promise<IteratorResult<unknown>> {
    const { failure } = this
    this.failure = undefined
    return failure === undefined ? iterationEnd() : Promise.reject(failure.error)
  }
}
