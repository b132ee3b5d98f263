// The options of `velo-stream/http` as users write them, what they become, and their checks at definition time. Each half of a handler has its own:
// from request to events, and from results to response.

import { type IncomingMessage, validateHeaderName, validateHeaderValue } from 'node:http'
import type { OpenOptions, Source } from '../index.js'
import { RESUME_BYTES, STREAM_BYTES } from '../kit/bytes/byte-budget.js'
import { callable, configError, duration, flag, integer, onlyKnown, word } from '../kit/check.js'
import type { OnError } from '../kit/sight/failure-report.js'

/**
 * How the bytes of a request become events.
 *
 * `'ndjson'`, also called `'json-lines'`: each line is a JSON value, empty lines are skipped. `'json'`: JSON values with white space between them, on
 * any number of lines; an array at the top gives its elements. `'raw'`: chunks of bytes as they come. `'multipart'`: the parts of a form, see `Part`. `'sse'`: server-sent events, see `ServerSentEvent`. `'auto'`: as the Content-Type says.
 */
export type InFormat = 'auto' | 'ndjson' | 'json-lines' | 'json' | 'raw' | 'multipart' | 'sse'

/**
 * How results become bytes. `'ndjson'`: a JSON value a line. `'sse'`: server-sent events, JSON in `data` unless the result is a string. `'raw'`: results are bytes or strings.
 * `'auto'`: as the Accept header says, `'sse'` or `'ndjson'`.
 */
export type OutFormat = 'auto' | 'ndjson' | 'sse' | 'raw'

/**
 * What becomes of the stream when its client goes away. `'abort'`: it is aborted. `'finish'`: its input ends with what has arrived, and the function runs to its end; its
 * results are read and dropped. `{ graceMs }`: as `'finish'`, but aborted after so many ms; with `resume`, how long the client may take to come back.
 */
export type OnDisconnect = 'abort' | 'finish' | { readonly graceMs: number }

/** From request to events. Sizes are bytes. */
export interface EventsOptions {
  /** Default `'auto'`. */
  in?: InFormat | undefined
  /** The longest line, of NDJSON and of SSE, and the longest value of JSON. Default 1048576. A longer one is refused with 413. */
  maxLine?: number | undefined
  /** The largest event: of SSE, all its lines; of a form, a field; raw chunks are cut to it. Default 1048576. */
  maxEvent?: number | undefined
  /** The largest body, after decompression. Default: no limit. More is refused with 413. */
  maxTotal?: number | undefined
  /** A line that is no JSON, invalid UTF-8, or refused by the schema: `'fail'` refuses the request with 400 (the schema: 422), `'skip'` leaves the line out. Default `'fail'`. */
  onMalformed?: 'fail' | 'skip' | undefined
  /** Whether bodies with a Content-Encoding (gzip, deflate, br) are taken, at most `maxTotal` bytes of them (default then 67108864). Default false: 415. */
  decompress?: boolean | undefined
}

/** From results to response. Durations are ms. `Req` is `IncomingMessage`, or `Request` with `toResponse`. */
export interface RespondOptions<Out, Req = IncomingMessage> {
  /** Default `'auto'`. */
  out?: OutFormat | undefined
  /** Status of the response when all is well: one that has a body, so neither 204 nor 205. Default 200. */
  status?: number | undefined
  /** More headers of the response. */
  headers?: Readonly<Record<string, string | readonly string[]>> | undefined
  /** SSE: the `id` of a result; `index` counts from 0. Default: none, and with `resume` an id of its own. */
  id?: ((result: Out, index: number) => string) | undefined
  /** SSE: the `event` name of a result. Default: none, which browsers call `message`. */
  event?: ((result: Out) => string | undefined) | undefined
  /**
   * SSE: the event that reports an error after the first byte, for clients of other protocols. What it returns is written as it is; `undefined` stands for the default, and so does an `errorEvent` that throws.
   * Default: the name `error`, and the JSON of `{ code, message }`. `subscribe` of `velo-stream/client` reads only that one as an error.
   */
  errorEvent?: ((error: unknown, report: ErrorReport) => ErrorEvent | undefined) | undefined
  /** SSE: a last event of this name, with empty data, says that nothing follows. Default: none. */
  end?: string | undefined
  /** SSE: silence after which a comment is sent, so that proxies keep the connection. 0 = never. Default 15000. */
  heartbeat?: number | undefined
  /** SSE: how long the browser should wait before it reconnects. Default: the browser's own. */
  retry?: number | undefined
  /**
   * After the end of the request: how long to wait for the first result before the head of the response is sent without it. Until then an error becomes a status; proxies give up on a response without a
   * head. 0 = at once. Server-sent events do not wait for the end of the request. Default 250.
   */
  headDelay?: number | undefined
  /** How long a client may leave a full response unread before it is dropped. 0 = for ever. Default 30000. */
  maxStall?: number | undefined
  /** Whether clients are told the message of an error that the function threw. Default false: `the function failed`. */
  expose?: boolean | undefined
  /** SSE: when it fires, open responses get an event `draining`, so that clients may look for another server. */
  draining?: AbortSignal | undefined
  /**
   * Receives what failed a stream or its request, once per stream, with `{ function, id, request }`; the client is told less. Not called for clients that leave, nor for `stop(id)`. An error with a
   * `status` below 500 is the request's fault. Default: errors that the function throws are written to the log of `runtime.configure({ log })`, or else with `console.error`.
   */
  onError?: OnError<Req> | undefined
}

/** Which results a stream retains for a client that comes back. */
export interface ResumeOptions {
  /** Bytes of the last results, as they were written; each counts 64 more. At most half of `maxBufferedBytes`. Default 1048576; with `buffer`, that half. */
  maxBytes?: number | undefined
  /** How many of the last results, at most. Default: no limit beside `maxBytes`. */
  buffer?: number | undefined
}

/** What becomes of a server-sent event that reports an error. */
export interface ErrorEvent {
  /** Name of the event. Default: none, which browsers call `message`. */
  readonly event?: string | undefined
  /** Text, or anything that can be written as JSON. */
  readonly data: unknown
}

/** What the client may know of an error: the status that would have answered it, its code, and its message unless that is hidden (`expose`). */
export interface ErrorReport {
  readonly status: number
  readonly code: string
  readonly message: string
}

/** Options of `handler` and `toResponse`. `Req` is `IncomingMessage` for the one and `Request` for the other. */
export interface HttpOptions<In, Out, Req = IncomingMessage> extends EventsOptions, RespondOptions<Out, Req> {
  /**
   * Makes the events out of something else than the body, for example the query of a GET; then the body is not read. `from` is the index of the first event that is wanted: 0, unless a
   * durable stream of another process goes on.
   */
  events?: ((req: Req, from: number) => Source<In>) | undefined
  /** Default `'abort'`; with `resume`, `{ graceMs: 30000 }`. */
  onDisconnect?: OnDisconnect | undefined
  /** SSE: a client that reconnects with `Last-Event-ID` gets what it missed, and the stream goes on; a durable one also in another process. Default false. */
  resume?: ResumeOptions | boolean | undefined
  /** With `resume`: whose a stream is. Only a request of the same owner gets the rest of it; to others it is not there. Default: nobody's, whoever knows the id. */
  owner?: ((req: Req) => string | undefined) | undefined
  /** How many bytes of memory may wait between the request and its response: of events, with what they take once they are parsed, of results, and of what is retained for a client that comes back. Default 16777216. */
  maxBufferedBytes?: number | undefined
  /** More for `open`: an id, headers instead of the request's, a signal. */
  openOptions?: OpenOptions | ((req: Req) => OpenOptions) | undefined
}

export interface Intake {
  readonly format: InFormat
  readonly maxLine: number
  readonly maxEvent: number
  readonly maxTotal: number
  readonly skip: boolean
  readonly decompress: boolean
}

export interface Answer {
  readonly format: OutFormat
  readonly status: number
  /** Their names in small letters. */
  readonly headers: Readonly<Record<string, string | readonly string[]>>
  readonly id: ((result: never, index: number) => string) | undefined
  readonly event: ((result: never) => string | undefined) | undefined
  readonly errorEvent: RespondOptions<never>['errorEvent']
  readonly end: string | undefined
  readonly heartbeat: number
  readonly retry: number | undefined
  readonly headDelay: number
  readonly maxStall: number
  readonly expose: boolean
  readonly draining: AbortSignal | undefined
  readonly onError: OnError<never> | undefined
}

export interface Service {
  readonly intake: Intake
  readonly answer: Answer
  readonly events: ((req: never, from: number) => Source<never>) | undefined
  /** ms that the stream may live on without a client: 0 to abort it, Infinity to let it finish. */
  readonly grace: number
  /** How many results are retained for a client that comes back, at most; 0 if it cannot. */
  readonly replay: number
  /** How many bytes they may take. */
  readonly replayBytes: number
  readonly owner: ((req: never) => string | undefined) | undefined
  readonly maxBufferedBytes: number
  readonly openOptions: OpenOptions | ((req: never) => OpenOptions) | undefined
}

const MEBIBYTE = 1 << 20
/** ms in which a function may still fail with a status. */
const HEAD_MS = 250
const intakeNames = ['in', 'maxLine', 'maxEvent', 'maxTotal', 'onMalformed', 'decompress']
const answerNames = 'out status headers id event errorEvent end heartbeat retry headDelay maxStall expose draining onError'.split(' ')
const ownNames = ['events', 'onDisconnect', 'resume', 'owner', 'maxBufferedBytes', 'openOptions']

/** Checks the options of `eventsFrom`, or that part of others. */
export function intakeOf(options: EventsOptions, field: string, whole = true): Intake {
  if (whole) onlyKnown(options, field, intakeNames)
  const decompress = flag(options.decompress, `${field}.decompress`, false)
  return {
    format: word(options.in, `${field}.in`, ['auto', 'ndjson', 'json-lines', 'json', 'raw', 'multipart', 'sse']),
    maxLine: integer(options.maxLine, `${field}.maxLine`, 1, MEBIBYTE),
    maxEvent: integer(options.maxEvent, `${field}.maxEvent`, 1, MEBIBYTE),
    maxTotal: limit(options.maxTotal, `${field}.maxTotal`, decompress ? 64 * MEBIBYTE : Infinity),
    skip: word(options.onMalformed, `${field}.onMalformed`, ['fail', 'skip']) === 'skip',
    decompress,
  }
}

/** Checks the options of `respond`, or that part of others. */
export function answerOf<Out, Req>(options: RespondOptions<Out, Req>, field: string, whole = true): Answer {
  if (whole) onlyKnown(options, field, answerNames)
  const { status = 200, headers = {}, id, event, errorEvent, end, draining, onError } = options
  if (!Number.isInteger(status) || status < 200 || status > 299 || status === 204 || status === 205)
    throw configError(`${field}.status`, 'an integer from 200 to 299 that has a body', status)
  if (onError !== undefined) callable(onError, `${field}.onError`)
  if (id !== undefined) callable(id, `${field}.id`)
  if (event !== undefined) callable(event, `${field}.event`)
  if (errorEvent !== undefined) callable(errorEvent, `${field}.errorEvent`)
  if (end !== undefined && (typeof end !== 'string' || !/^[^\r\n]+$/.test(end))) throw configError(`${field}.end`, 'a word', end)
  if (draining !== undefined && !(draining instanceof AbortSignal)) throw configError(`${field}.draining`, 'an AbortSignal', draining)
  return {
    format: word(options.out, `${field}.out`, ['auto', 'ndjson', 'sse', 'raw']),
    status,
    headers: headersOf(headers, `${field}.headers`),
    id,
    event,
    errorEvent,
    end,
    heartbeat: duration(options.heartbeat, `${field}.heartbeat`, 0, 15_000),
    retry: options.retry === undefined ? undefined : integer(options.retry, `${field}.retry`, 0, 0),
    headDelay: duration(options.headDelay, `${field}.headDelay`, 0, HEAD_MS),
    maxStall: duration(options.maxStall, `${field}.maxStall`, 0, 30_000),
    expose: flag(options.expose, `${field}.expose`, false),
    draining,
    onError,
  }
}

/** Checks the options of `handler` and `toResponse`. */
export function serviceOf<In, Out, Req>(options: HttpOptions<In, Out, Req>, field: string): Service {
  onlyKnown(options, field, [...intakeNames, ...answerNames, ...ownNames])
  const { events, openOptions, owner } = options
  if (owner !== undefined) callable(owner, `${field}.owner`)
  if (events !== undefined) callable(events, `${field}.events`)
  if (openOptions !== undefined && typeof openOptions !== 'function' && (typeof openOptions !== 'object' || openOptions === null))
    throw configError(`${field}.openOptions`, 'an object or a function', openOptions)
  const answer = answerOf(options, field, false)
  const maxBufferedBytes = integer(options.maxBufferedBytes, `${field}.maxBufferedBytes`, 1, STREAM_BYTES)
  const { replay, replayBytes } = replayOf(options.resume, maxBufferedBytes >> 1, `${field}.resume`)
  if (replay > 0 && answer.format !== 'sse' && answer.format !== 'auto')
    throw configError(`${field}.out`, "'sse' beside resume", answer.format)
  if (replay > 0 && answer.id !== undefined) throw configError(`${field}.id`, 'nothing beside resume, which has ids of its own', answer.id)
  const intake = intakeOf(options, field, false)
  return {
    intake,
    answer,
    events: events as Service['events'],
    grace: graceOf(options.onDisconnect, replay > 0, field),
    replay,
    replayBytes,
    owner: owner as Service['owner'],
    maxBufferedBytes,
    openOptions,
  }
}

/** Checked here, because a head that cannot be sent would only show with the first byte, which may come from a timer. */
function headersOf(headers: Answer['headers'], field: string): Answer['headers'] {
  if (typeof headers !== 'object' || headers === null) throw configError(field, 'an object', headers)
  for (const [name, value] of Object.entries(headers)) {
    try {
      validateHeaderName(name)
      for (const one of Array.isArray(value) ? value : [value]) validateHeaderValue(name, one)
    } catch {
      throw configError(`${field}.${name}`, 'a header that can be sent', value)
    }
  }
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]))
}

/** Bytes, Infinity for no limit, or `usual` where it was left out. */
function limit(value: number | undefined, field: string, usual: number): number {
  return value === Infinity ? value : integer(value, field, 1, usual)
}

/** `half` of what the stream may hold. */
function replayOf(resume: ResumeOptions | boolean | undefined, half: number, field: string): Pick<Service, 'replay' | 'replayBytes'> {
  if (resume === undefined || resume === false) return { replay: 0, replayBytes: 0 }
  const { buffer, maxBytes } = resume === true ? {} : resume
  if (resume !== true) onlyKnown(resume, field, ['maxBytes', 'buffer'])
  const most = integer(maxBytes, `${field}.maxBytes`, 1, buffer === undefined ? RESUME_BYTES : half)
  return { replay: limit(buffer, `${field}.buffer`, Infinity), replayBytes: Math.min(most, half) }
}

function graceOf(how: OnDisconnect | undefined, resumes: boolean, options: string): number {
  const field = `${options}.onDisconnect`
  if (how === undefined) return resumes ? 30_000 : 0
  if (resumes && typeof how === 'string') throw configError(field, '{ graceMs } beside resume', how)
  if (how === 'abort') return 0
  if (how === 'finish') return Infinity
  if (typeof how !== 'object' || how === null) throw configError(field, "'abort', 'finish' or { graceMs }", how)
  onlyKnown(how, field, ['graceMs'])
  if (how.graceMs === undefined) throw configError(`${field}.graceMs`, 'ms from 0 up', how.graceMs)
  return duration(how.graceMs, `${field}.graceMs`, 0, 0)
}
