// As many messages as one likes through a source with a flat heap: VELO_MESSAGES=1000000 node --expose-gc --test __test__/nats/million.test.mjs.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { streamFn } from 'velo-stream'
import { natsSource, publish } from 'velo-stream/nats'
import { connection, describeNats } from '../support/nats-servers.mjs'
import { within } from '../support/within.mjs'
import { eventually, freshStream, isThrough, range, started } from './support.mjs'

const COUNT = Number(process.env.VELO_MESSAGES ?? 20_000)
const LOT = 10_000
/**
 * Bytes by which the heap may grow: less than 5 a message would leave of a million. Measured by the least of the first looks and of the last ones: what a look finds in flight goes up and down by megabytes, what is
 * never let go of is in every one.
 */
const GROWTH = 4 << 20
const LOOKS = 3

describeNats('many messages', (server) => {
  test(`${COUNT} messages, each once and in order, and the heap stays flat`, { timeout: 900_000 }, async (context) => {
    const client = await connection(server().url)
    const manager = await freshStream(client, 'many')
    for (let at = 0; at < COUNT; at += LOT)
      await publish(
        client,
        'many',
        range(Math.min(LOT, COUNT - at)).map((n) => ({ n: at + n })),
      )
    const heaps = []
    const wrong = []
    let next = 0
    const tenth = Math.floor(COUNT / 10)
    const counting = streamFn(async function* counting(events) {
      yield 'begun'
      for await (const { n } of events) {
        if (n !== next) wrong.push([n, next])
        next = n + 1
        if (next % tenth !== 0) continue
        globalThis.gc()
        heaps.push(process.memoryUsage().heapUsed)
      }
    })
    const begun = performance.now()
    // What is in flight is small beside what has come.
    const source = natsSource(client, { stream: 'many', consumer: 'c', ack: 'all' })
    const { running, stop } = started(counting, { source, maxUnacked: 2048 })
    await Promise.race([eventually(() => next === COUNT, 'all messages', 600_000), running])
    const ms = performance.now() - begun
    await eventually(() => isThrough(manager, 'many', 'c'), 'all acknowledged')
    const { received, acked } = await within(60_000, stop(), 'the end')
    assert.deepEqual([received, acked, wrong], [COUNT, COUNT, []])
    const growth = Math.min(...heaps.slice(-LOOKS)) - Math.min(...heaps.slice(0, LOOKS))
    const mb = (bytes) => (bytes / (1 << 20)).toFixed(1)
    context.diagnostic(`${Math.round(COUNT / (ms / 1000))} messages/s; heap ${heaps.map(mb).join(' ')} MB`)
    assert.ok(growth < GROWTH, `the heap has grown by ${mb(growth)} MB`)
  })
})
