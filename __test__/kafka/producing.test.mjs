// What the sink asks of its client: the same messages again after a failure, one broker at a time, and an end to every wait. The client is one of the test, which does as kafkajs does.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { kafkaSink } from 'velo-stream/kafka'
import { deferred, turns } from '../support/deferred.mjs'
import { noUnhandledRejections } from '../support/unhandled.mjs'
import { within } from '../support/within.mjs'
import { PATIENT, range } from './sink-support.mjs'

const passing = () => Object.assign(new Error('gave up'), { cause: Object.assign(new Error('connection closed'), { retriable: true }) })

/** `leaders`: of each partition; may be replaced. `onSend(messages, by leader)` is what a send comes to. */
function fake(leaders, onSend) {
  const cluster = { leaders, sends: [], producers: [], disconnects: 0 }
  const producer = (config) => {
    cluster.producers.push(config)
    const place = config.createPartitioner()
    return {
      async connect() {},
      async disconnect() {
        cluster.disconnects++
      },
      transaction() {},
      async sendBatch({ topicMessages: [{ topic, messages }], ...settings }) {
        const partitionMetadata = cluster.metadata(cluster.leaders)
        const send = messages.map((message) => [place({ topic, partitionMetadata, message }), JSON.parse(message.value)])
        cluster.sends.push(send)
        await onSend?.(send, settings)
      },
    }
  }
  const seen = new Map()
  // As long as nothing has changed the client has the same array.
  cluster.metadata = (now) => {
    if (!seen.has(now))
      seen.set(
        now,
        now.map((leader, partitionId) => ({ partitionId, leader })),
      )
    return seen.get(now)
  }
  cluster.kafka = { producer, consumer() {}, admin() {} }
  return cluster
}

describe('producing', () => {
  test('what the client gave up on is sent again before anything else, to the same partitions', async () => {
    let failures = 3
    const cluster = fake([1, 1, 1], () => {
      if (cluster.sends.length < 2 || failures-- <= 0) return
      cluster.leaders = [...cluster.leaders, 1]
      throw passing()
    })
    const sink = kafkaSink(cluster.kafka, { topic: 't' })
    await sink.write([0])
    const writing = [sink.write([1, 2, 3]), sink.write([4])]
    await within(PATIENT, Promise.all(writing))
    const [, first, ...again] = cluster.sends
    assert.deepEqual(
      first.map(([, value]) => value),
      [1, 2, 3, 4],
    )
    assert.equal(again.length, 3)
    for (const send of again) assert.deepEqual(send, first)
    await sink.end()
    assert.equal(cluster.disconnects, 1)
  })

  test('one send goes to one broker, also where partitions move while it is tried', async () => {
    const stored = []
    let isMoved = false
    const cluster = fake([1, 2, 1, 2], (send) => {
      const to = new Set(send.map(([partition]) => cluster.leaders[partition]))
      assert.equal(to.size, 1)
      if (stored.length > 0 && !isMoved) {
        isMoved = true
        cluster.leaders = [1, 1, 2, 2]
        throw passing()
      }
      stored.push(...send)
    })
    const sink = kafkaSink(cluster.kafka, { topic: 't', partition: (n) => n % 4 })
    await within(PATIENT, sink.write(range(40)))
    assert.deepEqual(
      stored.map(([, value]) => value).sort((one, other) => one - other),
      range(40),
    )
    for (const partition of range(4)) {
      const values = stored.filter(([to]) => to === partition).map(([, value]) => value)
      assert.deepEqual(
        values,
        [...values].sort((one, other) => one - other),
      )
    }
    assert.equal(cluster.producers.length, 1)
    await sink.end()
  })

  test('one send after the other, and what comes meanwhile goes together', async () => {
    let gate = deferred()
    let open = 0
    const cluster = fake([1], async () => {
      assert.equal(++open, 1)
      await gate.promise
      open--
    })
    const sink = kafkaSink(cluster.kafka, { topic: 't', batch: 10 })
    const writing = range(30).map((n) => sink.write([n]))
    await turns(8)
    gate.resolve()
    gate = deferred()
    gate.resolve()
    await within(PATIENT, Promise.all(writing))
    assert.deepEqual(
      cluster.sends.map((send) => send.length),
      [1, 9, 10, 10],
    )
    assert.deepEqual(
      cluster.sends.flat().map(([, value]) => value),
      range(30),
    )
    assert.deepEqual(await sink.write([]), undefined)
    await sink.end()
  })

  test('acks and compression are as they were given; only with all acks the producer is idempotent', async () => {
    const seen = []
    const cluster = fake([1], (_, settings) => seen.push(settings))
    const sink = kafkaSink(cluster.kafka, { topic: 't', acks: 1, compression: 1 })
    await sink.write([1])
    await sink.end()
    const usual = kafkaSink(cluster.kafka, { topic: 't' })
    await usual.write([1])
    await usual.end()
    assert.deepEqual(
      seen.map(({ acks, compression }) => [acks, compression]),
      [
        [1, 1],
        [-1, undefined],
      ],
    )
    assert.deepEqual(
      cluster.producers.map(({ idempotent }) => idempotent),
      [undefined, true],
    )
  })

  test('a client that never answers, or fails for as long, is waited for until the timeout', async () => {
    const silent = fake([1], () => new Promise(() => {}))
    const sink = kafkaSink(silent.kafka, { topic: 't', timeout: 50 })
    const writing = [sink.write([1]), sink.write([2])]
    for (const one of writing) await assert.rejects(within(PATIENT, one), { code: 'VELO_ADAPTER', message: /no answer within 50 ms/ })
    await assert.rejects(sink.write([3]), { code: 'VELO_ADAPTER' })
    await within(PATIENT, sink.end())
    assert.equal(silent.disconnects, 1)
    const away = fake([1], () => Promise.reject(passing()))
    const other = kafkaSink(away.kafka, { topic: 't', timeout: 120 })
    await assert.rejects(within(PATIENT, other.write([1])), { code: 'VELO_ADAPTER', message: /no answer within 120 ms/ })
    assert.ok(away.sends.length > 1)
    await other.end()
  })

  test('a client that throws', async () => {
    const broken = { consumer() {}, admin() {}, producer: () => assert.fail('no producer today') }
    const sink = kafkaSink(broken, { topic: 't' })
    await assert.rejects(sink.write([1]), { code: 'VELO_ADAPTER', message: /no producer today/ })
    await sink.end()
    const ending = fake([1])
    ending.kafka.producer = ((make) => (config) => ({ ...make(config), disconnect: () => Promise.reject(new Error('no')) }))(
      ending.kafka.producer,
    )
    const fine = kafkaSink(ending.kafka, { topic: 't' })
    await fine.write([1])
    await fine.end()
  })
})

noUnhandledRejections('kafka producing')
