// js/redis/session/clients: connections of sessions, like the user's client, by whichever library that is. Knows nothing of what is sent.
//
// What of a client of Redis is used here, by whatever client it is done.

export type Argument = string | number | Uint8Array

export interface Connection {
  /** The answer has bytes (`Buffer`) where the server gave a string. What was in flight when a connection broke is rejected, or sent again: both happen. */
  call(...args: Argument[]): Promise<unknown>
  /** The server takes no writes any more: connects again, perhaps to another one. */
  renew(): void
  /** `listener` is called whenever the server can be asked (again). */
  onReady(listener: () => void): void
  close(): void
}

export interface Subscriber {
  /** Messages of a sharded channel. Settles when the server has it. It is not subscribed again by itself after a connection broke. */
  subscribe(channel: string, listener: (message: Buffer) => void): Promise<void>
  unsubscribe(channel: string): Promise<void>
  /** As that of a connection: `onReady` follows. */
  renew(): void
  /** `listener` is called whenever the connection is back: everything must be subscribed again, and looked after then. */
  onReady(listener: () => void): void
  /** `listener` is called when the connection has broken (`isAway`), and when a server of a cluster has given channels up. */
  onLost(listener: (isAway: boolean) => void): void
  close(): void
}

/** Makes connections like the one of `client`. */
export interface Connector {
  /** Commands go to many servers, by their keys. */
  readonly isCluster: boolean
  connect(): Connection
  subscriber(): Subscriber
}

/** As clients take them. */
export function plain(args: readonly Argument[]): (string | Buffer)[] {
  return args.map((arg) => {
    if (typeof arg === 'string') return arg
    if (typeof arg === 'number') return String(arg)
    return Buffer.isBuffer(arg) ? arg : Buffer.from(arg.buffer, arg.byteOffset, arg.byteLength)
  })
}
