// js/redis/client: the user's client, as this room speaks to it: commands as arrays, whichever library it is. Knows nothing of sources and sinks.
//
// ioredis and iovalkey have `call`, node-redis has `sendCommand`; described by their shapes, never imported. Not here: what the commands say.

import { configError } from '../../kit/check.js'
import { firstKeyOf } from './first-key.js'
import { withoutKeyPrefix } from './key-prefix.js'

/** A part of a command. */
export type Argument = string | number | Uint8Array

type Listen = (event: string, listener: (...args: never[]) => void) => unknown

/** What is used of a client of ioredis or iovalkey, or of their clusters. */
export interface IoredisLike {
  call(command: string, ...args: (string | Buffer | number)[]): Promise<unknown>
  callBuffer?(command: string, ...args: (string | Buffer | number)[]): Promise<unknown>
  duplicate(...args: never[]): unknown
  disconnect(...args: never[]): unknown
  on: Listen
  readonly status: string
  readonly isCluster?: boolean
}

/** What is used of a client of node-redis (the package `redis`), or of its clusters. */
export interface NodeRedisLike {
  sendCommand(...args: never[]): Promise<unknown>
  duplicate(...args: never[]): unknown
  on: Listen
  readonly isOpen: boolean
  destroy?(): unknown
}

/** A client of `ioredis`, `iovalkey` or `redis`. */
export type RedisClient = IoredisLike | NodeRedisLike

/** One connection, or the cluster behind one. */
export interface Wire {
  /** The object that the user gave. */
  readonly client: object
  readonly isCluster: boolean
  /** Nothing will be answered any more: somebody has closed it. */
  readonly isEnded: boolean
  /** Texts come as strings, with `binary` as Buffers. */
  send(command: readonly Argument[], binary?: boolean): Promise<unknown>
  /** A connection of our own. */
  duplicate(): Promise<Wire>
  /** The server behind the connection takes no writes any more: commands go over a new connection from now on, which may lead to another server. */
  renew(): void
  /** `listener` is called with each new connection behind it. */
  onReady(listener: () => void): void
  /** At once, whatever waits. */
  destroy(): void
}

/** Throws `VELO_CONFIG` for what is no client, and for one with a `keyPrefix`. */
export function wireOf(client: unknown, field: string): Wire {
  const given = client as Partial<IoredisLike & NodeRedisLike> | null | undefined
  if (typeof given === 'object' && given !== null && typeof given.duplicate === 'function') {
    withoutKeyPrefix(given, field)
    if (typeof given.call === 'function') return new IoredisWire(client as IoredisLike)
    if (typeof given.sendCommand === 'function' && 'isOpen' in given) return new NodeRedisWire(client as NodeRedisLike)
  }
  throw configError(field, 'a client of ioredis, iovalkey or redis', client)
}

const bytes = (part: Argument): string | Buffer | number =>
  part instanceof Uint8Array && !Buffer.isBuffer(part) ? Buffer.from(part.buffer, part.byteOffset, part.byteLength) : (part as string)

class IoredisWire implements Wire {
  readonly client: IoredisLike

  constructor(client: IoredisLike) {
    this.client = client
  }

  get isCluster(): boolean {
    return this.client.isCluster === true
  }

  get isEnded(): boolean {
    return this.client.status === 'end'
  }

  send(command: readonly Argument[], binary = false): Promise<unknown> {
    const [name, ...args] = command.map(bytes) as [string, ...(string | Buffer | number)[]]
    const { client } = this
    return binary && client.callBuffer !== undefined ? client.callBuffer(name, ...args) : client.call(name, ...args)
  }

  async duplicate(): Promise<Wire> {
    // Reads wait as long as it takes, and whoever waits sees that the connection is new.
    const options = { maxRetriesPerRequest: null, enableOfflineQueue: true, autoResendUnfulfilledCommands: true }
    const { client } = this
    const copy = (client.isCluster === true ? client.duplicate() : client.duplicate(...([options] as never[]))) as IoredisLike
    copy.on('error', () => {})
    return new IoredisWire(copy)
  }

  onReady(listener: () => void): void {
    this.client.on(this.isCluster ? '+node' : 'ready', listener)
  }

  /** As the option `reconnectOnError` does. A cluster is told by its servers where a key has gone. */
  renew(): void {
    if (!this.isCluster) this.client.disconnect(...([true] as never[]))
  }

  destroy(): void {
    this.client.disconnect()
  }
}

/** The number of bulk strings in the protocol, by which node-redis knows how to give them. */
const BINARY = { typeMapping: { 36: Buffer } }

/** Connections in place of those of users, which cannot connect again without being closed. */
const replaced = new WeakMap<NodeRedisLike, NodeRedisLike>()

class NodeRedisWire implements Wire {
  readonly client: NodeRedisLike
  readonly isCluster: boolean

  constructor(client: NodeRedisLike) {
    this.client = client
    this.isCluster = 'slots' in client
  }

  get isEnded(): boolean {
    return !this.client.isOpen
  }

  send(command: readonly Argument[], binary = false): Promise<unknown> {
    const args = command.map((part) => (typeof part === 'number' ? String(part) : bytes(part)))
    const options = binary ? BINARY : undefined
    const client = replaced.get(this.client) ?? this.client
    if (!this.isCluster) return client.sendCommand(...([args, options] as never[]))
    // It must be told the key of a command.
    return client.sendCommand(...([firstKeyOf(args as Argument[]), false, args, options] as never[]))
  }

  async duplicate(): Promise<Wire> {
    const copy = this.client.duplicate() as NodeRedisLike & { connect(): Promise<unknown> }
    copy.on('error', () => {})
    await copy.connect()
    return new NodeRedisWire(copy)
  }

  onReady(listener: () => void): void {
    this.client.on(this.isCluster ? 'node-ready' : 'ready', listener)
  }

  renew(): void {
    if (this.isCluster) return
    const { client } = this
    const before = replaced.get(client)
    const copy = client.duplicate() as NodeRedisLike & { connect(): Promise<unknown> }
    copy.on('error', () => {})
    copy.connect().catch(() => {})
    replaced.set(client, copy)
    before?.destroy?.()
    if (before === undefined) client.on('end', () => replaced.get(client)?.destroy?.())
  }

  destroy(): void {
    if (this.client.isOpen) this.client.destroy?.()
  }
}
