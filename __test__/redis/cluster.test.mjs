// Sessions that processes share, as their users see them, on real servers and by either client.

import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { streamFn } from 'velo-stream'
import { cluster } from 'velo-stream/redis'
import { deferred } from '../support/deferred.mjs'
import { describeServers } from '../support/redis-servers.mjs'
import { within } from '../support/within.mjs'
import { clients } from './clients.mjs'

const LIMIT = 20_000
const sum = streamFn(
  async function* (events) {
    let total = 0
    for await (const event of events) yield (total += event)
  },
  { name: 'sum' },
)
const kept = streamFn(
  async function* (events, ctx) {
    for await (const event of events) yield (ctx.state.total += event)
    return ctx.state
  },
  { name: 'kept', state: { initial: { total: 0 }, version: 1, every: 4 } },
)
const throws = streamFn(
  async function* (events) {
    for await (const event of events) {
      if (event === 'bad') throw new TypeError('no good')
      yield event
    }
  },
  { name: 'throws' },
)

async function take(stream, count) {
  const results = []
  while (results.length < count) results.push(await within(LIMIT, stream.recv()))
  return results
}

let made = 0
describeServers('clusters', ({ name: kind, server }) => {
  for (const { name, make, end } of kind === 'Redis' ? clients : clients.slice(0, 1)) {
    let client
    const open = []
    after(async () => {
      for (const one of open) await one.stop()
      if (client !== undefined) await end(client)
    })
    /** So many processes: this one plays all of them. */
    async function processes(count, functions = { sum, kept, throws }, options = {}) {
      client ??= await make(server().url)
      const prefix = `c${made++}`
      const all = Array.from({ length: count }, () => cluster({ client, functions, prefix, ...options }))
      open.push(...all)
      return all
    }

    test(`${name}: a session runs in one process, and is used from any`, async () => {
      const [host, front, other] = await processes(3)
      await host.work({ capacity: 10 })
      const stream = await front.open('sum', 'a')
      assert.equal(stream.id, 'a')
      assert.equal(await stream.resumed, null)
      await stream.send(1)
      await stream.sendBatch([2, 3])
      assert.deepEqual(await take(stream, 3), [1, 3, 6])
      assert.deepEqual(stream.position, { events: 3, results: 3 })
      assert.equal(host.hosted, 1)
      await stream.ack()
      await stream.close()
      assert.equal((await stream.closed).reason, 'closed')
      const again = await other.open('sum', 'a')
      assert.deepEqual(await again.resumed, { events: 3, results: 3, by: 'replay' })
      await again.send(4)
      assert.deepEqual(await take(again, 1), [10])
      again.end()
      assert.deepEqual(await within(LIMIT, again.recvBatch(5)), [])
      assert.equal((await again.closed).reason, 'done')
      await assert.rejects(again.send(1), { code: 'VELO_CLOSED' })
      await again.ack()
      const over = await front.open('sum', 'a')
      assert.deepEqual([await within(LIMIT, over.recvBatch(5)), (await over.closed).reason], [[], 'done'])
    })

    test(`${name}: a state goes on where it was, and what was returned is told`, async () => {
      const [host, front] = await processes(2)
      await host.work()
      const stream = await front.open('kept', 'a')
      const feed = stream.feed([1, 2, 3, 4, 5, 6, 7])
      const results = []
      for await (const result of feed) results.push(result)
      assert.deepEqual(results, [1, 3, 6, 10, 15, 21, 28])
      assert.deepEqual((await stream.closed).value, { total: 28 })
    })

    test(`${name}: what the function throws reaches whoever reads`, async () => {
      const [host, front] = await processes(2)
      await host.work()
      const stream = await front.open('throws', 'a')
      await stream.sendBatch(['good', 'bad'])
      assert.deepEqual(await take(stream, 1), ['good'])
      await assert.rejects(within(LIMIT, stream.recv()), { name: 'TypeError', message: 'no good' })
      assert.equal((await stream.closed).reason, 'failed')
    })

    test(`${name}: a session that nobody hosts waits, and events wait with it up to the backlog`, async () => {
      const [front, host] = await processes(2, { sum }, { backlog: 10 })
      const stream = await front.open('sum', 'a')
      await stream.sendBatch(Array(10).fill(1))
      const more = stream.send(1)
      assert.equal(await Promise.race([more.then(() => 'sent'), stream.recv({ timeout: 300 }).catch(({ code }) => code)]), 'VELO_TIMEOUT')
      await host.work()
      await within(LIMIT, more)
      assert.deepEqual(await take(stream, 11), [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11])
    })

    test(`${name}: results that nobody reads hold the function up, not the memory`, async () => {
      let yielded = 0
      const many = streamFn(
        async function* (events) {
          for await (const count of events) for (let i = 0; i < count; i++, yielded++) yield i
        },
        { name: 'many', buffer: 8 },
      )
      const [host, front] = await processes(2, { many }, { backlog: 50 })
      await host.work()
      const stream = await front.open('many', 'a')
      await stream.send(100_000)
      assert.deepEqual(await take(stream, 3), [0, 1, 2])
      const before = yielded
      assert.ok(before < 20_000, `${before} were yielded, of which three were read`)
      const results = await take(stream, 3000)
      assert.deepEqual([results[0], results.at(-1)], [3, 3002])
    })

    test(`${name}: the last one to open it sends, and both may read`, async () => {
      const [host, first, second] = await processes(3)
      await host.work()
      const a = await first.open('sum', 'a')
      await a.send(1)
      assert.deepEqual(await take(a, 1), [1])
      const b = await second.open('sum', 'a')
      await b.send(2)
      await assert.rejects(within(LIMIT, a.send(3)), { code: 'VELO_CLOSED', reason: 'moved' })
      assert.deepEqual(await take(a, 1), [3])
      assert.deepEqual((await take(b, b.position.results === 0 ? 2 : 1)).at(-1), 3)
      await b.send(4)
      assert.deepEqual([await take(a, 1), await take(b, 1)], [[7], [7]])
    })

    test(`${name}: a process that stops hands its sessions over`, async () => {
      const [host, other, front] = await processes(3)
      await host.work()
      const streams = await Promise.all(Array.from({ length: 20 }, (_, i) => front.open(i % 2 === 0 ? 'sum' : 'kept', `s${i}`)))
      await Promise.all(streams.map((stream) => stream.send(1)))
      for (const stream of streams) assert.deepEqual(await take(stream, 1), [1])
      await other.work()
      assert.equal(host.hosted, 20)
      await within(LIMIT, host.stop())
      await Promise.all(streams.map((stream) => stream.send(2)))
      for (const stream of streams) assert.deepEqual(await take(stream, 1), [3])
      assert.equal(other.hosted, 20)
    })

    test(`${name}: abort ends a session everywhere`, async () => {
      const aborted = deferred()
      const waits = streamFn(
        async function* (events, ctx) {
          ctx.signal.addEventListener('abort', () => aborted.resolve())
          for await (const event of events) yield event
        },
        { name: 'waits' },
      )
      const [host, front, other] = await processes(3, { waits })
      await host.work()
      const stream = await front.open('waits', 'a')
      await stream.send(1)
      assert.deepEqual(await take(stream, 1), [1])
      stream.abort('enough')
      await assert.rejects(stream.recv(), { name: 'AbortError', cause: 'enough' })
      await within(LIMIT, aborted.promise)
      const again = await other.open('waits', 'a')
      await assert.rejects(within(LIMIT, again.recv()), { name: 'AbortError' })
      assert.equal((await again.closed).reason, 'aborted')
    })

    test(`${name}: what ctx.run came to is kept`, async () => {
      let calls = 0
      const asks = streamFn(
        async function* (events, ctx) {
          for await (const event of events) yield [event, await ctx.run('ask', async () => ++calls)]
        },
        { name: 'asks' },
      )
      const [host, other, front] = await processes(3, { asks })
      await host.work()
      const stream = await front.open('asks', 'a')
      await stream.sendBatch(['x', 'y'])
      assert.deepEqual(await take(stream, 2), [
        ['x', 1],
        ['y', 2],
      ])
      await other.work()
      await host.stop()
      await stream.send('z')
      assert.deepEqual(await take(stream, 1), [['z', 3]])
      assert.equal(calls, 3)
    })
  }

  test('options are checked', async () => {
    const [{ make, end }] = clients
    const client = await make(server().url)
    const field = 'cluster(options)'
    assert.throws(() => cluster({ client: {}, functions: {} }), { code: 'VELO_CONFIG', field: `${field}.client` })
    assert.throws(() => cluster({ client, functions: { f: () => {} } }), { code: 'VELO_CONFIG', field: `${field}.functions.f` })
    assert.throws(() => cluster({ client, functions: {}, lease: 1 }), { code: 'VELO_CONFIG', field: `${field}.lease` })
    assert.throws(() => cluster({ client, functions: {}, wait: {} }), { code: 'VELO_CONFIG', field: `${field}.wait.replicas` })
    assert.throws(() => cluster({ client, functions: {}, wait: { replicas: 1, ms: 0 } }), {
      code: 'VELO_CONFIG',
      field: `${field}.wait.ms`,
    })
    assert.throws(() => cluster({ client, functions: {}, leases: 1 }), { code: 'VELO_CONFIG' })
    assert.throws(() => cluster({ client, functions: {}, prefix: 'a{b}' }), { code: 'VELO_CONFIG', field: `${field}.prefix` })
    const own = cluster({ client, functions: { sum } })
    await assert.rejects(own.open('sums', 'a'), { code: 'VELO_CONFIG' })
    await assert.rejects(own.open('sum', ''), { code: 'VELO_CONFIG' })
    await own.stop()
    await assert.rejects(own.open('sum', 'a'), { code: 'VELO_CLOSED' })
    await end(client)
  })
})
