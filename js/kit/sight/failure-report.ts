// Reports what failed behind a server: to the user's `onError`, else to the log, else to stderr. Owns: the second argument of
// `onError`, and which errors are faults of the server rather than of its client. Not here: what the client is told.

import { VeloError } from '../errors.js'
import { builtin } from '../start/builtin.js'
import type { StreamEnd } from '../types.js'
import { isLogged, type LogFields, line } from './log.js'

/** Where something failed: the second argument of `onError`. Logging it prints `function` and `id` only. */
export interface FailureInfo<Req> {
  /** Name of the stream function; `undefined` if the request names none. */
  readonly function: string | undefined
  /** `ctx.id` of the stream; `undefined` if none was opened. */
  readonly id: string | undefined
  readonly request: Req
}

/** `onError` of the options. What it throws, or rejects with, touches neither the stream nor the process. */
export type OnError<Req> = (error: unknown, info: FailureInfo<Req>) => unknown

/** The stream that failed. */
interface FailingStream {
  readonly id: string
  readonly closed: Promise<StreamEnd>
}

/** Logs one failure, for example `request.log.error` of Fastify. */
export type LogFailure = (fields: LogFields, message: string) => unknown

/** The getter is on the prototype, so that loggers do not print the whole request. */
class Info<Req> implements FailureInfo<Req> {
  readonly function: string | undefined
  readonly id: string | undefined
  readonly #request: Req

  constructor(name: string | undefined, id: string | undefined, request: Req) {
    this.function = name
    this.id = id
    this.#request = request
  }

  get request(): Req {
    return this.#request
  }
}

Object.defineProperty(Info, 'name', { value: 'FailureInfo' })

/** Reports at most one failure, that of one request or one stream. */
export class FailureReport<Req> {
  readonly #onError: OnError<Req> | undefined
  readonly #request: Req
  readonly #name: string | undefined
  readonly #log: LogFailure
  /** Set once the stream is open. */
  stream: FailingStream | undefined
  #isDone = false

  constructor(onError: OnError<Req> | undefined, request: Req, name: string | undefined, log: LogFailure = toConsole) {
    this.#onError = onError
    this.#request = request
    this.#name = name
    this.#log = log
  }

  /** Never throws. */
  readonly report = (error: unknown): void => {
    if (this.#isDone) return
    this.#isDone = true
    const { stream } = this
    if (this.#onError !== undefined) this.#tell(this.#onError, error)
    else if (stream === undefined) this.#write(error, false)
    else void stream.closed.then(({ reason }) => this.#write(error, reason === 'failed'))
  }

  #tell(onError: OnError<Req>, error: unknown): void {
    guarded('onError', () => onError(error, new Info(this.#name, this.stream?.id, this.#request)))
  }

  /** `isFailed`: the function threw it. The core has logged that already if there is a log. */
  #write(error: unknown, isFailed: boolean): void {
    if (isFailed ? isAnswer(error) : isOfClient(error)) return
    const id = this.stream?.id
    const message =
      id === undefined ? `a request to ${this.#name ?? 'the server'} failed` : `stream ${id} of ${this.#name ?? 'a function'} failed`
    const fields = { code: isFailed ? 'velo:stream-failed' : 'velo:request-failed', stream: id, function: this.#name, err: error }
    if (!isLogged()) guarded('the logger', () => this.#log(fields, message))
    else if (!isFailed) line('error', fields, message)
  }
}

/** Codes of what a client, a limit or a drain causes. */
const OF_CLIENT = 'EVENT OVERLOADED DRAINING OVERRUN ABORTED TIMEOUT IDLE CLOSED ENDED'.split(' ').map((code) => `VELO_${code}`)

/** Whether the error is no fault of the server: a bad request, a client that left, an abort, a limit, a drain. */
export function isOfClient(error: unknown): boolean {
  return (error instanceof VeloError && OF_CLIENT.includes(error.code)) || isAnswer(error)
}

/** Whether the function threw it to be read by the client: `expose: true` with a status below 500, as `http-errors` makes them; or it is a bad request. */
function isAnswer(error: unknown): boolean {
  try {
    const { status, statusCode = status, expose } = Object(error) as { status?: unknown; statusCode?: unknown; expose?: unknown }
    return typeof statusCode === 'number' && statusCode < 500 && (expose === true || error instanceof VeloError)
  } catch {
    return false
  }
}

function toConsole({ err }: LogFields, message: string): void {
  console.error(`velo-stream: ${message}: ${stackOf(err)}`)
}

/** The stack of an error with those of its causes; it may be anything that was thrown. */
export function stackOf(error: unknown): string {
  try {
    return builtin('node:util').inspect(error, { depth: 1, maxArrayLength: 10, maxStringLength: 10_000 })
  } catch {
    return 'an error that cannot be shown'
  }
}

/** Whether a failing listener has been reported. */
let isWarned = false

/** The first time that code of the user fails which is called because of a failure, this is a warning. */
export function warnOnce(what: string, error: unknown): void {
  if (isWarned) return
  isWarned = true
  process.emitWarning(`${what} threw: ${stackOf(error)}`, { type: 'VeloWarning', code: 'velo:on-error-failed' })
}

/** Calls code of the user, which may throw or reject. */
function guarded(what: string, call: () => unknown): void {
  const failed = (error: unknown): void => warnOnce(what, error)
  try {
    Promise.resolve(call()).catch(failed)
  } catch (error) {
    failed(error)
  }
}

/** Reports what failed before there was a stream, or beside one. */
export function reportFailure<Req>(onError: OnError<Req> | undefined, error: unknown, request: Req, name?: string): void {
  new FailureReport(onError, request, name).report(error)
}
