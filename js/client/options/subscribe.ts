// The options of `subscribe`.

import { callable, configError, duration, integer, text as nonEmpty, onlyKnown, record, signalOf, word } from '../../kit/check.js'
import type { ClientState } from '../ends/state.js'
import { type Backoff, type BackoffOptions, backoffOf } from './backoff.js'
import { MAX_BUFFERED } from './connect.js'

/** A body that can be sent again, when the server had no place for it. */
export type RequestBody = string | Uint8Array | ArrayBuffer | Blob | FormData | URLSearchParams

/** What `fetch` is used as. */
export type FetchLike = (url: string, init: RequestInit) => Promise<Response>

/** Options of `subscribe`. Durations are ms, sizes are bytes. */
export interface SubscribeOptions {
  /** Default `'POST'` with a body, else `'GET'`. A request that is neither GET nor HEAD is made once, unless the server has refused it for lack of a place; only its results are asked for again. */
  method?: string | undefined
  /** More headers, or a function that is asked for them before each attempt, for tokens that expire. */
  headers?:
    | Readonly<Record<string, string>>
    | (() => Readonly<Record<string, string>> | PromiseLike<Readonly<Record<string, string>>>)
    | undefined
  /** The events, as the server takes them. */
  body?: RequestBody | undefined
  /** What results are: JSON, or strings as they are. Functions that yield strings send them as they are. Default `'json'`. */
  text?: 'json' | 'raw' | undefined
  /** Name of the event that says that nothing follows, as the server has it. Default: none. */
  end?: string | undefined
  /** Goes on behind this one: `lastEventId` of an earlier subscription, kept over a reload of the page. */
  lastEventId?: string | undefined
  /** Aborts the subscription: waits reject with an `AbortError`. */
  signal?: AbortSignal | undefined
  /** Attempts to come back. */
  backoff?: BackoffOptions | undefined
  /** How long an attempt may take until the head of the response is there. Default 10000. */
  connectTimeout?: number | undefined
  /** Silence of the server after which the connection is taken for dead; it sends a comment every 15 s. 0 = never. Default 45000. */
  maxSilence?: number | undefined
  /** The largest event. Default 16777216. */
  maxBufferedBytes?: number | undefined
  /** Default: the global one. */
  fetch?: FetchLike | undefined
  /** Told each change of `state`. What it throws touches nothing here. */
  onState?: ((state: ClientState) => void) | undefined
}

/** The same with every default filled in. */
export interface SubscribeSettings {
  readonly method: string
  readonly headers: () => unknown
  readonly body: RequestBody | undefined
  readonly text: 'json' | 'raw'
  readonly end: string | undefined
  readonly lastEventId: string
  readonly signal: AbortSignal | undefined
  readonly backoff: Backoff
  readonly connectTimeout: number
  readonly maxSilence: number
  readonly maxBufferedBytes: number
  readonly fetch: FetchLike
  readonly onState: ((state: ClientState) => void) | undefined
}

const NAMES = [
  'method',
  'headers',
  'body',
  'text',
  'end',
  'lastEventId',
  'signal',
  'backoff',
  'connectTimeout',
  'maxSilence',
  'maxBufferedBytes',
  'fetch',
  'onState',
] as const

const FIELD = 'subscribe(options)'

/** Checks the options and fills the defaults in. Throws `VELO_CONFIG`. */
export function subscribeSettings(options: SubscribeOptions): SubscribeSettings {
  onlyKnown(options, FIELD, NAMES)
  const { headers = {}, body, end, lastEventId = '', onState, fetch = globalThis.fetch } = options
  const { method = body === undefined ? 'GET' : 'POST' } = options
  nonEmpty(method, `${FIELD}.method`)
  if (end !== undefined) nonEmpty(end, `${FIELD}.end`)
  if (typeof lastEventId !== 'string' || /[\r\n\0]/.test(lastEventId)) throw configError(`${FIELD}.lastEventId`, 'one line', lastEventId)
  if (onState !== undefined) callable(onState, `${FIELD}.onState`)
  callable(fetch, `${FIELD}.fetch`)
  if (typeof headers !== 'function') record(headers, `${FIELD}.headers`)
  if (typeof (body as { getReader?: unknown } | undefined)?.getReader === 'function')
    throw configError(`${FIELD}.body`, 'a body that can be sent twice: text, bytes, a Blob or a form', body)
  return {
    method: method.toUpperCase(),
    headers: typeof headers === 'function' ? headers : () => headers,
    body,
    text: word(options.text, `${FIELD}.text`, ['json', 'raw']),
    end,
    lastEventId,
    signal: signalOf(options.signal, `${FIELD}.signal`),
    backoff: backoffOf(options.backoff, `${FIELD}.backoff`),
    connectTimeout: duration(options.connectTimeout, `${FIELD}.connectTimeout`, 1, 10_000),
    maxSilence: duration(options.maxSilence, `${FIELD}.maxSilence`, 0, 45_000),
    maxBufferedBytes: integer(options.maxBufferedBytes, `${FIELD}.maxBufferedBytes`, 1, MAX_BUFFERED),
    // Called without a receiver: browsers refuse theirs as a method of anything else.
    fetch: (url, init) => fetch(url, init),
    onState,
  }
}
