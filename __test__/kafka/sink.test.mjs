// Results as messages: in order, each once, and what is wrong with them.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import kafkajs from 'kafkajs'
import { unpack } from 'msgpackr'
import { consume, streamFn } from 'velo-stream'
import { kafkaSink } from 'velo-stream/kafka'
import { clientOf, describeKafka } from '../support/kafka-servers.mjs'
import { random } from '../support/random.mjs'
import { noUnhandledRejections } from '../support/unhandled.mjs'
import { within } from '../support/within.mjs'
import { freshTopics, messagesOf, PATIENT, PRODUCE, range, spied, valuesOf, wayToBroker } from './sink-support.mjs'

const same = streamFn(async function* same(events) {
  for await (const event of events) yield event
})
const sorted = (values) => values.sort((one, other) => one - other)
/** Numbers of each key grow. */
function inOrder(partitions) {
  for (const messages of partitions) {
    const last = new Map()
    for (const { key, value } of messages) {
      const n = JSON.parse(value)
      assert.ok(n > (last.get(key) ?? -1), `${n} after ${last.get(key)}`)
      last.set(key, n)
    }
  }
}
const between = await wayToBroker()

/** Counts what goes to the broker to be stored. */
function counted(kafka) {
  const count = { sends: 0 }
  count.kafka = spied(kafka, (producer) => {
    producer.on(producer.events.REQUEST, ({ payload }) => {
      if (payload.apiName === 'Produce') count.sends++
    })
    return producer
  })
  return count
}

describeKafka(
  'sink',
  (server) => {
    const fresh = freshTopics(server, 'sink', between)

    test('a topic that is not there is not made, and the error says so', async () => {
      const { admin } = await fresh()
      const kafka = clientOf(server(), { retry: { initialRetryTime: 20, maxRetryTime: 100, retries: 3 } })
      for (const options of [{ topic: 'mistyped' }, { topic: 'mistyped', acks: 1 }]) {
        const sink = kafkaSink(kafka, { ...options, timeout: 1500 })
        const refused = { code: 'VELO_ADAPTER', message: /no answer within 1500 ms \(.*does not host this topic/ }
        await within(PATIENT, assert.rejects(sink.write([1]), refused))
        await sink.end()
      }
      assert.ok(!(await admin.listTopics()).includes('mistyped'))
    })

    test('results of consume, by key in order, where other clients put them', async () => {
      const { kafka, topic } = await fresh()
      const sink = kafkaSink(kafka, { topic, key: (n) => `k\u00e9y-${n % 50}-${'x'.repeat(n % 50)}` })
      const { results } = await consume(same, { source: range(5000), sink })
      assert.equal(results, 5000)
      const partitions = await messagesOf(kafka, topic)
      const place = kafkajs.Partitioners.DefaultPartitioner()
      const partitionMetadata = range(3).map((partitionId) => ({ partitionId, leader: 1 }))
      for (const [partition, messages] of partitions.entries())
        for (const message of messages) assert.equal(place({ topic, partitionMetadata, message }), partition)
      inOrder(partitions)
      assert.deepEqual(sorted(partitions.flat().map(({ value }) => JSON.parse(value))), range(5000))
    })

    test('results that come one at a time go together', async () => {
      const { kafka, topic } = await fresh(1)
      const count = counted(kafka)
      const sink = kafkaSink(count.kafka, { topic })
      await within(PATIENT, Promise.all(range(2000).map((n) => sink.write([n]))))
      // One that finds out where the topic lies, and four of 500.
      assert.ok(count.sends <= 6, `${count.sends} sends`)
      await sink.end()
      assert.deepEqual(await valuesOf(kafka, topic), range(2000))
    })

    test('a send has no more bytes than it may, and a result with more is refused by its size', async () => {
      const { kafka, topic } = await fresh(1)
      const count = counted(kafka)
      const sink = kafkaSink(count.kafka, { topic, maxBytes: 10_000 })
      const values = range(20).map((n) => `${n}-${'x'.repeat(4000)}`)
      const writing = sink.write(values)
      const large = sink.write(['fine', 'y'.repeat(10_000)])
      await assert.rejects(within(PATIENT, large), { code: 'VELO_CODEC', message: /has 100\d\d bytes, .*maxBytes is 10000/ })
      await within(PATIENT, writing)
      assert.ok(count.sends >= 10, `${count.sends} sends`)
      await sink.write(['after'])
      await sink.end()
      assert.deepEqual(await valuesOf(kafka, topic), [...values, 'fine', 'after'])
    })

    test('headers, partitions and a codec; without a key all partitions get something', async () => {
      const { kafka, topic } = await fresh()
      const sink = kafkaSink(kafka, {
        topic,
        codec: 'msgpack',
        partition: (n) => (n < 3 ? 1 : undefined),
        headers: (n) => ({ number: String(n), bytes: new Uint8Array([n]) }),
        compression: kafkajs.CompressionTypes.GZIP,
      })
      await sink.write([0, 1, 2])
      for (const n of range(9)) await sink.write([n + 3])
      await sink.end()
      const partitions = await messagesOf(kafka, topic)
      assert.deepEqual(
        partitions[1].slice(0, 3).map(({ value, headers }) => [unpack(value), String(headers.number), headers.bytes[0]]),
        range(3).map((n) => [n, String(n), n]),
      )
      assert.ok(partitions.every((messages) => messages.length >= 3))
      assert.ok(partitions.flat().every(({ key }) => key === null))
    })

    test('stored, and the answer lost with the connection: sent again, and there once', async () => {
      const { kafka, topic } = await fresh()
      const sink = kafkaSink(kafka, { topic })
      await sink.write([0])
      const lost = between.lose('answer', PRODUCE)
      const writing = sink.write(range(20).map((n) => n + 1))
      await within(PATIENT, lost)
      await within(PATIENT, writing)
      await sink.write([21])
      await sink.end()
      assert.deepEqual(sorted(await valuesOf(kafka, topic)), range(22))
    })

    test('cut again and again, at any request: everything once, by key in order', async () => {
      const { kafka, topic } = await fresh()
      const { below } = random(1)
      const sink = kafkaSink(kafka, { topic, key: (n) => String(n % 10), batch: 50 })
      for (const turn of range(15)) {
        between.cutAfter(below(12))
        const writing = range(3).map((part) => sink.write(range(100).map((n) => (turn * 3 + part) * 100 + n)))
        await within(PATIENT, Promise.all(writing))
        assert.ok(between.isCut)
      }
      await sink.end()
      const partitions = await messagesOf(kafka, topic)
      assert.equal(partitions.flat().length, 4500)
      inOrder(partitions)
    })

    test('a broker that is killed and started again while results come: nothing lost, nothing twice, in order', async () => {
      const { kafka, topic } = await fresh()
      const sink = kafkaSink(kafka, { topic, key: (n) => String(n % 10) })
      let isOver = false
      let at = 0
      const writing = (async () => {
        while (!isOver) {
          const first = at
          at += 100
          await sink.write(range(100).map((n) => first + n))
        }
      })()
      for (const _ of range(2)) {
        const before = at
        while (at < before + 2000) await new Promise(setImmediate)
        await server().kill()
        await server().start()
      }
      isOver = true
      await within(PATIENT, writing)
      await sink.end()
      const partitions = await messagesOf(kafka, topic)
      assert.deepEqual(sorted(partitions.flat().map(({ value }) => JSON.parse(value))), range(at))
      inOrder(partitions)
    })

    test('what the broker refuses is said, and nothing passes by what is missing', async () => {
      const { kafka, topic } = await fresh(1, { 'max.message.bytes': 2000 })
      const sink = kafkaSink(kafka, { topic })
      await sink.write(['first'])
      const large = sink.write(['x'.repeat(3000)])
      await assert.rejects(within(PATIENT, large), { code: 'VELO_ADAPTER', adapter: 'kafka', message: /larger than the max message size/ })
      await assert.rejects(sink.write(['after']), { code: 'VELO_ADAPTER' })
      await sink.end()
      const elsewhere = kafkaSink(kafka, { topic, partition: () => 7 })
      await assert.rejects(within(PATIENT, elsewhere.write([1])), { code: 'VELO_ADAPTER', message: /has no partition 7, it has 1/ })
      await elsewhere.end()
      assert.deepEqual(await valuesOf(kafka, topic), ['first'])
    })

    test('what is wrong is said by name', async () => {
      const { kafka, topic } = await fresh(1)
      const field = 'kafkaSink(kafka, options)'
      assert.throws(() => kafkaSink(null, { topic }), { code: 'VELO_CONFIG', field: 'kafkaSink(kafka)' })
      for (const [name, value] of Object.entries({
        topic: '',
        key: 'id',
        headers: {},
        partition: 1,
        codec: 'xml',
        batch: 0,
        maxBytes: 10,
        compression: 'gzip',
        acks: 2,
        transactional: 'yes',
        timeout: 0,
      }))
        assert.throws(() => kafkaSink(kafka, { topic, [name]: value }), { code: 'VELO_CONFIG', field: `${field}.${name}` })
      assert.throws(() => kafkaSink(kafka, { topic, acks: 1, transactional: true }), { field: `${field}.acks` })
      assert.throws(() => kafkaSink(kafka, { topic, bach: 1 }), /did you mean 'batch'/)
      const refused = async (options, value, message) => {
        const sink = kafkaSink(kafka, { topic, ...options })
        await assert.rejects(sink.write([value]), { code: 'VELO_CODEC', message })
        await sink.end()
      }
      await refused({}, undefined, /has no JSON/)
      await refused({ key: () => 5 }, 1, /key\(result\): expected a string or a Uint8Array, got number/)
      await refused({ headers: () => ({ a: 1 }) }, 1, /headers\(result\).a/)
      await refused({ partition: () => -1 }, 1, /partition\(result\): expected an integer from 0 up, got -1/)
      await assert.rejects(
        kafkaSink(kafka, {
          topic,
          key() {
            throw new RangeError('mine')
          },
        }).write([1]),
        RangeError,
      )
      const sink = kafkaSink(kafka, { topic })
      await sink.end()
      await assert.rejects(sink.write([1]), { code: 'VELO_CLOSED' })
      assert.deepEqual(await valuesOf(kafka, topic), [])
    })
  },
  // One that was killed is taken for gone early, so that it may come back.
  { ...between.config, 'broker.session.timeout.ms': 1000, 'broker.heartbeat.interval.ms': 200 },
)

noUnhandledRejections('kafka sink')
