// Connections to a cluster by ioredis (and iovalkey, which has its methods). Commands go where the client sends them, by their keys.

import type { Connector } from './connection.js'
import { IoConnection, type IoRedis, IoSubscriber, OWN, retryStrategy } from './ioredis.js'
import { ShardedSubscriber, type Shards } from './sharded.js'
import { slotOf } from './slot.js'

interface IoCluster {
  readonly isCluster: true
  readonly status: string
  /** Addresses by slot, the one of the master first. */
  readonly slots: readonly (readonly string[] | undefined)[]
  duplicate(nodes: readonly never[], options: object): IoCluster
  nodes(role: 'master'): readonly (IoRedis & { readonly options: { readonly host?: string; readonly port?: number } })[]
  callBuffer(command: string, ...args: (string | Buffer)[]): Promise<unknown>
  connect(): Promise<void>
  disconnect(reconnect?: boolean): void
  on(event: string, listener: (...args: never[]) => void): unknown
}

export function isIoCluster(client: unknown): client is IoCluster {
  const { isCluster, nodes, callBuffer } = (client ?? {}) as Partial<IoCluster>
  return isCluster === true && typeof nodes === 'function' && typeof callBuffer === 'function'
}

export function overIoCluster(client: IoCluster): Connector {
  return {
    isCluster: true,
    connect: () => new IoClusterConnection(duplicated(client)),
    subscriber: () => new ShardedSubscriber(new IoShards(duplicated(client))),
  }
}

function duplicated(client: IoCluster): IoCluster {
  const own = client.duplicate([], {
    ...OWN,
    redisOptions: OWN,
    clusterRetryStrategy: retryStrategy,
    retryDelayOnTryAgain: 20,
    scaleReads: 'master',
    lazyConnect: true,
  })
  // Whoever waits for an answer is told; without a listener an error ends the process.
  own.on('error', () => {})
  own.connect().catch(() => {})
  return own
}

class IoClusterConnection extends IoConnection<IoCluster> {
  /** Servers of a cluster say themselves where a key has gone. */
  override renew(): void {}

  /** With each server that comes, or comes back. */
  override onReady(listener: () => void): void {
    super.onReady(listener)
    this.client.on('+node', listener)
  }
}

/** Learns who has what as the client does: from a command for a slot that is not there any more. */
class IoShards implements Shards {
  readonly #client: IoCluster

  constructor(client: IoCluster) {
    this.#client = client
  }

  ownerOf(channel: string): ReturnType<Shards['ownerOf']> {
    const address = this.#client.slots[slotOf(channel)]?.[0]
    const node = this.#client.nodes('master').find(({ options: { host, port } }) => `${host}:${port}` === address)
    if (address === undefined || node === undefined) return undefined
    return { address, subscriber: () => new IoSubscriber(node) }
  }

  ask(channel: string): Promise<unknown> {
    return this.#client.callBuffer('EXISTS', channel)
  }

  close(): void {
    this.#client.disconnect()
  }
}
