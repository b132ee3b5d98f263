// The last results of a stream as they were written, by their numbers, for a client that missed them. Owns the numbering.

import { sizeOf } from '../../kit/bytes/byte-budget.js'

export class Replay {
  readonly #most: number
  readonly #bytes: number
  readonly #stream: string
  /** Texts by number modulo `most`. */
  readonly #kept: string[] = []
  /** How many were kept so far; numbers count from 1. */
  #count = 0
  #size = 0

  /** The number of the oldest that is kept is one more. */
  #passed = 0
  /** Up to this number they were given out by another process, and are made again. */
  #given = 0

  constructor(most: number, bytes: number, stream: string) {
    this.#most = most
    this.#bytes = bytes
    this.#stream = stream
  }

  /** Goes on behind the number `from`; a client may have got those up to `given`. */
  begin(from: number, given: number): void {
    this.#count = this.#passed = from
    this.#given = given
  }

  /** The number of the newest. */
  get count(): number {
    return this.#count
  }

  /** Up to this number they are no longer kept. */
  get passed(): number {
    return this.#passed
  }

  /** Keeps what `write` makes of the next id, in place of the oldest where it is full, and answers it. */
  keep(write: (id: string) => string): string {
    const text = write(`${this.#stream}:${this.#count + 1}`)
    const place = this.#count++ % this.#most
    this.#size += sizeOf(text) - sizeOf(this.#kept[place] ?? '')
    this.#kept[place] = text
    this.#passed = Math.max(this.#passed, this.#count - this.#most)
    // The newest stays, however long it is.
    for (; this.#size > this.#bytes && this.#passed < this.#count - 1; this.#passed++) {
      const oldest = this.#passed % this.#most
      this.#size -= sizeOf(this.#kept[oldest] ?? '')
      this.#kept[oldest] = ''
    }
    return text
  }

  /** Bytes of all that is kept. */
  get size(): number {
    return this.#size
  }

  /** What was kept last. */
  get newest(): string {
    return this.#kept[(this.#count - 1) % this.#most] ?? ''
  }

  /** All after that number, or undefined where some of it is no longer kept, or was never written. */
  after(number: number): string | undefined {
    if (number > Math.max(this.#count, this.#given) || number < this.#passed) return undefined
    let text = ''
    for (let next = number; next < this.#count; next++) text += this.#kept[next % this.#most]
    return text
  }
}
