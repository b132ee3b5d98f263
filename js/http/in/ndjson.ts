// NDJSON in: a line, a JSON value. Strict: invalid UTF-8 and what is no JSON are malformed; empty lines, CRLF and one byte order mark at the start are not.

import { isUtf8 } from 'node:buffer'
import { HttpError } from '../errors.js'
import type { Intake } from '../options.js'
import type { Decoder } from './decoder.js'
import { Lines } from './lines.js'

const NEWLINE = 10
const SPACE = 32

export class NdjsonDecoder implements Decoder {
  readonly #lines: Lines
  readonly #skip: boolean
  /** Lines before the block at hand, for messages. */
  #number = 0
  #first = true
  failure: HttpError | undefined

  constructor({ maxLine, skip }: Intake) {
    this.#lines = new Lines(maxLine)
    this.#skip = skip
  }

  push(chunk: Buffer): unknown[] {
    try {
      const block = this.#lines.push(chunk)
      return block === null ? [] : this.#parse(block)
    } catch (error) {
      this.failure = error as HttpError
      return []
    }
  }

  end(): unknown[] {
    const rest = this.#lines.end()
    return rest === null ? [] : this.#parse(rest)
  }

  #parse(block: Buffer): unknown[] {
    const events: unknown[] = []
    // A whole block is decoded at once where it is valid, which it is nearly always.
    if (isUtf8(block)) this.#parseText(block.toString('utf8'), events)
    else this.#parseBytes(block, events)
    return events
  }

  #parseText(block: string, events: unknown[]): void {
    const text = this.#first && block.charCodeAt(0) === 0xfeff ? block.slice(1) : block
    this.#first = false
    let start = 0
    while (start < text.length) {
      const newline = text.indexOf('\n', start)
      const end = newline === -1 ? text.length : newline
      this.#number++
      const line = text.slice(start, end)
      start = end + 1
      // Looked at before it is parsed: the error for an empty text takes a thousand times as long as reading it.
      if (isBlank(line)) continue
      let event: unknown
      try {
        event = JSON.parse(line)
      } catch {
        if (this.#skip) continue
        return this.#fail('no JSON')
      }
      events.push(event)
    }
  }

  /** Some line of the block is invalid: the others are not. */
  #parseBytes(block: Buffer, events: unknown[]): void {
    for (let start = 0; start < block.length && this.failure === undefined; ) {
      const newline = block.indexOf(NEWLINE, start)
      const end = newline === -1 ? block.length : newline + 1
      const line = block.subarray(start, end)
      start = end
      if (isUtf8(line)) {
        this.#parseText(line.toString('utf8'), events)
        continue
      }
      this.#number++
      this.#first = false
      if (!this.#skip) this.#fail('no valid UTF-8')
    }
  }

  #fail(what: string): void {
    this.failure = new HttpError(400, `line ${this.#number} is ${what}`)
  }
}

function isBlank(line: string): boolean {
  // A line that begins with a space is rare; nearly all answer here.
  return line === '' || (line.charCodeAt(0) <= SPACE && /^[\t\r ]*$/.test(line))
}
