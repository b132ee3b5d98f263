// One request and its response. Owns: the call of fetch, the text of the body in chunks, and what a status means.

import type { VeloError } from '../../kit/errors.js'
import { silence } from '../../kit/promises.js'
import { closed, secondsOf, toldError } from '../ends/end.js'
import type { SubscribeSettings } from '../options/subscribe.js'
import type { Place } from './place.js'
import type { Waits } from './waits.js'

/** What the head of a response says. */
export type Head =
  | { readonly kind: 'events'; readonly stream: string | undefined }
  /** The client has all there is. */
  | { readonly kind: 'nothing' }
  /** `began`: a stream may have come of the request. `after`: ms that the server asks for. */
  | { readonly kind: 'refused'; readonly error: VeloError; readonly isPassing: boolean; readonly began: boolean; readonly after: number }

/** Statuses after which another attempt may find the server ready. */
const PASSING = [408, 425, 429, 502, 503, 504]
/** Characters of an error that are read. */
const MOST = 16_384

export class Exchange {
  readonly #waits: Waits
  readonly #settings: SubscribeSettings
  readonly #controller = new AbortController()
  readonly #decoder = new TextDecoder()
  #reader: ReadableStreamDefaultReader<Uint8Array> | undefined

  constructor(waits: Waits, settings: SubscribeSettings) {
    this.#waits = waits
    this.#settings = settings
  }

  /** Rejects where there is no response. */
  async head(url: string, place: Place): Promise<Head> {
    const { connectTimeout } = this.#settings
    const response = await this.#waits.for(() => this.#fetch(url, place), connectTimeout, 'no response')
    const { status } = response
    if (status === 204) return { kind: 'nothing' }
    this.#reader = response.body?.getReader()
    const type = response.headers.get('content-type') ?? ''
    const stream = response.headers.get('velo-stream') ?? undefined
    if (status === 200 && /^text\/event-stream\b/i.test(type)) return { kind: 'events', stream }
    return this.#refused(response)
  }

  /** The next chunk of the body, or undefined at its end. Rejects where it was cut. */
  async text(): Promise<string | undefined> {
    const reader = this.#reader
    if (reader === undefined) return undefined
    const { done, value } = await this.#waits.for(() => reader.read(), this.#settings.maxSilence, 'nothing was heard of the server')
    return done ? undefined : this.#decoder.decode(value, { stream: true })
  }

  /** Nothing more of it is wanted. */
  leave(): void {
    try {
      this.#controller.abort()
      const cancelled: unknown = this.#reader?.cancel()
      if (cancelled !== undefined) silence(cancelled as Promise<void>)
    } catch {
      // A body that only passes for one; nothing is read of it any more.
    }
  }

  async #fetch(url: string, place: Place): Promise<Response> {
    const { fetch, headers, method, body } = this.#settings
    const more = (await headers()) as Record<string, string>
    const { signal } = this.#controller
    const all: Record<string, string> = { accept: 'text/event-stream', ...more }
    if (place.id !== '') all['last-event-id'] = place.id
    // Behind an id, the server has the body already.
    const sent = place.id === '' && body !== undefined ? { body } : {}
    const init = { method, headers: all, signal, cache: 'no-store', ...sent }
    return fetch(url, init as RequestInit)
  }

  async #refused({ status, headers }: Response): Promise<Head> {
    let said = ''
    try {
      for (let text = await this.text(); text !== undefined && said.length < MOST; text = await this.text()) said += text
    } catch {
      // The status says enough.
    }
    this.#waits.check()
    const { code, message } = errorIn(said)
    const told = `the server answers ${status}${message === undefined ? '' : `: ${message}`}`
    const error = status === 200 ? closed('the server does not answer with text/event-stream') : toldError(code, told)
    // Refused before there is a stream.
    const began = code !== 'VELO_OVERLOADED' && status !== 429
    return { kind: 'refused', error, isPassing: PASSING.includes(status), began, after: 1000 * secondsOf(headers.get('retry-after')) }
  }
}

/** The error of a body `{ error: { code, message } }`, or of the data of an event `error`. */
export function errorIn(text: string): { readonly code?: string; readonly message?: string } {
  try {
    const value = JSON.parse(text)
    const { code, message } = value?.error ?? value
    return typeof code === 'string' && typeof message === 'string' ? { code, message } : {}
  } catch {
    return {}
  }
}
