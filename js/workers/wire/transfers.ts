// Large and shared buffers between two threads: they travel by transfer and by reference, beside the batches that mention them. They are sent first, so whoever reads of one in a
// batch finds it.

import { type MessagePort, receiveMessageOnPort } from 'node:worker_threads'
import type { Beside, TransferReceiver, TransferSender } from '../codec/codec.js'

type Transfer = [duct: number, first: number, buffers: readonly Beside[]]

export class Transfers {
  private readonly port: MessagePort
  /** What has arrived and was not asked for yet, by duct. */
  private readonly arrived = new Map<number, Map<number, Beside>>()
  /** The youngest duct received from: buffers of a younger one may come before the command that opens its stream. */
  private youngest = 0

  constructor(port: MessagePort) {
    this.port = port
    port.unref()
  }

  /** The sending side of a duct. */
  sender(duct: number): TransferSender & { readonly sent: number } {
    const { port } = this
    const sender = {
      sent: 0,
      send: (buffers: readonly Beside[]): number => {
        const first = sender.sent
        const moved = buffers.filter((buffer) => buffer instanceof ArrayBuffer)
        port.postMessage([duct, first, buffers] satisfies Transfer, moved)
        sender.sent += buffers.length
        return first
      },
    }
    return sender
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
    for (let message = receiveMessageOnPort(this.port); message !== undefined; message = receiveMessageOnPort(this.port)) {
      const [duct, first, buffers] = message.message as Transfer
      if (duct > this.youngest && !this.arrived.has(duct)) this.arrived.set(duct, new Map())
      for (const [index, buffer] of buffers.entries()) this.arrived.get(duct)?.set(first + index, buffer)
    }
  }
}
