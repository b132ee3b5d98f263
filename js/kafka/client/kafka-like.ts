// js/kafka/client: the user's client, as this room speaks to it. Knows nothing of sources and sinks.
//
// The shapes of kafkajs that are used, which is never imported: a client that looks like this is one.

import { configError } from '../../kit/check.js'

export type HeadersLike = Record<string, Buffer | string | (Buffer | string)[] | undefined>

/** A message that was read. */
export interface RecordLike {
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly timestamp: string
  readonly offset: string
  readonly headers?: HeadersLike
}

export interface BatchLike {
  readonly topic: string
  readonly partition: number
  readonly messages: readonly RecordLike[]
}

export interface TopicPartitionOffset {
  readonly topic: string
  readonly partition: number
  readonly offset: string
  readonly metadata?: string | null
}

/** What happens in a group. */
export interface GroupEvent {
  readonly payload: {
    readonly memberId?: string
    readonly memberAssignment?: Readonly<Record<string, readonly number[]>>
    readonly error?: Error
    readonly restart?: boolean
  }
}

export interface ConsumerLike {
  readonly events: { readonly GROUP_JOIN: string; readonly HEARTBEAT: string; readonly CRASH: string; readonly COMMIT_OFFSETS: string }
  connect(): Promise<void>
  disconnect(): Promise<void>
  subscribe(subscription: { topics: string[]; fromBeginning: boolean }): Promise<void>
  run(config: {
    autoCommit: false
    partitionsConsumedConcurrently: number
    eachBatch(payload: { batch: BatchLike; isStale?(): boolean }): Promise<void>
  }): Promise<void>
  commitOffsets(offsets: readonly TopicPartitionOffset[]): Promise<void>
  seek(to: { topic: string; partition: number; offset: string }): void
  pause(topics: readonly { topic: string; partitions: number[] }[]): void
  resume(topics: readonly { topic: string; partitions: number[] }[]): void
  on(event: string, listener: (event: GroupEvent) => void): () => void
}

/** A message to be sent. */
export interface OutgoingLike {
  readonly key?: Buffer | string | null
  readonly value: Buffer | string | null
  readonly partition?: number | undefined
  readonly headers?: HeadersLike | undefined
  readonly timestamp?: string
}

export interface TopicMessages {
  readonly topic: string
  readonly messages: OutgoingLike[]
}

export interface SendLike {
  readonly topicMessages: TopicMessages[]
  readonly acks?: number
  readonly compression?: number | undefined
}

export interface TransactionLike {
  sendBatch(batch: SendLike): Promise<unknown>
  sendOffsets(offsets: {
    consumerGroupId: string
    topics: { topic: string; partitions: { partition: number; offset: string; metadata?: string }[] }[]
  }): Promise<void>
  commit(): Promise<void>
  abort(): Promise<void>
}

export interface ProducerLike {
  connect(): Promise<void>
  disconnect(): Promise<void>
  sendBatch(batch: SendLike): Promise<unknown>
  transaction(): Promise<TransactionLike>
}

export interface AdminLike {
  connect(): Promise<void>
  disconnect(): Promise<void>
  createTopics(options: {
    waitForLeaders?: boolean
    topics: {
      topic: string
      numPartitions?: number
      replicationFactor?: number
      configEntries?: { name: string; value: string }[]
    }[]
  }): Promise<boolean>
  fetchTopicMetadata(options: { topics: string[] }): Promise<{ topics: { name: string; partitions: { partitionId: number }[] }[] }>
  fetchOffsets(options: {
    groupId: string
    topics: string[]
  }): Promise<{ topic: string; partitions: { partition: number; offset: string; metadata: string | null }[] }[]>
}

/** A client: `new Kafka({ brokers })` of kafkajs. */
export interface KafkaLike {
  consumer(config: object): ConsumerLike
  producer(config?: object): ProducerLike
  admin(config?: object): AdminLike
}

/** Throws `VELO_CONFIG` for what is no client. */
export function kafkaOf(kafka: unknown, field: string): KafkaLike {
  const given = kafka as Partial<KafkaLike> | null | undefined
  if (
    typeof given === 'object' &&
    given !== null &&
    (['consumer', 'producer', 'admin'] as const).every((name) => typeof given[name] === 'function')
  )
    return given as KafkaLike
  throw configError(field, 'a client of kafkajs: new Kafka({ brokers })', kafka)
}
