// The call form `fn(source)`: an async iterator of results, pulled in lockstep as a bare generator is. Unlike a bare generator, its return() settles a
// pending next() at once.

import type { AsyncResource } from 'node:async_hooks'
import type { Failure } from '../../kit/errors.js'
import { capture, iterationEnd, lastResolve, type Resolve, rejectWith, silence } from '../../kit/promises.js'
import { State } from '../border/law.js'
import type { Row } from '../border/row.js'
import { waitBegins, waitEnds } from '../border/wakefulness.js'
import { erroredOf } from '../channels/source.js'
import type { Definition } from '../definition.js'
import type { Driver } from '../driver.js'
import { warnDropped } from '../warnings.js'
import { PulledMode } from './pulled.js'

/** What is held of a call by whoever watches over its results: nothing once it is over. */
export interface Leash {
  call: CallMode | null
}

export class CallMode extends PulledMode {
  readonly leash: Leash = { call: this }
  readonly direct = false
  readonly ahead = false
  private readonly row: Row
  private readonly driver: Driver
  private readonly timed: boolean
  /** The oldest `next()` that waits. */
  private reader: Resolve | null = null
  /** Further ones. */
  private readers: Resolve[] | null = null
  /** For the next read, once. */
  private unread: Failure | null = null
  private over = false
  /** Whose read waits: kept from the garbage collector meanwhile. */
  private keeps: object | null = null

  readonly onResult = (result: IteratorResult<unknown>): void => {
    const { driver, row } = this
    if (result.done === true || row.state >= State.Closing) return driver.lastResult(result)
    driver.rest()
    row.yieldToReader()
    this.shiftReader()(result)
    if (this.reader !== null) driver.ask()
  }

  constructor(def: Definition, source: unknown, signal: AbortSignal | undefined, scope: AsyncResource) {
    super(def, source, { signal, scope })
    const { instance } = this
    this.row = instance.row
    this.driver = instance.driver
    this.timed = instance.timed
    instance.begin()
  }

  /** Nobody can read its results any more. */
  abandoned(): void {
    const { instance } = this
    warnDropped(instance.def, instance.id)
    silence(instance.close())
  }

  get isAwaited(): boolean {
    return this.keeps !== null
  }

  /** For `reader`, which nobody may collect while it waits. */
  next(reader: object): Promise<IteratorResult<unknown, undefined>> {
    if (this.over) {
      const failure = this.unread
      this.unread = null
      return failure === null ? iterationEnd() : Promise.reject(failure.error)
    }
    if (this.timed) waitBegins()
    const promise = new Promise(capture) as Promise<IteratorResult<unknown, undefined>>
    const resolve = lastResolve
    if (this.reader !== null) {
      ;(this.readers ??= []).push(resolve)
      return promise
    }
    this.reader = resolve
    this.keeps = reader
    this.driver.ask()
    return promise
  }

  cut(cause: Failure | undefined): void {
    this.over = true
    this.leash.call = null
    const failure = cause && (erroredOf(this.source) ?? cause)
    // Every wait gets the abort; with none, the next read does.
    if (failure !== undefined && this.reader === null) this.unread = failure
    while (this.reader !== null) {
      const reader = this.shiftReader()
      if (failure !== undefined) rejectWith(reader, failure.error)
      else reader({ value: undefined, done: true })
    }
  }

  end(thrown: Failure | undefined): void {
    if (this.over) return
    this.over = true
    this.leash.call = null
    this.unread = this.failureOf(thrown) ?? null
    while (this.reader !== null) {
      const reader = this.shiftReader()
      const told = this.unread
      this.unread = null
      if (told !== null) rejectWith(reader, told.error)
      else reader({ value: undefined, done: true })
    }
  }

  private shiftReader(): Resolve {
    const reader = this.reader as Resolve
    this.reader = this.readers?.shift() ?? null
    if (this.readers?.length === 0) this.readers = null
    if (this.reader === null) this.keeps = null
    if (this.timed) waitEnds()
    return reader
  }
}
