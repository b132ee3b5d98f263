// The last results of a stream as they were written, by their numbers, for a client that missed them. Owns the numbering.

export class Replay {
  readonly #most: number
  readonly #stream: string
  /** Texts by number modulo `most`. */
  readonly #kept: string[] = []
  /** How many were kept so far; numbers count from 1. */
  #count = 0
  #size = 0

  constructor(most: number, stream: string) {
    this.#most = most
    this.#stream = stream
  }

  /** Keeps what `write` makes of the next id, in place of the oldest where it is full, and answers it. */
  keep(write: (id: string) => string): string {
    const text = write(`${this.#stream}:${this.#count + 1}`)
    const place = this.#count++ % this.#most
    this.#size += text.length - (this.#kept[place]?.length ?? 0)
    this.#kept[place] = text
    return text
  }

  /** Characters of all that is kept. */
  get size(): number {
    return this.#size
  }

  /** What was kept last. */
  get newest(): string {
    return this.#kept[(this.#count - 1) % this.#most] ?? ''
  }

  /** All after that number, or undefined where some of it is no longer kept, or was never written. */
  after(number: number): string | undefined {
    if (number > this.#count || this.#count - number > this.#most) return undefined
    let text = ''
    for (let next = number; next < this.#count; next++) text += this.#kept[next % this.#most]
    return text
  }
}
