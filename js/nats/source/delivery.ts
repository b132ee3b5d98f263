// A message on its way: where it lies, how often it was delivered, and where its acknowledgement goes. JetStream says all that in the subject of the answer:
// $JS.ACK.<stream>.<consumer>.<deliveries>.<sequence>.<number>.<ns>.<pending>, newer ones with domain and account behind ACK, and a token at the end.

import { provenExecutions } from '../../kit/executions.js'
import type { NatsMessageLike } from '../client/wire.js'

const DOT = 46
const ZERO = 48

export class Delivery {
  readonly message: NatsMessageLike
  /** Its place in the stream. */
  readonly sequence: number
  /** Which delivery of the consumer it was, the last time. */
  number: number
  reply: string
  deliveries: number
  /** Executions in earlier processes, as far as they are proven. */
  readonly executions: number
  /** The server will deliver it again. */
  isGivenBack = false
  isDone = false

  /** `head`: how much of `reply` names the consumer. Read digit by digit: taking it apart costs a tenth of the whole way of a message. */
  constructor(message: NatsMessageLike, reply: string, head: number) {
    this.message = message
    this.reply = reply
    let at = head
    const next = (): number => {
      let value = 0
      for (let digit = reply.charCodeAt(at++); digit !== DOT; digit = reply.charCodeAt(at++)) value = value * 10 + digit - ZERO
      return value
    }
    this.deliveries = next()
    this.sequence = next()
    this.number = next()
    this.executions = provenExecutions(this.deliveries - 1)
  }

  /** When the stream took it, ms since 1970. */
  get time(): number {
    const parts = this.reply.split('.')
    return Math.floor(Number(parts[parts.length > 9 ? 9 : 7]) / 1e6)
  }
}

/** How much of the subject of an answer names the consumer. */
export function headOf(reply: string): number {
  const parts = reply.split('.')
  return parts.slice(0, parts.length > 9 ? 6 : 4).join('.').length + 1
}
