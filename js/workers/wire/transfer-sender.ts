// Large and shared buffers of one duct on their way out: gathered, as the values that mention them are, and sent ahead of the batch in one message, because a
// message costs more than moving a buffer.
//
// Not here: their way in (transfers.ts).

import type { MessagePort } from 'node:worker_threads'
import { type Beside, copyOf, type TransferSender } from '../codec/codec.js'

/** Buffers on their way: the number of the duct, and that of the first one there; a buffer alone is the next one of the duct that the message before was about. */
export type Transfer = readonly [duct: number, first: number, buffers: readonly Beside[]] | ArrayBuffer

/**
 * From Node.js 22 on. Detaches a buffer without a message, and returns its bytes in another one.
 * Throws for a buffer that cannot be detached, such as the memory of WebAssembly.
 */
const { transfer } = ArrayBuffer.prototype as { transfer?: () => ArrayBuffer }

/** Takes the bytes from their owner; those that cannot be moved are copied, as `postMessage` does on Node.js 20. */
function take(buffer: Beside): Beside {
  if (!(buffer instanceof ArrayBuffer)) return buffer
  try {
    return (transfer as () => ArrayBuffer).call(buffer)
  } catch {
    return copyOf(buffer)
  }
}

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
    if (own || transfer !== undefined) {
      for (const buffer of buffers) this.gathered.push(own ? buffer : take(buffer))
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
