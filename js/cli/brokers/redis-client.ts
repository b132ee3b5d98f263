// A client of Redis for commands that need one: whichever of the user's is installed, and one of the whole cluster where the server belongs to one.

import type { RedisClient } from '../../redis/index.js'
import { UsageError } from '../failure.js'
import { missing } from './broker.js'

export interface Client {
  readonly client: RedisClient
  close(): void
}

/** `whole`: with a server of a cluster, all of it; `one`: that server alone. */
export type Scope = 'whole' | 'one'

/** Connects with the first of the clients that is installed, and fails where nobody answers. */
export async function connected(url: string, command: string, scope: Scope = 'whole'): Promise<Client> {
  const library = await installed()
  if (library === undefined)
    throw new UsageError(`${command} needs a client of Redis beside velo-stream: npm install ioredis (or iovalkey, or redis)`)
  try {
    const one = await library.one(url)
    if (scope === 'one' || !/^cluster_enabled:1/m.test(await one.info())) return one
    one.close()
    return await library.whole(url)
  } catch (error) {
    throw new UsageError(`--redis ${url}: ${(error as Error).message}`)
  }
}

interface Library {
  one(url: string): Promise<Client & { info(): Promise<string> }>
  /** The cluster that this server belongs to. */
  whole(url: string): Promise<Client>
}

interface Connection {
  connect(): Promise<unknown>
  on(event: string, listener: (error: unknown) => void): unknown
}

type Ioredis = RedisClient & Connection & { disconnect(): void; call(command: string, section: string): Promise<unknown> }
type NodeRedis = RedisClient & Connection & { destroy(): void; sendCommand(args: string[]): Promise<unknown> }

interface IoredisModule {
  default: new (url: string, options: object) => Ioredis
  Cluster: new (nodes: string[], options: object) => Ioredis
}

interface NodeRedisModule {
  createClient(options: object): NodeRedis
  createCluster(options: object): NodeRedis
}

async function installed(): Promise<Library | undefined> {
  let ioredis: unknown = await import('ioredis').catch(missing)
  ioredis ??= await import('iovalkey').catch(missing)
  if (ioredis !== undefined) return ofIoredis(ioredis as IoredisModule)
  const redis = await import('redis').catch(missing)
  return redis && ofNodeRedis(redis as unknown as NodeRedisModule)
}

function ofIoredis({ default: Single, Cluster }: IoredisModule): Library {
  return {
    async one(url) {
      const client = await answering(new Single(url, { lazyConnect: true }), (client) => client.disconnect())
      return { client, close: () => client.disconnect(), info: async () => String(await client.call('INFO', 'cluster')) }
    },
    async whole(url) {
      const { username, password, tls } = secrets(url)
      const redisOptions = { username, password, ...(tls && { tls: {} }) }
      const client = await answering(new Cluster([url], { lazyConnect: true, redisOptions }), (client) => client.disconnect())
      return { client, close: () => client.disconnect() }
    },
  }
}

function ofNodeRedis({ createClient, createCluster }: NodeRedisModule): Library {
  return {
    async one(url) {
      const client = await answering(createClient({ url }), () => {})
      return { client, close: () => client.destroy(), info: async () => String(await client.sendCommand(['INFO', 'cluster'])) }
    },
    async whole(url) {
      const { username, password, tls } = secrets(url)
      const defaults = { username, password, ...(tls && { socket: { tls: true } }) }
      const client = await answering(createCluster({ rootNodes: [{ url }], defaults }), () => {})
      return { client, close: () => client.destroy() }
    },
  }
}

/** What all servers of a cluster want to know, beside their addresses. */
function secrets(url: string): { username: string | undefined; password: string | undefined; tls: boolean } {
  const { username, password, protocol } = new URL(url)
  const known = (text: string): string | undefined => (text === '' ? undefined : decodeURIComponent(text))
  return { username: known(username), password: known(password), tls: protocol === 'rediss:' }
}

async function answering<One extends Connection>(client: One, giveUp: (client: One) => void): Promise<One> {
  // ioredis rejects with "Connection is closed." only; why it was is in this event.
  let cause: unknown
  client.on('error', (error) => {
    cause = error
  })
  await client.connect().catch((error) => {
    giveUp(client)
    throw cause ?? error
  })
  return client
}
