// Connections by node-redis.

import { type Argument, type Connection, type Connector, plain, type Subscriber } from './connection.js'

export interface NodeRedis {
  readonly isReady: boolean
  duplicate(options?: object): NodeRedis
  withTypeMapping(mapping: object): { sendCommand(args: (string | Buffer)[]): Promise<unknown> }
  sendCommand(args: (string | Buffer)[]): Promise<unknown>
  connect(): Promise<unknown>
  destroy(): void
  sSubscribe(channel: string, listener: (message: Buffer, channel: Buffer) => void, bytes: true): Promise<void>
  sUnsubscribe(channel: string): Promise<void>
  on(event: string, listener: (...args: never[]) => void): unknown
}

/** The type of a string in the protocol, `$`: it shall come as a Buffer. */
export const BYTES = { 36: Buffer }

export function isNodeRedis(client: unknown): client is NodeRedis {
  const { withTypeMapping, duplicate, sendCommand } = (client ?? {}) as Partial<NodeRedis>
  return typeof withTypeMapping === 'function' && typeof duplicate === 'function' && typeof sendCommand === 'function'
}

export function overNodeRedis(client: NodeRedis): Connector {
  return {
    isCluster: false,
    connect: () => new NodeConnection(() => client.duplicate()),
    subscriber: () => new NodeSubscriber(() => client.duplicate()),
  }
}

abstract class Own {
  protected client: NodeRedis
  readonly #make: () => NodeRedis
  /** What is listened to, on each client that follows. */
  readonly #listeners: [string, (...args: never[]) => void][] = []
  #isClosed = false

  constructor(make: () => NodeRedis) {
    this.#make = make
    this.client = this.#begin()
  }

  onReady(listener: () => void): void {
    if (this.client.isReady) listener()
    this.on('ready', listener)
  }

  /** A client of node-redis cannot connect again without being closed: another one takes its place. */
  renew(): void {
    if (this.#isClosed) return
    const before = this.client
    this.client = this.#begin()
    before.destroy()
  }

  protected on(event: string, listener: (...args: never[]) => void): void {
    this.#listeners.push([event, listener])
    this.client.on(event, listener)
  }

  #begin(): NodeRedis {
    const client = this.#make()
    // Whoever waits for an answer is told; without a listener an error ends the process.
    client.on('error', () => {})
    for (const [event, listener] of this.#listeners) client.on(event, listener)
    client.connect().catch(() => {})
    return client
  }

  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.client.destroy()
  }
}

class NodeConnection extends Own implements Connection {
  #bytes = this.client.withTypeMapping(BYTES)

  call(...args: Argument[]): Promise<unknown> {
    return this.#bytes.sendCommand(plain(args))
  }

  override renew(): void {
    super.renew()
    this.#bytes = this.client.withTypeMapping(BYTES)
  }
}

/**
 * It subscribes again by itself what it was subscribed to, before it says that it is ready; a subscription that was under way when the connection broke is rejected, and forgotten. What is asked for one
 * channel is done one after the other: `sSubscribe` that overtakes the answer to `sUnsubscribe` is lost with it.
 */
export class NodeSubscriber extends Own implements Subscriber {
  readonly #listeners = new Map<string, (message: Buffer) => void>()
  readonly #subscribed = new Set<string>()
  readonly #under = new Map<string, Promise<void>>()
  readonly #hear = (message: Buffer, channel: Buffer): void => this.#listeners.get(channel.toString())?.(message)

  constructor(make: () => NodeRedis) {
    super(make)
    // What could not be given up as the connection broke came back with it.
    this.onReady(() => {
      for (const channel of this.#subscribed) if (!this.#listeners.has(channel)) this.unsubscribe(channel).catch(() => {})
    })
  }

  subscribe(channel: string, listener: (message: Buffer) => void): Promise<void> {
    this.#listeners.set(channel, listener)
    return this.#after(channel, async () => {
      if (this.#subscribed.has(channel) || !this.#listeners.has(channel)) return
      await this.client.sSubscribe(channel, this.#hear, true)
      this.#subscribed.add(channel)
    })
  }

  unsubscribe(channel: string): Promise<void> {
    this.#listeners.delete(channel)
    return this.#after(channel, async () => {
      if (!this.#subscribed.has(channel) || this.#listeners.has(channel)) return
      await this.client.sUnsubscribe(channel)
      this.#subscribed.delete(channel)
    })
  }

  /** Nothing is subscribed over the new connection. */
  override renew(): void {
    this.#subscribed.clear()
    super.renew()
  }

  onLost(listener: (isAway: boolean) => void): void {
    this.on('reconnecting', () => listener(true))
    // Of a channel whose slot has gone to another server, this one says nothing more.
    this.on('sharded-channel-moved', (channel: string) => {
      this.#subscribed.delete(channel)
      listener(false)
    })
    // It could not subscribe again what it had, and has forgotten all of it.
    this.on('__MOVED', () => {
      this.#subscribed.clear()
      listener(false)
    })
  }

  #after(channel: string, step: () => Promise<void>): Promise<void> {
    const before = this.#under.get(channel) ?? Promise.resolve()
    const now = before.catch(() => {}).then(step)
    this.#under.set(channel, now)
    const done = (): void => {
      if (this.#under.get(channel) === now) this.#under.delete(channel)
    }
    now.then(done, done)
    return now
  }
}
