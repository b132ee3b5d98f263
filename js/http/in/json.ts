// JSON in: values with white space between them, on as many lines as they like; an array at the top gives its elements, as they come.
// Here: where a body is read line by line, and where it is not. A line that is JSON by itself is read at once, as fast as NDJSON; only where a value goes on
// in the next line, or an array in the next chunk, its tokens are looked at one by one (`values.ts`).

import { isUtf8 } from 'node:buffer'
import { ParsedSize } from '../../kit/bytes/parsed-size.js'
import type { HttpError } from '../errors.js'
import type { Intake } from '../options.js'
import type { Decoder } from './decoder.js'
import { Values } from './values.js'

const NEWLINE = 10
const BRACKET = 91
const END_BRACKET = 93
const NOTHING = Buffer.alloc(0)
const MARK = Buffer.from('\ufeff')
const MANY = 256

export class JsonDecoder implements Decoder {
  readonly #max: number
  readonly #skip: boolean
  readonly #size = new ParsedSize()
  /** Reads values token by token, while one is open. */
  #values: Values | undefined
  /** The unfinished line, in the parts it came in, while no value is open. */
  #parts: Buffer[] = []
  #partial = 0
  /** Nothing was read yet: a byte order mark may come first. */
  #isFirst = true
  /** With skip: the rest of this line belongs to what was wrong. */
  #dropping = false
  /** Events so far: what is wrong is told by its number. */
  #count = 0
  failure: HttpError | undefined

  constructor({ maxLine, skip }: Intake) {
    this.#max = maxLine
    this.#skip = skip
  }

  sizeOf(chunk: Buffer): number {
    return this.#size.add(chunk)
  }

  skipSize(): void {
    this.#size.skip()
  }

  push(chunk: Buffer): unknown[] {
    return this.#guarded((events) => {
      let rest = chunk
      if (this.#values !== undefined || this.#dropping) {
        // Up to the end of the line: mostly that is the end of the value, and the rest can be read by lines.
        const end = rest.indexOf(NEWLINE) + 1 || rest.length
        this.#scan(rest.subarray(0, end), events)
        rest = rest.subarray(end)
      }
      const end = rest.lastIndexOf(NEWLINE) + 1
      if (end > 0) this.#lines(rest.subarray(0, end), events)
      if (end < rest.length) this.#keep(rest.subarray(end), events)
    })
  }

  end(): unknown[] {
    return this.#guarded((events) => {
      if (this.#values === undefined) {
        // The last line need not end with \n.
        const bytes = this.#taken(NOTHING)
        if (isUtf8(bytes) && this.#isJson(bytes.toString('utf8'), events)) return
        this.#scan(bytes, events)
      }
      try {
        this.#values?.finish(events, this.#count)
      } catch (error) {
        if (!this.#skip || this.#values?.isSpread === true) throw error
      }
    })
  }

  /** Events up to what is wrong. */
  #guarded(read: (events: unknown[]) => void): unknown[] {
    const events: unknown[] = []
    try {
      read(events)
    } catch (error) {
      this.failure = error as HttpError
    }
    this.#count += events.length
    return events
  }

  /** The end of the unfinished line, and whole ones. */
  #lines(whole: Buffer, events: unknown[]): void {
    if (this.#values !== undefined) return this.#scan(whole, events)
    const bytes = this.#taken(whole)
    if (!isUtf8(bytes)) return this.#scan(bytes, events)
    const text = bytes.toString('utf8')
    for (let at = 0; at < text.length; ) {
      const end = text.indexOf('\n', at) + 1
      const line = text.slice(at, end)
      if (!this.#isJson(line, events)) return this.#scan(at === 0 ? bytes : Buffer.from(text.slice(at)), events)
      at = end
    }
  }

  /** Reads a line that holds one value, or none; false where it is something else. */
  #isJson(line: string, events: unknown[]): boolean {
    // A line that is too long may hold an array whose elements are not.
    if (line.length * 3 > this.#max && Buffer.byteLength(line) > this.#max) return false
    if (isBlank(line)) return true
    let value: unknown
    try {
      value = JSON.parse(line)
    } catch {
      return false
    }
    if (!Array.isArray(value)) events.push(value)
    else for (const element of value) events.push(element)
    return true
  }

  /** The beginning of a line whose end has not come. */
  #keep(part: Buffer, events: unknown[]): void {
    if (this.#values !== undefined || this.#dropping) return this.#scan(part, events)
    this.#partial += part.length
    this.#parts.push(part)
    // A line that drips in a byte at a time would cost a hundred times its length.
    if (this.#parts.length === MANY) this.#parts = [Buffer.concat(this.#parts)]
    const isArray = this.#parts.length === 1 && part[0] === BRACKET
    if (isArray && this.#isWhole(part, events)) return
    // The elements of an array are not kept until its line ends.
    if (isArray || this.#partial > this.#max) this.#scan(NOTHING, events)
  }

  /** Reads an array that came in one piece, as those of most clients do. */
  #isWhole(part: Buffer, events: unknown[]): boolean {
    if (part.at(-1) !== END_BRACKET || !isUtf8(part) || !this.#isJson(part.toString('utf8'), events)) return false
    this.#taken(NOTHING)
    this.#values = new Values(this.#max, true)
    return true
  }

  /** Token by token, until no value is open at the end of a line. */
  #scan(bytes: Buffer, events: unknown[]): void {
    const all = this.#taken(bytes)
    if (this.#skip) return this.#scanLines(all, events)
    this.#values ??= new Values(this.#max)
    this.#values.write(all, events, this.#count)
    if (all.at(-1) === NEWLINE && this.#values.isIdle) this.#values = undefined
  }

  /** With skip, a line at whose beginning no value is open is left out from where it is wrong; within a value of many lines there is nowhere to go on. */
  #scanLines(bytes: Buffer, events: unknown[]): void {
    for (let at = 0; at < bytes.length; ) {
      const end = bytes.indexOf(NEWLINE, at) + 1 || bytes.length
      const isWhole = bytes[end - 1] === NEWLINE
      if (!this.#dropping) {
        this.#values ??= new Values(this.#max)
        try {
          this.#values.write(bytes.subarray(at, end), events, this.#count)
          // What is wrong is left out up to the end of its own line.
          if (isWhole) this.#values.settle()
        } catch (error) {
          if ((error as HttpError).status !== 400 || this.#values.isSpread) throw error
          this.#dropping = true
          this.#values = undefined
        }
      }
      if (isWhole) {
        this.#dropping = false
        if (this.#values?.isIdle) this.#values = undefined
        else if (this.#values !== undefined) this.#values.isSpread = true
      }
      at = end
    }
  }

  /** What was kept of the line, and these bytes, which belong to it. */
  #taken(bytes: Buffer): Buffer {
    const all = this.#parts.length === 0 ? bytes : Buffer.concat([...this.#parts, bytes])
    this.#parts = []
    this.#partial = 0
    if (!this.#isFirst) return all
    this.#isFirst = false
    return all.subarray(0, 3).equals(MARK) ? all.subarray(3) : all
  }
}

function isBlank(line: string): boolean {
  return line === '' || (line.charCodeAt(0) <= 32 && /^[\t\r\n ]*$/.test(line))
}
