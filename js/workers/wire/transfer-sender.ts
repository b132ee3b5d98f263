// Large and shared buffers of one duct on their way out: gathered, as the values that mention them are, and sent ahead of the batch in one message, because a
// message costs more than moving a buffer.
//
// Not here: their way in (transfers.ts).

import type { MessagePort } from 'node:worker_threads'
import type { Beside, TransferSender } from '../codec/codec.js'

/** Buffers on their way: the number of the duct, and that of the first one there; a buffer alone is the next one of the duct that the message before was about. */
export type Transfer = readonly [duct: number, first: number, buffers: readonly Beside[]] | ArrayBuffer

/** From Node 22 on. Takes a buffer away from whoever holds it, at once and without a message; throws for one that cannot be moved. */
const take = (ArrayBuffer.prototype as { transfer?: () => ArrayBuffer }).transfer

/** What all senders of a port know. */
export interface TransferPort {
  readonly port: MessagePort
  /** The duct that the last message was about. */
  last: number
}

export class DuctTransfers implements TransferSender {
  /** Buffers handed over so far. */
  sent = 0
  private readonly way: TransferPort
  private readonly duct: number
  /** Those that no message has taken yet: at most what belongs to a batch. */
  private gathered: Beside[] = []

  constructor(way: TransferPort, duct: number) {
    this.way = way
    this.duct = duct
  }

  send(buffers: readonly Beside[], own: boolean): number {
    const [only] = buffers
    if (own) {
      for (const buffer of buffers) this.gathered.push(buffer)
    } else if (take !== undefined && buffers.length === 1 && only instanceof ArrayBuffer) {
      this.gathered.push(take.call(only))
    } else {
      this.flush()
      this.post(buffers, this.sent)
    }
    const first = this.sent
    this.sent += buffers.length
    return first
  }

  flush(): void {
    const { gathered } = this
    if (gathered.length === 0) return
    this.gathered = []
    this.post(gathered, this.sent - gathered.length)
  }

  private post(buffers: readonly Beside[], first: number): void {
    const { way, duct } = this
    const { port } = way
    const [only] = buffers
    if (way.last === duct && buffers.length === 1 && only instanceof ArrayBuffer) return port.postMessage(only, [only])
    const moved = buffers.filter((buffer) => buffer instanceof ArrayBuffer)
    port.postMessage([duct, first, buffers] satisfies Transfer, moved)
    way.last = duct
  }
}
