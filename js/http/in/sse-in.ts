// Server-sent events in, as the HTML standard reads them: fields by line, an event by empty line; comments and unknown fields are left out.

import { isUtf8 } from 'node:buffer'
import { HttpError } from '../errors.js'
import type { Intake } from '../options.js'
import type { Decoder } from './decoder.js'
import { Lines } from './lines.js'
import type { ServerSentEvent } from './shapes.js'

export class SseDecoder implements Decoder {
  readonly #lines: Lines
  readonly #max: number
  readonly #skip: boolean
  #first = true
  #id = ''
  #name = ''
  #data: string[] = []
  /** Bytes of `data`, about: characters beyond ASCII count as one. */
  #length = 0
  failure: HttpError | undefined

  constructor({ maxLine, maxEvent, skip }: Intake) {
    this.#lines = new Lines(maxLine)
    this.#max = maxEvent
    this.#skip = skip
  }

  push(chunk: Buffer): ServerSentEvent[] {
    const events: ServerSentEvent[] = []
    try {
      const block = this.#lines.push(chunk)
      if (block !== null) this.#read(block, events)
    } catch (error) {
      this.failure = error as HttpError
    }
    return events
  }

  /** An event without an empty line after it is not complete, and dropped, as the standard says. */
  end(): ServerSentEvent[] {
    return []
  }

  #read(block: Buffer, events: ServerSentEvent[]): void {
    if (!isUtf8(block) && !this.#skip) throw new HttpError(400, 'an event is no valid UTF-8')
    let text = block.toString('utf8')
    if (this.#first && text.charCodeAt(0) === 0xfeff) text = text.slice(1)
    this.#first = false
    const lines = text.split(/\r\n|\n|\r/)
    lines.pop() // the block ends with a newline
    for (const line of lines) {
      if (line !== '') this.#field(line)
      else if (this.#data.length > 0) events.push(this.#event())
      else this.#name = ''
    }
  }

  #field(line: string): void {
    const colon = line.indexOf(':')
    if (colon === 0) return
    const name = colon === -1 ? line : line.slice(0, colon)
    const value = colon === -1 ? '' : line.slice(line.charCodeAt(colon + 1) === 32 ? colon + 2 : colon + 1)
    if (name === 'event') this.#name = value
    else if (name === 'id' && !value.includes('\0')) this.#id = value
    else if (name === 'data') {
      this.#length += value.length + 1
      if (this.#length > this.#max) throw new HttpError(413, `an event is longer than ${this.#max} bytes (maxEvent)`)
      this.#data.push(value)
    }
  }

  #event(): ServerSentEvent {
    const event = { id: this.#id, event: this.#name || 'message', data: this.#data.join('\n') }
    this.#name = ''
    this.#data = []
    this.#length = 0
    return event
  }
}
