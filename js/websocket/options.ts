// Every option of `serveSocket`, once: its meaning, its default and its check.

import type { IncomingMessage } from 'node:http'
import type { StreamHeaders } from '../index.js'
import { STREAM_BYTES } from '../kit/bytes/byte-budget.js'
import { callable, configError, duration, flag, integer, onlyKnown, word } from '../kit/check.js'
import type { OnError } from '../kit/sight/failure-report.js'

/** What becomes of the stream when its client is gone without having ended it. */
export type OnDisconnect =
  /** The stream is aborted at once. The default. */
  | 'abort'
  /** Its input ends; the function finishes with what it has got, and its results are dropped. */
  | 'finish'
  /**
   * The function goes on, at most `graceMs` without a client; one that comes back with the token misses nothing. Then it is aborted. A client that closes with 1000,
   * or with no code, has gone for good: there is no grace for it. The options of the stream stay those of the connection that opened it: `id`, `headers` and `signal`,
   * and what a message may be.
   */
  | { readonly graceMs: number }

/** What a client that comes back asks for. */
export interface ResumeRequest {
  /** The token that the server said at the first connection. */
  readonly token: string
  /** How many results the client has got so far. */
  readonly last: number
}

/** Options of `serveSocket`. Durations are milliseconds, sizes are bytes. */
export interface SocketOptions {
  /** What text frames are: JSON of an event or a result, or strings as they are. Default `'json'`. */
  text?: 'json' | 'raw' | undefined
  /**
   * What binary frames are: `'refuse'` closes with 1003; `'raw'`: events that are a `Uint8Array`, and results that are bytes leave as binary frames. Default `'refuse'`.
   */
  binary?: 'refuse' | 'raw' | undefined
  /** The largest message that is taken; a larger one closes with 1009. Give `WebSocketServer` the same as `maxPayload`, so that it is not even received. Default 1048576. */
  maxMessage?: number | undefined
  /** How much may wait in the socket for a client that reads slowly; beyond it no result is taken from the stream. Default 65536. */
  maxBuffered?: number | undefined
  /**
   * A ping each so often; a client that neither answers nor says anything until the next one is dropped. While the socket is paused because the input of the stream is
   * full, nobody is dropped for that, and only a ping finds out that a client has left. 0 = off. Default 30000.
   */
  heartbeat?: number | undefined
  /** How long a client may take to read what waits for it, once that is `maxBuffered`; then it is dropped. 0 = off, the default: one that reads nothing answers no ping either. */
  maxStall?: number | undefined
  /** What to do with a message that is no JSON or that the schema refuses: close with 1007, or pass it over. Default `'fail'`. */
  onMalformed?: 'fail' | 'skip' | undefined
  /** What becomes of the stream when the client is gone. `{ graceMs }` turns resuming on, and the first frame that the server sends is then its hello. Default `'abort'`. */
  onDisconnect?: OnDisconnect | undefined
  /**
   * Results that are kept, with `{ graceMs }`, until a pong tells that the client has them; beyond it the function waits. Only while the input of the stream is full too,
   * when no pong can be read, the oldest go: a client that comes back for those gets 4410. From 1. Default 1024.
   */
  resumeBuffer?: number | undefined
  /** How many bytes of memory may wait between the socket and the function: of events, with what they take once they are parsed, of results, and of what is retained for a client that comes back. Default 16777216. */
  maxBufferedBytes?: number | undefined
  /** What the client wants to go on with. Default: `?resume=<token>&last=<count>` of the URL of `request`, if it has them; `null` = never. */
  resume?: ResumeRequest | null | undefined
  /** Whose the stream is: only a client of the same owner may resume it. Default: none, whoever has the token. */
  owner?: string | undefined
  /** A text message that is exactly this ends the input; the results that are left still go out, and then the server closes with 1000. Default: none. */
  endMessage?: string | undefined
  /** The request of the upgrade, second argument of the event `connection`: its headers, its URL, and its socket, so that the results of one turn leave in one write. */
  request?: IncomingMessage | undefined
  /** `ctx.headers` of the function. Default: those of `request`. */
  headers?: StreamHeaders | undefined
  /** `id` of the stream. Default: made from the function's name and a number. */
  id?: string | undefined
  /** Aborts the stream and closes the socket. */
  signal?: AbortSignal | undefined
  /** Whether the message of an error of the function is told to the client, as the reason of 1011. Default `false`. */
  expose?: boolean | undefined
  /**
   * Receives what failed the stream or its connection, once, with `{ function, id, request }`; the client is told less. Not called for clients that leave. Default: errors that the function throws are
   * written to the log of `runtime.configure({ log })`, or else with `console.error`.
   */
  onError?: OnError<IncomingMessage | undefined> | undefined
}

const NAMES = [
  'text',
  'binary',
  'maxMessage',
  'maxBuffered',
  'heartbeat',
  'maxStall',
  'onMalformed',
  'onDisconnect',
  'resumeBuffer',
  'maxBufferedBytes',
  'resume',
  'owner',
  'endMessage',
  'request',
  'headers',
  'id',
  'signal',
  'expose',
  'onError',
] as const

/** Options with every default filled in. */
export interface Settings {
  readonly text: 'json' | 'raw'
  readonly binary: 'refuse' | 'raw'
  readonly maxMessage: number
  readonly maxBuffered: number
  readonly heartbeat: number
  readonly maxStall: number
  readonly onMalformed: 'fail' | 'skip'
  readonly onDisconnect: 'abort' | 'finish' | 'grace'
  readonly graceMs: number
  readonly resumeBuffer: number
  readonly maxBufferedBytes: number
  readonly resume: ResumeRequest | undefined
  /** The client wants to be told while it is connected how many of its messages have arrived. */
  readonly acks: boolean
  readonly owner: string | undefined
  readonly endMessage: string | undefined
  readonly request: IncomingMessage | undefined
  readonly headers: StreamHeaders | undefined
  readonly id: string | undefined
  readonly signal: AbortSignal | undefined
  readonly expose: boolean
  readonly onError: OnError<IncomingMessage | undefined> | undefined
}

const FIELD = 'serveSocket(options)'

/** Checks the options and fills the defaults in. Throws `VELO_CONFIG`. */
export function settingsOf(options: SocketOptions): Settings {
  onlyKnown(options, FIELD, NAMES)
  const { request, owner, endMessage, id, signal, onError, onDisconnect = 'abort' } = options
  if (onError !== undefined) callable(onError, `${FIELD}.onError`)
  const graceMs = typeof onDisconnect === 'string' ? 0 : graceOf(onDisconnect)
  const policy = typeof onDisconnect === 'string' ? word(onDisconnect, `${FIELD}.onDisconnect`, ['abort', 'finish']) : 'grace'
  text(owner, 'owner')
  text(endMessage, 'endMessage')
  return {
    text: word(options.text, `${FIELD}.text`, ['json', 'raw']),
    binary: word(options.binary, `${FIELD}.binary`, ['refuse', 'raw']),
    maxMessage: integer(options.maxMessage, `${FIELD}.maxMessage`, 1, 1_048_576),
    maxBuffered: integer(options.maxBuffered, `${FIELD}.maxBuffered`, 1, 65_536),
    heartbeat: duration(options.heartbeat, `${FIELD}.heartbeat`, 0, 30_000),
    maxStall: duration(options.maxStall, `${FIELD}.maxStall`, 0, 0),
    onMalformed: word(options.onMalformed, `${FIELD}.onMalformed`, ['fail', 'skip']),
    onDisconnect: policy,
    graceMs,
    resumeBuffer: integer(options.resumeBuffer, `${FIELD}.resumeBuffer`, 1, 1024),
    maxBufferedBytes: integer(options.maxBufferedBytes, `${FIELD}.maxBufferedBytes`, 1, STREAM_BYTES),
    resume: policy === 'grace' ? resumeOf(options) : undefined,
    acks: policy === 'grace' && queryOf(request)?.has('acks') === true,
    owner,
    endMessage,
    request,
    headers: options.headers ?? request?.headers,
    id,
    signal,
    expose: flag(options.expose, `${FIELD}.expose`, false),
    onError,
  }
}

function graceOf(value: Exclude<OnDisconnect, string>): number {
  const field = `${FIELD}.onDisconnect`
  onlyKnown(value, field, ['graceMs'])
  return duration(value.graceMs, `${field}.graceMs`, 1, Number.NaN)
}

function text(value: string | undefined, name: string): void {
  if (value !== undefined && typeof value !== 'string') throw configError(`${FIELD}.${name}`, 'a string', value)
}

function resumeOf({ resume, request }: SocketOptions): ResumeRequest | undefined {
  if (resume === null) return undefined
  if (resume !== undefined) {
    onlyKnown(resume, `${FIELD}.resume`, ['token', 'last'])
    if (typeof resume.token !== 'string') throw configError(`${FIELD}.resume.token`, 'a string', resume.token)
    return { token: resume.token, last: integer(resume.last, `${FIELD}.resume.last`, 0, 0) }
  }
  const asked = queryOf(request)
  const token = asked?.get('resume')
  // A count that is none becomes NaN, which no stream can resume at.
  return token == null ? undefined : { token, last: Number(asked?.get('last') ?? 0) }
}

function queryOf(request: IncomingMessage | undefined): URLSearchParams | undefined {
  const query = request?.url?.split('?', 2)[1]
  return query === undefined ? undefined : new URLSearchParams(query)
}
