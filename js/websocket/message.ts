// What a message of a client is: an event, the end of its input, nothing, or a fault.

import { faultOf, type Verdict } from './codes.js'
import { bytesOf, bytesOfMessage } from './frames.js'
import type { Settings } from './options.js'
import type { SocketData } from './socket.js'

export type Message =
  | { readonly kind: 'event'; readonly event: unknown; readonly bytes: number }
  | { readonly kind: 'end' | 'nothing' }
  | { readonly kind: 'fault'; readonly verdict: Verdict }

/** Reads one message; `number` is told where it is no JSON. */
export function messageOf(data: SocketData, isBinary: boolean, number: number, settings: Settings): Message {
  const { maxMessage, binary, text, endMessage, onMalformed } = settings
  if (bytesOfMessage(data) > maxMessage) return fault(faultOf(1009, `a message is larger than ${maxMessage} bytes`))
  const bytes = bytesOf(data)
  if (isBinary) {
    if (binary === 'refuse') return fault(faultOf(1003, 'binary messages are not taken'))
    return { kind: 'event', event: bytes, bytes: bytes.length }
  }
  const string = bytes.toString()
  if (string === endMessage) return { kind: 'end' }
  if (text === 'raw') return { kind: 'event', event: string, bytes: bytes.length }
  try {
    return { kind: 'event', event: JSON.parse(string), bytes: bytes.length }
  } catch (error) {
    return onMalformed === 'skip' ? { kind: 'nothing' } : fault(faultOf(1007, `message ${number} is no JSON`, error))
  }
}

function fault(verdict: Verdict): Message {
  return { kind: 'fault', verdict }
}
