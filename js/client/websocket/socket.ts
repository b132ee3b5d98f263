// js/client/websocket: one stream over a WebSocket, or over several, one after the other. Knows nothing of HTTP.
//
// What is used of a WebSocket: its shape, so that the global one of browsers and Node.js fits, and that of `ws`.

/** A socket of a browser, of Node.js or of `ws`. */
export interface WebSocketLike {
  readonly readyState: number
  /** Bytes that wait to be sent. */
  readonly bufferedAmount: number
  binaryType: string
  send(data: string | Uint8Array): void
  close(code?: number, reason?: string): void
  addEventListener(type: string, listener: (event: never) => void): void
  removeEventListener(type: string, listener: (event: never) => void): void
  /** Of `ws` only: reads nothing until `resume()`. */
  pause?(): void
  resume?(): void
}

/** Their class. */
export type WebSocketClass = new (url: string, protocols?: string | string[]) => WebSocketLike

/** A message as it comes: text, or bytes. */
export type Frame = string | Uint8Array

/** What a message costs beside its bytes; it bounds the number of those that are kept as well. */
const EACH = 128

/** Bytes that a frame takes while it is kept. */
export function costOf(frame: Frame): number {
  return EACH + (typeof frame === 'string' ? 2 * frame.length : frame.byteLength)
}
