// Estimates how much memory JSON takes once it is parsed, by a scan of its bytes: `[{},{},...]` takes about 22 times its bytes on the heap of V8, a long string once.
// Owns: the weights, and the state of a scan between two chunks. Not here: who waits for room (byte-budget.ts).

import { builtin } from '../start/builtin.js'

const QUOTE = 34
const BACKSLASH = 92
const NEWLINE = 10
const RETURN = 13

/** Bytes of an object without properties, of an array with one element, of a string without characters. Measured on Node.js 20 to 26. */
const OBJECT = 64
const ARRAY = 56
const STRING = 24
/** An element of an array takes a slot of it, and a number may take more. */
const ELEMENT = 12
/** A property may have a name that no other object has: then the object has a shape of its own. */
const PROPERTY = 32
/** An event, in the batch that was parsed and in the input of its stream. */
export const EVENT = 16

/** What a byte outside of strings adds. */
const WEIGHTS = new Uint8Array(256).fill(1)
WEIGHTS.set([OBJECT], 123)
WEIGHTS.set([ARRAY], 91)
WEIGHTS.set([PROPERTY], 58)
WEIGHTS.set([ELEMENT], 44)
WEIGHTS.set([EVENT], NEWLINE)
/** Ends the loop over bytes outside of strings. */
WEIGHTS.set([0], QUOTE)

/** Behind so many bytes of a string, its end is searched natively: that is dear for a short one and twenty times as fast for a long one. */
const SHORT = 64

/** The most that a byte of JSON may take: nested arrays do. */
export const MOST = 30

/** One text of JSON or NDJSON, in chunks. */
export class ParsedSize {
  #inString: boolean
  #isEscaped = false
  /** The same text, in case that it goes on within a string. */
  #other: ParsedSize | undefined

  constructor(inString = false) {
    this.#inString = inString
  }

  /** A chunk was not looked at, so the next one may begin within a string. */
  skip(): void {
    this.#inString = this.#isEscaped = false
    this.#other = new ParsedSize(true)
  }

  /** About how many bytes the values of this chunk take, at least its length. */
  add(chunk: Buffer): number {
    const size = this.#scan(chunk)
    const other = this.#other
    if (other === undefined) return size
    const most = Math.max(size, other.#scan(chunk))
    if (other.#inString === this.#inString && other.#isEscaped === this.#isEscaped) this.#other = undefined
    return most
  }

  #scan(chunk: Buffer): number {
    const { length } = chunk
    let [sum, inString, at, newline] = [0, this.#inString, Number(this.#isEscaped), -1]
    while (at < length) {
      if (inString) {
        const start = at
        const soon = Math.min(length, at + SHORT)
        let [byte, all] = [0, 0]
        do {
          byte = chunk[at++] as number
          all |= byte
        } while (byte !== QUOTE && byte !== BACKSLASH && byte !== NEWLINE && at < soon)
        // A character beyond Latin-1, which may be written as an escape, makes two bytes of every other.
        sum += all > 127 || byte === BACKSLASH ? 2 * (at - start) : at - start
        if (byte === BACKSLASH) at++
        // No string goes on in the next line: what is no JSON does not hide what follows it.
        else if (byte === QUOTE || byte === NEWLINE) inString = false
        else if (at === soon && at < length) {
          if (newline < at) newline = indexOf(chunk, NEWLINE, at)
          const end = Math.min(newline, indexOf(chunk, QUOTE, at))
          const rest = chunk.subarray(at, end)
          const escaped = rest.indexOf(BACKSLASH)
          sum += (escaped < 0 ? rest.length : escaped) * (builtin('node:buffer').isAscii(rest) ? 1 : 2)
          at = escaped < 0 ? end : at + escaped
        }
        continue
      }
      let weight = 0
      do {
        weight = WEIGHTS[chunk[at++] as number] as number
        sum += weight
      } while (weight !== 0 && at < length)
      if (weight === 0) {
        sum += STRING
        inString = true
      }
    }
    this.#inString = inString
    this.#isEscaped = at > length
    return sum
  }
}

/** Of a whole text. */
export function parsedSizeOf(text: Buffer): number {
  return EVENT + new ParsedSize().add(text)
}

/** Of chunks in which each line may become an object, as those of server-sent events and forms do. */
export function sizeOfLines(chunk: Buffer): number {
  let lines = 0
  for (const byte of chunk) if (byte === NEWLINE || byte === RETURN) lines++
  return chunk.length + OBJECT * lines
}

function indexOf(chunk: Buffer, byte: number, from: number): number {
  const at = chunk.indexOf(byte, from)
  return at < 0 ? chunk.length : at
}
