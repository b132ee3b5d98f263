// Large and shared buffers between two threads: they travel by transfer and by reference, beside the batches that mention them. They are sent first, so whoever reads of one in a
// batch finds it.

import { type MessagePort, receiveMessageOnPort } from 'node:worker_threads'
import type { Beside, TransferReceiver, TransferSender } from '../codec/codec.js'
import { DuctTransfers, type Transfer, type TransferPort } from './transfer-sender.js'

export class Transfers {
  private readonly way: TransferPort
  /** What has arrived and was not asked for yet, by duct. */
  private readonly arrived = new Map<number, Map<number, Beside>>()
  /** The youngest duct received from: buffers of a younger one may come before the command that opens its stream. */
  private youngest = 0
  /** What the last message received was about: its duct, and the number of the buffer that comes next there. */
  private from = 0
  private next = 0

  constructor(port: MessagePort) {
    this.way = { port, last: 0 }
    port.unref()
  }

  /** The sending side of a duct. */
  sender(duct: number): TransferSender & { readonly sent: number } {
    return new DuctTransfers(this.way, duct)
  }

  /** The receiving side of a duct. */
  receiver(duct: number): TransferReceiver & { readonly bytes: number } {
    const mine = this.arrived.get(duct) ?? new Map<number, Beside>()
    this.arrived.set(duct, mine)
    this.youngest = Math.max(this.youngest, duct)
    const receiver = {
      bytes: 0,
      receive: (index: number): Beside => {
        if (!mine.has(index)) this.collect()
        const buffer = mine.get(index)
        if (buffer === undefined) throw new Error(`buffer ${index} of duct ${duct} did not arrive`)
        mine.delete(index)
        if (buffer instanceof ArrayBuffer) receiver.bytes += buffer.byteLength
        return buffer
      },
    }
    return receiver
  }

  /** Nothing further is received on a duct: what came for it is dropped. */
  forget(duct: number): void {
    this.collect()
    this.arrived.delete(duct)
  }

  private collect(): void {
    const { port } = this.way
    for (let message = receiveMessageOnPort(port); message !== undefined; message = receiveMessageOnPort(port)) this.keep(message.message)
  }

  private keep(transfer: Transfer): void {
    const alone = transfer instanceof ArrayBuffer
    if (!alone) [this.from, this.next] = transfer
    if (this.from > this.youngest && !this.arrived.has(this.from)) this.arrived.set(this.from, new Map())
    const mine = this.arrived.get(this.from)
    if (alone) mine?.set(this.next++, transfer)
    else for (const buffer of transfer[2]) mine?.set(this.next++, buffer)
  }
}
