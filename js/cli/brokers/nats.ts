// Streams of NATS JetStream.

import { natsSink, natsSource } from '../../nats/index.js'
import { UsageError } from '../failure.js'
import type { Broker, Route } from './broker.js'
import { connected } from './nats-connection.js'

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

/** A sequence, a moment, or a word. */
function beginning(from: string | undefined): number | Date | 'all' | 'new' | undefined {
  if (from === undefined || from === 'all' || from === 'new') return from
  if (/^\d+$/.test(from)) return Number(from)
  const moment = new Date(from)
  if (Number.isNaN(moment.getTime())) throw new UsageError(`--from: expected a sequence, a moment, all or new, got ${from}`)
  return moment
}
