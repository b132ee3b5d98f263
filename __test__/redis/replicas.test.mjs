// `wait`: what was sent and committed is with replicas, too, before anybody goes on.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Cluster } from 'ioredis'
import { createCluster } from 'redis'
import { streamFn } from 'velo-stream'
import { cluster } from 'velo-stream/redis'
import { isPending } from '../support/deferred.mjs'
import { describeServers, startServer } from '../support/redis-servers.mjs'
import { within } from '../support/within.mjs'
import { clients } from './clients.mjs'
import { eventually } from './support.mjs'

const LIMIT = 30_000
const asks = streamFn(
  async function* (events, ctx) {
    for await (const event of events) yield `${event}:${await ctx.run('ask', () => 'answer')}`
  },
  { name: 'asks' },
)

test('beside a cluster of servers it is refused: each has replicas of its own', () => {
  const lazy = new Cluster([{ host: '127.0.0.1', port: 1 }], { lazyConnect: true })
  for (const client of [lazy, createCluster({ rootNodes: [{ url: 'redis://127.0.0.1:1' }] })])
    assert.throws(() => cluster({ client, functions: { asks }, wait: { replicas: 1 } }), {
      code: 'VELO_CONFIG',
      field: 'cluster(options).wait',
    })
})

describeServers('replicas', ({ kind, server }) => {
  for (const { name, make, end } of clients) {
    test(`${name}: send waits for them, and goes on without them when the time is over`, { timeout: 120_000 }, async () => {
      const replica = await startServer(kind, { args: ['--replicaof', '127.0.0.1', String(server().port)] })
      const client = await make(server().url)
      const reader = await clients[0].make(replica.url)
      const prefix = `r-${name}`
      const patient = cluster({ client, functions: { asks }, prefix, wait: { replicas: 1, ms: 60_000 } })
      const hasty = cluster({ client, functions: { asks }, prefix, wait: { replicas: 1, ms: 20 } })
      try {
        const stream = await patient.open('asks', 'a')
        const sent = () => reader.llen(`${prefix}:{asks/a}i`)
        await within(LIMIT, stream.send(1), 'the replica is there')
        assert.equal(await sent(), 1)
        replica.signal('SIGSTOP')
        const second = stream.send(2)
        const plain = await clients[0].make(server().url)
        await eventually(async () => (await plain.llen(`${prefix}:{asks/a}i`)) === 2, 'the server has it')
        assert.equal(await isPending(second), true)
        replica.signal('SIGCONT')
        await within(LIMIT, second, 'the replica has it')
        assert.equal(await sent(), 2)
        assert.equal(patient.metrics.unreplicated, 0)

        replica.signal('SIGSTOP')
        await hasty.work()
        const other = await hasty.open('asks', 'b')
        await within(LIMIT, other.send(3), 'without the replica')
        assert.equal(await within(LIMIT, other.recv(), 'a result'), '3:answer')
        assert.ok(hasty.metrics.unreplicated > 0)
        replica.signal('SIGCONT')
        await clients[0].end(plain)
      } finally {
        replica.signal('SIGCONT')
        await within(LIMIT, Promise.all([patient.stop(), hasty.stop()]), 'both stop')
        await end(client)
        await clients[0].end(reader)
        // The next one is the only one.
        await replica.stop()
      }
    })
  }
})
