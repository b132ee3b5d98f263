// kafkaSource: partitions as parts of a source, what is done of them, and what is wrong with messages.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { streamFn } from 'velo-stream'
import { kafkaSource } from 'velo-stream/kafka'
import { keyed } from 'velo-stream/operators'
import { deferred } from '../support/deferred.mjs'
import { describeKafka } from '../support/kafka-servers.mjs'
import { within } from '../support/within.mjs'
import { counter, onTopics, PATIENT, range, started } from './support.mjs'

describeKafka('kafkaSource', (server) => {
  const use = onTopics(server, 'source')

  test('each partition has an instance of its own and its order; what is done is committed', async () => {
    const topic = await use.topic(3)
    const all = counter(300, 'all events')
    const instances = []
    for (const partition of range(3)) await use.store(topic, range(100), { partition })
    const fn = async function* (events) {
      const seen = []
      instances.push(seen)
      for await (const event of events) {
        seen.push(event)
        all.told()
      }
    }
    const running = started(fn, { source: kafkaSource(use.kafka, { topic, groupId: topic }) })
    await all.reached()
    const { received, acked, results } = await running.stop()
    assert.deepEqual([received, acked, results], [300, 300, 0])
    assert.deepEqual(instances, [range(100), range(100), range(100)])
    assert.deepEqual(await use.committed(topic, topic), [100, 100, 100])
  })

  test('a group goes on where it was, and messages that come meanwhile are read', async () => {
    const topic = await use.topic(1)
    for (const turn of range(3)) {
      await use.store(topic, range(10))
      const seen = []
      const all = counter(20, 'both halves')
      const fn = async function* (events) {
        for await (const event of events) {
          seen.push(event)
          all.told()
        }
      }
      const running = started(fn, { source: kafkaSource(use.kafka, { topic, groupId: topic }) })
      await use.store(topic, range(10))
      await all.reached()
      await running.stop()
      assert.deepEqual(seen, [...range(10), ...range(10)], `turn ${turn}`)
    }
  })

  test('one instance for each key inside a partition, with keyed()', async () => {
    const topic = await use.topic(2)
    const all = counter(400, 'all results')
    const sums = new Map()
    await use.store(
      topic,
      range(400).map((n) => ({ key: `k${n % 20}`, n })),
      { keyOf: ({ key }) => key },
    )
    const sum = streamFn(async function* (events) {
      let total = 0
      for await (const { n } of events) yield (total += n)
    })
    const sink = {
      write(results) {
        for (const { key, value } of results) {
          sums.set(key, value)
          all.told()
        }
      },
    }
    const running = started(keyed(sum, { by: ({ key }) => key }), { source: kafkaSource(use.kafka, { topic, groupId: topic }), sink })
    await all.reached()
    await running.stop()
    assert.equal(sums.size, 20)
    for (const [key, total] of sums)
      assert.equal(
        total,
        range(20).reduce((more, i) => more + i * 20 + Number(key.slice(1)), 0),
      )
  })

  test('only what is done is committed: what a function holds comes again', async () => {
    const topic = await use.topic(1)
    await use.store(topic, range(10))
    const stuck = counter(1, 'the fifth event')
    const release = withResolvers()
    const fn = async function* (events) {
      for await (const event of events) {
        if (event !== 5) continue
        stuck.told()
        await release.promise
        throw new Error('the end')
      }
    }
    const running = started(fn, { source: kafkaSource(use.kafka, { topic, groupId: topic }), onError: 'stop' })
    await stuck.reached()
    release.resolve()
    await within(PATIENT, assert.rejects(running.running, /the end/))
    assert.deepEqual(await use.committed(topic, topic), [5])
  })

  test('a poison message is tried so often and put aside, with what was wrong; the others go on', async () => {
    const topic = await use.topic(1)
    const dead = await use.topic(1)
    await use.store(topic, range(20))
    const all = counter(19, 'the other events')
    let tries = 0
    const fn = async function* (events) {
      for await (const event of events) {
        if (event === 7) {
          tries++
          throw new Error('poison')
        }
        yield event
      }
    }
    const seen = []
    const sink = {
      write(results) {
        seen.push(...results)
        for (const _ of results) all.told()
      },
    }
    const source = kafkaSource(use.kafka, { topic, groupId: topic, deadLetter: dead, maxDeliveries: 3 })
    const running = started(fn, { source, sink })
    await all.reached()
    const { deadLettered, acked } = await running.stop()
    assert.deepEqual([deadLettered, acked, tries], [1, 20, 3])
    assert.deepEqual(
      seen,
      range(20).filter((n) => n !== 7),
    )
    assert.deepEqual(await use.committed(topic, topic), [20])
    const [letter] = await use.records(dead)
    const text = (name) => letter.headers[name].toString()
    assert.deepEqual([JSON.parse(letter.value), text('Velo-Offset'), text('Velo-Error')], [7, '7', 'poison'])
  })

  test('a message that cannot be read is put aside as well, and committed though nothing comes after it', async () => {
    const topic = await use.topic(1)
    const dead = await use.topic(1)
    await use.producer.send({ topic, messages: [{ value: '1' }, { value: '{' }] })
    const fn = async function* (events) {
      for await (const _ of events);
    }
    const running = started(fn, { source: kafkaSource(use.kafka, { topic, groupId: topic, deadLetter: dead }) })
    await use.until(async () => (await use.committed(topic, topic))[0] === 2, 'the commit')
    assert.equal((await running.stop()).deadLettered, 1)
  })

  test('without a place for dead letters it ends with what was wrong', async () => {
    const topic = await use.topic(1)
    await use.producer.send({ topic, messages: [{ value: '1' }, { value: '{' }] })
    const fn = async function* (events) {
      for await (const _ of events);
    }
    const { running } = started(fn, { source: kafkaSource(use.kafka, { topic, groupId: topic }) })
    await within(PATIENT, assert.rejects(running, { code: 'VELO_CODEC', message: new RegExp(`message 1 of ${topic}/0 cannot be read`) }))
  })

  test('entries tell where a message comes from', async () => {
    const topic = await use.topic(1)
    await use.producer.send({
      topic,
      messages: [
        { key: 'k', value: '{"a":1}', headers: { h: 'x' } },
        { key: 'gone', value: null },
      ],
    })
    const seen = []
    const all = counter(2, 'both')
    const fn = async function* (events) {
      for await (const event of events) {
        seen.push(event)
        all.told()
      }
    }
    const running = started(fn, { source: kafkaSource(use.kafka, { topic, groupId: topic, entries: true }) })
    await all.reached()
    await running.stop()
    const [first, second] = seen
    assert.equal(typeof first.time, 'number')
    assert.deepEqual(
      { ...first, key: String(first.key), time: 0 },
      { topic, partition: 0, offset: '0', key: 'k', headers: { h: 'x' }, time: 0, value: { a: 1 } },
    )
    assert.deepEqual([second.offset, second.value], ['1', null])
  })

  test('a stop gives back what a slow function has not begun', async () => {
    const topic = await use.topic(1)
    await use.store(topic, range(500))
    const [begun, gate] = [deferred(), deferred()]
    let executed = 0
    const slow = async function* (events) {
      for await (const _ of events) {
        executed++
        begun.resolve()
        await gate.promise
      }
    }
    const first = started(slow, { source: kafkaSource(use.kafka, { topic, groupId: topic }) })
    await within(PATIENT, begun.promise, 'the first event')
    const stopped = first.stop()
    gate.resolve()
    const { acked } = await stopped
    assert.deepEqual([executed, acked, await use.committed(topic, topic)], [1, 1, [1]])
    const all = counter(499, 'the others')
    const second = started(
      async function* (events) {
        for await (const _ of events) all.told()
      },
      { source: kafkaSource(use.kafka, { topic, groupId: topic }) },
    )
    await all.reached()
    await second.stop()
    assert.deepEqual(await use.committed(topic, topic), [500])
  })

  test('partitions that are added to a topic are read', async () => {
    const topic = await use.topic(1)
    const [first, added] = [counter(1, 'the first event'), counter(1, 'the event of the new partition')]
    const fn = async function* (events) {
      for await (const { partition } of events) (partition === 0 ? first : added).told()
    }
    const source = kafkaSource(use.kafka, { topic, groupId: topic, entries: true, metadataMaxAge: 1000 })
    const running = started(fn, { source })
    await use.store(topic, [1], { partition: 0 })
    await first.reached()
    await use.admin.createPartitions({ topicPartitions: [{ topic, count: 2 }] })
    await use.until(async () => {
      const [{ partitions }] = (await use.admin.fetchTopicMetadata({ topics: [topic] })).topics
      return partitions.length === 2
    }, 'the new partition')
    const producer = use.kafka.producer({ allowAutoTopicCreation: false })
    await producer.connect()
    await producer.send({ topic, messages: [{ value: '2', partition: 1 }] })
    await producer.disconnect()
    await added.reached()
    await running.stop()
  })

  test('a topic that is not there, a client that is none, and options that do not fit are refused', async () => {
    const fn = async function* () {}
    const source = kafkaSource(use.kafka, { topic: 'nowhere', groupId: 'nobody' })
    await within(PATIENT, assert.rejects(started(fn, { source }).running, { code: 'VELO_ADAPTER', message: /nobody/ }))
    assert.throws(() => kafkaSource({}, { topic: 't', groupId: 'g' }), {
      code: 'VELO_CONFIG',
      message: /kafkaSource\(kafka\): expected a client of kafkajs/,
    })
    const field = 'kafkaSource(kafka, options)'
    for (const [option, value] of [
      ['topic', undefined],
      ['topic', []],
      ['topic', 'a b'],
      ['groupId', ''],
      ['from', 'first'],
      ['maxBytes', 1],
      ['block', 1],
      ['maxDeliveries', 0],
      ['deadLetter', '..'],
      ['drain', 20_000],
      ['sessionTimeout', 10],
      ['topics', 'a'],
    ]) {
      const made = () => kafkaSource(use.kafka, { topic: 't', groupId: 'g', [option]: value })
      assert.throws(made, ({ code, message }) => code === 'VELO_CONFIG' && message.startsWith(`${field}.${option}`), `${option} ${value}`)
    }
    const once = kafkaSource(use.kafka, { topic: 't', groupId: 'g' })
    once.parts()
    assert.throws(() => once.parts(), { code: 'VELO_LOCKED' })
    await once.end()
  })

  test('a function that is slow loses nothing, however little may wait', async () => {
    const topic = await use.topic(1)
    const pad = 'x'.repeat(1000)
    const stored = range(5000).map((n) => ({ n, pad }))
    for (let at = 0; at < stored.length; at += 500) await use.store(topic, stored.slice(at, at + 500))
    const gate = withResolvers()
    const began = counter(1, 'the first event')
    const all = counter(5000, 'all events')
    const fn = async function* (events) {
      for await (const _ of events) {
        began.told()
        await gate.promise
        all.told()
      }
    }
    const source = kafkaSource(use.kafka, { topic, groupId: topic, maxBytes: 16_384 })
    const running = started(fn, { source, maxUnacked: 64 })
    await began.reached()
    gate.resolve()
    await all.reached()
    assert.equal((await running.stop()).acked, 5000)
  })
})

function withResolvers() {
  let resolve
  const promise = new Promise((ok) => {
    resolve = ok
  })
  return { promise, resolve }
}
