// Channels of a cluster: each is heard from the server that has its slot, over a connection to that server alone. Owns where each channel is heard; who has a slot, the client knows.

import { setTimeout as after } from 'node:timers/promises'
import type { Subscriber } from './connection.js'

/** A server of the cluster, as the client knows it. */
export interface Shard {
  /** Host and port. */
  readonly address: string
  subscriber(): Subscriber
}

export interface Shards {
  /** Which server has a channel, as far as is known. */
  ownerOf(channel: string): Shard | undefined
  /** Asks the cluster about it: who has it is known afterwards. */
  ask(channel: string): Promise<unknown>
  close(): void
}

interface Heard {
  readonly address: string
  readonly subscriber: Subscriber
}

/** How often it is followed from server to server before it is tried again by and by. */
const MOVES = 5
/** ms until it is asked whether another server has what one had whose connection broke. */
const AWAY = 500

export class ShardedSubscriber implements Subscriber {
  readonly #shards: Shards
  readonly #servers = new Map<string, Heard>()
  readonly #listeners = new Map<string, (message: Buffer) => void>()
  readonly #at = new Map<string, Heard>()
  readonly #onReady: (() => void)[] = []
  /** Servers that are away. */
  readonly #away = new Set<Heard>()
  #isClosed = false

  constructor(shards: Shards) {
    this.#shards = shards
  }

  async subscribe(channel: string, listener: (message: Buffer) => void): Promise<void> {
    this.#listeners.set(channel, listener)
    for (let moves = 0; this.#listeners.has(channel) && !this.#isClosed; moves++) {
      const known = this.#shards.ownerOf(channel)
      // Whoever is away may have lost it to another.
      if (moves > 0 || known === undefined || this.#away.has(this.#serverOf(known))) await this.#shards.ask(channel)
      const shard = this.#shards.ownerOf(channel)
      if (shard === undefined) throw new Error('CLUSTERDOWN no server has the slot of a channel')
      const server = this.#serverOf(shard)
      this.#leave(channel, server)
      this.#at.set(channel, server)
      try {
        await server.subscriber.subscribe(channel, listener)
        return
      } catch (error) {
        if (!/^(MOVED|ASK|TRYAGAIN)/.test((error as Error).message) || moves === MOVES) throw error
      }
    }
  }

  async unsubscribe(channel: string): Promise<void> {
    this.#listeners.delete(channel)
    const server = this.#at.get(channel)
    this.#at.delete(channel)
    await server?.subscriber.unsubscribe(channel)
  }

  onReady(listener: () => void): void {
    this.#onReady.push(listener)
    if (this.#servers.size > 0) listener()
  }

  /** Servers of a cluster say themselves where a channel has gone. */
  renew(): void {}

  /** Whoever is lost is followed here. */
  onLost(): void {}

  close(): void {
    this.#isClosed = true
    for (const { subscriber } of this.#servers.values()) subscriber.close()
    this.#shards.close()
  }

  /** It is heard elsewhere now. */
  #leave(channel: string, server: Heard): void {
    const before = this.#at.get(channel)
    if (before !== undefined && before !== server) before.subscriber.unsubscribe(channel).catch(() => {})
  }

  #serverOf(shard: Shard): Heard {
    const known = this.#servers.get(shard.address)
    if (known !== undefined) return known
    const server: Heard = { address: shard.address, subscriber: shard.subscriber() }
    this.#servers.set(shard.address, server)
    server.subscriber.onReady(() => {
      this.#away.delete(server)
      this.#ready()
    })
    server.subscriber.onLost((isAway) => {
      // A slot went to another server: everything is subscribed again, wherever that is now.
      if (!isAway) return this.#ready()
      if (this.#away.has(server)) return
      this.#away.add(server)
      void this.#follow(server)
    })
    return server
  }

  /** While a server is away: has another taken its place? */
  async #follow(server: Heard): Promise<void> {
    while (this.#away.has(server) && !this.#isClosed) {
      await after(AWAY, undefined, { ref: false })
      const lost = [...this.#at].find(([, at]) => at === server)
      if (lost === undefined) return
      const [channel] = lost
      await this.#shards.ask(channel).catch(() => {})
      const owner = this.#shards.ownerOf(channel)
      if (this.#away.has(server) && owner !== undefined && owner.address !== server.address) return this.#ready()
    }
  }

  #ready(): void {
    if (!this.#isClosed) for (const listener of this.#onReady) listener()
  }
}
