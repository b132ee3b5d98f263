// A first-in first-out line in a ring that grows by doubling: every operation takes the same time, however many wait. Bounds are kept by its users.

const LEAST = 4

export class Fifo<Value> {
  #ring: (Value | undefined)[] = new Array(LEAST)
  #head = 0
  #size = 0

  get size(): number {
    return this.#size
  }

  push(value: Value): void {
    if (this.#size === this.#ring.length) this.#grow()
    this.#ring[(this.#head + this.#size) & (this.#ring.length - 1)] = value
    this.#size++
  }

  /** The oldest one; undefined where there is none. */
  peek(): Value | undefined {
    return this.#ring[this.#head]
  }

  /** Takes the oldest one; undefined where there is none. */
  shift(): Value | undefined {
    if (this.#size === 0) return undefined
    const value = this.#ring[this.#head]
    this.#ring[this.#head] = undefined
    this.#head = (this.#head + 1) & (this.#ring.length - 1)
    this.#size--
    return value
  }

  clear(): void {
    this.#ring = new Array(LEAST)
    this.#head = 0
    this.#size = 0
  }

  #grow(): void {
    const { length } = this.#ring
    const ring = new Array<Value | undefined>(length * 2)
    for (let i = 0; i < length; i++) ring[i] = this.#ring[(this.#head + i) & (length - 1)]
    this.#ring = ring
    this.#head = 0
  }
}
