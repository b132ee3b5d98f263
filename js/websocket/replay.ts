// Results on their way to a client that may come back. Owns: the results that the client may not have yet, counted from 1, and what of them was
// sent on the present connection. A pong tells what the client has; a full buffer makes the function wait, with a client or without.

import { type ByteBudget, sizeOf } from '../kit/bytes/byte-budget.js'
import type { Verdict } from './codes.js'
import type { Frame } from './frames.js'
import type { Peer } from './peer.js'

export class Replay {
  readonly #size: number
  readonly #budget: ByteBudget
  readonly #maxBytes: number
  #bytes = 0
  /** A ping after so many results, whose pong makes room. One at a time: a client that is slow to answer must not drown in them. */
  readonly #stride: number
  #isPinged = false
  #frames: Frame[] = []
  /** Results before the first of `#frames`: the client has them, or they had to go. */
  #passed = 0
  /** Number of the next result that comes of the stream: after a restart it makes some again that the client has. */
  #next = 0
  /** What is to be added to a number for the index of a result over all lives of the stream. */
  #offset = 0
  /** Results sent on this connection or known to its client. */
  #sent = 0
  #pinged = 0
  #peer: Peer | undefined
  #isSending = false
  #room: (() => void) | undefined
  /** The function has finished: said when everything was sent. */
  #verdict: Verdict | undefined
  #isDiscarded = false

  /** At most `size` results, of at most so many bytes, or one. */
  constructor(size: number, budget: ByteBudget, bytes: number) {
    this.#size = size
    this.#budget = budget
    this.#maxBytes = bytes
    this.#stride = Math.max(1, size >> 2)
  }

  /** Results so far. */
  get #count(): number {
    return this.#passed + this.#frames.length
  }

  /** The stream goes on with the result of number `from`, whose index is `index`. */
  begin(from: number, index: number): void {
    this.#passed = this.#next = from
    this.#offset = index - from
  }

  /** Takes one result. Answers a promise while there is no room for another. */
  put(frame: Frame): Promise<unknown> | undefined {
    if (this.#next++ < this.#passed || this.#isDiscarded) return undefined
    this.#frames.push(frame)
    this.#bytes += sizeOf(frame)
    this.#budget.keep(this.#bytes)
    this.#send()
    if (this.#hasRoom()) return undefined
    return new Promise<void>((resolve) => {
      this.#room = resolve
    })
  }

  /** No more results. */
  end(verdict: Verdict): void {
    this.#verdict = verdict
    this.#send()
  }

  /** Whether a client that has got so many results would miss none. `isAhead`: it may have some that are not made again yet. */
  reaches(last: number, isAhead = false): boolean {
    return Number.isSafeInteger(last) && last >= this.#passed && (isAhead || last <= this.#count)
  }

  /** Goes on at a new connection, whose client has got `last` results. */
  attach(peer: Peer, last: number): void {
    this.#peer = peer
    this.#isSending = this.#isPinged = false
    this.#sent = this.#pinged = last
    this.#forget(last)
    this.#send()
    this.held()
  }

  detach(): void {
    this.#peer = undefined
  }

  /** The text of a ping: how many results were sent before it. */
  beat(): string {
    this.#isPinged = true
    this.#pinged = this.#sent
    return String(this.#sent)
  }

  /** A pong: the client has so many. */
  pong(text: string): void {
    const count = Number(text)
    if (!Number.isInteger(count) || count > this.#sent) return
    this.#isPinged = false
    this.#forget(count)
    if (this.#peer !== undefined) this.#ping(this.#peer)
  }

  /** The socket is held: no pong can come until the function goes on, so it must not wait for one. */
  held(): void {
    if (this.#hasRoom()) this.#tellRoom()
  }

  /** Nobody will come back. */
  discard(): void {
    this.#isDiscarded = true
    this.#peer = undefined
    this.#frames = []
    this.#bytes = 0
    this.#tellRoom()
  }

  #ping(peer: Peer): void {
    if (!this.#isPinged && (this.#sent - this.#pinged >= this.#stride || (!this.#isRoom && this.#sent > this.#pinged)))
      peer.ping(this.beat())
  }

  get #isRoom(): boolean {
    return this.#frames.length < this.#size && this.#bytes < this.#maxBytes
  }

  #hasRoom(): boolean {
    if (!this.#isRoom && this.#peer?.isHeld === true) this.#letGo(Math.min(this.#sent, this.#passed + this.#stride))
    return this.#isRoom
  }

  /** The client has so many. */
  #forget(count: number): void {
    this.#budget.confirm(this.#offset + count)
    this.#letGo(count)
  }

  #letGo(count: number): void {
    if (count <= this.#passed) return
    for (const frame of this.#frames.splice(0, count - this.#passed)) this.#bytes -= sizeOf(frame)
    this.#budget.keep(this.#bytes)
    this.#passed = count
    if (this.#isRoom) this.#tellRoom()
  }

  #tellRoom(): void {
    const room = this.#room
    this.#room = undefined
    room?.()
  }

  /** Sends what is left, as fast as the client reads. */
  #send(): void {
    const peer = this.#peer
    if (peer === undefined || this.#isSending) return
    while (this.#sent < this.#count) {
      const drained = peer.send(this.#frames[this.#sent - this.#passed] as Frame)
      this.#sent++
      this.#ping(peer)
      if (drained !== undefined) {
        this.#isSending = true
        void drained.then(() => this.#drained(peer))
        return
      }
    }
    if (this.#verdict !== undefined) peer.close(this.#verdict)
  }

  #drained(peer: Peer): void {
    if (peer !== this.#peer) return
    this.#isSending = false
    this.#send()
    // What was sent can be let go of where no pong can come.
    this.held()
  }
}
