// Strings met lately, by their bytes: fields of events repeat, and a string that is here already costs neither memory nor a call.

import type { Bytes } from '../bytes/frames.js'

const PLACES_BITS = 9
/** 2^32 over the golden ratio. */
const MIXER = 0x9e3779b1
const PLACES = 1 << PLACES_BITS
/** Longer ones are rarely the same. */
const LONGEST = 24
/** The bytes of a string, four at a time; the last four may overlap those before. */
const WORDS = LONGEST / 4

const strings: string[] = new Array(PLACES).fill('')
const words = new Int32Array(PLACES * WORDS)
/** Of the string that is looked for. */
const wanted = new Int32Array(WORDS)

/** Reads the ASCII string from `start` to `end`. */
export function asciiOf(bytes: Bytes, view: DataView, start: number, end: number): string {
  const length = end - start
  if (length > LONGEST || length < 4) return length < 4 ? shortOf(bytes, start, end) : bytes.latin1Slice(start, end)
  const last = end - 4
  let hash = length
  let count = 0
  for (let at = start; at < last; at += 4) {
    const word = view.getInt32(at, true)
    wanted[count++] = word
    hash = Math.imul(hash ^ word, MIXER)
    hash ^= hash >>> 15
  }
  const word = view.getInt32(last, true)
  wanted[count++] = word
  hash = Math.imul(hash ^ word, MIXER)
  const place = hash >>> (32 - PLACES_BITS) // a multiplication mixes the high bits
  const from = place * WORDS
  const known = strings[place] as string
  if (known.length === length) {
    let index = 0
    while (index < count && words[from + index] === wanted[index]) index++
    if (index === count) return known
  }
  for (let index = 0; index < count; index++) words[from + index] = wanted[index] as number
  const read = bytes.latin1Slice(start, end)
  strings[place] = read
  return read
}

/** V8 has those of one character, and makes those of two and three as fast as they could be found. */
function shortOf(bytes: Bytes, start: number, end: number): string {
  switch (end - start) {
    case 0:
      return ''
    case 1:
      return String.fromCharCode(bytes[start])
    default:
      return bytes.latin1Slice(start, end)
  }
}
