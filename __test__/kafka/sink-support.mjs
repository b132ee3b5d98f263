// What tests of sinks of Kafka ask of a broker in the same words.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import net from 'node:net'
import { before } from 'node:test'
import { kafkaSink } from 'velo-stream/kafka'
import { clientOf, makeTopics } from '../support/kafka-servers.mjs'
import { leftover } from '../support/leftovers.mjs'
import { within } from '../support/within.mjs'

export const PATIENT = 60_000
export const range = (count) => Array.from({ length: count }, (_, i) => i)

/** What requests are called on the wire. */
export const PRODUCE = 0
export const END_TXN = 26

/**
 * A way to a broker, which has to advertise its port: `config`. Connections can be cut, or the next request of a kind, or its answer, can be lost with its connection.
 */
export async function wayToBroker() {
  const pairs = new Set()
  let target
  let losing
  let left = Number.POSITIVE_INFINITY
  const server = net.createServer((client) => {
    const broker = net.connect(target, '127.0.0.1')
    const cut = () => {
      client.destroy()
      broker.destroy()
      pairs.delete(cut)
    }
    pairs.add(cut)
    let isAnswerLost = false
    const isLast = () => {
      if (--left >= 0) return false
      left = Number.POSITIVE_INFINITY
      cutAll()
      return true
    }
    client.on('data', (chunk) => {
      if (isLast()) return
      if (losing !== undefined && chunk.length > 6 && chunk.readInt16BE(4) === losing.request) {
        const { what, lost } = losing
        losing = undefined
        lost()
        if (what === 'request') return cut()
        isAnswerLost = true
      }
      broker.write(chunk)
    })
    broker.on('data', (chunk) => {
      if (isAnswerLost) cut()
      else if (!isLast()) client.write(chunk)
    })
    for (const socket of [client, broker]) socket.on('error', () => {}).on('close', cut)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const cutAll = () => {
    for (const cut of [...pairs]) cut()
  }
  leftover(() => {
    cutAll()
    server.close()
  })
  return {
    config: { 'advertised.listeners': `PLAINTEXT://127.0.0.1:${server.address().port}` },
    to({ address }) {
      target = Number(address.split(':')[1])
    },
    /** All connections, in place of letting more than so many requests and answers through. */
    cutAfter(count) {
      left = count
    },
    get isCut() {
      return left === Number.POSITIVE_INFINITY
    },
    /** Resolves when it was lost. */
    lose: (what, request) => new Promise((lost) => (losing = { what, request, lost })),
  }
}

/** Within `describeKafka`: answers a method that makes a topic of its own, `{ kafka, topic }`. */
export function freshTopics(server, prefix, between) {
  let kafka
  let admin
  let n = 0
  before(async () => {
    between?.to(server())
    kafka = clientOf(server())
    admin = kafka.admin()
    await admin.connect()
    leftover(() => admin.disconnect())
  })
  return async (partitions = 3, config = {}) => {
    const topic = `${prefix}-${n++}`
    const configEntries = Object.entries(config).map(([name, value]) => ({ name, value: String(value) }))
    await makeTopics(admin, [{ topic, numPartitions: partitions, configEntries }])
    return { kafka, admin, topic }
  }
}

/** The key by which a part tells its partition: it is no business of users. */
function shareKey() {
  let key
  const get = (_, name) => {
    if (typeof name === 'symbol') key = name
  }
  const client = { consumer() {}, producer() {}, admin() {} }
  assert.throws(() => kafkaSink(client, { topic: 'any', transactional: true }).joined(new Proxy({}, { get })))
  return key
}
const SHARE = shareKey()

/** A partition of a group as a part of a source has it: event number n is the message with offset `first` + n. */
export function partOf(groupId, topic, lost, partition = 0) {
  const share = {
    groupId,
    topic,
    partition,
    first: 0,
    done: 0,
    isTaken: false,
    offsetAt: (upTo) => String(share.first + upTo),
    startAt(offset) {
      share.first = Number(offset)
    },
    kept(upTo) {
      share.done = upTo
    },
    taken() {
      share.isTaken = true
    },
  }
  return { share, part: { [SHARE]: share, lost } }
}

/** What readers of committed messages see of a topic, by partition: keys as strings and values as they are, in order. */
export async function messagesOf(kafka, topic) {
  const admin = kafka.admin()
  await admin.connect()
  const { topics } = await admin.fetchTopicMetadata({ topics: [topic] })
  await admin.disconnect()
  const partitions = topics[0].partitions.map(({ partitionId }) => partitionId).sort((one, other) => one - other)
  // One at the end of each: whatever is committed is read before it.
  const last = `last-${Math.random()}`
  const producer = kafka.producer()
  await producer.connect()
  await producer.send({ topic, messages: partitions.map((partition) => ({ partition, key: last, value: '' })) })
  await producer.disconnect()
  const all = partitions.map(() => [])
  const open = new Set(partitions)
  const consumer = kafka.consumer({ groupId: last, maxWaitTimeInMs: 20 })
  await consumer.connect()
  await consumer.subscribe({ topics: [topic], fromBeginning: true })
  try {
    const read = new Promise((resolve) => {
      consumer.run({
        autoCommit: false,
        eachMessage: async ({ partition, message }) => {
          const key = message.key?.toString() ?? null
          if (key === last) open.delete(partition)
          else if (!key?.startsWith('last-')) all[partition].push({ ...message, key })
          if (open.size === 0) resolve()
        },
      })
    })
    await within(PATIENT, read, `the end of ${topic}`)
  } finally {
    await consumer.disconnect()
  }
  return all
}

/** The same as values of JSON, all partitions in turn. */
export async function valuesOf(kafka, topic) {
  return (await messagesOf(kafka, topic)).flat().map(({ value }) => JSON.parse(value))
}

/** A client whose producers are seen: `seen(producer)` answers what takes its place. */
export function spied(kafka, seen) {
  return {
    consumer: (config) => kafka.consumer(config),
    admin: (config) => kafka.admin(config),
    producer: (config) => seen(kafka.producer(config)),
  }
}
