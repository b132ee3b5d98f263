// The output channel of a live stream: results that wait to be read, at most `buffer` of them, and the reads that wait for results. Reading gives
// credit back to the function; the error it threw is delivered after its results, once.

import { AbortError, TimeoutError } from '../../kit/errors.js'
import type { Puller } from '../../kit/iteration/pulled.js'
import { capture, captured, iterationEnd, rejectWith } from '../../kit/promises.js'
import { noQueue, Queue } from '../../kit/queue.js'
import { onAbort, reasonOf } from '../../kit/signals/signals.js'
import { Side } from '../border/law.js'
import type { Row } from '../border/row.js'
import { waitBegins, waitEnds } from '../border/wakefulness.js'
import type { OutputOwner } from './owner.js'
import { type Reader, type ReadOptions, Want } from './reader.js'

export class Output<Out> {
  private readonly owner: OutputOwner
  private readonly row: Row
  private results: Queue<IteratorResult<Out>> = noQueue()
  /** The oldest waiting read; the others wait in `readers`. Results wait only while no read does, but for a batch being filled. */
  private reader: Reader | null = null
  private readers: Queue<Reader> | null = null
  /** A batch is filled until the input is dry, the output is full, or the turn ends. */
  private flushing = false
  /** No further result comes. */
  private over = false
  /** What the function threw, or the abort: for the next read, once. */
  private failure: { error: unknown } | null = null
  credits = 0
  /** Who reads until the end: an iterator, or a feed. */
  soleReader: object | null = null
  /** The result at whose `yield` the function is suspended because the channel is full: not in it yet, nor counted. */
  held: IteratorResult<Out> | null = null

  /** Bounds the unread results by their bytes, where somebody counts them. */
  private readonly puller: Puller | undefined

  constructor(owner: OutputOwner, puller?: Puller) {
    this.owner = owner
    this.puller = puller
    this.row = owner.row
  }

  /** A result that the function yielded. */
  put(result: IteratorResult<Out>): void {
    const reader = this.reader
    if (reader === null || reader.want === Want.Batch) {
      if (this.results === noQueue()) this.results = new Queue()
      if (this.results.length === 0) this.row.markUnread(true)
      this.results.push(result)
      if (reader !== null) this.fill(reader)
      return
    }
    this.shiftReader()
    this.row.take(1)
    reader.resolve(reader.want === Want.Value ? result.value : result)
  }

  private isHeldBack(puller: Puller): boolean {
    if (this.unread === 0 || !puller.holds(this.unread)) return false
    if (!this.flushing) return true
    this.flush() // the batch that waits gets what there is
    return this.unread > 0 && puller.holds(this.unread)
  }

  /** Whether one more result may wait; spends the credit. */
  spend(): boolean {
    if (this.puller !== undefined && this.isHeldBack(this.puller)) return false
    if (this.credits === 0 && !this.refill()) {
      if (!this.flushing) return false
      this.flush() // full: the batch that waits gets what there is
      if (!this.refill()) return false
    }
    this.credits--
    return true
  }

  recv(options: ReadOptions | undefined): Promise<Out> {
    if (options?.signal?.aborted) return Promise.reject(this.abortError(options.signal))
    if (this.reader === null && this.results.length !== 0) return Promise.resolve(this.take().value)
    const end = this.reader === null ? this.endOfReads() : undefined
    if (end !== undefined) return Promise.reject(end.error)
    const promise = this.wait<Out>(Want.Value, 1)
    if (options !== undefined) this.limit(options)
    this.owner.demand()
    return promise
  }

  next(): Promise<IteratorResult<Out, undefined>> {
    if (this.reader === null && this.results.length !== 0) return Promise.resolve(this.take() as IteratorResult<Out, undefined>)
    if (this.over && this.reader === null) {
      const failure = this.failure
      this.failure = null
      return failure === null ? iterationEnd() : Promise.reject(failure.error)
    }
    const promise = this.wait<IteratorResult<Out, undefined>>(Want.Result, 1)
    this.owner.demand()
    return promise
  }

  recvBatch(max: number): Promise<Out[]> {
    if (this.reader === null && this.results.length !== 0) return Promise.resolve(this.takeMany(max))
    if (this.over && this.reader === null) {
      const failure = this.failure
      this.failure = null
      return failure === null ? Promise.resolve([]) : Promise.reject(failure.error)
    }
    const promise = this.wait<Out[]>(Want.Batch, max)
    this.owner.demand()
    return promise
  }

  /** Whether nothing is left to read: no result, no error. */
  get isOver(): boolean {
    return this.over && this.results.length === 0 && this.failure === null
  }

  /** Whether an iterator or a feed reads it until the end. */
  get isOwned(): boolean {
    return this.soleReader !== null && !this.isOver
  }

  /** Whether a read waits. */
  get reading(): boolean {
    return this.reader !== null
  }

  /** How many results wait. */
  get unread(): number {
    return this.results.length
  }

  /** The function waits for an event: a batch has all it gets for now. */
  inputIsDry(): void {
    if (this.flushing) this.flush()
  }

  /** The function is over; what it threw goes to the oldest waiting read, else to the next. Says whether a read took it. */
  end(failure: { error: unknown } | undefined): void {
    if (this.over) return
    this.over = true
    if (this.flushing) this.flush()
    this.failure = failure ?? null
    this.settleReaders()
  }

  /** Closed or aborted: nothing is delivered any more. What waits is dropped and counted. */
  cut(failure: { error: unknown } | undefined): void {
    this.over = true
    let dropped = this.results.length === 0 ? 0 : this.results.clear()
    if (this.held !== null) {
      this.held = null
      this.row.yieldHeld()
      dropped++
    }
    this.row.dropResults(dropped)
    this.row.markUnread(false)
    if (dropped > 0) this.owner.lateDrop(dropped)
    this.failure = failure ?? null
    const waited = this.reader !== null
    while (this.reader !== null) {
      const reader = this.shiftReader()
      if (failure !== undefined) rejectWith(reader.resolve, failure.error)
      else this.settleDone(reader)
    }
    if (waited) this.failure = null // it was told
  }

  private refill(): boolean {
    this.credits = this.row.grant(Side.Output)
    return this.credits > 0
  }

  private take(): IteratorResult<Out> {
    const result = this.results.shift()
    this.row.take(1)
    this.afterRead()
    return result
  }

  private takeMany(max: number): Out[] {
    const count = Math.min(max, this.results.length)
    const values: Out[] = []
    for (let i = 0; i < count; i++) values.push(this.results.shift().value)
    this.row.take(count)
    this.afterRead()
    return values
  }

  private afterRead(): void {
    this.row.markUnread(this.results.length !== 0)
    this.owner.demand()
  }

  private wait<T>(want: number, max: number): Promise<T> {
    if (this.owner.timed) waitBegins()
    const promise = new Promise(capture) as Promise<T>
    const reader: Reader = { want, max, resolve: captured.resolve, forget: undefined }
    if (this.reader === null) this.reader = reader
    else (this.readers ??= new Queue()).push(reader)
    return promise
  }

  /** Puts a bound on the read that was added last. */
  private limit({ signal, timeout }: ReadOptions): void {
    const reader = this.readers?.last() ?? (this.reader as Reader)
    const stops: (() => void)[] = []
    const leave = (error: unknown): void => {
      if (this.reader === reader) this.shiftReader()
      else if (this.readers?.remove(reader) && this.owner.timed) waitEnds()
      reader.forget?.()
      rejectWith(reader.resolve, error)
    }
    try {
      if (signal !== undefined) stops.push(onAbort(signal, () => leave(this.abortError(signal))))
    } catch (error) {
      return leave(error)
    }
    if (timeout !== undefined) {
      const { id } = this.owner
      const late = () => leave(new TimeoutError('VELO_TIMEOUT', `stream ${id}: no result within ${timeout} ms`, { streamId: id }))
      stops.push(this.owner.after(timeout, late))
    }
    reader.forget = () => {
      reader.forget = undefined
      for (const stop of stops) stop()
    }
    const { resolve } = reader
    reader.resolve = (value) => {
      reader.forget?.()
      resolve(value)
    }
  }

  private shiftReader(): Reader {
    const reader = this.reader as Reader
    const { readers } = this
    this.reader = readers !== null && readers.length > 0 ? readers.shift() : null
    if (this.owner.timed) waitEnds()
    return reader
  }

  /** A batch waits and a result came: flush when full, else when the input is dry or the turn ends. */
  private fill(reader: Reader): void {
    if (this.results.length >= reader.max) {
      this.flush()
    } else if (!this.flushing) {
      this.flushing = true
      process.nextTick(() => {
        if (this.flushing) this.flush()
      })
    }
  }

  /** Hands results to the reads that wait, oldest first. */
  private flush(): void {
    this.flushing = false
    while (this.reader !== null && this.results.length !== 0) {
      const { want, max, resolve } = this.shiftReader()
      if (want === Want.Batch) resolve(this.takeMany(max))
      else if (want === Want.Value) resolve(this.take().value)
      else resolve(this.take())
    }
  }

  /** No result is left: the first read gets the failure, the others the end. */
  private settleReaders(): void {
    while (this.reader !== null) {
      const reader = this.shiftReader()
      const failure = this.failure
      this.failure = null
      if (failure !== null) rejectWith(reader.resolve, failure.error)
      else this.settleDone(reader)
    }
  }

  private settleDone({ want, resolve }: Reader): void {
    if (want === Want.Result) resolve({ value: undefined, done: true })
    else if (want === Want.Batch) resolve([])
    else rejectWith(resolve, this.owner.closedError())
  }

  /** What a read meets after the last result: the failure once, then ClosedError; `undefined` while more may come. */
  private endOfReads(): { error: unknown } | undefined {
    if (!this.over) return undefined
    const failure = this.failure
    this.failure = null
    return failure ?? { error: this.owner.closedError() }
  }

  private abortError(signal: AbortSignal): AbortError {
    return new AbortError('the read was aborted', { cause: reasonOf(signal), streamId: this.owner.id })
  }
}
