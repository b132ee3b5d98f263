// `velo cluster`, `velo doctor` and `velo consume`, and clusterAdmin, on a Redis Cluster of three servers, each of which may be the one that is named.

import assert from 'node:assert/strict'
import { before, describe, test } from 'node:test'
import { Cluster } from 'ioredis'
import { Cluster as ValkeyCluster } from 'iovalkey'
import { createCluster } from 'redis'
import { streamFn } from 'velo-stream'
import { cluster, clusterAdmin, publish } from 'velo-stream/redis'
import { eventually } from '../redis/support.mjs'
import { startCluster } from '../support/redis-cluster.mjs'
import { servers } from '../support/redis-servers.mjs'
import { within } from '../support/within.mjs'
import { folder, start, velo } from './command.mjs'

const LIMIT = 60_000
const range = (count) => Array.from({ length: count }, (_, i) => i)
const lines = (text) =>
  text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line))
const sum = streamFn(
  async function* (events) {
    let total = 0
    for await (const event of events) yield (total += event)
  },
  { name: 'sum' },
)

const ofIoredis = (Client) => (ports) => {
  const client = new Client(ports.map((port) => ({ host: '127.0.0.1', port })))
  client.on('error', () => {})
  return { client, end: () => client.disconnect() }
}
const clients = {
  ioredis: ofIoredis(Cluster),
  iovalkey: ofIoredis(ValkeyCluster),
  async 'node-redis'(ports) {
    const client = createCluster({ rootNodes: ports.map((port) => ({ url: `redis://127.0.0.1:${port}` })) })
    client.on('error', () => {})
    await client.connect()
    return { client, end: () => client.destroy() }
  },
}

for (const kind of servers.filter(({ program }) => program !== undefined)) {
  describe(`velo cluster, three servers of ${kind.name}`, () => {
    let whole
    const urls = () => whole.ports.map((port) => `redis://127.0.0.1:${port}`)
    before(async () => {
      whole = await startCluster(kind)
    })

    for (const name of kind.name === 'Redis' ? ['ioredis', 'node-redis'] : ['iovalkey'])
      test(`${name}: what is there, moved and drained`, async (context) => {
        const { client, end } = await clients[name](whole.ports)
        const prefix = `look-${name}`
        const [one, two, front] = range(3).map(() => cluster({ client, functions: { sum }, prefix }))
        const admin = clusterAdmin(client, { prefix })
        context.after(async () => {
          for (const made of [front, one, two]) await made.stop()
          admin.close()
          end()
        })
        const result = async (stream) => {
          await stream.send(1)
          return within(LIMIT, stream.recv(), 'a result')
        }
        await one.work()
        const streams = await Promise.all(range(12).map((i) => front.open('sum', `s${i}`)))
        for (const stream of streams) assert.equal(await result(stream), 1)
        const [{ id: first }] = await admin.workers()
        await two.work()
        const { id: second } = (await admin.workers()).find(({ id }) => id !== first)
        const seen = []
        for await (const session of admin.sessions()) seen.push(session)
        assert.deepEqual(seen.map(({ id }) => id).sort(), streams.map(({ id }) => id).sort())
        assert.ok(seen.every(({ worker, events, results }) => worker === first && events === 1 && results === 1))
        const slots = await Promise.all(seen.map(({ id }) => whole.ownerOf(whole.slotOf(`${prefix}:{sum/${id}}m`))))
        assert.equal(new Set(slots).size, 3)

        // By way of each server.
        for (const [at, url] of urls().entries()) {
          const run = (...args) => velo(['cluster', ...args, '--redis', url, '--prefix', prefix])
          const listed = await run('ls', '--json')
          assert.deepEqual([listed.code, listed.err], [0, ''])
          assert.equal(lines(listed.out).filter(({ kind: what }) => what === 'session').length, 12)
          const shown = await run('show', `s${11 - at}`, '--json')
          assert.deepEqual([shown.code, shown.err], [0, ''])
          assert.equal(lines(shown.out)[0].id, `s${11 - at}`)
          const moved = await run('move', `s${at}`, '--to', second, '--json')
          assert.equal(moved.code, 0, moved.err)
          assert.equal(await result(streams[at]), 2)
          assert.equal((await admin.session('sum', `s${at}`)).worker, second)
        }
        const drained = await velo(['cluster', 'drain', first, '--redis', urls()[1], '--prefix', prefix])
        assert.deepEqual([drained.code, drained.err], [0, `velo: ${first} had 9 sessions, and has 0\n`])
        await eventually(() => one.hosted === 0, 'the sessions that were given up, gone')
        await eventually(() => two.hosted === 12, 'the sessions that were given up, elsewhere')
        assert.equal(await result(streams[11]), 2)
        assert.equal((await admin.server()).isCluster, true)
        assert.deepEqual(await admin.deadLetters(), [])
      })

    test('doctor looks at the server that is named, consume reads from and writes to any', async () => {
      const module = folder().write(
        'twice.mjs',
        'export default async function* twice(events) { for await (const n of events) yield 2 * n }\n',
      )
      const { client, end } = await clients[kind.name === 'Redis' ? 'ioredis' : 'iovalkey'](whole.ports)
      for (const [at, url] of urls().entries()) {
        const { out } = await velo(['doctor', '--redis', url])
        assert.match(out, /one of a cluster/)
        const [from, to] = [`from${at}`, `to${at}-elsewhere`]
        await publish(client, from, range(20))
        const consuming = start(['consume', '--redis', url, '--stream', from, '--group', 'g', '--function', module, '--to', to])
        await eventually(async () => (await client.xlen(to)) === 20, 'results')
        consuming.child.kill('SIGTERM')
        assert.equal((await consuming.ended()).code, 0)
      }
      end()
    })
  })
}
