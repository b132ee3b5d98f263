// A client of Redis for commands that need one: whichever of the user's is installed.

import type { RedisClient } from '../../redis/index.js'
import { UsageError } from '../failure.js'
import { missing } from './broker.js'

export interface Client {
  readonly client: RedisClient
  close(): void
}

/** Connects with the first of the clients that is installed, and fails where nobody answers. */
export async function connected(url: string, command: string): Promise<Client> {
  const of = await installed()
  if (of === undefined)
    throw new UsageError(`${command} needs a client of Redis beside velo-stream: npm install ioredis (or iovalkey, or redis)`)
  try {
    return await of(url)
  } catch (error) {
    throw new UsageError(`--redis ${url}: ${(error as Error).message}`)
  }
}

type Connect = (url: string) => Promise<Client>

async function installed(): Promise<Connect | undefined> {
  const ioredis = await import('ioredis').catch(missing)
  const like = ioredis ?? (await import('iovalkey').catch(missing))
  if (like !== undefined) return (url) => ofIoredis(like.default as unknown as Ioredis, url)
  const module = (await import('redis').catch(missing)) as { createClient(options: object): NodeRedis } | undefined
  return module && ((url) => ofNodeRedis(module.createClient({ url })))
}

type Ioredis = new (url: string, options: object) => RedisClient & { connect(): Promise<void>; disconnect(): void }
type NodeRedis = RedisClient & { connect(): Promise<unknown>; destroy(): void }

async function ofIoredis(Client: Ioredis, url: string): Promise<Client> {
  const client = new Client(url, { lazyConnect: true })
  client.on('error', () => {})
  await client.connect().catch((error) => {
    client.disconnect()
    throw error
  })
  return { client, close: () => client.disconnect() }
}

async function ofNodeRedis(client: NodeRedis): Promise<Client> {
  client.on('error', () => {})
  await client.connect()
  return { client, close: () => client.destroy() }
}
