// What tests ask of a broker of Kafka in the same words.

import { before } from 'node:test'
import { consume } from 'velo-stream'
import { clientOf, makeTopics } from '../support/kafka-servers.mjs'
import { leftover } from '../support/leftovers.mjs'
import { within } from '../support/within.mjs'

export const PATIENT = 60_000
export const range = (count) => Array.from({ length: count }, (_, i) => i)

/** Within `describeKafka`: a client, and methods on topics of their own. */
export function onTopics(server, prefix) {
  let n = 0
  const use = {}
  before(async () => {
    use.kafka = clientOf(server())
    use.admin = use.kafka.admin()
    use.producer = use.kafka.producer({ allowAutoTopicCreation: false, idempotent: true })
    await Promise.all([use.admin.connect(), use.producer.connect()])
    leftover(() => Promise.all([use.admin.disconnect(), use.producer.disconnect()]))
  })
  return Object.assign(use, {
    /** A topic of its own. */
    async topic(numPartitions = 1, config = {}) {
      const topic = `${prefix}-${n++}`
      const configEntries = Object.entries(config).map(([name, value]) => ({ name, value }))
      await makeTopics(use.admin, [{ topic, numPartitions, configEntries }])
      return topic
    },
    /** Stores values as JSON, in order; `keyOf` says their keys, `partition` the partition. */
    async store(topic, values, { keyOf = () => null, partition } = {}) {
      const messages = values.map((value) => ({ key: keyOf(value), value: JSON.stringify(value), partition }))
      for (let at = 0; at < messages.length; at += 5000) await use.producer.send({ topic, messages: messages.slice(at, at + 5000) })
    },
    /** All that was committed to a topic, parsed, partition by partition. */
    valuesOf: (topic) => valuesOf(use.kafka, use.admin, topic),
    /** The same with keys, headers and offsets. */
    records: (topic) => recordsOf(use.kafka, use.admin, topic),
    /** Looks until `check()` answers something that is true; asks the broker again and again, so it needs no timer. */
    async until(check, what) {
      let isOver = false
      const looks = async () => {
        for (let found = await check(); !isOver; found = await check()) if (found) return found
      }
      try {
        return await within(PATIENT, looks(), what)
      } finally {
        isOver = true
      }
    },
    /** How far a group is in each partition of a topic. */
    async committed(groupId, topic) {
      const [{ partitions }] = await use.admin.fetchOffsets({ groupId, topics: [topic] })
      return partitions.sort((a, b) => a.partition - b.partition).map(({ offset }) => Number(offset))
    },
  })
}

/** Reads with the client itself, up to what there is now. Resolves with `[{ partition, offset, key, value, headers }, ...]`. */
export async function recordsOf(kafka, admin, topic) {
  const ends = await admin.fetchTopicOffsets(topic)
  const open = new Map(ends.filter(({ high, low }) => high !== low).map(({ partition, high }) => [partition, Number(high)]))
  const found = []
  if (open.size === 0) return found
  const consumer = kafka.consumer({ groupId: `reader-${topic}-${Math.random()}`, maxWaitTimeInMs: 50 })
  const through = new Promise((resolve, reject) => {
    consumer.on(consumer.events.CRASH, ({ payload }) => reject(payload.error))
    // Also for what holds no message that is shown: the end of a transaction, say.
    consumer.on(consumer.events.END_BATCH_PROCESS, ({ payload: { partition, lastOffset } }) => {
      if (Number(lastOffset) + 1 >= open.get(partition)) open.delete(partition)
      if (open.size === 0) resolve()
    })
  })
  await consumer.connect()
  await consumer.subscribe({ topic, fromBeginning: true })
  await consumer.run({
    autoCommit: false,
    eachBatch: async ({ batch: { partition, messages } }) => {
      for (const { offset, key, value, headers } of messages) found.push({ partition, offset: Number(offset), key, value, headers })
    },
  })
  await within(PATIENT, through, `the end of ${topic}`)
  await consumer.disconnect()
  return found.sort((a, b) => a.partition - b.partition || a.offset - b.offset)
}

export async function valuesOf(kafka, admin, topic) {
  return (await recordsOf(kafka, admin, topic)).map(({ value }) => JSON.parse(value))
}

/** Consumes in the background; `stop()` stops it, and answers its numbers. */
export function started(fn, options) {
  const controller = new AbortController()
  // A test that fails must not go on consuming.
  leftover(() => controller.abort())
  const running = consume(fn, { ...options, signal: controller.signal })
  running.catch(() => {})
  return {
    running,
    stop() {
      controller.abort()
      return within(PATIENT, running, 'consume')
    },
  }
}

/** Resolves when `told()` was called so often. */
export function counter(count, what) {
  let resolve
  const reached = new Promise((ok) => {
    resolve = ok
  })
  return { told: () => --count === 0 && resolve(), reached: () => within(PATIENT, reached, what) }
}
