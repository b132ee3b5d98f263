// js/http/in: from the bytes of a request to events. Knows nothing of streams and responses.
//
// From a request's headers and body to its events, a chunk's worth at a time: which decoder, and the bound on the whole.

import { MOST } from '../../kit/bytes/parsed-size.js'
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
    const encoding = header(asked, 'content-encoding').trim().toLowerCase()
    // What is declared as too large need not come. The length of a compressed body says nothing of what is in it.
    if ((encoding === '' || encoding === 'identity') && Number(header(asked, 'content-length')) > intake.maxTotal)
      throw tooLarge(intake.maxTotal)
    return new EventReader(body, intake, header(asked, 'content-type'), encoding)
  } catch (error) {
    body.close()
    throw error
  }
}

/** The events of a body that a framework has parsed, the same as those of its bytes: the elements of a JSON array are events. */
export function parsedEvents(value: unknown, asked: Asked, intake: Intake): readonly unknown[] {
  return Array.isArray(value) && formatOf(intake, typeOf(header(asked, 'content-type'))) === 'json' ? value : [value]
}

/** The largest piece of a body that is parsed at a time: of 64 KiB, which is what Node.js hands over, come values of at most 2 MiB. */
const PIECE = 64 << 10
/** The same while there is little room: streams of others leave enough of it for this one. */
const SMALL_PIECE = 4 << 10

/** Who gives room in memory for what is parsed next. */
export interface Room {
  /** Whether so much would not fit, even if nothing else of the stream waited. */
  isTight(bytes: number): boolean
  /** Whether there is so much room that it does not matter how much of these bytes is really taken. */
  isAmple(bytes: number): boolean
  /** Called before so many bytes of memory are taken; 0: nothing came of it. Parsing waits for the promise. Throws if that is too much. */
  reserve(bytes: number): Promise<void> | undefined
}

/** The events of one body. */
export class EventReader {
  readonly #body: RequestBody
  readonly #decoder: Decoder
  readonly #maxTotal: number
  #total = 0
  /** Of what has come, and is not parsed. */
  #rest: Buffer | undefined
  /** About how many bytes of memory the events of the last `next()` take. */
  bytes = 0
  #over = false
  #failure: HttpError | undefined

  constructor(body: RequestBody, intake: Intake, type: string, encoding: string) {
    this.#decoder = decoderFor(intake, type)
    this.#body = plain(body, intake, encoding)
    this.#maxTotal = intake.maxTotal
  }

  /** The next events, at least one, or null at the end. Rejects with what is wrong with the body, after the events before it. */
  async next(room?: Room): Promise<unknown[] | null> {
    this.bytes = 0
    while (!this.#over) {
      const failure = this.#failure
      if (failure !== undefined) {
        this.close()
        throw failure
      }
      const chunk = this.#rest ?? (await this.#body.next())
      if (this.#over) return null
      const piece = chunk === null ? null : this.#cut(chunk, room?.isTight(MOST * PIECE) ? SMALL_PIECE : PIECE)
      const unparsed = this.bytes
      const isSized = room === undefined || piece === null || unparsed > 0 || !room.isAmple(MOST * piece.length)
      if (piece !== null && room !== undefined) this.bytes += isSized ? this.#sizeOf(piece) : MOST * piece.length
      const wait = room?.reserve(this.bytes)
      if (wait !== undefined) await wait
      if (this.#over) return null
      const events = this.#failure === undefined ? await this.#decode(piece) : []
      this.#failure ??= this.#decoder.failure
      if (piece === null && this.#failure === undefined) this.close()
      if (events.length > 0) {
        if (!isSized) this.#decoder.skipSize?.()
        return events
      }
      // An unfinished line takes no memory but its own, and may not hold what others wait for.
      void room?.reserve(0)
      if (!isSized) this.bytes = unparsed + this.#sizeOf(piece)
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

  /** Takes what is parsed next. */
  #cut(chunk: Buffer, most: number): Buffer {
    const piece = chunk.length > most ? chunk.subarray(0, most) : chunk
    this.#rest = chunk.length > most ? chunk.subarray(most) : undefined
    this.#total += piece.length
    if (this.#total > this.#maxTotal) this.#failure = tooLarge(this.#maxTotal)
    return piece
  }

  #sizeOf(piece: Buffer): number {
    return this.#decoder.sizeOf?.(piece) ?? piece.length
  }
}

function tooLarge(max: number): HttpError {
  return new HttpError(413, `the body is larger than ${max} bytes (maxTotal)`)
}

function decoderFor(intake: Intake, contentType: string): Decoder {
  const name = typeOf(contentType)
  const format = formatOf(intake, name)
  if (format === 'ndjson' || format === 'json-lines') return new NdjsonDecoder(intake)
  if (format === 'json') return new JsonDecoder(intake)
  if (format === 'raw') return new RawDecoder(intake)
  if (format === 'sse') return new SseDecoder(intake)
  if (format === 'multipart' && name === 'multipart/form-data') return new MultipartDecoder(intake, contentType)
  const expected = format === 'multipart' ? 'multipart/form-data' : KNOWN
  throw new HttpError(415, `Content-Type ${name === '' ? 'is missing' : name}: expected ${expected}`)
}

function typeOf(contentType: string): string {
  const [type = ''] = contentType.split(';', 1)
  return type.trim().toLowerCase()
}

function formatOf({ format }: Intake, type: string): InFormat | undefined {
  if (format !== 'auto') return format
  return Object.hasOwn(formats, type) ? formats[type] : undefined
}

function plain(body: RequestBody, { decompress }: Intake, encoding: string): RequestBody {
  if (encoding === '' || encoding === 'identity') return body
  const unpacked = decompress ? inflated(body, encoding) : undefined
  if (unpacked !== undefined) return unpacked
  throw new HttpError(415, `Content-Encoding ${encoding}: expected ${decompress ? 'gzip, deflate, br or none' : 'none'}`)
}
