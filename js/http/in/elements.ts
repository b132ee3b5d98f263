// Elements of an array that come in chunks: a scan over the bytes finds the commas between them, and JSON.parse makes values of all that lie before the last one.
// Written by hand, because tokens cost four times as much as reading the same values by lines (@streamparser/json 0.0.26 makes an object and two calls of each);
// what it says is only where to cut. JSON.parse decides what is JSON, and whatever it does not take goes to the tokens (`values.ts`), which tell what is wrong.

import { isUtf8 } from 'node:buffer'

const COMMA = 44
const END_BRACKET = 93
const QUOTE = 34
const BACKSLASH = 92
const MANY = 256

const OTHER = 0
const OPENS = 1
const CLOSES = 2
const SEPARATES = 3
const QUOTES = 4
/** What a byte outside of strings means to the scan. */
const MEANING = new Uint8Array(256)
MEANING.set([OPENS], 91)
MEANING.set([OPENS], 123)
MEANING.set([CLOSES], 93)
MEANING.set([CLOSES], 125)
MEANING.set([SEPARATES], COMMA)
MEANING.set([QUOTES], QUOTE)

export class Elements {
  readonly #max: number
  /** The bytes behind the last comma, and how many they are. */
  #parts: Buffer[] = []
  #kept = 0
  /** Where the scan is: how many brackets of an element are open; within a string; behind a backslash there. */
  #depth = 0
  #inString = false
  #isEscaped = false
  /** Of this chunk: the last comma between elements, the bracket that ends the array, the longest element. */
  #comma = -1
  #end = -1
  #longest = 0
  /** Elements have been taken, and a comma behind them. */
  isBegun = false

  /** The scan begins behind the bracket of an array. */
  constructor(max: number) {
    this.#max = max
  }

  /** Adds whole elements to `events`. Answers the bytes that have to be read by their tokens, from the bracket that ends the array or from what is unusual on; `undefined`: more is to come. */
  take(chunk: Buffer, events: unknown[]): Buffer | undefined {
    this.#scan(chunk)
    const until = this.#end >= 0 ? this.#end : this.#comma
    if (until < 0) {
      this.#keep(chunk)
      return this.#kept > this.#max ? this.rest() : undefined
    }
    const whole = this.#parts.length === 0 ? chunk.subarray(0, until) : Buffer.concat([...this.#parts, chunk.subarray(0, until)])
    const isUnusual = this.#longest > this.#max || (this.#end >= 0 && chunk[until] !== END_BRACKET)
    if (isUnusual || !parse(whole, events)) {
      this.#keep(chunk)
      return this.rest()
    }
    this.#parts = []
    this.#kept = 0
    this.isBegun = true
    if (this.#end >= 0) return chunk.subarray(until)
    this.#keep(chunk.subarray(until + 1))
    return this.#kept > this.#max ? this.rest() : undefined
  }

  /** What was kept. */
  rest(): Buffer {
    const rest = Buffer.concat(this.#parts)
    this.#parts = []
    this.#kept = 0
    return rest
  }

  #keep(part: Buffer): void {
    if (part.length === 0) return
    this.#kept += part.length
    this.#parts.push(part)
    // An element that drips in a byte at a time would cost a hundred times its length.
    if (this.#parts.length === MANY) this.#parts = [Buffer.concat(this.#parts)]
  }

  #scan(chunk: Buffer): void {
    let [depth, inString, at] = [this.#depth, this.#inString, Number(this.#isEscaped)]
    let [comma, longest, begin] = [-1, 0, -this.#kept]
    const { length } = chunk
    this.#end = -1
    scan: while (at < length) {
      if (inString) {
        let byte = 0
        do byte = chunk[at++] as number
        while (byte !== QUOTE && byte !== BACKSLASH && at < length)
        if (byte === QUOTE) inString = false
        else if (byte === BACKSLASH) at++
        continue
      }
      let meaning = OTHER
      do meaning = MEANING[chunk[at++] as number] as number
      while (meaning === OTHER && at < length)
      switch (meaning) {
        case QUOTES:
          inString = true
          break
        case OPENS:
          depth++
          break
        case CLOSES:
          depth--
          if (depth >= 0) break
          this.#end = at - 1
          longest = Math.max(longest, at - 1 - begin)
          break scan
        case SEPARATES:
          if (depth > 0) break
          comma = at - 1
          longest = Math.max(longest, comma - begin)
          begin = at
      }
    }
    this.#depth = depth
    this.#inString = inString
    this.#isEscaped = at > length
    this.#comma = comma
    this.#longest = longest
  }
}

/** False, and nothing is added, where these are no elements with commas between them. */
function parse(bytes: Buffer, events: unknown[]): boolean {
  if (!isUtf8(bytes)) return false
  let elements: unknown[]
  try {
    elements = JSON.parse(`[${bytes.toString('utf8')}]`) as unknown[]
  } catch {
    return false
  }
  for (const element of elements) events.push(element)
  return elements.length > 0
}
