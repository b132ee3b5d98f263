// Events out of an asynchronous source, or out of the stage before. The function awaits a promise of ours, so that ending the stream ends its wait
// although the source's own promise may never settle. With `ahead` one event is pulled before it is asked for: a pull that has settled by then can be
// handed over as it is, which saves half the price of that ownership (bench/node/throughput).

import { checkReturned, isEnd } from '../../kit/iteration/iteration.js'
import { PUSH, type Pushing, type Sink } from '../../kit/iteration/push.js'
import { capture, captured, silence } from '../../kit/promises.js'
import { Inlet } from './inlet.js'
import type { Owner } from './owner.js'

export interface AsyncInletOptions {
  /** Pull one event before it is asked for. */
  ahead: boolean
  /** Events of the stream itself are counted, those between two stages are not. */
  head: boolean
  /** A stage feeds it, which is told of at the end of the pipeline; what a source throws as it is given back, its reader hears. */
  link: boolean
  /** Ends a source whose iterator cannot be asked while a read is pending. */
  destroy?: (() => void) | undefined
}

export class AsyncInlet<In> extends Inlet<In> implements Pushing {
  private readonly iterator: AsyncIterator<In>
  private readonly options: AsyncInletOptions
  private readonly ahead: boolean
  private readonly head: boolean
  /** A pull is under way. */
  private pulling = false
  /** The pull made last. */
  private pull: Promise<IteratorResult<In>> | null = null
  /** It has settled with an event that was not asked for yet. */
  private ready = false
  /** The source ended, threw or was given back. */
  private spent = false
  /** Events that have come. */
  passed = 0
  /** Gets the events instead of `next()`. */
  private sink: Sink | null = null
  /** What it threw when nobody listened any more. */
  private lost: { error: unknown } | undefined
  /** What the source threw. */
  private sourceError: { error: unknown } | undefined
  private readonly arrived: (result: IteratorResult<In>) => void
  private readonly failed: (error: unknown) => void

  constructor(owner: Owner, iterator: AsyncIterator<In>, options: AsyncInletOptions) {
    super(owner)
    this.iterator = iterator
    this.options = options
    this.ahead = options.ahead
    this.head = options.head
    this.arrived = (result) => this.onArrived(result)
    this.failed = (error) => this.onFailed(error)
  }

  next(): Promise<IteratorResult<In, undefined>> {
    if (this.ready) {
      this.ready = false
      const pull = this.pull as Promise<IteratorResult<In, undefined>>
      if (this.head) this.row.deliver()
      this.fetch()
      return pull
    }
    if (this.over || this.resolve !== null) return this.over ? this.nextOver() : this.park()
    const promise = new Promise(capture) as Promise<IteratorResult<In, undefined>>
    this.resolve = captured.resolve
    if (this.head) this.row.askAndWait()
    // The stage that feeds it may have waited for long, because it is asked ahead.
    else if (this.ahead) this.row.restartWait()
    if (!this.pulling) this.fetch()
    return promise
  }

  /** For the first reader only, before any `next()`. */
  [PUSH](sink: Sink): void {
    if (this.over) return queueMicrotask(() => sink.ended())
    this.sink = sink
    this.askForSink()
  }

  override cut(failure: { error: unknown } | undefined): void {
    super.cut(failure)
    // Whoever cuts is not through yet; and a sink that is at work may be about to refuse what comes.
    if (this.sink !== null) queueMicrotask(() => this.endSink(failure))
  }

  /** `patient`: also wait for a stage that is not at a `yield`. */
  override release(patient = false): PromiseLike<unknown> | undefined {
    if (this.spent) return undefined
    this.spent = true
    // Nor does a Readable hear of its iterator's return() before the first pull.
    if ((this.pulling || this.pull === null) && this.options.destroy !== undefined) {
      try {
        this.options.destroy()
      } catch (error) {
        return silence(Promise.reject(error))
      }
      return undefined
    }
    const returned = this.giveBack()
    if (returned === undefined) return undefined
    // While a pull is pending its return() queues behind it.
    if (!this.pulling || patient) return this.options.link ? this.overhear(returned) : returned
    return undefined
  }

  unheard(): { error: unknown } | undefined {
    return this.lost
  }

  /** What the source threw. */
  thrown(): Promise<{ error: unknown } | undefined> {
    return Promise.resolve(this.sourceError)
  }

  waits(): Promise<boolean> {
    return Promise.resolve(this.isAsked)
  }

  protected drop(): void {
    if (!this.ready) return
    this.ready = false
    if (this.head) this.row.dropEvents(1)
  }

  /** Calls `return()`, if there is one; nobody has to handle what comes of it. */
  private giveBack(): Promise<void> | undefined {
    try {
      const giving = this.iterator.return
      return giving == null ? undefined : silence(Promise.resolve(giving.call(this.iterator)).then(checkReturned))
    } catch (error) {
      return silence(Promise.reject(error))
    }
  }

  /** A stage that throws on its way out: nobody else hears it. */
  private overhear(returned: Promise<unknown>): PromiseLike<unknown> {
    return returned.then(undefined, (error) => {
      this.lost ??= { error }
    })
  }

  private askForSink(): void {
    if (this.head) this.row.askAndWait()
    this.fetch()
  }

  private give(sink: Sink, event: In): void {
    if (this.head) this.row.deliverAwaited()
    if (sink.value(event)) {
      if (this.sink !== null && !this.over) this.askForSink()
    } else this.sink = null
  }

  private fetch(): void {
    this.pulling = true
    let pull: Promise<IteratorResult<In>>
    try {
      // The very same promise where it is a plain one.
      pull = Promise.resolve(this.iterator.next())
    } catch (error) {
      pull = Promise.reject(error)
    }
    this.pull = pull
    pull.then(this.arrived, this.failed)
  }

  private onArrived(result: IteratorResult<In>): void {
    this.pulling = false
    let done: boolean
    let value: In | undefined
    try {
      done = isEnd(result)
      if (!done) value = result.value
    } catch (error) {
      return this.onFailed(error)
    }
    if (done) {
      this.spent = true
      if (!this.over) {
        this.over = true
        this.endSink(undefined)
        this.settleWaits()
      }
      return
    }
    this.passed++
    const { resolve } = this
    if (this.ahead || resolve === null || this.more !== null || this.over) return this.take(result, value as In)
    if (this.head) this.row.acceptAwaited()
    this.resolve = null
    resolve(result)
  }

  /** An event for which nobody waits, or of which more is to be said than that it has come. */
  private take(result: IteratorResult<In>, value: In): void {
    if (this.head) this.row.accept()
    if (this.over) {
      if (this.head) this.row.dropEvents(1) // it came after the end
      return
    }
    if (this.sink !== null) return this.give(this.sink, value)
    const resolve = this.resolve
    if (resolve === null) {
      this.ready = true
      return
    }
    if (this.head) this.row.deliverAwaited()
    if (this.more !== null) {
      this.unpark()(result)
      this.fetch()
      return
    }
    this.resolve = null
    resolve(result)
    if (this.ahead) this.fetch()
  }

  /** Tells the sink, where there is one. */
  private endSink(failure: { error: unknown } | undefined): boolean {
    const { sink } = this
    if (sink === null) return false
    this.sink = null
    if (failure === undefined) sink.ended()
    else sink.threw(failure.error)
    return true
  }

  private onFailed(error: unknown): void {
    this.pulling = false
    this.spent = true
    this.sourceError = { error }
    if (this.over) {
      this.lost ??= { error }
      return
    }
    this.over = true
    if (this.endSink({ error })) return
    this.failure = { error }
    this.settleWaits()
  }
}
