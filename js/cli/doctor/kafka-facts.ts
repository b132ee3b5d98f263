// What brokers of Kafka say of themselves, of topics and of a group: asked here, judged in kafka.ts.

import type { KafkaLike } from '../../kafka/index.js'

/** Settings by their names; `undefined` = this user may not ask. */
export type Settings = Readonly<Record<string, string>> | undefined

export interface KafkaFacts {
  readonly brokers: number
  /** Of the first of them. */
  readonly settings: Settings
  readonly topics: readonly TopicFacts[]
  readonly group: GroupFacts | undefined
}

export interface TopicFacts {
  readonly name: string
  /** Why nothing is known of it. */
  readonly error?: string
  readonly partitions: readonly {
    readonly partition: number
    readonly replicas: number
    readonly inSync: number
    readonly hasLeader: boolean
  }[]
  readonly settings: Settings
}

export interface GroupFacts {
  readonly name: string
  /** Why nothing is known of it. */
  readonly error?: string
  readonly members: number
  readonly positions: readonly Position[]
}

/** How far a group is in a partition. */
export interface Position {
  readonly topic: string
  readonly partition: number
  /** The first message that is there, and the one that comes next. */
  readonly low: number
  readonly high: number
  /** -1: nothing. */
  readonly committed: number
}

interface Metadata {
  readonly name: string
  readonly partitions: readonly { partitionId: number; leader: number; replicas: readonly number[]; isr: readonly number[] }[]
}

interface AsksLike {
  connect(): Promise<void>
  disconnect(): Promise<void>
  describeCluster(): Promise<{ brokers: readonly { nodeId: number }[] }>
  describeConfigs(asked: { includeSynonyms: false; resources: readonly { type: number; name: string }[] }): Promise<{
    resources: readonly { configEntries: readonly { configName: string; configValue: string | null }[] }[]
  }>
  fetchTopicMetadata(asked: { topics: string[] }): Promise<{ topics: readonly Metadata[] }>
  fetchTopicOffsets(topic: string): Promise<readonly { partition: number; low: string; high: string }[]>
  fetchOffsets(asked: {
    groupId: string
    topics?: readonly string[]
  }): Promise<readonly { topic: string; partitions: readonly { partition: number; offset: string }[] }[]>
  describeGroups(groups: readonly string[]): Promise<{ groups: readonly { members: readonly unknown[] }[] }>
}

/** Kinds of what has settings. */
const TOPIC = 2
const BROKER = 4

/** Of these topics, and of those that the group has read where none is named. */
export async function kafkaFacts(kafka: KafkaLike, topics: readonly string[], group: string | undefined): Promise<KafkaFacts> {
  const admin = kafka.admin() as unknown as AsksLike
  try {
    await admin.connect()
    const { brokers } = await admin.describeCluster()
    const first = String(brokers[0]?.nodeId)
    return {
      brokers: brokers.length,
      settings: await settingsOf(admin, BROKER, first),
      topics: await Promise.all(topics.map((topic) => topicFacts(admin, topic))),
      group: group === undefined ? undefined : await groupFacts(admin, group, topics),
    }
  } finally {
    await admin.disconnect()
  }
}

async function topicFacts(admin: AsksLike, name: string): Promise<TopicFacts> {
  try {
    const { topics } = await admin.fetchTopicMetadata({ topics: [name] })
    const partitions = (topics[0]?.partitions ?? []).map(({ partitionId, leader, replicas, isr }) => ({
      partition: partitionId,
      replicas: replicas.length,
      inSync: isr.length,
      hasLeader: leader >= 0,
    }))
    return { name, partitions, settings: await settingsOf(admin, TOPIC, name) }
  } catch (error) {
    return { name, error: (error as Error).message, partitions: [], settings: undefined }
  }
}

async function groupFacts(admin: AsksLike, name: string, topics: readonly string[]): Promise<GroupFacts> {
  try {
    const { groups } = await admin.describeGroups([name])
    const kept = await admin.fetchOffsets({ groupId: name, ...(topics.length > 0 && { topics }) })
    const positions = await Promise.all(kept.map((one) => positionsOf(admin, one)))
    return { name, members: groups[0]?.members.length ?? 0, positions: positions.flat() }
  } catch (error) {
    return { name, error: (error as Error).message, members: 0, positions: [] }
  }
}

async function positionsOf(
  admin: AsksLike,
  { topic, partitions }: { topic: string; partitions: readonly { partition: number; offset: string }[] },
): Promise<Position[]> {
  const ends = await admin.fetchTopicOffsets(topic)
  const committed = new Map(partitions.map(({ partition, offset }) => [partition, Number(offset)]))
  return ends.map(({ partition, low, high }) => ({
    topic,
    partition,
    low: Number(low),
    high: Number(high),
    committed: committed.get(partition) ?? -1,
  }))
}

async function settingsOf(admin: AsksLike, type: number, name: string): Promise<Settings> {
  try {
    const { resources } = await admin.describeConfigs({ includeSynonyms: false, resources: [{ type, name }] })
    const entries = resources[0]?.configEntries ?? []
    return Object.fromEntries(entries.map(({ configName, configValue }) => [configName, configValue ?? '']))
  } catch {
    return undefined
  }
}
