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

/** A server that did not accept the connection. */
export interface ConnectionRefusal {
  readonly error: VeloError
  /** ms after which another attempt may be accepted; `undefined`: none will be. */
  readonly retryAfter: number | undefined
}

/** Statuses below 500 after which another attempt may be accepted. */
const TRANSIENT = [408, 425, 429]
/** Close codes of `serveSocket` that have the form of a refusal, with their reasons. */
const OWN: Readonly<Record<number, string>> = { 4408: 'idle', 4409: 'replaced', 4410: 'gone' }

/** What a status says that answers the handshake. `after`: seconds of its Retry-After, if it has one. */
export function refusalOf(status: number, message: string, after = 0): ConnectionRefusal {
  const text = `the server answers ${status}${message === '' ? '' : `: ${message}`}`
  const error = status === 429 || status === 503 ? new OverloadedError('VELO_OVERLOADED', text) : closed(text)
  return { error, retryAfter: status >= 500 || TRANSIENT.includes(status) ? after * 1000 : undefined }
}

/** The seconds of a Retry-After, which may be a date; 0 for none. */
export function secondsOf(retryAfter: unknown): number {
  const text = String(retryAfter ?? '')
  const seconds = /^\d+$/.test(text) ? Number(text) : (Date.parse(text) - Date.now()) / 1000
  return seconds > 0 ? seconds : 0
}

/** The same of a close code 4400 to 4599, which browsers can read. Only a reason that asks for it makes another attempt: an application may use such a code in the middle of a stream. */
export function refusalOfClose(code: number, reason: string): ConnectionRefusal | undefined {
  if (!(code >= 4400 && code < 4600) || OWN[code] === reason) return undefined
  const [, message = reason, after] = /^(.*); retry after (\d+) s$/s.exec(reason) ?? []
  const { error, retryAfter } = refusalOf(code - 4000, message, Number(after ?? 0))
  return { error, retryAfter: after === undefined ? undefined : retryAfter }
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
      if (OWN[code] === reason) return { reason: 'failed', error: closed(OWN_TEXTS[reason] as string) }
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

const OWN_TEXTS: Readonly<Record<string, string>> = {
  idle: 'the server ended the stream: it got no event for its idleTimeout (4408)',
  replaced: 'another connection has taken over the stream (4409)',
  gone: 'the server no longer has the stream: it has ended, or its client was away for longer than graceMs (4410)',
}

/** `failed` is what a server says that tells nothing else. */
function failed(why: string): ClientEnd {
  const text =
    why === 'failed'
      ? 'the function of the stream failed; its server has the error, and tells it with the option expose'
      : `the stream failed: ${why}`
  return { reason: 'failed', error: closed(text) }
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
