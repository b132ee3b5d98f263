// Connections by node-redis.

import { type Argument, type Connection, type Connector, plain, type Subscriber } from './connection.js'

interface NodeRedis {
  readonly isReady: boolean
  duplicate(options?: object): NodeRedis
  withTypeMapping(mapping: object): { sendCommand(args: (string | Buffer)[]): Promise<unknown> }
  sendCommand(args: (string | Buffer)[]): Promise<unknown>
  connect(): Promise<unknown>
  destroy(): void
  sSubscribe(channel: string, listener: (message: Buffer) => void, bytes: true): Promise<void>
  sUnsubscribe(channel: string): Promise<void>
  on(event: string, listener: () => void): unknown
}

/** The type of a string in the protocol, `$`: it shall come as a Buffer. */
const BYTES = { 36: Buffer }

export function isNodeRedis(client: unknown): client is NodeRedis {
  const { withTypeMapping, duplicate, sendCommand } = (client ?? {}) as Partial<NodeRedis>
  return typeof withTypeMapping === 'function' && typeof duplicate === 'function' && typeof sendCommand === 'function'
}

export function overNodeRedis(client: NodeRedis): Connector {
  return { connect: () => new NodeConnection(client.duplicate()), subscriber: () => new NodeSubscriber(client.duplicate()) }
}

abstract class Own {
  protected readonly client: NodeRedis
  #isClosed = false

  constructor(client: NodeRedis) {
    this.client = client
    // Whoever waits for an answer is told; without a listener an error ends the process.
    client.on('error', () => {})
    client.connect().catch(() => {})
  }

  onReady(listener: () => void): void {
    if (this.client.isReady) listener()
    this.client.on('ready', listener)
  }

  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.client.destroy()
  }
}

class NodeConnection extends Own implements Connection {
  readonly #bytes = this.client.withTypeMapping(BYTES)

  call(...args: Argument[]): Promise<unknown> {
    return this.#bytes.sendCommand(plain(args))
  }
}

class NodeSubscriber extends Own implements Subscriber {
  readonly #channels = new Set<string>()

  async subscribe(channel: string, listener: (message: Buffer) => void): Promise<void> {
    // It subscribes again by itself, before it says that it is ready: a second time would be a second listener.
    if (this.#channels.has(channel)) return
    this.#channels.add(channel)
    await this.client.sSubscribe(channel, listener, true)
  }

  async unsubscribe(channel: string): Promise<void> {
    if (this.#channels.delete(channel)) await this.client.sUnsubscribe(channel)
  }
}
