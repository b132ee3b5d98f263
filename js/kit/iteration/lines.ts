// Bytes into lines, wherever the chunks were cut: split at \n, UTF-8, bounded. Keeps at most one unfinished line beside the chunk it was given last.
// Not here: what a line means, and how a wrong one is told.

import { Buffer, isUtf8 } from 'node:buffer'

const NEWLINE = 10
const RETURN = 13
const MARK = 0xfeff
const MANY = 256
const NOTHING = Buffer.alloc(0)

/** Makes the errors of whoever reads the lines; `number` counts from 1. */
export interface LineErrors {
  /** The line has more bytes than it may. */
  overlong(number: number): Error
  /** The line is not UTF-8. Left out: what is wrong in it is replaced. */
  malformed?(number: number): Error
}

/** Cuts chunks of bytes into lines, which are taken one at a time. A line end, \n or \r\n, is no part of a line, nor is a byte order mark at the start of the first. */
export class Lines {
  readonly #max: number
  readonly #errors: LineErrors
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

  constructor(maxLine: number, errors: LineErrors) {
    this.#max = maxLine
    this.#errors = errors
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
    this.#load(chunk.subarray(0, end))
    if (end < chunk.length) this.#keep(chunk.subarray(end))
  }

  /** No more chunks: the last line need not end with \n. */
  finish(): void {
    if (this.#partial > 0) this.#load(Buffer.of(NEWLINE))
  }

  /** The next line, or `undefined` when more bytes are needed. Throws for one that is wrong; the next call goes on behind it. */
  next(): string | undefined {
    if (this.#suspect.length > 0) return this.#nextSuspect()
    const end = this.#text.indexOf('\n', this.#at)
    if (end < 0) return this.#endOfChunk()
    const isReturn = end > this.#at && this.#text.charCodeAt(end - 1) === RETURN
    const line = this.#text.slice(this.#at, isReturn ? end - 1 : end)
    this.#at = end + 1
    this.number++
    // A string has at most as many units as it had bytes, and at least a third.
    if (line.length * 3 > this.#max && Buffer.byteLength(line) > this.#max) throw this.#errors.overlong(this.number)
    return this.#unmarked(line)
  }

  /** The end of the unfinished line, and whole ones. */
  #load(whole: Buffer): void {
    const bytes = this.#parts.length === 0 ? whole : Buffer.concat([...this.#parts, whole])
    this.#parts = []
    this.#partial = 0
    if (this.#errors.malformed === undefined || isUtf8(bytes)) this.#text = bytes.toString('utf8')
    else this.#suspect = bytes
    this.#at = 0
  }

  #nextSuspect(): string {
    const end = this.#suspect.indexOf(NEWLINE)
    const line = this.#suspect.subarray(0, this.#suspect[end - 1] === RETURN ? end - 1 : end)
    this.#suspect = this.#suspect.subarray(end + 1)
    this.number++
    if (line.length > this.#max) throw this.#errors.overlong(this.number)
    if (!isUtf8(line)) throw this.#errors.malformed?.(this.number)
    return this.#unmarked(line.toString('utf8'))
  }

  #unmarked(line: string): string {
    return this.number === 1 && line.charCodeAt(0) === MARK ? line.slice(1) : line
  }

  #keep(part: Buffer): void {
    this.#partial += part.length
    this.#parts.push(part)
    // A line that drips in a byte at a time would cost a hundred times its length.
    if (this.#parts.length === MANY) this.#parts = [Buffer.concat(this.#parts)]
    if (this.#partial <= this.#max || (this.#partial === this.#max + 1 && part.at(-1) === RETURN)) return
    this.#parts = []
    this.#partial = 0
    this.#dropping = true
    this.#overlong = true
  }

  #endOfChunk(): undefined {
    // Whoever waits for the next chunk does not keep this one.
    this.#text = ''
    this.#at = 0
    if (!this.#overlong) return undefined
    this.#overlong = false
    this.number++
    throw this.#errors.overlong(this.number)
  }
}
