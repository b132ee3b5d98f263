// `keyPrefix` of a client: no entry of the adapter works with one, so each refuses it by name, before anything is sent.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Cluster, Redis } from 'ioredis'
import Iovalkey from 'iovalkey'
import { streamFn } from 'velo-stream'
import {
  ack,
  cluster,
  clusterAdmin,
  consumeOnce,
  materialize,
  publish,
  RedisJournal,
  reclaim,
  redisSink,
  redisSource,
  streamInfo,
  trim,
} from 'velo-stream/redis'

const lazy = { host: '127.0.0.1', port: 1, lazyConnect: true }
const fn = streamFn(async function* fn(events) {
  yield* events
})

const entries = {
  redisSource: (client) => redisSource(client, { stream: 's' }),
  redisSink: (client) => redisSink(client, { stream: 's' }),
  materialize: (client) => materialize(client, { key: () => 'k', fields: () => ({ a: 1 }) }),
  publish: (client) => publish(client, 's', 1),
  consumeOnce: (client) => consumeOnce(client, { stream: 's' }),
  streamInfo: (client) => streamInfo(client, 's'),
  trim: (client) => trim(client, 's', { maxlen: 1 }),
  ack: (client) => ack(client, 's', 'g', ['1-1']),
  reclaim: (client) => reclaim(client, { stream: 's', group: 'g', consumer: 'c', minIdle: 1 }),
  RedisJournal: (client) => new RedisJournal(client),
  cluster: (client) => cluster({ client, functions: { fn } }),
  clusterAdmin: (client) => clusterAdmin(client),
}

for (const [name, make] of [
  ['ioredis', (options) => new Redis({ ...lazy, ...options })],
  ['iovalkey', (options) => new Iovalkey({ ...lazy, ...options })],
  ['Cluster of ioredis', (options) => new Cluster([lazy], { lazyConnect: true, ...options })],
  ['Cluster of ioredis, redisOptions', (redisOptions) => new Cluster([lazy], { lazyConnect: true, redisOptions })],
]) {
  for (const [entry, use] of Object.entries(entries)) {
    test(`${name}: ${entry} refuses it`, async () => {
      const client = make({ keyPrefix: 'app:' })
      await assert.rejects(
        async () => use(client),
        ({ code, field, message }) => {
          assert.deepEqual([code, /options\.keyPrefix$/.test(field)], ['VELO_CONFIG', true])
          assert.match(message, /keyPrefix.*duplicate\(\{ keyPrefix: '' \}\).*got 'app:'/)
          return true
        },
      )
      client.disconnect()
    })
  }
}

test('a copy without it is taken', () => {
  const client = new Redis({ ...lazy, keyPrefix: 'app:' })
  const copy = client.duplicate({ keyPrefix: '' })
  for (const use of [entries.redisSource, entries.redisSink, entries.materialize, entries.cluster, entries.clusterAdmin]) use(copy)
  client.disconnect()
  copy.disconnect()
})
