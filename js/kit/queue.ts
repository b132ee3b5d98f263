// A first-in first-out queue on a circular array. It grows by doubling, takes no memory before the first push,
// and has no bound of its own: whoever fills it holds credits or counts.

// Never written to: the first push grows.
const NO_SLOTS: undefined[] = []

export class Queue<T> {
  #slots: (T | undefined)[] = NO_SLOTS
  #head = 0
  #mask = -1
  /** How many values wait. */
  length = 0

  push(value: T): void {
    if (this.length > this.#mask) this.#grow()
    this.#slots[(this.#head + this.length) & this.#mask] = value
    this.length++
  }

  /** Only while `length` is not 0. */
  shift(): T {
    const at = this.#head
    const value = this.#slots[at] as T
    this.#slots[at] = undefined // nothing taken stays reachable
    this.#head = (at + 1) & this.#mask
    this.length--
    return value
  }

  /** The oldest value, which stays. */
  first(): T | undefined {
    return this.length === 0 ? undefined : this.#slots[this.#head]
  }

  /** The youngest value, which stays. */
  last(): T | undefined {
    return this.length === 0 ? undefined : this.#slots[(this.#head + this.length - 1) & this.#mask]
  }

  /** Takes `value` out of the middle; false when it is not here. */
  remove(value: T): boolean {
    for (let i = 0; i < this.length; i++) {
      if (this.#slots[(this.#head + i) & this.#mask] !== value) continue
      for (let j = i; j < this.length - 1; j++) {
        this.#slots[(this.#head + j) & this.#mask] = this.#slots[(this.#head + j + 1) & this.#mask]
      }
      this.length--
      this.#slots[(this.#head + this.length) & this.#mask] = undefined
      return true
    }
    return false
  }

  /** Empties it and says how many values waited. */
  clear(): number {
    const count = this.length
    this.#slots = NO_SLOTS
    this.#head = 0
    this.#mask = -1
    this.length = 0
    return count
  }

  #grow(): void {
    const size = this.length === 0 ? 4 : this.length * 2
    const slots: (T | undefined)[] = []
    for (let i = 0; i < size; i++) slots.push(i < this.length ? this.#slots[(this.#head + i) & this.#mask] : undefined)
    this.#slots = slots
    this.#head = 0
    this.#mask = size - 1
  }
}

const nothing = new Queue<never>()

/** Stands for a queue that nothing was pushed to yet, so that a stream pays for one only when something waits. Never push to it. */
export function noQueue<T>(): Queue<T> {
  return nothing
}
