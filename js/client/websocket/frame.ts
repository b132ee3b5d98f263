// js/client/websocket: one stream over a WebSocket, or over several, one after the other. Knows nothing of HTTP.
//
// A message as it travels, and what it costs to keep one.

/** A message as it comes: text, or bytes. */
export type Frame = string | Uint8Array

/** What a message costs beside its bytes; it bounds the number of those that are kept as well. */
const EACH = 128

/** Bytes that a frame takes while it is kept. */
export function costOf(frame: Frame): number {
  return EACH + (typeof frame === 'string' ? 2 * frame.length : frame.byteLength)
}
