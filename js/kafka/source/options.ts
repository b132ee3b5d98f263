// js/kafka/source: messages of topics as events, and how far they are done. Knows nothing of where results go.
//
// The options of `kafkaSource`, checked.

import { configError, duration, flag, integer, onlyKnown, text, word } from '../../kit/check.js'
import { codecOf, type MessageCodec, type PayloadCodec } from '../../kit/payload-codec.js'
import { topicOf } from '../client/topic.js'

/** Options of `kafkaSource`. */
export interface KafkaSourceOptions {
  /** The topic, or several. They must be there. */
  topic: string | readonly string[]
  /** The consumer group: processes that share it have other partitions each, and what they commit is kept under its name. */
  groupId: string
  /** Where a group begins that has committed nothing yet. Default `'all'`. */
  from?: 'all' | 'new' | undefined
  /** How values lie in messages. Default `'json'`. */
  codec?: MessageCodec | undefined
  /** Gives `{ topic, partition, offset, key, headers, time, value }` in place of the value. Default false. */
  entries?: boolean | undefined
  /** Bytes of a partition that are asked for at a time, and about as many that wait here at most. From 1024. Default 1048576. */
  maxBytes?: number | undefined
  /** ms that one request waits for messages at the broker, which the end of the source waits for, too. From 10. Default 100. */
  block?: number | undefined
  /** How often a message is tried in this process before it is put aside. Kafka does not count: one that kills the process is not known for it. Integer from 1. Default 5. */
  maxDeliveries?: number | undefined
  /** Topic for messages that were put aside. Without one they end the source: with what the function threw, or with `VELO_CODEC`. */
  deadLetter?: string | undefined
  /** ms without a sign of life after which the group gives the partitions of this process to others. From 1000. Default 30000. */
  sessionTimeout?: number | undefined
  /** ms that the group waits for its members before it shares partitions anew. From 1000. Default 60000. */
  rebalanceTimeout?: number | undefined
  /**
   * ms that a rebalance waits for what is in work here; what is not done by then is dropped where the partition goes to somebody else, and delivered there again. From 0, at most half of
   * `sessionTimeout`. Default 10000, or that half.
   */
  drain?: number | undefined
  /** ms after which it is looked for partitions that were added to a topic. From 1000. Default 60000. */
  metadataMaxAge?: number | undefined
}

/** A message as an event, with `entries: true`. */
export interface KafkaEntry<Value> {
  readonly topic: string
  readonly partition: number
  /** Its place in the partition, as a decimal number. */
  readonly offset: string
  readonly key: Uint8Array | null
  /** Texts; of several values of a name the last one. */
  readonly headers: Readonly<Record<string, string>>
  /** When it was made or stored, as the topic says, ms since 1970. */
  readonly time: number
  readonly value: Value
}

export interface SourceSettings {
  readonly topics: readonly string[]
  readonly groupId: string
  readonly isFromBeginning: boolean
  readonly codec: PayloadCodec
  readonly entries: boolean
  readonly maxBytes: number
  readonly block: number
  readonly maxDeliveries: number
  readonly deadLetter: string | undefined
  readonly sessionTimeout: number
  readonly rebalanceTimeout: number
  readonly drain: number
  readonly metadataMaxAge: number
}

const NAMES = [
  'topic',
  'groupId',
  'from',
  'codec',
  'entries',
  'maxBytes',
  'block',
  'maxDeliveries',
  'deadLetter',
  'sessionTimeout',
  'rebalanceTimeout',
  'drain',
  'metadataMaxAge',
] as const

export function sourceSettings(options: KafkaSourceOptions, field: string): SourceSettings {
  onlyKnown(options, field, NAMES)
  const { topic, groupId, deadLetter } = options
  const topics = typeof topic === 'string' ? [topic] : topic
  if (!Array.isArray(topics) || topics.length === 0) throw configError(`${field}.topic`, 'a topic, or a list of topics', topic)
  for (const one of topics as unknown[]) topicOf(one, `${field}.topic`)
  text(groupId, `${field}.groupId`)
  if (deadLetter !== undefined) topicOf(deadLetter, `${field}.deadLetter`)
  const sessionTimeout = duration(options.sessionTimeout, `${field}.sessionTimeout`, 1000, 30_000)
  const half = Math.floor(sessionTimeout / 2)
  const drain = duration(options.drain, `${field}.drain`, 0, Math.min(10_000, half))
  if (drain > half) throw configError(`${field}.drain`, `at most half of sessionTimeout, ${half}`, drain)
  return {
    topics,
    groupId,
    isFromBeginning: word(options.from, `${field}.from`, ['all', 'new']) === 'all',
    codec: codecOf(options.codec, field, 'kafka'),
    entries: flag(options.entries, `${field}.entries`, false),
    maxBytes: integer(options.maxBytes, `${field}.maxBytes`, 1024, 1_048_576, 2 ** 30),
    block: duration(options.block, `${field}.block`, 10, 100),
    maxDeliveries: integer(options.maxDeliveries, `${field}.maxDeliveries`, 1, 5),
    deadLetter,
    sessionTimeout,
    rebalanceTimeout: duration(options.rebalanceTimeout, `${field}.rebalanceTimeout`, 1000, 60_000),
    drain,
    metadataMaxAge: duration(options.metadataMaxAge, `${field}.metadataMaxAge`, 1000, 60_000),
  }
}
