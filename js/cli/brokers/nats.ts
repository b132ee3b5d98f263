// Streams of NATS JetStream.

import { type NatsLike, natsSink, natsSource } from '../../nats/index.js'
import { UsageError } from '../failure.js'
import { type Broker, missing, type Route } from './broker.js'

export type Connection = NatsLike & { close(): Promise<void> }

export async function natsBroker(url: string, { streams, group, consumer, from, to, maxlen, deadLetter }: Route): Promise<Broker> {
  const [stream = '', ...more] = streams
  if (consumer === undefined) throw new UsageError('consume --nats needs --consumer')
  if (more.length > 0) throw new UsageError('--stream: with --nats it is given once')
  if (group !== undefined) throw new UsageError('--group is for --redis: with --nats, --consumer is what processes share')
  if (maxlen !== undefined) throw new UsageError('--maxlen is for --redis: a stream of NATS has limits of its own')
  const connection = await connected(url)
  try {
    return {
      source: natsSource(connection, { stream, consumer, from: beginning(from), deadLetter }),
      sink: to === undefined ? undefined : natsSink(connection, { subject: to }),
      close: () => connection.close(),
    }
  } catch (error) {
    await connection.close()
    throw error
  }
}

/** Fails where nobody answers. */
export async function connected(url: string): Promise<Connection> {
  // By a name that the compiler does not follow: its declarations do not pass the checks of this project.
  const name: string = '@nats-io/transport-node'
  const client = (await import(name).catch(missing)) as { connect(options: object): Promise<Connection> } | undefined
  if (client === undefined) throw new UsageError('--nats needs a client beside velo-stream: npm install @nats-io/transport-node')
  try {
    return await client.connect({ servers: url, maxReconnectAttempts: -1 })
  } catch (error) {
    throw new UsageError(`--nats ${url}: ${(error as Error).message}`)
  }
}

/** A sequence, a moment, or a word. */
function beginning(from: string | undefined): number | Date | 'all' | 'new' | undefined {
  if (from === undefined || from === 'all' || from === 'new') return from
  if (/^\d+$/.test(from)) return Number(from)
  const moment = new Date(from)
  if (Number.isNaN(moment.getTime())) throw new UsageError(`--from: expected a sequence, a moment, all or new, got ${from}`)
  return moment
}
