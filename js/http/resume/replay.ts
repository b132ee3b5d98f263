// The last results of a stream as they were written, by their numbers, for a client that missed them. Owns the numbering, and the bound: how many, and how many bytes.

import { sizeOf } from '../../kit/bytes/byte-budget.js'

/** What a text costs beside its bytes: its head, and its slot. */
const EACH = 64
/** Slots that were emptied are given up in portions of at least this many. */
const PORTION = 1024

export class Replay {
  readonly #most: number
  readonly #bytes: number
  readonly #stream: string
  /** Retained texts, from `#head` on; the slots before it are empty. */
  #texts: string[] = []
  #head = 0
  /** How many were written so far; numbers count from 1. */
  #count = 0
  #size = 0
  /** Up to this number they were sent by another process, and are made again. */
  #given = 0

  /** Retains at most `most` results of at most `bytes`. */
  constructor(most: number, bytes: number, stream: string) {
    this.#most = most
    this.#bytes = bytes
    this.#stream = stream
  }

  /** Goes on behind the number `from`; a client may have got those up to `given`. */
  begin(from: number, given: number): void {
    this.#count = from
    this.#given = given
  }

  /** The number of the newest. */
  get count(): number {
    return this.#count
  }

  /** Up to this number they are no longer retained. */
  get passed(): number {
    return this.#count - (this.#texts.length - this.#head)
  }

  /** Retains what `write` makes of the next id, and returns it; the oldest are dropped as the bounds need it. The newest stays, however long it is. */
  keep(write: (id: string) => string): string {
    const text = write(`${this.#stream}:${++this.#count}`)
    // Joins the parts that it was made of, which would be retained as such and take 150 bytes more.
    text.charCodeAt(0)
    this.#texts.push(text)
    this.#size += costOf(text)
    while (this.#count - this.passed > 1 && (this.#size > this.#bytes || this.#count - this.passed > this.#most)) this.#drop()
    return text
  }

  /** What all that is retained costs, in bytes. */
  get size(): number {
    return this.#size
  }

  /** The newest. */
  get newest(): string {
    return this.#texts.at(-1) ?? ''
  }

  /** All after that number, or undefined if some of it is no longer retained, or was never written. */
  after(number: number): string | undefined {
    const { passed } = this
    if (number > Math.max(this.#count, this.#given) || number < passed) return undefined
    return this.#texts.slice(this.#head + number - passed).join('')
  }

  #drop(): void {
    this.#size -= costOf(this.#texts[this.#head] as string)
    this.#texts[this.#head++] = ''
    if (this.#head < PORTION || this.#head * 2 < this.#texts.length) return
    this.#texts = this.#texts.slice(this.#head)
    this.#head = 0
  }
}

function costOf(text: string): number {
  return EACH + sizeOf(text)
}
