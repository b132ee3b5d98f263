// Source and sink of one client: results and acknowledgements are one step, also of functions that always hold events.

import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { streamFn } from 'velo-stream'
import { batch, keyed, map, window } from 'velo-stream/operators'
import { publish, redisSink, redisSource } from 'velo-stream/redis'
import { describeServers } from '../support/redis-servers.mjs'
import { noUnhandledRejections } from '../support/unhandled.mjs'
import { clients, command, consuming, eventually, pendingOf, valuesOf } from './support.mjs'

const [ioredis] = clients
const range = (count) => Array.from({ length: count }, (_, i) => i)

describeServers('one step', ({ server }) => {
  let client
  let n = 0
  before(async () => {
    client = await ioredis.make(server().port)
  })

  /** Consumes what is published; `publish(values)` adds events with their number as their time. */
  const running = (fn, options = {}) => {
    const stream = `step-${n++}`
    const { stop } = consuming(fn, {
      source: redisSource(client, { stream, group: 'g' }),
      sink: redisSink(client, { stream: `${stream}-out` }),
      ...options,
    })
    return {
      stop,
      publish: (values) => publish(client, stream, values),
      results: () => valuesOf(client, `${stream}-out`),
      pending: () => pendingOf(client, stream, 'g').catch(() => -1),
      stored: async (count) => Number(await command(client, 'XLEN', `${stream}-out`)) >= count,
    }
  }
  const numbers = ({ start, events }) => `${start}: ${events.length}`

  test('tumbling windows over many more events than maxUnacked', async () => {
    const { stop, publish, results, stored } = running(
      window({ tumbling: 100, by: (event) => event }, (events, { start }) => [start, events.length]),
      { maxUnacked: 1000 },
    )
    for (let at = 0; at < 20_000; at += 1000) await publish(range(1000).map((i) => at + i))
    await eventually(() => stored(199))
    assert.deepEqual(await stop(), { received: 20_000, acked: 20_000, results: 200, deadLettered: 0 })
    assert.deepEqual(
      await results(),
      range(200).map((i) => [i * 100, 100]),
    )
  })

  test('a window that is over is stored while the next one is open, with the acknowledgements of its events', async () => {
    const { stop, publish, results, stored, pending } = running(
      window({ tumbling: 10, by: (event) => event }, (events, { start }) => numbers({ start, events })),
    )
    await publish(range(15))
    await eventually(() => stored(1))
    assert.deepEqual(await results(), ['0: 10'])
    await eventually(async () => (await pending()) === 5)
    await publish([20])
    await eventually(() => stored(2))
    await eventually(async () => (await pending()) === 1)
    await stop()
    assert.deepEqual(await results(), ['0: 10', '10: 5', '20: 1'])
  })

  test('windows that overlap, of which one is always open, are stored in parts', async () => {
    const { stop, publish, results, stored, pending } = running(
      window({ sliding: 10, every: 5, by: (event) => event }, (events, { start }) => numbers({ start, events })),
    )
    await publish(range(22))
    await eventually(() => stored(4))
    assert.deepEqual(await results(), ['-5: 5', '0: 10', '5: 10', '10: 10'])
    await eventually(async () => (await pending()) === 7)
    await stop()
  })

  for (const [what, fn] of [
    ['map out of order', (hold) => map(hold, { concurrency: 4, ordered: false })],
    [
      'keyed',
      (hold) => {
        async function* one(events) {
          for await (const event of events) yield hold(event)
        }
        return keyed(one, { by: (event) => event }).pipe(map(({ value }) => value))
      },
    ],
  ]) {
    test(`${what}: one event that takes long holds up no result of the others`, async () => {
      let finish
      const held = new Promise((resolve) => {
        finish = resolve
      })
      const { stop, publish, results, stored } = running(
        fn(async (event) => {
          if (event === 0) await held
          return event
        }),
      )
      await publish(range(10))
      await eventually(() => stored(9))
      finish()
      await eventually(() => stored(10))
      assert.deepEqual(await stop(), { received: 10, acked: 10, results: 10, deadLettered: 0 })
      assert.deepEqual(
        (await results()).sort((a, b) => a - b),
        range(10),
      )
    })
  }

  for (const [what, stolen] of [
    ['the first', 0],
    ['one in the middle', 5],
    ['the last', 9],
  ]) {
    test(`a step is refused whole when ${what} of its entries was taken over`, async () => {
      const stream = `stolen-${n++}`
      const ids = await publish(client, stream, range(10))
      let go
      let isBegun = false
      const gate = new Promise((resolve) => {
        go = resolve
      })
      const slow = streamFn(async function* slow(events) {
        for await (const event of events) {
          isBegun = true
          await gate
          yield event
        }
      })
      const source = redisSource(client, { stream, group: 'g', consumer: 'me' })
      const { running } = consuming(
        batch((events) => slow.run(events), { maxSize: 10 }),
        {
          source,
          sink: redisSink(client, { stream: `${stream}-out` }),
        },
      )
      await eventually(() => isBegun)
      await command(client, 'XCLAIM', stream, 'g', 'other', '0', ids[stolen], 'JUSTID')
      go()
      await assert.rejects(running, { code: 'VELO_ADAPTER', message: /taken over by another consumer/ })
      assert.deepEqual(await valuesOf(client, `${stream}-out`), [])
      assert.equal(await pendingOf(client, stream, 'g'), 10)
    })
  }

  test('entries that come again, in another order than that of the stream, are stored once', async () => {
    const stream = `again-${n++}`
    await publish(client, stream, range(30))
    await command(client, 'XGROUP', 'CREATE', stream, 'g', '0')
    await command(client, 'XREADGROUP', 'GROUP', 'g', 'gone', 'COUNT', '10', 'STREAMS', stream, '>')
    const same = map((event) => event, { concurrency: 4, ordered: true })
    const { stop } = consuming(same, {
      source: redisSource(client, { stream, group: 'g', reclaimAfter: 200, block: 20 }),
      sink: redisSink(client, { stream: `${stream}-out` }),
    })
    await eventually(async () => (await valuesOf(client, `${stream}-out`)).length === 30 && (await pendingOf(client, stream, 'g')) === 0)
    await stop()
    assert.deepEqual(
      (await valuesOf(client, `${stream}-out`)).sort((a, b) => a - b),
      range(30),
    )
  })
})

noUnhandledRejections('redis one step')
