// What a session takes of the server: few keys, small ones, all of which expire, and hashes of its results wherever they are the smallest.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { streamFn } from 'velo-stream'
import { cluster } from 'velo-stream/redis'
import { RedisJournal } from '../../target/js/redis/session/redis-journal.js'
import { describeServers } from '../support/redis-servers.mjs'
import { within } from '../support/within.mjs'
import { clients } from './clients.mjs'

const LIMIT = 30_000
const [{ make, end }] = clients
const TTL = 3_600_000
const run = async function* (events, ctx) {
  for await (const event of events) yield await ctx.run('same', () => event)
}
const functions = {
  plain: streamFn(async function* (events) {
    for await (const event of events) yield event
  }),
  runs: streamFn(run),
  kept: streamFn(run, { state: { initial: {}, version: 1, every: 2 } }),
}
const range = (from, to) => Array.from({ length: to - from }, (_, at) => from + at)
const hashes = (from, to) => ({ from, values: Uint32Array.from(range(from, to)) })

describeServers('the room of a session', ({ server }) => {
  test('every key expires, whatever was written and taken since', async () => {
    const client = await make(server().url)
    const one = cluster({ client, functions, prefix: 'ttl' })
    await one.work()
    for (const name of Object.keys(functions)) {
      const stream = await one.open(name, 'a')
      for (const event of range(0, 40)) {
        await stream.send(event)
        assert.equal(await within(LIMIT, stream.recv()), event)
        if (event % 7 === 0) await stream.ack()
        const left = await Promise.all((await client.keys(`ttl:{${name}/a}*`)).map(async (key) => [key, await client.pttl(key)]))
        for (const [key, ms] of left) assert.ok(ms === -2 || (ms > TTL - 30_000 && ms <= TTL), `${key} expires in ${ms} ms`)
      }
      await stream.close()
    }
    await one.stop()
    await end(client)
  })

  test('an idle one has one small key beside what it was sent', async () => {
    const client = await make(server().url)
    const one = cluster({ client, functions, prefix: 'idle' })
    await one.work()
    const stream = await one.open('plain', 'a')
    await stream.send(1)
    await within(LIMIT, stream.recv())
    await stream.ack()
    await stream.close()
    assert.deepEqual((await client.keys('idle:{plain/a}*')).sort(), ['idle:{plain/a}i', 'idle:{plain/a}m'])
    assert.equal(await client.object('ENCODING', 'idle:{plain/a}m'), 'listpack')
    await one.stop()
    await end(client)
  })

  test('hashes move out of the hash of the session when they are many, and back when they are few', async () => {
    const client = await make(server().url)
    const journal = new RedisJournal(client, { prefix: 'hashes' })
    const key = { function: 'f', id: 'a' }
    const open = async () => {
      const kept = await journal.open(key, { at: 1, seed: 2 })
      return { own: kept.own, hashes: kept.hashes, isApart: (await client.exists('hashes:{f/a}jh')) === 1 }
    }
    const state = (results) => ({ version: 1, events: results, results, asked: 0, bytes: new Uint8Array(1) })
    let { own } = await open()
    const after = async (commit, from, to, isApart) => {
      await journal.commit(own, commit)
      // Twice is once.
      await journal.commit(own, commit)
      const now = await open()
      assert.deepEqual(now.hashes, hashes(from, to))
      assert.equal(now.isApart, isApart)
      own = now.own
    }
    await after({ hashes: hashes(0, 3) }, 0, 3, false)
    await after({ hashes: hashes(2, 16) }, 0, 16, false)
    await after({ hashes: hashes(16, 17) }, 0, 17, true)
    await after({ hashes: hashes(17, 30) }, 0, 30, true)
    await after({ state: state(28) }, 28, 30, true)
    await after({ state: state(30) }, 30, 30, false)
    await after({ hashes: hashes(30, 35) }, 30, 35, false)
    await after({ state: state(33), hashes: hashes(35, 36) }, 33, 36, false)
    await after({ hashes: hashes(36, 60), state: state(36) }, 36, 60, true)
    await after({ over: { bytes: new Uint8Array(1), retain: 60_000 } }, 60, 60, false)
    await journal.close()
    await end(client)
  })
})
