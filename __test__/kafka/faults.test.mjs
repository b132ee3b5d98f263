// kafkaSource while its broker is killed, and its connections are cut.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { kafkaSource } from 'velo-stream/kafka'
import { clientOf, describeKafka, makeTopics, startKafka } from '../support/kafka-servers.mjs'
import { within } from '../support/within.mjs'
import { counter, onTopics, PATIENT, range, started } from './support.mjs'

describeKafka('faults', (server) => {
  const use = onTopics(server, 'faults')

  test('a client that gives up for a lost connection is followed by another one', { timeout: 120_000 }, async () => {
    const topic = await use.topic(1)
    // What kafkajs says of a connection that is cut during a rejoin: that no repeat could help.
    const crash = Object.assign(new Error('Failed to find group coordinator'), {
      name: 'KafkaJSGroupCoordinatorNotFound',
      retriable: false,
    })
    const consumers = []
    const kafka = {
      producer: (options) => use.kafka.producer(options),
      admin: (options) => use.kafka.admin(options),
      consumer: (options) => {
        const consumer = use.kafka.consumer(options)
        const listeners = []
        consumers.push(() => {
          for (const listener of listeners) listener({ payload: { error: crash, restart: false } })
        })
        const on = consumer.on.bind(consumer)
        consumer.on = (event, listener) => {
          if (event === consumer.events.CRASH) listeners.push(listener)
          return on(event, listener)
        }
        return consumer
      },
    }
    const begun = counter(10, 'the first events')
    const all = counter(20, 'all events')
    const seen = new Set()
    const fn = async function* (events) {
      for await (const event of events) {
        if (seen.has(event)) continue
        seen.add(event)
        begun.told()
        all.told()
      }
    }
    const running = started(fn, { source: kafkaSource(kafka, { topic, groupId: topic }) })
    await use.store(topic, range(10))
    await begun.reached()
    consumers[0]()
    await use.store(
      topic,
      range(10).map((n) => 10 + n),
    )
    await all.reached()
    await running.stop()
    assert.equal(consumers.length, 2)
    assert.deepEqual(await use.committed(topic, topic), [20])
  })

  test('a broker that is killed and comes back: nothing is lost, the order is kept', { timeout: 120_000 }, async () => {
    const topic = await use.topic(2)
    await use.store(topic, range(500), { partition: 0 })
    await use.store(topic, range(500), { partition: 1 })
    const begun = counter(200, 'the first events')
    const all = counter(2000, 'all events')
    const seen = [new Set(), new Set()]
    // A fresh instance begins at the last commit, which is behind what others have seen.
    const next = [0, 0]
    const fn = async function* (events) {
      let last
      for await (const { partition, value } of events) {
        assert.ok(value <= next[partition] && (last === undefined || value === last + 1), `${value} after ${last}`)
        next[partition] = Math.max(next[partition], value + 1)
        last = value
        if (!seen[partition].has(value)) all.told()
        seen[partition].add(value)
        begun.told()
        if (value % 50 === 0) await new Promise(setImmediate)
      }
    }
    const running = started(fn, { source: kafkaSource(use.kafka, { topic, groupId: topic, entries: true, sessionTimeout: 6000 }) })
    await begun.reached()
    await server().kill()
    await server().start()
    await use.store(
      topic,
      range(500).map((n) => n + 500),
      { partition: 0 },
    )
    await use.store(
      topic,
      range(500).map((n) => n + 500),
      { partition: 1 },
    )
    await all.reached()
    await use.until(async () => String(await use.committed(topic, topic)) === '1000,1000', 'the commits')
    await running.stop()
  })

  test('a broker that is gone for good: the stop ends within its time', { timeout: 120_000 }, async () => {
    const mortal = await startKafka()
    const kafka = clientOf(mortal, {
      retry: { initialRetryTime: 20, maxRetryTime: 100, retries: 3 },
      connectionTimeout: 500,
      requestTimeout: 1000,
    })
    const admin = kafka.admin()
    await admin.connect()
    await makeTopics(admin, [{ topic: 'gone' }])
    await admin.disconnect()
    const producer = kafka.producer()
    await producer.connect()
    await producer.send({ topic: 'gone', messages: range(10).map((n) => ({ value: String(n) })) })
    await producer.disconnect()
    const begun = counter(1, 'the first event')
    let open
    const gate = new Promise((resolve) => {
      open = resolve
    })
    const fn = async function* (events) {
      for await (const _ of events) {
        begun.told()
        await gate
      }
    }
    const running = started(fn, { source: kafkaSource(kafka, { topic: 'gone', groupId: 'gone', drain: 500 }) })
    await begun.reached()
    await mortal.stop()
    open()
    await within(PATIENT, assert.rejects(running.stop(), { code: 'VELO_ADAPTER' }))
  })
})
