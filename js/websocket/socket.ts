// What is used of a server-side socket of `ws`: its shape, so that the library depends on no copy of it.

/** One message as `ws` hands it over: text as its bytes; several parts with `binaryType = 'fragments'`. */
export type SocketData = Uint8Array | ArrayBuffer | readonly Uint8Array[]

/** A `WebSocket` of the library `ws`, on the server. */
export interface SocketLike {
  /** 0 connecting, 1 open, 2 closing, 3 closed. */
  readonly readyState: number
  /** Bytes that wait to be taken by the operating system. */
  readonly bufferedAmount: number
  /** What binary messages come as. */
  readonly binaryType?: string | undefined
  on(event: string, listener: (...values: never[]) => void): unknown
  off(event: string, listener: (...values: never[]) => void): unknown
  send(data: string | Uint8Array, done?: (error?: Error) => void): void
  send(data: Uint8Array, options: { readonly binary: boolean }, done?: (error?: Error) => void): void
  ping(data?: string): void
  pause(): void
  resume(): void
  close(code?: number, reason?: string): void
  terminate(): void
}

/** `readyState` of a socket that can send. */
export const OPEN = 1
/** `readyState` of a socket that is gone. */
export const CLOSED = 3
