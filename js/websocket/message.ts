// What a message of a client is: an event, the end of its input, or a fault. Its text is parsed as late as possible: a parsed event takes many times its bytes.

import type { ByteBudget } from '../kit/bytes/byte-budget.js'
import { wholeBytes } from '../kit/bytes/byte-sum.js'
import { compact } from '../kit/bytes/compact.js'
import { MOST, parsedSizeOf } from '../kit/bytes/parsed-size.js'
import { faultOf, type Verdict } from './codes.js'
import { bytesOf, bytesOfMessage } from './frames.js'
import type { Settings } from './options.js'
import type { SocketData } from './socket.js'

/** A message that becomes an event. */
export interface EventMessage {
  bytes: Buffer
  readonly isBinary: boolean
  /** Counts from 1; named in the fault of a message that is no JSON. */
  readonly number: number
  /** About how many bytes of memory its event takes. */
  readonly size: number
}

/** Another message: the end of the input, or a fault. */
export type OtherMessage = 'end' | { readonly verdict: Verdict }

/** In place of an event: the message is skipped, or wrong. */
export const NO_EVENT = Symbol('no event')

/** Bytes that a text or a Buffer takes beside its content. */
const EACH = 128

/** Looks at one message; its text is not parsed. */
export function messageOf(
  data: SocketData,
  isBinary: boolean,
  number: number,
  settings: Settings,
  budget: ByteBudget,
): EventMessage | OtherMessage {
  const { maxMessage, binary, text, endMessage } = settings
  if (bytesOfMessage(data) > maxMessage) return fault(1009, `a message is larger than ${maxMessage} bytes`)
  const bytes = bytesOf(data)
  if (isBinary && binary === 'refuse') return fault(1003, 'binary messages are not taken')
  if (!isBinary && endMessage !== undefined && bytes.length <= 3 * endMessage.length && bytes.toString() === endMessage) return 'end'
  if (isBinary || text === 'raw') return { bytes: isBinary ? compact(bytes) : bytes, isBinary, number, size: EACH + bytes.length }
  // Only if there is little room, the size of a message matters so much that it is looked at.
  const most = EACH + MOST * bytes.length
  const size = budget.isAmple(most) ? most : parsedSizeOf(bytes)
  if (size > wholeBytes()) return fault(1009, `a message would take about ${size} bytes of memory`)
  return { bytes, isBinary, number, size }
}

/** The event of a message, or `NO_EVENT` if it is skipped, or wrong: then `owner` stops. */
export function eventOf<In>(
  { bytes, isBinary, number }: EventMessage,
  { text, onMalformed }: Settings,
  owner: { stop(verdict: Verdict): void },
): In | typeof NO_EVENT {
  if (isBinary) return bytes as In
  const string = bytes.toString()
  if (text === 'raw') return string as In
  try {
    return JSON.parse(string) as In
  } catch (error) {
    if (onMalformed === 'fail') owner.stop(faultOf(1007, `message ${number} is no JSON`, error))
    return NO_EVENT
  }
}

function fault(code: number, reason: string): OtherMessage {
  return { verdict: faultOf(code, reason) }
}
