// How a client ends, and the errors that it learns of: close codes of a WebSocket, and codes that a server names.

import { codes } from '../../kit/codes.js'
import type { EndReason } from '../../kit/end-reason.js'
import { ClosedError, OverloadedError, TimeoutError, VeloError, type VeloErrorCode } from '../../kit/errors.js'

/** How it ended: what `closed` resolves with. */
export interface ClientEnd {
  /** `'done'` and `'idle'`: the function has finished. `'closed'`: one side closed it. `'aborted'`: the signal, or a limit or a drain of the server. `'failed'`: anything else. */
  readonly reason: EndReason
  /** What went wrong, if something did; the iterator throws it after the results before it. */
  readonly error?: unknown
}

/** A close code of the server: the end, or `undefined` for a connection that was cut. */
export function endOf(code: number, reason: string): ClientEnd | undefined {
  switch (code) {
    case 1000:
      return { reason: reason === 'idle' || reason === 'closed' ? reason : 'done' }
    case 1001:
      // A proxy that goes away says nothing, and the stream lives on behind it.
      if (reason !== 'draining' && reason !== 'the server stops') return undefined
      return aborted(new OverloadedError('VELO_DRAINING', `the server stops (${reason})`))
    case 1003:
    case 1007:
    case 1009:
      return { reason: 'failed', error: new VeloError('VELO_EVENT', `the server refuses an event: ${reason || code}`) }
    case 1008:
      return limit(reason)
    case 1011:
      return reason === 'aborted' ? aborted(closed('the server has aborted the stream', 'aborted')) : failed(reason)
    default:
      if (code === 1002 || (code >= 3000 && code < 5000)) return failed(`closed with ${code} ${reason}`.trimEnd())
      return undefined
  }
}

/** The server had no place: no stream was opened, and another attempt may find one. */
export function isRefused(code: number, reason: string): boolean {
  return code === 1008 && reason === 'limit: too many streams'
}

function limit(reason: string): ClientEnd {
  if (isRefused(1008, reason)) return { reason: 'failed', error: new OverloadedError('VELO_OVERLOADED', reason) }
  if (reason === 'limit: the stream took too long') return aborted(new TimeoutError('VELO_TIMEOUT', reason))
  return failed(reason)
}

function aborted(error: VeloError): ClientEnd {
  return { reason: 'aborted', error }
}

function failed(why: string): ClientEnd {
  return { reason: 'failed', error: closed(`the stream failed: ${why}`) }
}

/** The stream is over, and not as it should be. */
export function closed(message: string, reason: EndReason = 'failed', cause?: unknown): ClosedError {
  return new ClosedError('VELO_CLOSED', message, cause === undefined ? { reason } : { reason, cause })
}

/** An error that the server told, by its code; what is no code of the table is `VELO_CLOSED`. */
export function toldError(code: unknown, message: string): VeloError {
  switch (code) {
    case 'VELO_OVERLOADED':
    case 'VELO_DRAINING':
    case 'VELO_OVERRUN':
      return new OverloadedError(code, message)
    case 'VELO_TIMEOUT':
    case 'VELO_IDLE':
      return new TimeoutError(code, message)
    // The name of an AbortError is what callers know their own aborts by.
    case 'VELO_ABORTED':
      return closed(message, 'aborted')
    case 'VELO_CLOSED':
    case 'VELO_ENDED':
      return new ClosedError(code, message, { reason: 'failed' })
    default:
      return typeof code === 'string' && Object.hasOwn(codes, code) ? new VeloError(code as VeloErrorCode, message) : closed(message)
  }
}
