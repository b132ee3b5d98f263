// Why a socket is closed: the close code and the reason that the client gets for each end of a stream.

import { AbortError, OverloadedError, type StreamEnd, TimeoutError, VeloError } from '../index.js'

/** A close code, its reason, and what went wrong, if something did. */
export interface Verdict {
  readonly code: number
  readonly reason: string
  readonly error?: unknown
}

/** 4000 to 4999 are for applications. */
export const IDLE = 4408
export const GONE = 4410

/** The client has another connection, here or with another server. */
export const REPLACED: Verdict = { code: 4409, reason: 'replaced' }

/** The stream is kept, and goes on when the client comes again: another process will have it, or an event could not be kept. */
export const RESTART: Verdict = { code: 1012, reason: 'restart' }
export const AGAIN: Verdict = { code: 1013, reason: 'try again later' }

/** The longest reason that a close frame holds, in bytes of UTF-8. */
const MAX_REASON = 123

/** A text as the reason of a close frame: cut where it is too long, between two characters. */
export function reasonOf(text: string): string {
  const bytes = Buffer.from(text)
  if (bytes.length <= MAX_REASON) return text
  let end = MAX_REASON
  // 10xxxxxx: not the first byte of a character.
  while ((bytes[end] as number) >> 6 === 0b10) end--
  return bytes.toString('utf8', 0, end)
}

/** How the client learns of the end of its stream. A server that drains says so, instead of `done`. */
export function verdictOfEnd({ reason, error }: StreamEnd, draining: boolean, expose: boolean): Verdict {
  if (reason === 'failed') return { code: 1011, reason: reasonOf(expose ? messageOf(error) : 'failed'), error }
  if (reason === 'aborted') return verdictOfAbort(error)
  // Not 1000: what came may not be all there is.
  if (reason === 'idle' && !draining) return { code: IDLE, reason }
  return draining ? { code: 1001, reason: 'draining' } : { code: 1000, reason }
}

/** The same of an abort: a drain and the limits of the stream are told apart. */
export function verdictOfAbort(error: unknown): Verdict {
  const cause = error instanceof AbortError ? error.cause : undefined
  if (cause instanceof OverloadedError) return { code: 1001, reason: 'draining', error }
  if (cause instanceof TimeoutError) return { code: 1008, reason: 'limit: the stream took too long', error }
  return { code: 1011, reason: 'aborted', error }
}

/** `open` threw. */
export function verdictOfRefusal(error: unknown): Verdict {
  if (!(error instanceof OverloadedError)) return { code: 1011, reason: 'failed', error }
  return error.code === 'VELO_DRAINING'
    ? { code: 1001, reason: 'draining', error }
    : { code: 1008, reason: 'limit: too many streams', error }
}

/** The client sent what is not an event. */
export function faultOf(code: number, reason: string, cause?: unknown): Verdict {
  return { code, reason: reasonOf(reason), error: new VeloError('VELO_EVENT', reason, cause === undefined ? {} : { cause }) }
}

/** Whether a close frame may carry this code. */
export function isCloseCode(code: unknown): code is number {
  if (!Number.isInteger(code)) return false
  const number = code as number
  return (number >= 1000 && number <= 1014 && ![1004, 1005, 1006].includes(number)) || (number >= 3000 && number <= 4999)
}

/** Anything can be thrown, even what cannot be written as text. */
function messageOf(error: unknown): string {
  try {
    return String(error instanceof Error ? error.message : error)
  } catch {
    return 'failed'
  }
}
