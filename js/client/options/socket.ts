// What is used of a WebSocket: its shape, so that the global one of browsers and Node.js fits, and that of `ws`.

/** A socket of a browser, of Node.js or of `ws`. */
export interface WebSocketLike {
  readonly readyState: number
  /** Bytes that wait to be sent. */
  readonly bufferedAmount: number
  binaryType: string
  send(data: string | ArrayBuffer): void
  close(code?: number, reason?: string): void
  addEventListener(type: string, listener: (event: never) => void): void
  removeEventListener(type: string, listener: (event: never) => void): void
  /** Of `ws` only: reads nothing until `resume()`. */
  pause?(): void
  resume?(): void
}

/** Their class. */
export type WebSocketClass = new (url: string, protocols?: string | string[]) => WebSocketLike
