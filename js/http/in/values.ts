// JSON token by token: where each value ends, on whichever lines and in whichever chunks it is, and no more kept of it than its bound. What is not JSON is mostly
// found at its token. A value is made by JSON.parse once all of it is there: @streamparser/json 0.0.26 makes values too, but loses U+FEFF within strings, takes
// `01` for two values, and needs memory for each level of depth. Not here: lines (`json.ts`), and elements that a scan can cut out (`elements.ts`).

import { isUtf8 } from 'node:buffer'
// By their own paths: the types of the whole package do not compile with exactOptionalPropertyTypes.
import Tokenizer from '@streamparser/json/tokenizer.js'
import TokenType from '@streamparser/json/utils/types/tokenType.js'
import { HttpError } from '../errors.js'
import { Elements } from './elements.js'

const NEWLINE = 10
const BRACKET = 91
const END_BRACKET = 93
const MANY = 256
/** A string, a number or a word, and white space behind it; a byte a character. */
const PLAIN = /^[\t\r\n ]*(?:"(?:[^"\\]|\\.)*"|[^\t\r\n "]+)[\t\r\n ]/s

/** What may come next outside of a value: anything, the first element of an array or its end, an element, or what follows one. */
type Place = 'top' | 'first' | 'element' | 'after'

export class Values {
  readonly #max: number
  readonly #tokens = new Tokenizer()
  #place: Place = 'top'
  /** How many brackets of the value under way are open. */
  #depth = 0
  /** A string, a number or a word has been seen; it is taken with what follows it. */
  #isPlain = false
  /** Offset behind the last value at the top that ended with a bracket: white space has to follow. */
  #closed = -1
  #chunk: Buffer = Buffer.alloc(0)
  /** Offset of the chunk, and of the first byte that no value was made of; the bytes between these are in `parts`. */
  #at = 0
  #from = 0
  #parts: Buffer[] = []
  #events: unknown[] = []
  /** Events before those. */
  #count = 0
  /** Cuts the elements of an array that began on a chunk, as long as nothing is unusual about them. */
  #elements: Elements | undefined
  /** A value goes on behind the end of a line. */
  isSpread = false

  /** `follows`: an array has ended right before. */
  constructor(max: number, follows = false) {
    this.#max = max
    // A byte order mark is taken at the very beginning only, before any token but a bracket, and that is not here.
    this.#tokens.onToken = () => undefined
    this.#tokens.write('0 ')
    this.#tokens.onToken = ({ token, offset }) => this.#token(token, offset)
    this.#at = this.#from = 2
    if (follows) this.#closed = 2
  }

  /** No value is open: what has come has been taken. */
  get isIdle(): boolean {
    return this.#place === 'top' && this.#depth === 0 && !this.#isPlain && this.#parts.length === 0
  }

  /** Adds the values that these bytes complete to `events`; `count` came before those. Throws for what is wrong, and is done then. */
  write(chunk: Buffer, events: unknown[], count: number): void {
    this.#events = events
    this.#count = count
    let rest: Buffer | undefined = chunk
    if (this.isIdle) {
      const begin = beginOf(chunk)
      if (chunk[begin] === BRACKET) {
        rest = chunk.subarray(begin + 1)
        this.#read(chunk.subarray(0, begin + 1))
        this.#elements = new Elements(this.#max)
      }
    }
    if (this.#elements !== undefined) rest = this.#cut(rest, this.#elements)
    if (rest !== undefined && rest.length > 0) this.#read(rest)
  }

  /** Has every byte that has come read by its tokens: what is wrong up to here is told now. */
  settle(): void {
    const rest = this.#elements?.rest()
    this.#leaveElements()
    if (rest !== undefined && rest.length > 0) this.#read(rest)
  }

  /** The bytes that are left for the tokens, `undefined` while none are. */
  #cut(chunk: Buffer, elements: Elements): Buffer | undefined {
    const count = this.#events.length
    const rest = elements.take(chunk, this.#events)
    if (rest === undefined) return undefined
    // Behind the last element that was taken stands a comma, or the end of the array.
    const took = this.#events.length > count
    this.#leaveElements()
    if (took && rest[0] === END_BRACKET) this.#place = 'after'
    return rest
  }

  #leaveElements(): void {
    if (this.#elements?.isBegun === true) this.#place = 'element'
    this.#elements = undefined
  }

  #read(chunk: Buffer): void {
    this.#chunk = chunk
    try {
      this.#tokens.write(chunk)
    } catch (error) {
      if (error instanceof HttpError) throw error
      if (this.#place === 'top' && this.#isPlain) this.#takePlain()
      throw this.#malformed('no JSON', error)
    }
    const end = this.#at + chunk.length
    // Every token is complete here.
    if (chunk.at(-1) === NEWLINE && this.#place === 'top' && this.#isPlain) this.#take(end)
    this.#keep(end)
  }

  /** No more bytes come. */
  finish(events: unknown[], count: number): void {
    this.#events = events
    this.#count = count
    this.settle()
    try {
      // It completes a number.
      this.write(Buffer.from(' '), events, count)
      if (this.#place === 'top' && this.#isPlain) this.#take(this.#at)
    } catch (error) {
      throw this.#cutOff(error)
    }
    if (!this.isIdle) throw this.#cutOff()
  }

  #token(token: TokenType, offset: number): void {
    if (this.#depth > 0) {
      if (token === TokenType.LEFT_BRACE || token === TokenType.LEFT_BRACKET) this.#depth++
      else if (token === TokenType.RIGHT_BRACE || token === TokenType.RIGHT_BRACKET) this.#close(offset + 1)
    } else if (this.#place === 'top') this.#atTop(token, offset)
    else this.#inArray(token, offset)
  }

  #close(end: number): void {
    this.#depth--
    if (this.#depth > 0) return
    this.#take(end)
    if (this.#place === 'top') this.#closed = end
  }

  #atTop(token: TokenType, offset: number): void {
    if (offset === this.#closed) throw this.#malformed('no JSON')
    if (this.#isPlain && !isSpace(this.#take(offset).at(-1))) throw this.#malformed('no JSON')
    if (token !== TokenType.LEFT_BRACKET) return this.#begin(token)
    this.#place = 'first'
    this.#pass(offset + 1)
  }

  #inArray(token: TokenType, offset: number): void {
    const isEnd = token === TokenType.RIGHT_BRACKET
    if (this.#place === 'first' ? !isEnd : this.#place === 'element') {
      if (!this.#isPlain) return this.#begin(token)
    }
    if (!isEnd && token !== TokenType.COMMA) throw this.#malformed('no JSON')
    if (this.#isPlain) this.#take(offset)
    this.#place = isEnd ? 'top' : 'element'
    if (isEnd) this.#closed = offset + 1
    this.#pass(offset + 1)
  }

  #begin(token: TokenType): void {
    if (token === TokenType.LEFT_BRACE || token === TokenType.LEFT_BRACKET) this.#depth = 1
    else if (token >= TokenType.TRUE && token <= TokenType.NUMBER) this.#isPlain = true
    else throw this.#malformed('no JSON')
    if (this.#place === 'first') this.#place = 'element'
  }

  /** Makes a value of the bytes up to this offset. */
  #take(end: number): Buffer {
    const bytes = this.#pass(end)
    // White space around it does not count.
    if (bytes.length > this.#max && bytes.toString('latin1').trim().length > this.#max) throw this.#overlong()
    if (!isUtf8(bytes)) throw this.#malformed('no valid UTF-8')
    try {
      this.#events.push(JSON.parse(bytes.toString('utf8')))
    } catch (error) {
      throw this.#malformed('no JSON', error)
    }
    this.#isPlain = false
    if (this.#place !== 'top') this.#place = 'after'
    return bytes
  }

  /** What follows a plain value at the top is no token. White space in between makes it a value all the same. */
  #takePlain(): void {
    const start = this.#from - this.#at
    const bytes = start >= 0 ? this.#chunk.subarray(start) : Buffer.concat([...this.#parts, this.#chunk])
    const [plain] = PLAIN.exec(bytes.toString('latin1')) ?? []
    if (plain !== undefined) this.#take(this.#from + plain.length)
  }

  /** The bytes up to this offset, which are kept no longer. */
  #pass(end: number): Buffer {
    const length = end - this.#from
    const start = this.#from - this.#at
    this.#from = end
    if (start >= 0) return this.#chunk.subarray(start, start + length)
    const bytes = Buffer.concat([...this.#parts, this.#chunk.subarray(0, Math.max(0, end - this.#at))])
    this.#parts = end < this.#at ? [bytes.subarray(length)] : []
    return bytes.subarray(0, length)
  }

  /** Keeps what no value was made of; white space before a value is not. */
  #keep(end: number): void {
    let start = Math.max(this.#from, this.#at)
    if (this.#parts.length === 0) while (start < end && isSpace(this.#chunk[start - this.#at])) start++
    if (this.#parts.length === 0) this.#from = start
    if (start < end) this.#parts.push(this.#chunk.subarray(start - this.#at))
    if (this.#parts.length === MANY) this.#parts = [Buffer.concat(this.#parts)]
    this.#at = end
    this.#chunk = this.#chunk.subarray(0, 0)
    // One for the \r of an end of line.
    if (end - this.#from > this.#max + 1) throw this.#overlong()
  }

  get #number(): number {
    return this.#count + this.#events.length + 1
  }

  #malformed(what: string, cause?: unknown): HttpError {
    return new HttpError(400, `value ${this.#number} is ${what}`, cause)
  }

  #cutOff(cause?: unknown): HttpError {
    return new HttpError(400, `the body ends within value ${this.#number}`, cause)
  }

  #overlong(): HttpError {
    return new HttpError(413, `a value is longer than ${this.#max} bytes (maxLine)`)
  }
}

/** Where something else than white space begins. */
function beginOf(chunk: Buffer): number {
  let at = 0
  while (isSpace(chunk[at])) at++
  return at
}

function isSpace(byte: number | undefined): boolean {
  return byte === 32 || byte === 10 || byte === 13 || byte === 9
}
