// The second argument of a function on a worker thread.

import { PlainContext } from '../../kit/effects/plain-context.js'
import { ClosedError, type Failure } from '../../kit/errors.js'
import type { StreamContext, StreamHeaders } from '../../kit/types.js'

const NO_HEADERS: StreamHeaders = Object.freeze({})

export class ThreadContext extends PlainContext implements StreamContext {
  readonly id: string
  readonly name: string
  readonly headers: StreamHeaders
  readonly context: unknown
  readonly #isLeft: () => boolean
  #controller: AbortController | undefined
  /** Set once the signal has fired; `undefined` in it for a plain close, whose error is made for whoever looks. */
  #fired: { failure: Failure | undefined } | undefined

  /** `isLeft`: whether the stream is not wanted any more, which is known before the signal can fire. */
  constructor(id: string, name: string, headers: StreamHeaders | undefined, context: unknown, isLeft: () => boolean) {
    super()
    this.#isLeft = isLeft
    this.id = id
    this.name = name
    this.headers = headers === undefined ? NO_HEADERS : Object.freeze(headers)
    this.context = context
  }

  get aborted(): boolean {
    return this.#fired !== undefined || this.#isLeft()
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController()
      if (this.#fired !== undefined) this.#controller.abort(this.#reason(this.#fired.failure))
    }
    return this.#controller.signal
  }

  /** Not part of StreamContext: the signal fires, with what the stream failed with or a ClosedError as reason. */
  static fire(context: ThreadContext, failure: Failure | undefined): void {
    if (context.#fired !== undefined) return
    context.#fired = { failure }
    context.#controller?.abort(context.#reason(failure))
  }

  #reason(failure: Failure | undefined): unknown {
    return failure?.error ?? new ClosedError('VELO_CLOSED', `stream ${this.id} is closed (closed)`, { streamId: this.id, reason: 'closed' })
  }
}
