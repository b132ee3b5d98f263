// The topics of a group of sessions: which must be there, and which are made where they are missing.

import { VeloError } from '../../index.js'
import { configError } from '../../kit/check.js'
import { adapterError, typeOf } from '../client/faults.js'
import type { AdminLike, KafkaLike } from '../client/kafka-like.js'
import type { Layout } from './layout.js'

/** As the broker is set. */
const USUAL = -1
/** Such a topic is not there, or not yet. */
const NOT_THERE = ['UNKNOWN_TOPIC_OR_PARTITION', 'LEADER_NOT_AVAILABLE']
/** ms until a topic that was made is known to every broker, at most, and between two looks. */
const SPREADS = 10_000
const PAUSE = 20

/** Throws `VELO_CONFIG` for a topic that is missing, and for a changelog with other partitions than the events have. */
export async function readyTopics(kafka: KafkaLike, { events, results, state, deadLetter }: Layout, field: string): Promise<void> {
  const admin = kafka.admin()
  try {
    await admin.connect()
    const partitions = await countOf(admin, events)
    if (partitions === undefined) throw configError(`${field}.events`, 'a topic that is there', events)
    if ((await countOf(admin, results)) === undefined) throw configError(`${field}.results`, 'a topic that is there', results)
    const compact = [{ name: 'cleanup.policy', value: 'compact' }]
    const kept = (await countOf(admin, state)) ?? (await make(admin, state, partitions, compact))
    if (kept !== partitions)
      throw configError(`${field}.state`, `a topic with as many partitions as ${events} has, ${partitions}; ${state} has ${kept}`, state)
    if ((await countOf(admin, deadLetter)) === undefined) await make(admin, deadLetter, USUAL, [])
  } catch (error) {
    throw error instanceof VeloError ? error : adapterError('topics of sessions', error)
  } finally {
    await admin.disconnect().catch(() => {})
  }
}

/** How many partitions it has. */
async function countOf(admin: AdminLike, topic: string): Promise<number | undefined> {
  try {
    const { topics } = await admin.fetchTopicMetadata({ topics: [topic] })
    return topics.find(({ name }) => name === topic)?.partitions.length
  } catch (error) {
    if (NOT_THERE.includes(typeOf(error) ?? '')) return undefined
    throw error
  }
}

/** Somebody else may make it at the same time: what counts is what is there then. */
async function make(
  admin: AdminLike,
  topic: string,
  numPartitions: number,
  configEntries: { name: string; value: string }[],
): Promise<number | undefined> {
  // The client waits for leaders only as long as the broker that it asks knows of the topic.
  await admin.createTopics({ waitForLeaders: false, topics: [{ topic, numPartitions, replicationFactor: USUAL, configEntries }] })
  for (const until = performance.now() + SPREADS; ; ) {
    const count = await countOf(admin, topic)
    if (count !== undefined || performance.now() > until) return count
    await new Promise((resolve) => setTimeout(resolve, PAUSE))
  }
}
