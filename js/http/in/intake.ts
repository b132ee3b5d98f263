// js/http/in: from the bytes of a request to events. Knows nothing of streams and responses.
//
// From a request's headers and body to its events, a chunk's worth at a time: which decoder, and the bound on the whole.

import { HttpError } from '../errors.js'
import type { InFormat, Intake } from '../options.js'
import type { RequestBody } from './body.js'
import type { Decoder } from './decoder.js'
import { inflated } from './inflate.js'
import { JsonDecoder } from './json.js'
import { MultipartDecoder } from './multipart.js'
import { NdjsonDecoder } from './ndjson.js'
import { RawDecoder } from './raw-in.js'
import { type Asked, header } from './request.js'
import { SseDecoder } from './sse-in.js'

/** What `in: 'auto'` makes of a Content-Type. */
const formats: Readonly<Record<string, InFormat>> = {
  '': 'ndjson',
  'application/x-ndjson': 'ndjson',
  'application/ndjson': 'ndjson',
  'application/jsonl': 'ndjson',
  'application/x-jsonl': 'ndjson',
  'application/jsonlines': 'ndjson',
  'application/x-jsonlines': 'ndjson',
  'application/json-lines': 'ndjson',
  'application/json': 'json',
  // What fetch and curl say of a text that they were told nothing about.
  'text/plain': 'ndjson',
  'application/x-www-form-urlencoded': 'ndjson',
  'application/octet-stream': 'raw',
  'multipart/form-data': 'multipart',
  'text/event-stream': 'sse',
}

/** A message that a client can act on. */
const KNOWN = 'application/x-ndjson, application/jsonl, application/json, application/octet-stream, multipart/form-data, text/event-stream'

/** The events of a request's body, or null where it has none. Throws the HttpError that refuses a body of such a type. */
export function readerOf(asked: Asked, intake: Intake): EventReader | null {
  const body = asked.body()
  if (body === null) return null
  try {
    return new EventReader(body, intake, header(asked, 'content-type'), header(asked, 'content-encoding'))
  } catch (error) {
    body.close()
    throw error
  }
}

/** The events of one body. */
export class EventReader {
  readonly #body: RequestBody
  readonly #decoder: Decoder
  readonly #maxTotal: number
  #total = 0
  /** Bytes that the events of the last `next()` were made of. */
  bytes = 0
  #over = false
  #failure: HttpError | undefined

  constructor(body: RequestBody, intake: Intake, type: string, encoding: string) {
    this.#decoder = decoderFor(intake, type)
    this.#body = plain(body, intake, encoding.trim().toLowerCase())
    this.#maxTotal = intake.maxTotal
  }

  /** The next events, at least one, or null at the end. Rejects with what is wrong with the body, after the events before it. */
  async next(): Promise<unknown[] | null> {
    this.bytes = 0
    while (!this.#over) {
      const failure = this.#failure
      if (failure !== undefined) {
        this.close()
        throw failure
      }
      const chunk = await this.#body.next()
      if (this.#over) return null
      if (chunk !== null) this.#count(chunk)
      const events = this.#failure === undefined ? await this.#decode(chunk) : []
      this.#failure ??= this.#decoder.failure
      if (chunk === null && this.#failure === undefined) this.close()
      if (events.length > 0) return events
    }
    return null
  }

  /** Nothing more comes. */
  get isOver(): boolean {
    return this.#over
  }

  /** What the next `next()` will reject with, if that is known. */
  get failure(): HttpError | undefined {
    return this.#failure
  }

  /** The rest is not wanted: a `next()` under way gets null. */
  close(): void {
    if (this.#over) return
    this.#over = true
    this.#body.close()
    this.#decoder.close?.()
  }

  /** A decoder does not throw; what a parser below it throws is the fault of the body. */
  async #decode(chunk: Buffer | null): Promise<unknown[]> {
    try {
      return await (chunk === null ? this.#decoder.end() : this.#decoder.push(chunk))
    } catch (error) {
      this.#failure = new HttpError(400, 'the body cannot be read', error)
      return []
    }
  }

  #count(chunk: Buffer): void {
    this.#total += chunk.length
    this.bytes += chunk.length
    if (this.#total > this.#maxTotal) this.#failure = new HttpError(413, `the body is larger than ${this.#maxTotal} bytes (maxTotal)`)
  }
}

function decoderFor(intake: Intake, contentType: string): Decoder {
  const [type = ''] = contentType.split(';', 1)
  const name = type.trim().toLowerCase()
  const format = intake.format === 'auto' ? (Object.hasOwn(formats, name) ? formats[name] : undefined) : intake.format
  if (format === 'ndjson' || format === 'json-lines') return new NdjsonDecoder(intake)
  if (format === 'json') return new JsonDecoder(intake)
  if (format === 'raw') return new RawDecoder(intake)
  if (format === 'sse') return new SseDecoder(intake)
  if (format === 'multipart' && name === 'multipart/form-data') return new MultipartDecoder(intake, contentType)
  const expected = format === 'multipart' ? 'multipart/form-data' : KNOWN
  throw new HttpError(415, `Content-Type ${name === '' ? 'is missing' : name}: expected ${expected}`)
}

function plain(body: RequestBody, { decompress }: Intake, encoding: string): RequestBody {
  if (encoding === '' || encoding === 'identity') return body
  const unpacked = decompress ? inflated(body, encoding) : undefined
  if (unpacked !== undefined) return unpacked
  throw new HttpError(415, `Content-Encoding ${encoding}: expected ${decompress ? 'gzip, deflate, br or none' : 'none'}`)
}
