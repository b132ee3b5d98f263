// One call of a user's function: its signal, its time limit, and one outcome told once.

import { TimeoutError } from '../../index.js'
import type { Clock } from '../../kit/clock.js'
import { isThenable, silence } from '../../kit/promises.js'
import type { Call } from '../engine/call.js'

/** Hears how an attempt ended, exactly once, unless it was cancelled before. */
export interface Outcome {
  succeeded(result: unknown): void
  threw(error: unknown): void
}

export interface Limit {
  readonly name: string
  /** ms; 0: none. */
  readonly timeout: number
  readonly clock: Clock
}

export function limitOf(name: string, { timeout, clock }: Omit<Limit, 'name'>): Limit {
  return { name, timeout, clock }
}

export class Attempt implements Call {
  readonly index: number
  readonly attempt: number
  /** Private fields would make construction slow, and one of these is made for each event. */
  private controller: AbortController | undefined
  private reason: { error: unknown } | undefined
  /** Who hears the outcome; null once it is told or of no interest. */
  private outcome: Outcome | null = null
  private timer: { clock: Clock; handle: unknown } | undefined

  constructor(index: number, attempt: number) {
    this.index = index
    this.attempt = attempt
  }

  /** Made when it is first asked for: an AbortController costs more than all the rest. */
  get signal(): AbortSignal {
    if (this.controller === undefined) {
      this.controller = new AbortController()
      if (this.reason !== undefined) this.controller.abort(this.reason.error)
    }
    return this.controller.signal
  }

  /** Calls `fn` with the event, and itself as the call. The outcome may be told before this returns. */
  run(fn: (event: unknown, call: Call) => unknown, event: unknown, limit: Limit, outcome: Outcome): void {
    this.outcome = outcome
    let result: unknown
    let isLater: boolean
    try {
      result = fn(event, this)
      isLater = isThenable(result)
      if (isLater) this.limited(limit)
    } catch (error) {
      this.take()?.threw(error)
      // It may reject later: nobody waits for that.
      if (result instanceof Promise) silence(result)
      return
    }
    if (!isLater) return this.take()?.succeeded(result)
    // Promise.resolve: what else has a then() may call back at once, or twice.
    Promise.resolve(result).then(
      (value) => this.take()?.succeeded(value),
      (error) => this.take()?.threw(error),
    )
  }

  /** From now on the call has so much time. */
  private limited({ name, timeout, clock }: Limit): void {
    if (timeout === 0 || this.outcome === null) return
    const expire = () => {
      const error = new TimeoutError('VELO_TIMEOUT', `${name}: the call took longer than ${timeout} ms`)
      const told = this.take()
      this.abort(error)
      told?.threw(error)
    }
    this.timer = { clock, handle: clock.setTimeout(expire, timeout) }
  }

  /** Nobody wants the result any more: the signal fires, the outcome is not told. */
  cancel(reason: unknown): void {
    this.take()
    this.abort(reason)
  }

  private take(): Outcome | null {
    const outcome = this.outcome
    this.outcome = null
    const timer = this.timer
    this.timer = undefined
    if (timer !== undefined) timer.clock.clearTimeout(timer.handle)
    return outcome
  }

  private abort(error: unknown): void {
    this.reason = { error }
    this.controller?.abort(error)
  }
}
