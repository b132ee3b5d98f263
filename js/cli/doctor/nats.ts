// What `velo doctor` says of a server of NATS, its streams and their consumers. Every finding is a fact with a level; nothing here prints.

import type { NatsMessageLike } from '../../nats/index.js'
import { type Connection, connected } from '../brokers/nats-connection.js'
import type { Finding } from './findings.js'

const NS = 1e6
/** ms that an answer may take. */
const PATIENCE = 3000
/** How long a function may take to close, unless it says otherwise. */
const CLOSE_TIMEOUT = 5000

type Asked = Record<string, unknown>

interface Stream {
  readonly config: { readonly name: string; readonly storage?: string; readonly num_replicas?: number }
}

export interface ConsumerFacts {
  readonly name: string
  readonly config: { readonly ack_policy?: string; readonly ack_wait?: number; readonly durable_name?: string }
}

/** Everything of one server, in the order in which it is printed. */
export async function natsFindings(url: string): Promise<Finding[]> {
  let connection: Connection
  try {
    connection = await connected(url)
  } catch (error) {
    return [{ name: 'nats', level: 'fail', says: (error as Error).message }]
  }
  const { info } = connection as { info?: { version?: string } }
  const found: Finding[] = [{ name: 'nats', level: 'ok', says: `nats-server ${info?.version ?? ''} answers` }]
  try {
    found.push(sync(await interval(connection)))
    const streams = await all<Stream>(connection, 'STREAM.LIST', 'streams')
    found.push({ name: 'jetstream', level: 'ok', says: `${streams.length} ${streams.length === 1 ? 'stream' : 'streams'}` })
    for (const stream of streams) {
      found.push(...replicas(stream))
      const consumers = await all<ConsumerFacts>(connection, `CONSUMER.LIST.${stream.config.name}`, 'consumers')
      for (const consumer of consumers) found.push(...patience(stream.config.name, consumer))
    }
    return found
  } catch (error) {
    const says = `JetStream does not answer: ${(error as Error).message}`
    return [...found, { name: 'jetstream', level: 'fail', says, hint: 'Start the server with -js, and let this user ask $JS.API.>.' }]
  } finally {
    await connection.close()
  }
}

/** How often what a stream took is brought to the disk; ms, 0 = always, `undefined` = this user may not ask. */
export function sync(ms: number | undefined): Finding {
  const hint =
    'Set sync_interval: always in the part jetstream of its configuration, or keep three replicas on machines that do not fail together.'
  if (ms === 0) return { name: 'sync_interval', level: 'ok', says: 'always: what a stream took is on the disk' }
  if (ms !== undefined) return { name: 'sync_interval', level: 'warn', says: `${ms / 1000} s: so much may be lost with a machine`, hint }
  const says = 'only the system account may ask; unless it was set, it is 120 s: so much may be lost with a machine'
  return { name: 'sync_interval', level: 'warn', says, hint }
}

/** A stream that one machine keeps. */
export function replicas({ config: { name, storage, num_replicas = 1 } }: Stream): Finding[] {
  if (storage === 'memory')
    return [
      { name: 'stream', level: 'warn', says: `${name} is kept in memory: it is gone with its server`, hint: 'Make it with storage file.' },
    ]
  if (num_replicas > 1) return []
  const hint = 'In a cluster, give it three replicas.'
  return [{ name: 'stream', level: 'warn', says: `${name} has one replica: it is away, or lost, with its server`, hint }]
}

/** A consumer that delivers again what a function still works on while it closes. */
export function patience(stream: string, { name, config: { ack_policy, ack_wait = 30_000 * NS } }: ConsumerFacts): Finding[] {
  const ms = ack_wait / NS
  if (ack_policy === 'none' || ms >= CLOSE_TIMEOUT) return []
  const says = `${name} of ${stream} delivers again after ${ms} ms, before a function has closed (closeTimeout, ${CLOSE_TIMEOUT} ms unless set)`
  return [{ name: 'consumer', level: 'warn', says, hint: 'Give it an ack_wait that is longer.' }]
}

/** All of a list of JetStream, page by page. */
async function all<Item>(connection: Connection, what: string, member: string): Promise<Item[]> {
  const items: Item[] = []
  for (;;) {
    const reply = await asked(connection, `$JS.API.${what}`, { offset: items.length })
    const page = (reply[member] ?? []) as Item[]
    items.push(...page)
    if (page.length === 0 || items.length >= Number(reply.total)) return items
  }
}

async function interval(connection: Connection): Promise<number | undefined> {
  try {
    const { data } = (await asked(connection, '$SYS.REQ.SERVER.PING.JSZ', { config: true })) as { data?: { config?: Asked } }
    if (data?.config === undefined) return undefined
    return data.config.sync_always === true ? 0 : Number(data.config.sync_interval ?? 0) / NS
  } catch {
    return undefined
  }
}

async function asked(connection: Connection, subject: string, body: object): Promise<Asked> {
  const message: NatsMessageLike = await connection.request(subject, JSON.stringify(body), { timeout: PATIENCE })
  const reply = JSON.parse(Buffer.from(message.data).toString()) as Asked & { error?: { description?: string } }
  if (reply.error !== undefined) throw new Error(reply.error.description ?? 'refused')
  return reply
}
