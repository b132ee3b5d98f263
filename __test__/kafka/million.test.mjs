// As many messages as one likes through a source with a flat heap: VELO_MESSAGES=1000000 node --expose-gc --test __test__/kafka/million.test.mjs.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { streamFn } from 'velo-stream'
import { kafkaSource } from 'velo-stream/kafka'
import { describeKafka } from '../support/kafka-servers.mjs'
import { within } from '../support/within.mjs'
import { onTopics, range, started } from './support.mjs'

const COUNT = Number(process.env.VELO_MESSAGES ?? 20_000)
const PARTITIONS = 4
const LOT = 10_000
/**
 * Bytes by which the heap may grow: less than 9 a message would leave of a million. Measured by the least of the first looks and of the last ones: what a look finds in flight, as the client has decoded it, goes up and down by
 * many megabytes, what is never let go of is in every one.
 */
const GROWTH = 8 << 20
const LOOKS = 5

describeKafka('many messages', (server) => {
  const use = onTopics(server, 'many')

  test(`${COUNT} messages, each once and in order, and the heap stays flat`, { timeout: 900_000 }, async (context) => {
    const topic = await use.topic(PARTITIONS)
    for (let at = 0; at < COUNT; at += LOT) {
      const lot = range(Math.min(LOT, COUNT - at)).map((n) => at + n)
      for (const partition of range(PARTITIONS)) {
        const messages = lot.filter((n) => n % PARTITIONS === partition).map((n) => ({ value: JSON.stringify({ n }), partition }))
        await use.producer.send({ topic, messages })
      }
    }
    const heaps = []
    const wrong = []
    let seen = 0
    let end
    const all = new Promise((resolve) => {
      end = resolve
    })
    const look = Math.floor(COUNT / 20)
    const counting = streamFn(async function* counting(events) {
      let next
      for await (const { n } of events) {
        if (next !== undefined && n !== next) wrong.push([n, next])
        next = n + PARTITIONS
        if (++seen % look === 0) {
          globalThis.gc()
          heaps.push(process.memoryUsage().heapUsed)
        }
        if (seen === COUNT) end()
      }
    })
    const begun = performance.now()
    // What is in flight is small beside what has come.
    const { running, stop } = started(counting, { source: kafkaSource(use.kafka, { topic, groupId: topic }), maxUnacked: 2048 })
    await within(600_000, Promise.race([all, running]), 'all messages')
    const ms = performance.now() - begun
    const { received, acked } = await stop()
    assert.deepEqual([received, acked, seen, wrong], [COUNT, COUNT, COUNT, []])
    assert.deepEqual(await use.committed(topic, topic), Array(PARTITIONS).fill(COUNT / PARTITIONS))
    const growth = Math.min(...heaps.slice(-LOOKS)) - Math.min(...heaps.slice(0, LOOKS))
    const mb = (bytes) => (bytes / (1 << 20)).toFixed(1)
    context.diagnostic(`${Math.round(COUNT / (ms / 1000))} messages/s; heap ${heaps.map(mb).join(' ')} MB`)
    assert.ok(growth < GROWTH, `the heap has grown by ${mb(growth)} MB`)
  })
})
