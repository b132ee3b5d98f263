// A link that hands on the promises of the stage before as they are: no price per event, and no end to a wait before that stage ends it.

import { DONE_VOID, iterationEnd } from '../../kit/promises.js'
import type { Instance } from '../instance.js'
import type { Link } from './stages.js'

export class DirectLink implements Link {
  private readonly instance: Instance
  private readonly source: AsyncIterator<unknown>
  private last: Promise<IteratorResult<unknown>> | undefined
  private failure: { error: unknown } | undefined
  private over = false
  private released = false
  private asked = 0

  constructor(instance: Instance, source: AsyncIterator<unknown>) {
    this.instance = instance
    this.source = source
  }

  next(): Promise<IteratorResult<unknown>> {
    if (this.over) return this.nextOver()
    this.asked++
    return (this.last = this.source.next())
  }

  async return(value?: unknown): Promise<IteratorResult<unknown>> {
    this.cut(undefined)
    const release = this.release()
    if (release !== undefined) await this.instance.bounded(release)
    return { value, done: true }
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  /** The one asked for last may not have come yet, or was the end. */
  get passed(): number {
    return Math.max(0, this.asked - 1)
  }

  cut(failure: { error: unknown } | undefined): void {
    if (this.over) return
    this.over = true
    this.failure = failure
  }

  release(): PromiseLike<unknown> | undefined {
    if (this.released) return undefined
    this.released = true
    return this.source.return?.()
  }

  unheard(): { error: unknown } | undefined {
    return undefined // the stage that reads it gets everything
  }

  thrown(): Promise<{ error: unknown } | undefined> {
    if (this.last === undefined) return Promise.resolve(undefined)
    const outcome = this.last.then(
      () => undefined,
      (error) => ({ error }),
    )
    // It may be pending for ever; one that has settled answers first.
    return Promise.race([outcome, DONE_VOID.then(() => undefined).then(() => undefined)])
  }

  private nextOver(): Promise<IteratorResult<unknown>> {
    const { failure } = this
    this.failure = undefined
    return failure === undefined ? iterationEnd() : Promise.reject(failure.error)
  }
}
