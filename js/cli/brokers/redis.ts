// js/cli/brokers: what commands read from and write to, with whichever client of the user's is installed. Knows nothing of functions.
//
// Redis and Valkey.

import { redisSink, redisSource } from '../../redis/index.js'
import { UsageError } from '../failure.js'
import type { Broker, Route } from './broker.js'
import { connected } from './redis-client.js'

export async function redisBroker(url: string, { streams, group, consumer, from, to, maxlen, deadLetter }: Route): Promise<Broker> {
  if (group === undefined) throw new UsageError('consume needs --group')
  const { client, close } = await connected(url, 'velo consume')
  try {
    return {
      source: redisSource(client, { stream: streams, group, consumer, from, deadLetter }),
      sink: to === undefined ? undefined : redisSink(client, { stream: to, maxlen }),
      close,
    }
  } catch (error) {
    close()
    throw error
  }
}
