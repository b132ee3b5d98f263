// A failover that leaves connections open: their server is a replica now and refuses writes; only a new connection gets to the new master. And a server without memory.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { after, test } from 'node:test'
import { streamFn } from 'velo-stream'
import { cluster, publish, redisSink, redisSource } from 'velo-stream/redis'
import { describeServers, startServer } from '../support/redis-servers.mjs'
import { within } from '../support/within.mjs'
import { clients, command, consuming, eventually, pendingOf, proxy, valuesOf } from './support.mjs'

const LIMIT = 40_000
const range = (count) => Array.from({ length: count }, (_, i) => i)
const copy = streamFn(async function* copy(events) {
  for await (const event of events) yield event
})
const sums = streamFn(
  async function* (events, ctx) {
    for await (const event of events) yield (ctx.state.sum += event)
  },
  { name: 'sums', state: { initial: { sum: 0 }, version: 1, every: 1 } },
)

describeServers('failovers', ({ kind }) => {
  /** A master, its replica, and a way to the master that `failOver()` leads to the replica; connections that are there stay open. */
  const pair = async () => {
    const master = await startServer(kind)
    const replica = await startServer(kind, { args: ['--replicaof', '127.0.0.1', String(master.port)] })
    const way = await proxy(master.port)
    const [old, now] = [await clients[0].make(master.port), await clients[0].make(replica.port)]
    await eventually(async () => /master_link_status:up/.test(await now.info('replication')), 'the replica is there')
    const offsetOf = async (server, name) => Number(new RegExp(`${name}:(\\d+)`).exec(await server.info('replication'))[1])
    const failOver = async () => {
      // A replica that lags would lose what was acknowledged, which is another test.
      const written = await offsetOf(old, 'master_repl_offset')
      await eventually(async () => (await offsetOf(now, 'slave_repl_offset')) >= written, 'the replica has everything')
      await now.replicaof('NO', 'ONE')
      await old.replicaof('127.0.0.1', String(replica.port))
      way.to(replica.port)
    }
    after(() => Promise.all([master.stop(), replica.stop()]))
    return { way, now, failOver }
  }

  for (const { name, make } of clients) {
    test(`${name}: consume goes on at the new master, and says why it waited`, { timeout: 2 * LIMIT }, async () => {
      const { way, now, failOver } = await pair()
      const client = await make(way.port)
      await publish(client, 'in', range(10))
      const { stop } = consuming(copy, {
        source: redisSource(client, { stream: 'in', group: 'g', block: 200 }),
        sink: redisSink(client, { stream: 'out' }),
      })
      await eventually(async () => (await valuesOf(client, 'out')).length === 10)
      await eventually(async () => (await pendingOf(client, 'in', 'g')) === 0)
      const warned = once(process, 'warning')
      await failOver()
      await publish(now, 'in', range(20).slice(10))
      await eventually(async () => (await valuesOf(now, 'out')).length === 20, 'the rest', LIMIT)
      const [{ message }] = await within(LIMIT, warned, 'a warning')
      assert.match(message, /^redis: \w+ is refused for now, and retried: .*READONLY/)
      await stop()
      assert.deepEqual(await valuesOf(now, 'out'), range(20))
    })

    test(`${name}: sessions go on at the new master`, { timeout: 2 * LIMIT }, async () => {
      const { way, failOver } = await pair()
      const client = await make(way.port)
      const own = cluster({ client, functions: { sums }, prefix: 'fo', lease: 1000 })
      await own.work()
      const stream = await own.open('sums', 'a')
      await stream.send(1)
      assert.equal(await within(LIMIT, stream.recv()), 1)
      await failOver()
      const since = performance.now()
      await within(LIMIT, stream.send(2), 'a send')
      assert.equal(await within(LIMIT, stream.recv()), 3)
      assert.ok(performance.now() - since < 10_000, `${Math.round(performance.now() - since)} ms`)
      await within(LIMIT, own.stop(), 'it stops')
    })
  }
})

describeServers('a server without memory', ({ server }) => {
  const full = (client) => command(client, 'CONFIG', 'SET', 'maxmemory', '1')
  const free = (client) => command(client, 'CONFIG', 'SET', 'maxmemory', '0')

  for (const { name, make } of clients) {
    test(`${name}: consume waits until there is some again, and names it; publish rejects`, { timeout: 2 * LIMIT }, async () => {
      const client = await make(server().port)
      const [from, to] = [`in-${name}`, `out-${name}`]
      await publish(client, from, range(10))
      const { stop } = consuming(copy, {
        source: redisSource(client, { stream: from, group: 'g', block: 100 }),
        sink: redisSink(client, { stream: to }),
      })
      await eventually(async () => (await valuesOf(client, to)).length === 10)
      const warned = once(process, 'warning')
      await publish(client, from, range(20).slice(10, 11))
      await eventually(async () => (await valuesOf(client, to)).length === 11)
      await publish(client, from, range(20).slice(11))
      await full(client)
      await assert.rejects(publish(client, from, 99), { code: 'VELO_ADAPTER', message: /OOM/ })
      const other = consuming(copy, { source: redisSource(client, { stream: from, from: '0' }), sink: redisSink(client, { stream: to }) })
      const [{ message }] = await within(LIMIT, warned, 'a warning')
      assert.match(message, /retried: .*OOM/)
      await free(client)
      await eventually(async () => (await valuesOf(client, to)).length === 40, 'what waited', LIMIT)
      await other.stop()
      await stop()
    })

    test(`${name}: sends of sessions wait as well, and name it when they give up`, { timeout: 2 * LIMIT }, async () => {
      const client = await make(server().port)
      const own = cluster({ client, functions: { sums }, prefix: `oom-${name}`, timeout: 1500 })
      await own.work()
      const stream = await own.open('sums', 'a')
      await stream.send(1)
      assert.equal(await within(LIMIT, stream.recv()), 1)
      await full(client)
      await assert.rejects(within(LIMIT, stream.send(2)), { code: 'VELO_TIMEOUT', message: /OOM/ })
      const sent = stream.send(4)
      await free(client)
      await within(LIMIT, sent, 'a send')
      // What was refused was not kept.
      assert.equal(await within(LIMIT, stream.recv()), 5)
      await within(LIMIT, own.stop(), 'it stops')
    })
  }
})
