// What is used of a WebSocket: its shape, so that the global one of browsers and Node.js fits, and that of `ws`.

/** What is read of the events of a socket. */
export interface SocketEvent {
  readonly type: string
  /** Of a message: text, or an ArrayBuffer. */
  readonly data?: unknown
  /** Of the close. */
  readonly code?: unknown
  readonly reason?: unknown
  /** Of an error, where it is told. */
  readonly error?: unknown
}

/** A socket of a browser, of Node.js or of `ws`. */
export interface WebSocketLike {
  readonly readyState: number
  /** Bytes that wait to be sent. */
  readonly bufferedAmount: number
  binaryType: string
  send(data: string | ArrayBuffer): void
  close(code?: number, reason?: string): void
  addEventListener(type: string, listener: (event: SocketEvent) => void): void
  removeEventListener(type: string, listener: (event: SocketEvent) => void): void
  /** Of `ws` only: reads nothing until `resume()`. */
  pause?(): void
  resume?(): void
  /** Of `ws` only: `unexpected-response` has the response to a handshake that was refused. */
  on?(type: string, listener: (request: unknown, response: unknown) => void): unknown
}

/** Their class. */
export type WebSocketClass = new (url: string, protocols?: string | string[]) => WebSocketLike
