// Bytes into lines, wherever the chunks were cut. Owns the rest of a line that has not ended yet, which has a bound.

import { HttpError } from '../errors.js'

const NEWLINE = 10
const RETURN = 13
const MANY = 256

/** Whole lines as one block of bytes that ends with a newline (the last one may not), or null while no line has ended. */
export class Lines {
  readonly #max: number
  #parts: Buffer[] = []
  #length = 0

  constructor(max: number) {
    this.#max = max
  }

  push(chunk: Buffer): Buffer | null {
    const end = chunk.lastIndexOf(NEWLINE) + 1
    if (end === 0) {
      this.#keep(chunk)
      return null
    }
    const block = this.#parts.length === 0 ? chunk.subarray(0, end) : Buffer.concat([...this.#parts, chunk.subarray(0, end)])
    this.#parts = []
    this.#length = 0
    if (block.length > this.#max) this.#checkEach(block)
    if (end < chunk.length) this.#keep(chunk.subarray(end))
    return block
  }

  /** What came after the last newline. */
  end(): Buffer | null {
    if (this.#parts.length === 0) return null
    const rest = Buffer.concat(this.#parts)
    this.#parts = []
    return rest
  }

  #keep(part: Buffer): void {
    this.#length += part.length
    if (this.#length > this.#max && !(this.#length === this.#max + 1 && part.at(-1) === RETURN)) throw this.#tooLong()
    this.#parts.push(part)
    // A line that drips in a byte at a time would cost a hundred times its length.
    if (this.#parts.length === MANY) this.#parts = [Buffer.concat(this.#parts)]
  }

  #checkEach(block: Buffer): void {
    for (let start = 0; start < block.length; ) {
      const end = block.indexOf(NEWLINE, start)
      const length = (end === -1 ? block.length : end) - start
      // A carriage return before the newline is not part of the line.
      if (length > this.#max && !(length === this.#max + 1 && block[start + length - 1] === RETURN)) throw this.#tooLong()
      start += length + 1
    }
  }

  #tooLong(): HttpError {
    return new HttpError(413, `a line is longer than ${this.#max} bytes (maxLine)`)
  }
}
