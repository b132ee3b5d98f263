// A message on its way: where it lies, how often it was delivered, and where its acknowledgement goes. JetStream says all that in the subject of the answer.

import type { NatsMessageLike } from '../client/wire.js'

export class Delivery {
  readonly message: NatsMessageLike
  /** Its place in the stream. */
  readonly sequence: number
  /** Which delivery of the consumer it was. */
  readonly number: number
  readonly time: number
  reply: string
  deliveries: number
  /** The server will deliver it again. */
  isGivenBack = false
  isDone = false

  constructor(message: NatsMessageLike) {
    this.message = message
    this.reply = message.reply as string
    const parts = this.reply.split('.')
    // $JS.ACK.<stream>.<consumer>.<deliveries>.<sequence>.<number>.<ns>.<pending>; newer ones have domain and account behind ACK.
    const at = parts.length > 9 ? 6 : 4
    this.deliveries = Number(parts[at])
    this.sequence = Number(parts[at + 1])
    this.number = Number(parts[at + 2])
    this.time = Math.floor(Number(parts[at + 3]) / 1e6)
  }
}
