// The second argument of a function on a worker thread.

import { ClosedError, type Failure } from '../../kit/errors.js'
import type { StreamContext, StreamHeaders } from '../../kit/types.js'

const NO_HEADERS: StreamHeaders = Object.freeze({})

export class ThreadContext implements StreamContext {
  readonly id: string
  readonly name: string
  readonly headers: StreamHeaders
  readonly context: unknown
  readonly #isLeft: () => boolean
  #controller: AbortController | undefined
  #fired: Failure | undefined

  /** `isLeft`: whether the stream is not wanted any more, which is known before the signal can fire. */
  constructor(id: string, name: string, headers: StreamHeaders | undefined, context: unknown, isLeft: () => boolean) {
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
      if (this.#fired !== undefined) this.#controller.abort(this.#fired.error)
    }
    return this.#controller.signal
  }

  /** Not part of StreamContext: the signal fires, with what the stream failed with or a ClosedError as reason. */
  static fire(context: ThreadContext, failure: Failure | undefined): void {
    if (context.#fired !== undefined) return
    const error =
      failure?.error ??
      new ClosedError('VELO_CLOSED', `stream ${context.id} is closed (closed)`, { streamId: context.id, reason: 'closed' })
    context.#fired = { error }
    context.#controller?.abort(error)
  }
}
