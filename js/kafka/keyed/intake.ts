// Events of a partition that were read and that nobody works on yet, and those in work: bounded in count and bytes, so that the broker is asked for more only when there is room.

import type { RecordLike } from '../client/kafka-like.js'

/** Events in work, and their bytes. */
const MOST = 1024
const BYTES = 4 << 20

export class Intake {
  /** Offset of the next message that is to come. */
  next: number
  #waiting: readonly RecordLike[] = []
  #at = 0
  /** Bytes of events that are not done, by sequence, in order. */
  readonly #open = new Map<number, number>()
  #bytes = 0

  constructor(next: number) {
    this.next = next
  }

  /** Messages as they came; those that came before are passed over. */
  push(messages: readonly RecordLike[]): void {
    const fresh = Number(messages[0]?.offset) >= this.next ? messages : messages.filter(({ offset }) => Number(offset) >= this.next)
    const last = fresh.at(-1)
    if (last === undefined) return
    this.next = Number(last.offset) + 1
    this.#waiting = this.isDry ? fresh : [...this.#waiting.slice(this.#at), ...fresh]
    this.#at = 0
  }

  /** Everything that came is in work, or done. */
  get isDry(): boolean {
    return this.#at >= this.#waiting.length
  }

  get hasRoom(): boolean {
    return this.#open.size < MOST && this.#bytes < BYTES
  }

  /** How many are in work. */
  get size(): number {
    return this.#open.size
  }

  /** The sequence of the first event that is not done, of those that came. */
  get first(): number {
    const [first] = this.#open.keys()
    if (first !== undefined) return first
    return this.isDry ? this.next + 1 : Number(this.#waiting[this.#at]?.offset) + 1
  }

  has(seq: number): boolean {
    return this.#open.has(seq)
  }

  /** The next one to be worked on. */
  shift(): RecordLike {
    const message = this.#waiting[this.#at++] as RecordLike
    if (this.isDry) this.#waiting = []
    if (this.#waiting.length === 0) this.#at = 0
    const bytes = (message.value?.length ?? 0) + (message.key?.length ?? 0)
    this.#open.set(Number(message.offset) + 1, bytes)
    this.#bytes += bytes
    return message
  }

  done(seq: number): void {
    this.#bytes -= this.#open.get(seq) ?? 0
    this.#open.delete(seq)
  }
}
