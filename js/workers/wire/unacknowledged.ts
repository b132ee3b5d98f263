// Events on their way to a function whose thread may die: held as they were accepted until they are taken, so that another one can get them. At most `buffer` of
// them are, and the batch of the oldest one.

import { BatchBytes, BatchReader, type Beside, type Codec, type TransferSender } from '../codec/codec.js'
import { HEADER } from './protocol.js'
import type { Tally } from './tally.js'

interface Batch {
  readonly bytes: Uint8Array
  readonly count: number
  /** It tells keys that later ones rely on. */
  readonly tells: boolean
  /** How many buffers traveled beside this batch and those before. */
  readonly beside: number
}

export class Unacknowledged {
  private readonly batches: Batch[] = []
  private readonly reader: BatchReader
  private readonly tally: Tally
  /** By index, what travels beside the batches. */
  private readonly buffers = new Map<number, Beside>()
  private buffersSent = 0
  private buffersDropped = 0
  /** Events before the first batch here. */
  private dropped = 0

  constructor(tally: Tally, codec: Codec) {
    this.tally = tally
    const receive = (index: number): Beside => this.buffers.get(index) as Beside
    this.reader = new BatchReader(codec, { reserve: HEADER, transfers: { receive } })
  }

  /** A sender that keeps what it sends. */
  holding(sender: TransferSender): TransferSender {
    return {
      flush: () => sender.flush(),
      send: (buffers, own) => {
        const copies = buffers.map((buffer) => (buffer instanceof ArrayBuffer ? structuredClone(buffer) : buffer))
        const first = sender.send(buffers, own)
        for (const [index, copy] of copies.entries()) this.buffers.set(first + index, copy)
        this.buffersSent = first + buffers.length
        return first
      },
    }
  }

  /** A batch of `count` events is sent. */
  add(bytes: Uint8Array, count: number, tells: boolean): void {
    this.batches.push({ bytes, count, tells, beside: this.buffersSent })
    this.trim()
  }

  /** What was never taken. Throws `VELO_CODEC` where a codec of the user cannot read what it wrote. */
  untaken(): unknown[] {
    this.trim()
    const events: unknown[] = []
    for (const { bytes } of this.batches) this.reader.read(new BatchBytes(bytes), bytes.length, events)
    return events.slice(Math.max(0, this.tally.taken(this.tally.first) - this.dropped))
  }

  private trim(): void {
    const taken = this.tally.taken(this.tally.first)
    for (let oldest = this.batches[0]; oldest !== undefined && this.dropped + oldest.count <= taken; oldest = this.batches[0]) {
      this.batches.shift()
      if (oldest.tells) this.reader.read(new BatchBytes(oldest.bytes), oldest.bytes.length, [])
      this.dropped += oldest.count
      for (; this.buffersDropped < oldest.beside; this.buffersDropped++) this.buffers.delete(this.buffersDropped)
    }
  }
}
