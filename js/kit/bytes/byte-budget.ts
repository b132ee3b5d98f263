// js/kit/bytes: bytes that wait, and where a client stands among those that may come back. Knows nothing of what the bytes say.
//
// How many bytes wait between two sockets: those of events that are not delivered, of results that are not written, and of what is kept for clients that come
// back. Owns the bound of each stream, and who waits for room in it. Not here: the sum of the process (byte-sum.ts), and how results are written.

import { OverloadedError } from '../errors.js'
import type { Milestone, Progress, Puller, Standing } from '../iteration/pulled.js'
import { Queue } from '../queue.js'
import { addBytes, addUnparsed, fairShare, fitsAlone, overload } from './byte-sum.js'
import { waitForOthers } from './starved.js'

/** Default of `maxBufferedBytes` of a stream: 16 MiB, input and output together. */
export const STREAM_BYTES = 16 << 20

/** Bytes of results that a stream retains for a client that comes back, by default: an answer of about 8 000 tokens. */
export const RESUME_BYTES = 1 << 20
/** So many bytes that wait for a function on another thread make it say when it has taken them. */
const MANY = 64 << 10
/** Characters of a text that are taken for its bytes. */
const SHORT = 1024

/** A result as it is written: a text, or what knows how many bytes it has. */
export type Written = string | { readonly length: number }
export type Encoded = Written | Unwritable

/** In place of a result that cannot be written: why. */
export class Unwritable {
  readonly error: unknown

  constructor(error: unknown) {
    this.error = error
  }
}

/** Bytes of what is written. Of a short text its characters: to look at each would cost more than to write it. */
export function sizeOf(encoded: Written): number {
  return typeof encoded === 'string' && encoded.length > SHORT ? Buffer.byteLength(encoded) : encoded.length
}

const budgets = new Set<ByteBudget>()

/** The bytes of one stream. */
export class ByteBudget implements Puller, Milestone {
  /** Set before the stream is opened. */
  confirms = false
  readonly #max: number
  readonly #write: (result: unknown) => Written
  #progress: Progress | undefined
  /** Batches of events that are not delivered: the number of the last event of each, and bytes. */
  readonly #sent = new Queue<{ upTo: number; bytes: number }>()
  /** Number of the event with whose delivery the bytes of the first batch are free. Looked at for each event. */
  at = 0
  /** Events that were accepted. */
  #count = 0
  #input = 0
  /** Of `input`: of events that are about to be parsed. */
  #reserved = 0
  /** Bytes of the events that were sent last. */
  #last = 0
  /** Of messages that wait for room, unparsed. */
  #waiting = 0
  /** Of results that were yielded and are not written. */
  #output = 0
  /** Bytes of the result that was yielded last. */
  #lastResult = 0
  #kept = 0
  #isOver = false
  #isMute = false
  #standing: ((standing: Standing) => void) | null = null
  /** Somebody waits for room: whether there is enough, and what to call then. */
  #hasEnough: () => boolean = () => true
  #goOn: (() => void) | null = null

  /** `write` makes of a result what is written. Throws OverloadedError where the process is at its bound. */
  constructor(max: number, write: (result: unknown) => Written) {
    // Functions on other threads are asked how far they are only where much waits for them.
    if (overload() !== undefined) for (const budget of budgets) budget.reached()
    const refusal = overload()
    if (refusal !== undefined) throw new OverloadedError('VELO_OVERLOADED', refusal)
    this.#max = max
    this.#write = write
    budgets.add(this)
  }

  get bytes(): number {
    return this.#input + this.#waiting + this.#output + this.#kept
  }

  watch(progress: Progress): void {
    this.#progress = progress
    // A durable stream that lost its thread begins anew.
    if (this.#sent.length > 0) progress.milestone = this
  }

  /** Resolves when the journal of a durable stream was read. */
  standing(): Promise<Standing> {
    return new Promise((resolve) => {
      this.#standing = resolve
    })
  }

  opened(standing: Standing): void {
    this.#standing?.(standing)
  }

  /** All results below `index` have arrived at the client. */
  confirm(index: number): void {
    this.#progress?.confirm?.(index)
  }

  encode(result: unknown): Encoded {
    if (this.#isMute) return ''
    let encoded: Written
    try {
      encoded = this.#write(result)
    } catch (error) {
      return new Unwritable(error)
    }
    if (this.#isOver || this.#isMute) return encoded // the function has thrown the client out while it was encoded
    const bytes = sizeOf(encoded)
    this.#lastResult = bytes
    this.#output += bytes
    addBytes(bytes)
    return encoded
  }

  /** Another like it would wait at the `yield` of the function, beyond the bound. */
  holds(unread: number): boolean {
    return unread > 0 && this.#used + this.#lastResult > this.#limit
  }

  /** Results of so many bytes went to the client, or are kept for it. */
  written(bytes: number): void {
    if (this.#isOver || this.#isMute) return
    this.#output -= bytes
    this.#less(bytes)
  }

  /** Nobody gets the results any more: none waits, and they are not even encoded. */
  mute(): void {
    this.written(this.#output)
    this.#isMute = true
  }

  /** There is no room for events like the last ones. */
  get isFull(): boolean {
    return !this.hasRoom(this.#last)
  }

  /** Whether events that take so many bytes may be parsed. If nothing waits in the stream, its own bound does not matter, only that of the process. */
  hasRoom(bytes: number): boolean {
    if (this.#input + this.#output === 0) return fitsAlone(bytes)
    return this.#used - this.#waiting + bytes <= this.#limit
  }

  /** Whether there is so much room that these bytes need not be counted exactly. */
  isAmple(bytes: number): boolean {
    return 2 * (this.#used - this.#waiting + bytes) <= this.#limit
  }

  /** Counts so many bytes for events that are parsed next, in place of those that it was called for before. Returns a promise if there is no room yet. */
  reserve(bytes: number): Promise<void> | undefined {
    if (this.#isOver) return undefined
    this.#input -= this.#reserved
    addBytes(-this.#reserved)
    this.#reserved = 0
    if (bytes === 0 || this.#take(bytes)) return undefined
    return this.#wait(() => this.#take(bytes))
  }

  #take(bytes: number): boolean {
    if (!this.hasRoom(bytes)) return false
    this.#reserved = bytes
    this.#input += bytes
    addBytes(bytes)
    return true
  }

  /** So many events, which take so many bytes, are handed to the stream, or were a moment ago. */
  sent(events: number, bytes: number): void {
    if (this.#reserved > 0) this.reserve(0)
    this.#count += events
    this.#last = bytes
    const progress = this.#progress
    if (this.#isOver || bytes === 0 || progress === undefined || progress.delivered >= this.#count) return
    if (this.#sent.length === 0) this.at = this.#count
    this.#sent.push({ upTo: this.#count, bytes })
    this.#input += bytes
    addBytes(bytes)
    progress.milestone = this
    if (this.#input > MANY) progress.hear()
  }

  /** One of the events that were sent last was refused: it is not among those that are accepted. */
  notSent(): void {
    this.#count--
    const last = this.#sent.last()
    if (last === undefined || last.upTo <= this.#count) return
    last.upTo = this.#count
    if (this.#sent.length === 1) this.at = last.upTo
    this.reached()
  }

  /** So many bytes of messages wait for room, unparsed. */
  waiting(bytes: number): void {
    if (this.#isOver) return
    addUnparsed(bytes - this.#waiting)
    this.#waiting = bytes
  }

  /** Bytes that are kept for a client that comes back. */
  keep(bytes: number): void {
    if (this.#isOver) return
    const less = this.#kept - bytes
    this.#kept = bytes
    this.#less(less)
  }

  /** Events may have been delivered. */
  reached(): void {
    const progress = this.#progress
    if (this.#isOver || progress === undefined) return
    let bytes = 0
    let first = this.#sent.first()
    for (; first !== undefined && first.upTo <= progress.delivered; first = this.#sent.first()) bytes += this.#sent.shift().bytes
    if (first === undefined) progress.milestone = null
    else this.at = first.upTo
    if (bytes === 0) return
    this.#input -= bytes
    this.#less(bytes)
    if (this.#input > MANY || this.#goOn !== null) progress.hear()
  }

  /** Resolves when there is room for more events, like the last ones or of so many bytes, or none are wanted. One waits at a time. */
  room(bytes = this.#last): Promise<void> {
    if (this.#isOver || this.hasRoom(bytes)) return Promise.resolve()
    return this.#wait(() => this.hasRoom(bytes))
  }

  #wait(hasEnough: () => boolean): Promise<void> {
    this.#progress?.hear()
    this.#hasEnough = hasEnough
    return new Promise((resolve) => {
      this.#goOn = resolve
      this.retry()
    })
  }

  /** Looks again whether there is room; false if nobody waits any more. */
  retry(): boolean {
    if (this.#goOn === null) return false
    if (this.#hasEnough()) this.wake()
    else if (this.#limit < this.#max || this.#input + this.#output === 0) waitForOthers(this)
    return this.#goOn !== null
  }

  /** Whoever waits for room goes on without. */
  wake(): void {
    const goOn = this.#goOn
    this.#goOn = null
    goOn?.()
  }

  /** Nothing of the stream waits or is kept any more. */
  release(): void {
    if (this.#isOver) return
    this.waiting(0)
    addBytes(-this.#used)
    this.#isOver = true
    if (this.#progress !== undefined) this.#progress.milestone = null
    budgets.delete(this)
    this.wake()
  }

  get #used(): number {
    return this.#input + this.#waiting + this.#output + this.#kept
  }

  /** What may wait now, beside what always may. */
  get #limit(): number {
    return Math.min(this.#max, fairShare())
  }

  #less(bytes: number): void {
    addBytes(-bytes)
    if (this.#goOn !== null) this.retry()
  }
}
