// The second argument of a stream function. The signal is made when it is first asked for: an AbortController costs 2 us on Node 20.

import { PlainContext } from '../kit/effects/plain-context.js'
import { TIMING, type Timing } from '../kit/effects/timing.js'
import type { ClosedError, Failure } from '../kit/errors.js'
import type { StreamContext, StreamHeaders } from '../kit/types.js'
import { watchExit } from './border/mailbox.js'

const NO_HEADERS: StreamHeaders = Object.freeze({})

/** Whose context it is. */
export interface Subject {
  readonly id: string
  readonly name: string
  /** Why it ended. */
  closedError(): ClosedError
}

export class Context extends PlainContext implements StreamContext, Timing {
  readonly #subject: Subject
  readonly #headers: StreamHeaders | undefined
  readonly #declared: unknown
  #controller: AbortController | undefined
  /** Set once the signal has fired; `error` is undefined for a plain close. */
  #fired: { error: unknown } | undefined
  /** Timers of operators that run for the stream. */
  #timers = 0

  constructor(subject: Subject, headers: StreamHeaders | undefined, declared: unknown) {
    super()
    this.#subject = subject
    this.#headers = headers
    this.#declared = declared
  }

  get id(): string {
    return this.#subject.id
  }

  get name(): string {
    return this.#subject.name
  }

  get headers(): StreamHeaders {
    return this.#headers ?? NO_HEADERS
  }

  get context(): unknown {
    return this.#declared
  }

  get aborted(): boolean {
    return this.#fired !== undefined
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController()
      if (this.#fired !== undefined) this.#controller.abort(this.#reason())
    }
    return this.#controller.signal
  }

  [TIMING](change: 1 | -1): void {
    this.#timers += change
    watchExit()
  }

  /** Not part of StreamContext: whether a timer of an operator runs for the stream. */
  static isTimed(context: Context): boolean {
    return context.#timers > 0
  }

  /** Not part of StreamContext: what of it can travel to another thread. */
  static parts(context: Context): { headers: StreamHeaders | undefined; declared: unknown } {
    return { headers: context.#headers, declared: context.#declared }
  }

  /** Not part of StreamContext: the signal fires, with what the stream failed with or a ClosedError as reason. */
  static fire(context: Context, failure: Failure | undefined): void {
    if (context.#fired !== undefined) return
    context.#fired = { error: failure?.error }
    context.#controller?.abort(context.#reason())
  }

  #reason(): unknown {
    return this.#fired?.error ?? this.#subject.closedError()
  }
}
