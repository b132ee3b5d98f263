// Redis Cluster, three servers: sources, sinks and sessions through the clusters of three clients, and slots that move while all of that runs.

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { Cluster } from 'ioredis'
import { Cluster as ValkeyCluster } from 'iovalkey'
import { createCluster } from 'redis'
import { consume, streamFn } from 'velo-stream'
import { cluster, materialize, publish, RedisJournal, redisSink, redisSource, streamInfo } from 'velo-stream/redis'
import { startCluster } from '../support/redis-cluster.mjs'
import { servers } from '../support/redis-servers.mjs'
import { noUnhandledRejections } from '../support/unhandled.mjs'
import { within } from '../support/within.mjs'
import { consuming, eventually } from './support.mjs'

const LIMIT = 60_000
const range = (count) => Array.from({ length: count }, (_, i) => i)
const sum = streamFn(
  async function* (events) {
    let total = 0
    for await (const event of events) yield (total += event)
  },
  { name: 'sum' },
)
const twice = streamFn(async function* twice(events) {
  for await (const event of events) {
    yield event
    yield event
  }
})

const ofIoredis = (Client) => ({
  async make(ports) {
    const client = new Client(
      ports.map((port) => ({ host: '127.0.0.1', port })),
      { clusterRetryStrategy: () => 20 },
    )
    client.on('error', () => {})
    return client
  },
  end: (client) => client.disconnect(),
})
const clients = {
  ioredis: ofIoredis(Cluster),
  iovalkey: ofIoredis(ValkeyCluster),
  'node-redis': {
    async make(ports) {
      const client = createCluster({
        rootNodes: ports.map((port) => ({ url: `redis://127.0.0.1:${port}` })),
        defaults: { socket: { reconnectStrategy: () => 20 } },
      })
      client.on('error', () => {})
      await client.connect()
      return client
    },
    end: (client) => client.destroy(),
  },
}

async function take(stream, count) {
  const results = []
  while (results.length < count) results.push(...(await within(LIMIT, stream.recvBatch(count - results.length))))
  return results
}

for (const kind of servers.filter(({ program }) => program !== undefined)) {
  describe(`Redis Cluster, ${kind.name}`, () => {
    let whole
    let n = 0
    before(async () => {
      whole = await startCluster(kind)
    })
    /** A key on the server that has it. */
    const at = async (key) => whole.nodes[await whole.ownerOf(whole.slotOf(key))]

    for (const name of kind.name === 'Redis' ? ['ioredis', 'node-redis'] : ['iovalkey']) {
      const { make, end } = clients[name]
      describe(name, () => {
        let client
        const made = []
        before(async () => {
          client = await make(whole.ports)
        })
        after(async () => {
          for (const one of made) await one.stop()
          await end(client)
        })
        const processes = (count, options) => {
          const all = Array.from({ length: count }, () => cluster({ client, functions: { sum }, ...options }))
          made.push(...all)
          return all
        }

        test('a source, a sink of the same slot and one of another, and features', async () => {
          const stream = `{in${n++}}`
          await publish(client, stream, range(300))
          for (const to of [`${stream}-out`, `elsewhere${n}`]) {
            const source = redisSource(client, { stream, group: `to-${to}`, block: 100 })
            const sink = redisSink(client, { stream: to })
            assert.equal(sink.joined(source) !== undefined, to.startsWith(stream), 'one step in one slot')
            const { stop } = consuming(twice, { source, sink })
            await eventually(async () => (await (await at(to)).xlen(to)) === 600)
            const { acked, results } = await stop()
            assert.deepEqual([acked, results], [300, 600])
            const values = (await (await at(to)).xrange(to, '-', '+')).map(([, fields]) => JSON.parse(fields[1]))
            assert.deepEqual(
              values,
              range(300).flatMap((i) => [i, i]),
            )
          }
          const info = await streamInfo(client, stream)
          assert.deepEqual([info.length, info.pending], [300, 0])
          const features = materialize(client, { key: (i) => `user:${name}:${i % 7}`, fields: (i) => ({ last: i }) })
          await consume(twice, { source: range(70), sink: features })
          for (const i of range(7)) assert.equal(await (await at(`user:${name}:${i}`)).hget(`user:${name}:${i}`, 'last'), `${63 + i}`)
        })

        test('streams of several slots are refused by name', () => {
          assert.throws(() => redisSource(client, { stream: ['a', 'b'], group: 'g' }), {
            code: 'VELO_CONFIG',
            field: 'redisSource(client, options).stream',
            message: /one slot/,
          })
          redisSource(client, { stream: ['{a}1', '{a}2'], group: 'g' })
        })

        test('sessions on all servers, handed over by a process that stops', async () => {
          const [host, other, front] = processes(3, { prefix: `s${n++}` })
          await host.work()
          const streams = await Promise.all(range(15).map((i) => front.open('sum', `s${i}`)))
          await Promise.all(streams.map((stream, i) => stream.sendBatch([1, i])))
          for (const [i, stream] of streams.entries()) assert.deepEqual(await take(stream, 2), [1, 1 + i])
          await other.work()
          await within(LIMIT, host.stop())
          await Promise.all(streams.map((stream) => stream.send(1)))
          for (const [i, stream] of streams.entries()) assert.deepEqual(await take(stream, 1), [2 + i])
          assert.equal(other.hosted, 15)
          for (const stream of streams) stream.end()
          for (const stream of streams) assert.equal((await within(LIMIT, stream.closed)).reason, 'done')
        })

        test('slots that move, of a session, of the directory and of a stream, while they are in use', async () => {
          const prefix = `m${n++}`
          const [host, front] = processes(2, { prefix })
          await host.work()
          const stream = await front.open('sum', 'a')
          await stream.send(0)
          assert.deepEqual(await take(stream, 1), [0])
          const entries = `moving${n++}`
          const to = `{${entries}}-out`
          const { stop } = consuming(twice, {
            source: redisSource(client, { stream: entries, group: 'g', block: 100 }),
            sink: redisSink(client, { stream: to }),
          })
          let total = 0
          const some = async (count = 20) => {
            for (let i = 0; i < count; i++, total++) {
              const sent = stream.send(1)
              await publish(client, entries, total)
              await within(LIMIT, sent)
            }
            assert.deepEqual(
              await take(stream, count),
              range(count).map((i) => total - count + i + 1),
            )
          }
          await some()
          for (const key of [`${prefix}:{sum/a}m`, `${prefix}:{directory}d`, entries]) {
            // While half of its keys are elsewhere, scripts of more than one key are told to come again.
            let under
            await whole.moveSlot(key, async () => {
              under = some(10)
              under.catch(() => {})
              for (let turn = 0; turn < 100; turn++) await whole.nodes[0].ping()
            })
            await within(LIMIT, under, key)
            await some()
          }
          const late = await front.open('sum', 'late')
          await late.send(7)
          assert.deepEqual(await take(late, 1), [7])
          await eventually(async () => (await (await at(to)).xlen(to)) >= 2 * total)
          await stop()
          const values = (await (await at(to)).xrange(to, '-', '+')).map(([, fields]) => JSON.parse(fields[1]))
          assert.deepEqual(
            values,
            range(total).flatMap((i) => [i, i]),
          )
        })

        test('a journal', async () => {
          const journal = new RedisJournal(client, { prefix: `j${n++}` })
          const { own } = await journal.open({ function: 'f', id: 'a' }, { at: 1, seed: 2 })
          await journal.append(own, 0, [{ at: 1, end: false, bytes: Buffer.from('x') }])
          assert.deepEqual(
            (await journal.unfinished('f')).map(({ id, events }) => [id, events]),
            [['a', 1]],
          )
          assert.equal(await journal.discard({ function: 'f', id: 'a' }), true)
          await journal.close()
        })
      })
    }

    test('slots are counted as the servers do', async () => {
      for (const key of ['a', 'a{b}c', '{}a', 'a{b', 'a}b{c}', '{{b}}', 's\u00fc\u00df{F\u00fc\u00dfe}', 'velo:{sum/order-42}m', ''])
        assert.equal(whole.slotOf(key), await whole.nodes[0].call('CLUSTER', 'KEYSLOT', key), key)
    })

    test('a server that is killed, and whose replica takes its place', async (context) => {
      const [name] = kind.name === 'Redis' ? ['node-redis'] : ['iovalkey']
      const client = await clients[name].make(whole.ports)
      const prefix = `f${n++}`
      const host = cluster({ client, functions: { sum }, prefix })
      const front = cluster({ client, functions: { sum }, prefix })
      context.after(async () => {
        await front.stop()
        await host.stop()
        await clients[name].end(client)
      })
      await host.work()
      const stream = await front.open('sum', 'a')
      await stream.send(1)
      assert.deepEqual(await take(stream, 1), [1])
      await whole.replaced(await whole.ownerOf(whole.slotOf(`${prefix}:{sum/a}`)))
      for (let i = 2; i < 5; i++) {
        await within(LIMIT, stream.send(1))
        assert.deepEqual(await take(stream, 1), [i])
      }
    })
  })
}

noUnhandledRejections('redis cluster')
