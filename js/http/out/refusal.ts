// What a client is told of an error: a status, and a body that says no more than it may know.

import { AbortError, OverloadedError, VeloError } from '../../index.js'
import { HttpError } from '../errors.js'

export interface Refusal {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: { readonly error: { readonly code: string; readonly message: string } }
}

/** Statuses of errors of the library where a stream could not go on; others are 500. */
const statuses: Readonly<Partial<Record<VeloError['code'], number>>> = {
  VELO_EVENT: 422,
  VELO_OVERLOADED: 503,
  VELO_DRAINING: 503,
  VELO_OVERRUN: 503,
  VELO_ABORTED: 503,
  VELO_TIMEOUT: 503,
  VELO_IDLE: 408,
  VELO_WORKER_EXITED: 503,
}

/** An error as the client sees it. `expose`: tell the messages of errors that the function threw. */
export function refusalOf(error: unknown, expose: boolean): Refusal {
  if (error instanceof HttpError) return refusal(error.status, error.code, error.message)
  // An abort says why: a request that went wrong, a limit on time, a drain.
  if (error instanceof AbortError && error.cause instanceof VeloError) return refusalOf(error.cause, expose)
  if (error instanceof VeloError) {
    const status = statuses[error.code]
    if (status === undefined) return refusal(500, error.code, expose ? error.message : FAILED)
    // What another thread died of, and why somebody aborted, are words of the function and of the service.
    const isOurs = error.code !== 'VELO_WORKER_EXITED' && error.code !== 'VELO_ABORTED'
    const headers = error instanceof OverloadedError ? { 'retry-after': '1' } : undefined
    return refusal(status, error.code, isOurs || expose ? error.message : 'the stream was ended', headers)
  }
  return thrown(error, expose)
}

/** Whether the client left, or `stop(id)` ended the stream: no failure. */
export function isLeft(error: unknown): boolean {
  const cause = error instanceof AbortError ? error.cause : error
  return cause instanceof HttpError && cause.code === 'VELO_ABORTED'
}

const FAILED = 'the function failed'

/** What the function threw: as frameworks read it, `status` (or `statusCode`) of an error is that of the response, and `expose` says that its message may be told. */
function thrown(error: unknown, expose: boolean): Refusal {
  const { status, statusCode, message, expose: own } = Object(error) as Record<string, unknown>
  const said = [status, statusCode].find((value) => Number.isInteger(value) && (value as number) >= 400 && (value as number) <= 599)
  const told = (expose || own === true) && typeof message === 'string' ? message : FAILED
  return refusal((said as number | undefined) ?? 500, 'FAILED', told)
}

function refusal(status: number, code: string, message: string, headers: Record<string, string> = {}): Refusal {
  return { status, headers, body: { error: { code, message } } }
}
