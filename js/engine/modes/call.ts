// The call form `fn(source)`: an async iterator of results, pulled in lockstep as a bare generator is, or, with `ahead`, so many results before they are
// asked for. Unlike a bare generator, its return() settles a pending next() at once.

import type { AsyncResource } from 'node:async_hooks'
import type { Failure } from '../../kit/errors.js'
import { capture, captured, iterationEnd, type Resolve, rejectWith, silence } from '../../kit/promises.js'
import { noQueue, Queue } from '../../kit/queue.js'
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
  readonly holdsResults: boolean
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
  /** How many results may wait. */
  private readonly room: number
  /** Those that nobody has asked for yet. */
  private results: Queue<IteratorResult<unknown>> = noQueue()
  /** The last stage runs on another thread. */
  private readonly lastIsRemote: boolean
  /** Whose read waits: kept from the garbage collector meanwhile. */
  private keeps: object | null = null

  readonly onResult = (result: IteratorResult<unknown>): void => {
    const { driver, row } = this
    if (result.done === true || row.state >= State.Closing) return driver.lastResult(result)
    if (this.room > 0) return this.put(result)
    driver.rest()
    row.yieldToReader()
    if (this.readers === null && !this.timed) {
      const reader = this.reader as Resolve
      this.reader = this.keeps = null
      return reader(result)
    }
    this.shiftReader()(result)
    if (this.reader !== null) driver.ask()
  }

  constructor(def: Definition, source: unknown, ahead: number, signal: AbortSignal | undefined, scope: AsyncResource) {
    super(def, source, ahead, { signal, scope })
    const { instance } = this
    this.row = instance.row
    this.driver = instance.driver
    this.timed = instance.timed
    // One of the events ahead is that which an inlet here pulls.
    this.room = def.stages[0]?.placement === undefined ? Math.max(0, ahead - 1) : ahead
    this.holdsResults = this.room > 0
    this.lastIsRemote = def.stages.at(-1)?.placement !== undefined
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

  get hasUnread(): boolean {
    return this.results.length > 0
  }

  /** For `reader`, which nobody may collect while it waits. */
  next(reader: object): Promise<IteratorResult<unknown, undefined>> {
    if (this.results.length > 0) return Promise.resolve(this.take() as IteratorResult<unknown, undefined>)
    if (this.over) {
      const failure = this.unread
      this.unread = null
      return failure === null ? iterationEnd() : Promise.reject(failure.error)
    }
    if (this.timed) waitBegins()
    const promise = new Promise(capture) as Promise<IteratorResult<unknown, undefined>>
    const resolve = captured.resolve
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
    this.dropUnread()
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

  /** What waits at the end, after the stream was closed. */
  dropUnread(): void {
    const { length } = this.results
    if (length === 0) return
    this.results.clear()
    this.row.dropResults(length)
    this.row.markUnread(false)
    this.instance.lateDrop(length)
  }

  /** Ahead of whoever reads: a result goes to the oldest read, or waits for the next. */
  private put(result: IteratorResult<unknown>): void {
    this.give(result)
    const remote = this.lastIsRemote ? this.driver.remotes.at(-1) : undefined
    // Those of another thread come many at a time, and it was told how many may.
    for (let more = remote?.take() ?? null; more !== null; more = remote?.take() ?? null) this.give(more)
    remote?.report()
    if (this.results.length < this.room) this.driver.pump()
    else this.driver.rest()
  }

  private give(result: IteratorResult<unknown>): void {
    const { row } = this
    row.yield()
    if (this.reader !== null) {
      row.take(1)
      return this.shiftReader()(result)
    }
    if (this.results === noQueue()) this.results = new Queue()
    this.results.push(result)
    if (this.results.length === 1) row.markUnread(true)
  }

  private take(): IteratorResult<unknown> {
    const result = this.results.shift()
    this.row.take(1)
    this.row.markUnread(this.results.length > 0)
    if (this.results.length < this.room) this.driver.ask()
    if (this.lastIsRemote) this.driver.remotes.at(-1)?.report()
    return result
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
