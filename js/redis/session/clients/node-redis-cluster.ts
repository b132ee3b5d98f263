// Connections to a cluster by node-redis. Commands go where the client sends them, by the key that it is told.

import { firstKeyOf } from '../../client/first-key.js'
import { type Argument, type Connection, type Connector, plain } from './connection.js'
import { BYTES, type NodeRedis, NodeSubscriber } from './node-redis.js'
import { ShardedSubscriber, type Shards } from './sharded.js'
import { slotOf } from './slot.js'

interface Master {
  readonly address: string
  readonly client?: NodeRedis
}

interface NodeCluster {
  readonly isOpen: boolean
  readonly slots: readonly ({ readonly master: Master } | undefined)[]
  duplicate(options?: object): NodeCluster
  sendCommand(key: unknown, isReadonly: boolean, args: (string | Buffer)[], options?: object): Promise<unknown>
  connect(): Promise<unknown>
  destroy(): void
  on(event: string, listener: () => void): unknown
}

const OPTIONS = { typeMapping: BYTES }
/** ms after which a server that is away is looked for elsewhere: a replica may have its place. */
const OWN = { topologyRefreshOnReconnectionAttemptStrategy: 500 }
/** ms before the cluster is looked for again. */
const PAUSE = 250

export function isNodeCluster(client: unknown): client is NodeCluster {
  const { slots, duplicate, sendCommand } = (client ?? {}) as Partial<NodeCluster>
  return Array.isArray(slots) && typeof duplicate === 'function' && typeof sendCommand === 'function'
}

export function overNodeCluster(client: NodeCluster): Connector {
  return {
    isCluster: true,
    connect: () => new NodeClusterConnection(client.duplicate(OWN)),
    subscriber: () => new ShardedSubscriber(new NodeShards(client.duplicate(OWN))),
  }
}

class NodeClusterConnection implements Connection {
  readonly #client: NodeCluster
  readonly #connected: Promise<void>
  #isClosed = false

  constructor(client: NodeCluster) {
    this.#client = client
    // Whoever waits for an answer is told; without a listener an error ends the process.
    client.on('error', () => {})
    this.#connected = this.#connect()
  }

  async call(...args: Argument[]): Promise<unknown> {
    await this.#connected
    const command = plain(args)
    return this.#client.sendCommand(firstKeyOf(command), false, command, OPTIONS)
  }

  /** With each server that comes, or comes back. */
  onReady(listener: () => void): void {
    this.#client.on('node-ready', listener)
  }

  /** Servers of a cluster say themselves where a key has gone. */
  renew(): void {}

  close(): void {
    this.#isClosed = true
    if (this.#client.isOpen) this.#client.destroy()
  }

  /** A cluster that is not there when it is first looked for may come. */
  async #connect(): Promise<void> {
    while (!this.#isClosed) {
      try {
        await this.#client.connect()
        if (this.#isClosed) this.#client.destroy()
        return
      } catch {
        await new Promise((resolve) => setTimeout(resolve, PAUSE))
      }
    }
    throw new Error('the connection is closed')
  }
}

/** Learns who has what as the client does: from a command for a slot that is not there any more. */
class NodeShards implements Shards {
  readonly #client: NodeCluster
  readonly #connection: NodeClusterConnection

  constructor(client: NodeCluster) {
    this.#client = client
    this.#connection = new NodeClusterConnection(client)
  }

  ownerOf(channel: string): ReturnType<Shards['ownerOf']> {
    const master = this.#client.slots[slotOf(channel)]?.master
    const client = master?.client
    if (master === undefined || client === undefined) return undefined
    return { address: master.address, subscriber: () => new NodeSubscriber(() => client.duplicate()) }
  }

  ask(channel: string): Promise<unknown> {
    return this.#connection.call('EXISTS', channel)
  }

  close(): void {
    this.#connection.close()
  }
}
