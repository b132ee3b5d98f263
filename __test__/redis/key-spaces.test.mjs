// A cluster and a journal with the same prefix, function and id: each has keys of its own, and neither takes the data of the other for its own.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { streamFn } from 'velo-stream'
import { durable } from 'velo-stream/durable'
import { cluster, clusterAdmin, RedisJournal } from 'velo-stream/redis'
import { describeServers } from '../support/redis-servers.mjs'
import { within } from '../support/within.mjs'
import { clients } from './clients.mjs'

const LIMIT = 20_000
const KEYS = ['m', 'i', 'o', 's', 'h', 'c']
const total = (name) =>
  streamFn(
    async function* (events) {
      let sum = 0
      for await (const event of events) yield (sum += event)
    },
    { name },
  )

describeServers('key spaces', ({ server }) => {
  const [{ make, end }] = clients
  let client
  let shared
  let journal
  let kept
  let n = 0
  before(async () => {
    client = await make(server().url)
  })
  after(() => end(client))

  const using = async (run) => {
    const prefix = `k${n++}`
    shared = cluster({ client, functions: { total: total('total') }, prefix })
    await shared.work()
    journal = new RedisJournal(client, { prefix })
    kept = total('total').with({ durable: durable(journal) })
    try {
      await run(prefix)
    } finally {
      await within(LIMIT, shared.stop(), 'the cluster stops')
      await within(LIMIT, journal.close(), 'the journal closes')
    }
  }
  /** Sends three events, and reads three sums. */
  const use = async (stream) => {
    for (const event of [1, 2, 3]) await within(LIMIT, stream.send(event), 'a send')
    const sums = []
    for (let count = 0; count < 3; count++) sums.push(await within(LIMIT, stream.recv(), 'a result'))
    return sums
  }

  for (const order of ['the session first', 'the durable stream first']) {
    test(`one name for a session and a durable stream, ${order}`, async () => {
      await using(async (prefix) => {
        const opened = {}
        const opens = [
          async () => (opened.session = await shared.open('total', prefix)),
          async () => (opened.stream = kept.open({ id: prefix })),
        ]
        for (const open of order === 'the session first' ? opens : opens.reverse()) assert.deepEqual(await use(await open()), [1, 3, 6])
        const { session, stream } = opened
        assert.deepEqual([session.position.events, session.position.results], [3, 3])
        assert.deepEqual(
          [await use(session), await use(stream)],
          [
            [7, 9, 12],
            [7, 9, 12],
          ],
        )
        assert.deepEqual(
          (await journal.unfinished('total')).map(({ id, events }) => [id, events]),
          [[prefix, 6]],
        )
        const admin = clusterAdmin(client, { prefix })
        const { events } = await admin.session('total', prefix)
        assert.equal(events, 6)
        admin.close()
        // Neither ends the other.
        await journal.discard({ function: 'total', id: prefix })
        assert.deepEqual(await use(session), [13, 15, 18])
        await session.close()
      })
    })
  }

  test('a durable stream of an earlier version is found, and no session takes it for its own', async () => {
    await using(async (prefix) => {
      const key = { function: 'total', id: 'old' }
      const { own } = await journal.open(key, { at: 1, seed: 2 })
      await journal.append(own, 0, [{ at: 1, end: false, bytes: Buffer.from('x') }])
      for (const name of KEYS) {
        const now = `${prefix}:{total/old}j${name}`
        if (await client.exists(now)) await client.rename(now, `${prefix}:{total/old}${name}`)
      }
      await assert.rejects(within(LIMIT, shared.open('total', 'old')), { code: 'VELO_CHECKPOINT', message: /RedisJournal.*another prefix/ })
      const [{ id, events, bytes }] = await journal.unfinished('total')
      assert.deepEqual([id, events, bytes > 0], ['old', 1, true])
      assert.equal((await journal.open(key, { at: 1, seed: 2 })).events, 1)
      // Now it has names of its own.
      const session = await shared.open('total', 'old')
      assert.deepEqual(await use(session), [1, 3, 6])
      assert.equal(await journal.discard(key), true)
      assert.deepEqual(await journal.unfinished('total'), [])
      assert.deepEqual(await use(session), [7, 9, 12])
      await session.close()
    })
  })
})
