// Many encoded results into one write: what is there goes out together, up to a bound.

import { type Encoded, sizeOf, Unwritable } from '../../kit/bytes/byte-budget.js'

/** Characters or bytes of one write, about: what is more goes into the next one, so that none grows without a bound. */
export const WRITE = 256 << 10
/** A longer text is handed over as bytes: Node would keep the text, and room for three times its length, until the last of it is gone. */
const LONG = 16 << 10

export interface Gathered {
  readonly chunk: string | Uint8Array
  /** What its results weigh in their budget. */
  readonly bytes: number
  /** The place after the last result in it. */
  readonly next: number
}

/** Results from that place on, texts or bytes. They are let go of: what is written may wait for long. Throws the error of one that cannot be written. */
export function gather(results: (Encoded | undefined)[], from: number): Gathered {
  const first = results[from]
  if (first instanceof Unwritable) throw first.error
  const gathered = typeof first === 'string' ? texts(results, from) : parts(results, from)
  results.fill(undefined, from, gathered.next)
  return gathered
}

function texts(results: readonly (Encoded | undefined)[], from: number): Gathered {
  let [text, bytes, next] = ['', 0, from]
  for (let one = results[next]; typeof one === 'string' && (next === from || text.length < WRITE); one = results[++next]) {
    text += one
    bytes += sizeOf(one)
  }
  return { chunk: text, bytes, next }
}

function parts(results: readonly (Encoded | undefined)[], from: number): Gathered {
  const chunks: Uint8Array[] = []
  let [bytes, next] = [0, from]
  for (let one = results[next]; one instanceof Uint8Array && (next === from || bytes < WRITE); one = results[++next]) {
    chunks.push(one)
    bytes += one.length
  }
  return { chunk: chunks.length === 1 ? (chunks[0] as Uint8Array) : Buffer.concat(chunks), bytes, next }
}

/** A text as it is written. */
export function handedOver(text: string): string | Uint8Array {
  return text.length > LONG ? Buffer.from(text) : text
}
