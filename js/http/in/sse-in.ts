// Server-sent events in, as the HTML standard reads them: fields by line, an event by empty line; comments and unknown fields are left out.
// By hand: eventsource-parser 3 makes an Error of each unknown field (a million lines `x` take 5 s, here 0.06 s), forgets an id that came without
// data, and bounds no line; 4 needs a newer Node.js than this package.

import { sizeOfLines } from '../../kit/bytes/parsed-size.js'
import { type LineErrors, Lines } from '../../kit/iteration/lines.js'
import { HttpError } from '../errors.js'
import type { Intake } from '../options.js'
import { type Decoder, overlong } from './decoder.js'
import type { ServerSentEvent } from './shapes.js'

/** The longest id. Each event behind it has it too, and a function on another thread gets a copy with each; a browser could not send a much longer one back. */
const ID_LENGTH = 1024

export class SseDecoder implements Decoder {
  readonly #lines: Lines
  readonly #max: number
  #id = ''
  #name = ''
  #data: string[] = []
  /** Bytes of `data`, about: characters beyond ASCII count as one. */
  #length = 0
  /** The last byte was \r: a \n that follows belongs to it. */
  #isReturned = false
  failure: HttpError | undefined

  constructor({ maxLine, maxEvent, skip }: Intake) {
    const errors: LineErrors = { overlong: () => overlong(maxLine) }
    // With skip, what is invalid in an event is replaced: the rest of it can be read.
    if (!skip) errors.malformed = () => new HttpError(400, 'an event is no valid UTF-8')
    this.#lines = new Lines(maxLine, errors)
    this.#max = maxEvent
  }

  sizeOf(chunk: Buffer): number {
    return sizeOfLines(chunk)
  }

  push(chunk: Buffer): ServerSentEvent[] {
    const events: ServerSentEvent[] = []
    try {
      this.#lines.push(this.#unified(chunk))
      for (let line = this.#lines.next(); line !== undefined; line = this.#lines.next()) {
        this.#line(line, events)
      }
    } catch (error) {
      this.failure = error as HttpError
    }
    return events
  }

  /** The same lines, each ended by \n: a line may end with \r alone, and then nothing else need follow. */
  #unified(bytes: Buffer): Buffer {
    const chunk = this.#isReturned && bytes[0] === 10 ? bytes.subarray(1) : bytes
    if (bytes.length > 0) this.#isReturned = bytes.at(-1) === 13
    return chunk.includes(13) ? Buffer.from(chunk.toString('latin1').replace(/\r\n?/g, '\n'), 'latin1') : chunk
  }

  /** An event without an empty line after it is not complete, and dropped, as the standard says. */
  end(): ServerSentEvent[] {
    return []
  }

  #line(line: string, events: ServerSentEvent[]): void {
    if (line !== '') this.#field(line)
    else if (this.#data.length > 0) events.push(this.#event())
    else this.#name = ''
  }

  #field(line: string): void {
    const colon = line.indexOf(':')
    if (colon === 0) return
    const name = colon === -1 ? line : line.slice(0, colon)
    const value = colon === -1 ? '' : line.slice(line.charCodeAt(colon + 1) === 32 ? colon + 2 : colon + 1)
    if (name === 'event') this.#name = value
    else if (name === 'id' && !value.includes('\0')) this.#setId(value)
    else if (name === 'data') {
      this.#length += value.length + 1
      this.#data.push(value)
    } else return
    if (this.#id.length + this.#name.length + this.#length > this.#max)
      throw new HttpError(413, `an event is longer than ${this.#max} bytes (maxEvent)`)
  }

  #setId(id: string): void {
    if (id.length > ID_LENGTH) throw new HttpError(413, `an id is longer than ${ID_LENGTH} characters`)
    this.#id = id
  }

  #event(): ServerSentEvent {
    const event = { id: this.#id, event: this.#name || 'message', data: this.#data.join('\n') }
    this.#name = ''
    this.#data = []
    this.#length = 0
    return event
  }
}
