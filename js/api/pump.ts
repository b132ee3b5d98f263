// From a source into a live stream. While the function keeps up it is pulled one event ahead, and what it gives is handed over as it is: the promise of the
// source is the only one of an event. An event that nobody has asked for by the end of its turn goes into the input, and the source is pulled on.

import { type Fed, FedInput } from '../engine/channels/fed-input.js'
import { openSource } from '../engine/channels/source.js'
import { isEnd } from '../kit/iteration/iteration.js'
import { DONE_VOID, isThenable, silence } from '../kit/promises.js'
import type { Live } from './live.js'

type Result = IteratorResult<unknown, undefined>

/** Events of a synchronous source that are taken in one go: between two of them nobody else has a turn. */
const BURST = 32

/** Sends until the source ends, or the stream does; then the source is given back. */
export class Pump implements Fed<unknown> {
  ready: Promise<Result> | null = null
  private readonly live: Live
  private readonly iterator: AsyncIterator<unknown> | Iterator<unknown>
  private readonly isAsync: boolean
  private readonly destroy: (() => void) | undefined
  /** Where what the source gives may be handed over as it is. */
  private readonly input: FedInput<unknown> | null
  private pulling = false
  /** The pull made last, and what came of it where that is `ready`. */
  private pulled: Promise<Result> | null = null
  private result: Result | null = null
  /** The end of the turn is waited for. */
  private ticking = false
  /** The source ended, threw or was given back. */
  private spent = false

  constructor(live: Live, source: unknown) {
    const opened = openSource<unknown>(source)
    this.live = live
    this.isAsync = opened.kind === 'async'
    this.iterator = opened.kind === 'array' ? opened.array[Symbol.iterator]() : opened.iterator
    this.destroy = opened.kind === 'async' ? opened.destroy : undefined
    this.input = this.isAsync && live.schema === undefined && live.input instanceof FedInput ? live.input : null
  }

  start(): void {
    const giveBack = (): void => this.giveBack()
    this.live.feedFrom(giveBack)
    if (this.input !== null) this.input.fed = this
    // The function may end while the source is silent: then nobody would ask the source again.
    void this.live.instance.whenEnded().then(giveBack)
    this.pull()
  }

  taken(): void {
    this.ready = this.result = null
    this.pull()
  }

  private pull(): void {
    try {
      for (let left = BURST; !this.spent; left--) {
        if (left === 0) return void DONE_VOID.then(this.goOn)
        this.pulling = true
        const result: unknown = this.iterator.next()
        if (this.isAsync || isThenable(result)) {
          // The very same promise where it is a plain one.
          this.pulled = Promise.resolve(result as PromiseLike<Result>)
          this.pulled.then(this.arrived, this.failed)
          return
        }
        if (!this.take(result as Result)) return
      }
    } catch (error) {
      this.failed(error)
    }
  }

  private readonly goOn = (): void => this.pull()

  private readonly arrived = (result: Result): void => {
    if (this.take(result)) this.pull()
  }

  private readonly failed = (error: unknown): void => {
    this.pulling = false
    this.spent = true
    this.live.endInput({ error })
  }

  private readonly refused = (error: unknown): void => {
    this.giveBack()
    this.live.endInput({ error })
  }

  /** Nobody has asked for the event that is ready. */
  private readonly tick = (): void => {
    const { result } = this
    this.ticking = false
    if (result === null || this.spent) return
    this.ready = this.result = null
    if (this.send(result.value)) this.pull()
  }

  /** Whether the source may be asked on at once. */
  private take(result: Result): boolean {
    this.pulling = false
    let event: unknown
    try {
      if (isEnd(result)) {
        this.spent = true
        this.live.endInput()
        return false
      }
      event = result.value
    } catch (error) {
      this.failed(error)
      return false
    }
    if (!this.isAsync && this.isLater(event)) return false
    const { input } = this
    if (input !== null && !this.spent) {
      if (input.hand(result)) return true
      if (input.isIdle && this.live.started) return this.keep(result)
    }
    return this.send(event)
  }

  /** Whether an event of a synchronous source is a promise, which is awaited. One that rejects ends the source, which does not know that. */
  private isLater(event: unknown): boolean {
    try {
      if (!isThenable(event)) return false
      Promise.resolve(event).then((value) => {
        if (this.send(value)) this.pull()
      }, this.refused)
    } catch (error) {
      this.refused(error)
    }
    return true
  }

  /** The function is at work: it has until the end of the turn to ask for it. */
  private keep(result: Result): false {
    this.ready = this.pulled
    this.result = result
    if (!this.ticking) {
      this.ticking = true
      process.nextTick(this.tick)
    }
    return false
  }

  private send(event: unknown): boolean {
    if (this.spent) return false
    const { input, schema } = this.live
    try {
      if (schema === undefined && input.trySend(event)) return true
    } catch (error) {
      this.refused(error)
      return false
    }
    input.send(event, undefined).then(this.goOn, this.refused)
    return false
  }

  private giveBack(): void {
    if (this.spent) return
    this.spent = true
    this.ready = this.result = null
    try {
      if (this.pulling && this.destroy !== undefined) return this.destroy()
      const returned = this.iterator.return?.()
      if (isThenable(returned)) silence(Promise.resolve(returned))
    } catch {
      // It is given up: what it throws then concerns nobody.
    }
  }
}
