// NDJSON in: a line, a JSON value. Strict: invalid UTF-8 and what is no JSON are malformed; empty lines, CRLF and one byte order mark at the start are not.

import { ParsedSize } from '../../kit/bytes/parsed-size.js'
import { Lines } from '../../kit/iteration/lines.js'
import { HttpError } from '../errors.js'
import type { Intake } from '../options.js'
import { type Decoder, overlong } from './decoder.js'

const SPACE = 32

export class NdjsonDecoder implements Decoder {
  readonly #lines: Lines
  readonly #skip: boolean
  readonly #size = new ParsedSize()
  failure: HttpError | undefined

  constructor({ maxLine, skip }: Intake) {
    this.#lines = new Lines(maxLine, { overlong: () => overlong(maxLine), malformed: (number) => malformed(number, 'no valid UTF-8') })
    this.#skip = skip
  }

  sizeOf(chunk: Buffer): number {
    return this.#size.add(chunk)
  }

  skipSize(): void {
    this.#size.skip()
  }

  push(chunk: Buffer): unknown[] {
    this.#lines.push(chunk)
    return this.#events()
  }

  end(): unknown[] {
    this.#lines.finish()
    return this.#events()
  }

  #events(): unknown[] {
    const events: unknown[] = []
    for (let more = true; more; ) {
      try {
        more = this.#read(events)
      } catch (error) {
        const failure = error as HttpError
        if (this.#skip && failure.status === 400) continue
        this.failure = failure
        more = false
      }
    }
    return events
  }

  /** Reads on until a line is wrong; false at the end of what has come. */
  #read(events: unknown[]): false {
    for (let line = this.#lines.next(); line !== undefined; line = this.#lines.next()) {
      // Looked at before it is parsed: the error for an empty text takes a thousand times as long as reading it.
      if (isBlank(line)) continue
      let event: unknown
      try {
        event = JSON.parse(line)
      } catch {
        if (this.#skip) continue
        throw malformed(this.#lines.number, 'no JSON')
      }
      events.push(event)
    }
    return false
  }
}

function malformed(number: number, what: string): HttpError {
  return new HttpError(400, `line ${number} is ${what}`)
}

function isBlank(line: string): boolean {
  // A line that begins with a space is rare; nearly all answer here.
  return line === '' || (line.charCodeAt(0) <= SPACE && /^[\t\r ]*$/.test(line))
}
