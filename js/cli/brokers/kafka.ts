// Topics of Kafka.

import { kafkaSink, kafkaSource } from '../../kafka/index.js'
import { UsageError } from '../failure.js'
import type { Broker, Route } from './broker.js'
import { connected } from './kafka-client.js'

export async function kafkaBroker(brokers: string, route: Route): Promise<Broker> {
  const { topics, group: groupId, from, to, deadLetter, transactional, consumer, maxlen } = route
  if (groupId === undefined) throw new UsageError('consume --kafka needs --group')
  if (consumer !== undefined) throw new UsageError('--consumer is not for --kafka: members of a group have no names')
  if (maxlen !== undefined) throw new UsageError('--maxlen is for --redis: a topic has a retention of its own')
  if (from !== undefined && from !== 'all' && from !== 'new') throw new UsageError(`--from: expected all or new, got ${from}`)
  if (transactional && to === undefined) throw new UsageError('--transactional needs --to')
  const kafka = await connected(brokers)
  return {
    source: kafkaSource<unknown>(kafka, { topic: topics, groupId, from, deadLetter }),
    sink: to === undefined ? undefined : kafkaSink(kafka, { topic: to, transactional }),
    // Source and sink end what they have opened.
    close: () => {},
  }
}
