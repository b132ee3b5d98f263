// Bytes to lines: split at \n, strict UTF-8, bounded. Keeps at most one unfinished line beside the chunk it was given last.

import { Buffer, isUtf8 } from 'node:buffer'
import { InputError } from '../failure.js'

const NEWLINE = 10
const NOTHING = Buffer.alloc(0)

/** Cuts chunks of bytes into lines, which are taken one at a time. */
export class Lines {
  readonly #maxLine: number
  /** Complete lines, and how far they are taken. */
  #text = ''
  #at = 0
  /** Bytes of complete lines that are not UTF-8 as a whole: these are decoded one by one, so that the wrong one can be named. */
  #suspect: Buffer = NOTHING
  /** The unfinished line, in the parts it came in. */
  #parts: Buffer[] = []
  #partial = 0
  /** The unfinished line is too long: the rest of it is left out, and `next()` says so. */
  #dropping = false
  #overlong = false
  /** Number of the line taken last, from 1. */
  number = 0

  constructor(maxLine: number) {
    this.#maxLine = maxLine
  }

  /** Takes the next chunk. Every line of the one before must have been taken. */
  push(bytes: Buffer): void {
    let chunk = bytes
    if (this.#dropping) {
      const next = chunk.indexOf(NEWLINE) + 1
      if (next === 0) return
      this.#dropping = false
      chunk = chunk.subarray(next)
    }
    const end = chunk.lastIndexOf(NEWLINE) + 1
    if (end === 0) return this.#keep(chunk)
    const whole = chunk.subarray(0, end)
    this.#load(this.#parts.length === 0 ? whole : Buffer.concat([...this.#parts, whole]))
    this.#parts = []
    this.#partial = 0
    if (end < chunk.length) this.#keep(chunk.subarray(end))
  }

  /** No more chunks: the last line need not end with \n. */
  finish(): void {
    if (this.#partial === 0) return
    this.#load(Buffer.concat([...this.#parts, Buffer.from('\n')]))
    this.#parts = []
    this.#partial = 0
  }

  /** The next line without its line end, or `undefined` when more bytes are needed. Throws `InputError` for one that is wrong; the next call goes on behind it. */
  next(): string | undefined {
    if (this.#suspect.length > 0) return this.#nextSuspect()
    const end = this.#text.indexOf('\n', this.#at)
    if (end < 0) return this.#endOfChunk()
    const line = this.#text.slice(this.#at, end)
    this.#at = end + 1
    this.number++
    // A string has at most as many units as it had bytes, and at least a third.
    if (line.length * 3 > this.#maxLine && Buffer.byteLength(line) > this.#maxLine) throw this.#tooLong()
    return this.#cleaned(line)
  }

  #load(bytes: Buffer): void {
    if (isUtf8(bytes)) {
      this.#text = bytes.toString('utf8')
      this.#at = 0
    } else {
      this.#suspect = bytes
    }
  }

  #nextSuspect(): string {
    const end = this.#suspect.indexOf(NEWLINE)
    const line = this.#suspect.subarray(0, end)
    this.#suspect = this.#suspect.subarray(end + 1)
    this.number++
    if (line.length > this.#maxLine) throw this.#tooLong()
    if (!isUtf8(line)) throw new InputError(`line ${this.number} is not UTF-8`)
    return this.#cleaned(line.toString('utf8'))
  }

  #cleaned(line: string): string {
    const start = this.number === 1 && line.charCodeAt(0) === 0xfeff ? 1 : 0
    const end = line.charCodeAt(line.length - 1) === 13 ? line.length - 1 : line.length
    return start === 0 && end === line.length ? line : line.slice(start, end)
  }

  #keep(part: Buffer): void {
    this.#partial += part.length
    this.#parts.push(part)
    if (this.#partial <= this.#maxLine) return
    this.#parts = []
    this.#partial = 0
    this.#dropping = true
    this.#overlong = true
  }

  #endOfChunk(): undefined {
    if (!this.#overlong) return undefined
    this.#overlong = false
    this.number++
    throw this.#tooLong()
  }

  #tooLong(): InputError {
    return new InputError(`line ${this.number} is longer than ${this.#maxLine} bytes; --max-line sets the limit`)
  }
}
