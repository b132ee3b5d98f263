// What is wrong with a request, as an error that knows its status.

import { VeloError, type VeloErrorCode } from '../index.js'

/** A request that cannot be served: malformed, too large, of an unknown type. `code` is `VELO_EVENT`; `VELO_ABORTED` where the client went away. */
export class HttpError extends VeloError {
  /** The status of the response: 400, 413, 415; 499 where nobody is left to read one. */
  readonly status: number

  constructor(status: number, message: string, cause?: unknown, code: VeloErrorCode = 'VELO_EVENT') {
    super(code, message, cause === undefined ? {} : { cause })
    this.status = status
  }
}

Object.defineProperty(HttpError.prototype, 'name', { value: 'HttpError', configurable: true, writable: true })

/** The request ended before its body did. */
export function clientGone(cause?: unknown): HttpError {
  return new HttpError(499, 'the client went away', cause, 'VELO_ABORTED')
}
