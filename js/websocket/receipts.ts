// What a client that asks for it is told while it is connected: how many of its messages have arrived, so that it need not keep them. A few words for many
// messages, at most once in a turn, and none while the client does not read: the next ones say the same and more. One of a durable stream has arrived when it is kept.

import type { Peer } from './peer.js'

/** After so many messages, or so many bytes of them, the client is told. */
const EVERY = 64
const EVERY_BYTES = 64 * 1024

export class Receipts {
  readonly #token: string
  #received = 0
  #bytes = 0
  /** How many the client knows of. */
  #told = 0
  #peer: Peer | undefined
  #isDue = false

  constructor(token: string) {
    this.#token = token
  }

  /** Messages that have arrived, over all connections. */
  get received(): number {
    return this.#received
  }

  /** So many had arrived before. */
  begin(received: number): void {
    this.#received = received
  }

  /** Messages of so many bytes have arrived. */
  took(bytes: number, count = 1): void {
    this.#received += count
    this.#bytes += bytes
    if (this.#isDue || this.#peer === undefined) return
    if (this.#received - this.#told < EVERY && this.#bytes < EVERY_BYTES) return
    this.#isDue = true
    process.nextTick(this.#tell)
  }

  /** Now would be a good time, if there is anything to be said. */
  beat(): void {
    if (this.#received > this.#told) this.#tell()
  }

  /** The first frame of a connection: what the client needs to come back, and what has arrived of it. */
  greet(peer: Peer): void {
    this.#peer = peer.takesReceipts ? peer : undefined
    void peer.send(this.#frame())
  }

  detach(): void {
    this.#peer = undefined
  }

  readonly #tell = (): void => {
    this.#isDue = false
    if (this.#peer?.isClear === true) void this.#peer.send(this.#frame())
  }

  #frame(): string {
    this.#told = this.#received
    this.#bytes = 0
    return JSON.stringify({ velo: { token: this.#token, received: this.#received } })
  }
}
