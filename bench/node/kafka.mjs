// Topics of Kafka: a source against the client's own loop over batches, and a sink against its sends of 500, with the same client (kafkajs) against one broker that the bench starts; and what a transaction takes. The time of
// the process on its processors is shown beside the time that passed: the broker has the other core.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import net from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import kafkajs from 'kafkajs'
import { brokerOf, program, READY } from '../../.ci/kafka-broker.mjs'
import { consume, streamFn } from '../../dist/index.js'
import { kafkaSink, kafkaSource } from '../../dist/kafka.js'
import { withCpu } from './cpu.mjs'
import { addClaim, contest, document, main } from './harness.mjs'

const { Kafka, logLevel } = kafkajs
/** ms that a fetch waits at the broker, for both sides: what stops them waits for that. */
const BLOCK = 50
let groups = 0

async function freePort() {
  const listener = net.createServer().listen(0, '127.0.0.1')
  await once(listener, 'listening')
  const { port } = listener.address()
  listener.close()
  return port
}

/** Gives a broker of its own, and a client, to some work. */
async function withBroker(work) {
  if (program === undefined) throw new Error('there is no broker of Kafka: node .ci/kafka.mjs')
  const folder = mkdtempSync(join(tmpdir(), 'velo-bench-'))
  const port = await freePort()
  const [command, ...args] = brokerOf(port, await freePort(), folder)
  const child = spawn(command, args, { stdio: ['ignore', 'ignore', 'pipe'] })
  try {
    for await (const line of createInterface(child.stderr)) if (READY.test(line)) break
    child.stderr.resume()
    const kafka = new Kafka({ brokers: [`127.0.0.1:${port}`], logLevel: logLevel.NOTHING })
    const admin = kafka.admin()
    await admin.connect()
    const answer = await work(kafka, admin)
    await admin.disconnect()
    return answer
  } finally {
    child.kill('SIGKILL')
    await once(child, 'exit')
    rmSync(folder, { recursive: true, force: true, maxRetries: 3 })
  }
}

/** The client's own best loop: a batch at a time, committed after each. */
async function bare(kafka, topic, events) {
  const consumer = kafka.consumer({ groupId: `bare-${groups++}`, maxWaitTimeInMs: BLOCK })
  let sum = 0
  let seen = 0
  let end
  const through = new Promise((resolve) => {
    end = resolve
  })
  await consumer.connect()
  await consumer.subscribe({ topic, fromBeginning: true })
  await consumer.run({
    eachBatch: async ({ batch }) => {
      for (const { value } of batch.messages) sum += JSON.parse(value.toString()).n
      seen += batch.messages.length
      if (seen >= events) end()
    },
  })
  await through
  await consumer.disconnect()
  return sum
}

async function consumed(kafka, topic, events) {
  let sum = 0
  let seen = 0
  const stop = new AbortController()
  const total = streamFn(async function* total(messages) {
    for await (const { n } of messages) {
      sum += n
      if (++seen === events) stop.abort()
    }
  })
  const source = kafkaSource(kafka, { topic, groupId: `ours-${groups++}`, block: BLOCK })
  await consume(total, { source, signal: stop.signal })
  return sum
}

function source(options) {
  return withBroker(async (kafka, admin) => {
    const events = options.quick ? 2000 : 500_000
    await admin.createTopics({ topics: [{ topic: 'in', numPartitions: 4 }] })
    const producer = kafka.producer()
    await producer.connect()
    for (let at = 0; at < events; at += 5000) {
      const messages = Array.from({ length: Math.min(5000, events - at) }, (_, i) => {
        const n = at + i
        return {
          key: String(n % 100),
          value: JSON.stringify({ n, user: `user-${n % 100}`, page: '/products/1234', at: 1_700_000_000_000 + n }),
        }
      })
      await producer.send({ topic: 'in', messages })
    }
    await producer.disconnect()
    const contestants = { consume: () => consumed(kafka, 'in', events), 'eachBatch of the client': () => bare(kafka, 'in', events) }
    const { measured, rows } = withCpu(contestants)
    const claims = [{ of: 'consume', peer: 'eachBatch of the client', bar: 0.9 }]
    const group = await contest({
      title: 'messages of four partitions, JSON.parse, a function, commits; joining and leaving the group is in it',
      events,
      expected: (events * (events - 1)) / 2,
      contestants: measured,
      claims,
      options: { ...options, warmup: Math.min(options.warmup, 2) },
    })
    group.rows.push(...rows(events, options, []))
    return group
  })
}

/** What is in a topic, ends of transactions left out. */
async function count(admin, topic) {
  const ends = await admin.fetchTopicOffsets(topic)
  return ends.reduce((sum, { high }) => sum + Number(high), 0)
}

function sink(options) {
  return withBroker(async (kafka, admin) => {
    const values = Array.from({ length: options.quick ? 2000 : 200_000 }, (_, n) => ({ n, user: `user-${n % 100}`, total: n * 2 }))
    const same = streamFn(async function* same(events) {
      for await (const event of events) yield event
    })
    const afresh = (work) => async () => {
      const topic = `out-${groups++}`
      await admin.createTopics({ topics: [{ topic, numPartitions: 4 }] })
      await work(topic)
      return count(admin, topic)
    }
    const sends = async (topic) => {
      const producer = kafka.producer({ idempotent: true, maxInFlightRequests: 1 })
      await producer.connect()
      for (let at = 0; at < values.length; at += 500) {
        const messages = values.slice(at, at + 500).map((value) => ({ key: value.user, value: JSON.stringify(value) }))
        await producer.send({ topic, messages })
      }
      await producer.disconnect()
    }
    const contestants = {
      'a function that yields one at a time': afresh((topic) =>
        consume(same, { source: values, sink: kafkaSink(kafka, { topic, key: ({ user }) => user }) }),
      ),
      'sends of 500 by the client': afresh(sends),
    }
    const { measured, rows } = withCpu(contestants)
    const claims = [{ of: 'a function that yields one at a time', peer: 'sends of 500 by the client', bar: 0.9 }]
    const group = await contest({
      title: 'messages with a key into four partitions, idempotent, acks of all',
      events: values.length,
      expected: values.length,
      contestants: measured,
      claims,
      options: { ...options, warmup: Math.min(options.warmup, 2) },
    })
    group.rows.push(...rows(values.length, options, []))
    return group
  })
}

/** Results and offsets in one transaction, an event at a time: the next one comes when the last one is stored. */
function transactions(options) {
  return withBroker(async (kafka, admin) => {
    const times = []
    const rounds = options.quick ? 20 : 500
    await admin.createTopics({
      topics: [
        { topic: 'in', numPartitions: 1 },
        { topic: 'out', numPartitions: 1 },
      ],
    })
    const producer = kafka.producer()
    await producer.connect()
    const same = streamFn(async function* same(events) {
      for await (const event of events) yield event
    })
    const store = kafkaSink(kafka, { topic: 'out', transactional: true })
    let stored
    const sink = {
      write: (results) => store.write(results),
      end: () => store.end(),
      joined(part) {
        const own = store.joined(part)
        return {
          begin: () => own.begin(),
          async commit(results, upTo) {
            const begun = performance.now()
            await own.commit(results, upTo)
            if (results.length > 0) times.push(performance.now() - begun)
            stored?.()
          },
        }
      },
    }
    const stop = new AbortController()
    const running = consume(same, { source: kafkaSource(kafka, { topic: 'in', groupId: 'g', block: BLOCK }), sink, signal: stop.signal })
    for (let n = 0; n < rounds; n++) {
      const next = new Promise((resolve) => {
        stored = resolve
      })
      await producer.send({ topic: 'in', messages: [{ value: String(n) }] })
      await next
    }
    stop.abort()
    await running
    await producer.disconnect()
    const sorted = times.slice(Math.floor(rounds / 10)).sort((a, b) => a - b)
    const at = (q) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))]
    const rows = [
      { name: 'a transaction: p50', value: at(0.5), unit: 'ms' },
      { name: 'a transaction: p95', value: at(0.95), unit: 'ms' },
      { name: 'a transaction: p99', value: at(0.99), unit: 'ms' },
    ]
    addClaim(rows, { of: 'a transaction: p50', bar: 15, most: true }, at(0.5))
    return { title: 'a result and the offset of its event in one transaction', rows }
  })
}

const all = { kafkaSource: source, kafkaSink: sink, kafkaTransactions: transactions }
for (const [name, group] of Object.entries(all)) Object.defineProperty(group, 'name', { value: name })

export function kafka(options) {
  return document('kafka', Object.values(all), options)
}

await main(import.meta, kafka)
