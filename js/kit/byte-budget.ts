// How many bytes wait between two sockets: those of events that were sent and not delivered, of results that are unread or being written, and of what is kept for
// clients that come back. Owns the bound of each stream, and that of the process beyond which new streams are refused. Not here: who waits, and for what.

import { OverloadedError } from './errors.js'
import type { Depth, Puller } from './pulled.js'

/** Default of `maxBufferedBytes` of a stream: 16 MiB, input and output together. */
export const STREAM_BYTES = 16 << 20
const PROCESS_BYTES = 512 << 20
/** How often somebody who waits for room looks, ms: only streams of large events ever do. */
const LOOK_MS = 5

const budgets = new Set<ByteBudget>()
let total = 0
let most = PROCESS_BYTES

/** Sets the bound of the process. */
export function limitBytes(bytes: number): void {
  most = bytes
}

/** The bytes of one stream. */
export class ByteBudget implements Puller {
  readonly #max: number
  #depth: Depth | undefined
  /** Batches of events that may not all be delivered: the number of the last event of each, and bytes. */
  #sent: { upTo: number; bytes: number }[] = []
  #count = 0
  #input = 0
  /** Bytes of events that wait for room outside of the stream. */
  #waiting = 0
  /** Bytes of a result, about: what the last ones had. */
  #perResult = 0
  /** Bytes of the events that were sent last. */
  #last = 0
  #writing = 0
  /** Results that were read and are not being written yet. */
  #inHand = 0
  #kept = 0
  #counted = 0
  #isOver = false

  /** Throws OverloadedError where the process is at its bound. */
  constructor(max: number) {
    if (total >= most) for (const budget of budgets) budget.#used()
    if (total >= most)
      throw new OverloadedError(
        'VELO_OVERLOADED',
        `${total} bytes wait in the streams of this process (runtime.configure maxBufferedBytes)`,
      )
    this.#max = max
    budgets.add(this)
  }

  watch(depth: Depth): void {
    this.#depth = depth
  }

  holds(unread: number): boolean {
    return this.#perResult > 0 && this.#used() + this.#perResult > this.#max && unread > 0
  }

  /** There is no room for events like the last ones. Where nothing waits there always is, whatever is kept. */
  get isFull(): boolean {
    const used = this.#used() - this.#waiting
    return used + this.#last > this.#max && used > this.#kept
  }

  /** So many events, made of so many bytes, are handed to the stream. */
  sent(events: number, bytes: number): void {
    this.#count += events
    if (bytes > 0) this.#sent.push({ upTo: this.#count, bytes })
    this.#input += bytes
    this.#last = bytes
  }

  /** So many bytes of events wait for room outside of the stream. */
  waiting(bytes: number): void {
    this.#waiting = bytes
  }

  /** An event was refused: it is not among those that are accepted. */
  notSent(): void {
    this.#count--
  }

  /** So many results became so many bytes. */
  encoded(results: number, bytes: number): void {
    // The largest of late: it is forgotten slowly.
    this.#perResult = Math.max(bytes / results, this.#perResult * 0.9)
  }

  /** So many results were read and are not being written yet. */
  inHand(results: number): void {
    this.#inHand = results
  }

  /** Bytes that wait for the client in a write. */
  writing(bytes: number): void {
    this.#writing = bytes
  }

  /** Bytes that are kept for a client that comes back. */
  keep(bytes: number): void {
    this.#kept = bytes
    this.#used()
  }

  /** Resolves when there is room for more events, or `isOver` says that none are wanted. */
  async room(isOver: () => boolean): Promise<void> {
    while (this.isFull && !this.#isOver && !isOver()) await new Promise((resolve) => setTimeout(resolve, LOOK_MS).unref())
  }

  /** Nothing of the stream waits or is kept any more. */
  release(): void {
    this.#isOver = true
    total -= this.#counted
    this.#counted = 0
    budgets.delete(this)
  }

  #used(): number {
    if (this.#isOver) return 0
    const depth = this.#depth
    const passed = depth === undefined ? 0 : this.#count - depth.undelivered
    let done = 0
    while (done < this.#sent.length && (this.#sent[done] as { upTo: number }).upTo <= passed) this.#input -= this.#sent[done++]?.bytes ?? 0
    if (done > 0) this.#sent.splice(0, done)
    const used = this.#input + this.#waiting + ((depth?.unread ?? 0) + this.#inHand) * this.#perResult + this.#writing + this.#kept
    total += used - this.#counted
    this.#counted = used
    return used
  }
}
