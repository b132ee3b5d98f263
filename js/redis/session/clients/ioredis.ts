// Connections by ioredis (and iovalkey, which has its methods).

import { type Argument, type Connection, type Connector, plain, type Subscriber } from './connection.js'

export interface IoRedis {
  readonly status: string
  duplicate(options: object): IoRedis
  callBuffer(command: string, ...args: (string | Buffer)[]): Promise<unknown>
  connect(): Promise<void>
  disconnect(reconnect?: boolean): void
  ssubscribe(channel: string): Promise<unknown>
  sunsubscribe(channel: string): Promise<unknown>
  on(event: string, listener: (...args: never[]) => void): unknown
}

/** A command waits for its answer as long as somebody waits for it: how long that is, is decided above. */
export const OWN = {
  maxRetriesPerRequest: null,
  enableAutoPipelining: false,
  enableOfflineQueue: true,
  keyPrefix: '',
  autoResubscribe: false,
}

export function isIoRedis(client: unknown): client is IoRedis {
  const { callBuffer, duplicate, status } = (client ?? {}) as Partial<IoRedis>
  return typeof callBuffer === 'function' && typeof duplicate === 'function' && typeof status === 'string'
}

export function overIoRedis(client: IoRedis): Connector {
  return { isCluster: false, connect: () => new IoConnection(duplicated(client)), subscriber: () => new IoSubscriber(client) }
}

/** ms until the next try. */
export const retryStrategy = (times: number): number => Math.min(20 * times, 500)

function duplicated(client: IoRedis): IoRedis {
  const own = client.duplicate({ ...OWN, retryStrategy })
  // Whoever waits for an answer is told; without a listener an error ends the process.
  own.on('error', () => {})
  if (own.status === 'wait') own.connect().catch(() => {})
  return own
}

/** What a connection needs of its client, one server's or a cluster's. */
type Ready = Pick<IoRedis, 'status' | 'callBuffer' | 'disconnect' | 'on'>

export class IoConnection<Client extends Ready = IoRedis> implements Connection {
  protected readonly client: Client

  constructor(client: Client) {
    this.client = client
  }

  call(...args: Argument[]): Promise<unknown> {
    const [command, ...rest] = plain(args)
    return this.client.callBuffer(command as string, ...rest)
  }

  onReady(listener: () => void): void {
    if (this.client.status === 'ready') listener()
    this.client.on('ready', listener)
  }

  renew(): void {
    this.client.disconnect(true)
  }

  close(): void {
    this.client.disconnect()
  }
}

export class IoSubscriber implements Subscriber {
  readonly #client: IoRedis
  readonly #listeners = new Map<string, (message: Buffer) => void>()

  /** Has a connection of its own, like the one of `client`. */
  constructor(like: IoRedis) {
    const client = duplicated(like)
    this.#client = client
    client.on('smessageBuffer', ((channel: Buffer, message: Buffer) => {
      this.#listeners.get(channel.toString())?.(message)
    }) as (...args: never[]) => void)
  }

  async subscribe(channel: string, listener: (message: Buffer) => void): Promise<void> {
    this.#listeners.set(channel, listener)
    await this.#client.ssubscribe(channel)
  }

  async unsubscribe(channel: string): Promise<void> {
    this.#listeners.delete(channel)
    await this.#client.sunsubscribe(channel)
  }

  onReady(listener: () => void): void {
    if (this.#client.status === 'ready') listener()
    this.#client.on('ready', listener)
  }

  onLost(listener: (isAway: boolean) => void): void {
    this.#client.on('close', () => listener(true))
    // What the server says unasked when a slot has gone to another, some versions take for an answer to nothing.
    this.#client.on('moved', () => listener(false))
    this.#client.on('error', ((error: Error) => {
      if (/queue state/.test(error.message)) listener(false)
    }) as (...args: never[]) => void)
  }

  renew(): void {
    this.#client.disconnect(true)
  }

  close(): void {
    this.#client.disconnect()
  }
}
