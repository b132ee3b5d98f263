// Rule 28: a death counts against a session only if it executed an event when its process died. Real processes that are killed, or exit.

import assert from 'node:assert/strict'
import { clusterAdmin } from 'velo-stream/redis'
import { describeServers } from '../support/redis-servers.mjs'
import { within } from '../support/within.mjs'
import { faultyOn, LIMIT, take } from './hosts/faulty.mjs'

const NAMES = ['sums', 'replayed']

/** Opens sessions of both kinds, those that have a state and those that are replayed. */
const openAll = (front, count) => Promise.all(Array.from({ length: count }, (_, n) => front.open(NAMES[n % 2], `s${n}`)))

async function deadOf(client, prefix) {
  const admin = clusterAdmin(client, { prefix })
  try {
    return (await admin.deadLetters()).map(({ function: name, id, takeovers }) => `${name}/${id}: ${takeovers}`)
  } finally {
    admin.close()
  }
}

describeServers('suspicion', ({ server }) => {
  const test = faultyOn(server)

  for (const [what, poison] of [
    ['at once', { value: 0, dies: true }],
    ['100 ms later', { value: 0, ms: 100, dies: true }],
  ]) {
    test(`rule 28: 40 neighbors of a session that kills its process ${what} are spared`, { lease: 1000 }, async ({
      front,
      work,
      client,
      prefix,
    }) => {
      const streams = await openAll(front, 40)
      const bad = await front.open('sums', 'bad')
      let host = await work()
      for (const stream of streams) await stream.send({ value: 1 })
      for (const stream of streams) assert.deepEqual(await take(stream), [1])
      await bad.send({ value: 1 })
      await bad.send(poison)
      const ended = bad.closed
      let isOver = false
      ended.then(() => (isOver = true))
      let deaths = 0
      let sent = 1
      // At each death all of them execute an event, or have one that waits.
      while (!isOver) {
        await Promise.all(streams.map((stream) => stream.send({ value: 1, ms: 20 })))
        sent++
        await within(LIMIT, Promise.race([host.exited, ended]), 'a death, or the end of the session')
        if (isOver) break
        deaths++
        assert.ok(deaths < 20, 'the session that kills its process is given up')
        host = await work()
      }
      assert.equal((await ended).reason, 'failed')
      assert.deepEqual(await deadOf(client, prefix), ['sums/bad: 6'])
      for (const stream of streams) assert.equal((await take(stream, sent - 1)).at(-1), sent)
    })
  }

  for (const [what, ms, count] of [
    ['fast', 0, 100],
    ['slow', 300, 30],
  ]) {
    test(`rule 28: a deploy whose processes exit by themselves ends none of ${count} sessions with ${what} events`, {
      lease: 1000,
    }, async ({ front, work, client, prefix }) => {
      const streams = await openAll(front, count)
      for (const stream of streams) await stream.sendBatch([{ value: 1, ms }, { value: 1 }])
      for (let n = 0; n < 8; n++) {
        const { exited } = await work({ EXIT_AFTER: '150' })
        await within(LIMIT, exited, 'it exits')
      }
      await work()
      for (const stream of streams) assert.deepEqual(await take(stream, 2), [1, 2])
      assert.deepEqual(await deadOf(client, prefix), [])
    })
  }

  test('rule 28: sessions that are idle while their host is killed nine times are not suspect', { lease: 1000 }, async ({
    front,
    work,
    client,
    prefix,
  }) => {
    const streams = await openAll(front, 40)
    let host = await work()
    for (const stream of streams) {
      await stream.send({ value: 1 })
      assert.deepEqual(await take(stream), [1])
    }
    for (let n = 0; n < 9; n++) {
      await host.kill()
      host = await work()
      while ((await host.hosted()) < 40);
    }
    const admin = clusterAdmin(client, { prefix })
    for await (const { id, takeovers } of admin.sessions()) assert.equal(takeovers, 0, id)
    admin.close()
    assert.deepEqual(await deadOf(client, prefix), [])
    await Promise.all(streams.map((stream) => stream.send({ value: 1 })))
    for (const stream of streams) assert.deepEqual(await take(stream), [2])
  })
})
