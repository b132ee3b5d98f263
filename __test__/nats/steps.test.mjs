// A worker that stops in the middle of a step: somebody else has the partition by the time it goes on, or the server has given up what was begun.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { natsSessions } from 'velo-stream/nats'
import { connection, describeNats } from '../support/nats-servers.mjs'
import { within } from '../support/within.mjs'
import { gate } from './gate.mjs'
import { chain } from './hosts/function.mjs'
import { assertWhole, host, keysOf, QUICK, resultsOf } from './keyed.mjs'
import { eventually, PATIENT, range, valuesOf } from './support.mjs'

const END = 'Nats-Batch-Commit'

describeNats('a step that stops half-way', (server) => {
  const begun = async (options) => {
    const client = await connection(server().url)
    const sessions = natsSessions(client, { fn: chain, ...QUICK, ...options })
    const road = await gate(server().url)
    const worker = await host(road.url, options)
    const send = (keys, part) => Promise.all(keys.map((key) => sessions.send(key, ...range(20).map((n) => ({ n: part * 20 + n })))))
    return { client, sessions, road, worker, send }
  }

  for (const [what, text] of [
    ['before its end', END],
    ['at its first message', 'Nats-Batch-Sequence: 1\r\n'],
  ])
    test(`the partition is taken over while a step stands ${what}: the rest of it is refused`, async () => {
      const stream = `taken-${text === END ? 'end' : 'first'}`
      const { client, sessions, road, worker, send } = await begun({ stream })
      const keys = keysOf(8)
      const stands = road.hold(text)
      await send(keys, 0)
      await within(PATIENT, stands, 'a step')
      worker.child.kill('SIGSTOP')
      const second = await host(server().url, { stream })
      await send(keys, 1)
      await eventually(async () => (await second.metrics()).partitions === QUICK.partitions, 'a takeover')
      assertWhole(await resultsOf(client, { stream, count: 8 * 40 }), keys, 40)
      road.release()
      worker.child.kill('SIGCONT')
      await send(keys, 2)
      assertWhole(await resultsOf(client, { stream, count: 8 * 60 }), keys, 60)
      await worker.stop()
      await second.stop()
      await sessions.stop()
    })

  test('a batch whose end comes after the server has given it up is repeated, and nothing of it is there twice', async () => {
    const stream = 'abandoned'
    const { client, sessions, road, worker, send } = await begun({ stream, lease: 30_000, timeout: 30_000 })
    const given = new Promise((resolve) => {
      client.subscribe('$JS.EVENT.ADVISORY.STREAM.BATCH_ABANDONED.>', { callback: (_, message) => resolve(message.json()) })
    })
    await client.flush()
    const keys = keysOf(4)
    const stands = road.hold(END)
    await send(keys, 0)
    await within(PATIENT, stands, 'a batch')
    assert.equal((await within(PATIENT, given, 'the server')).stream, stream)
    assert.deepEqual(await valuesOf(client, stream, `${stream}.out.>`), [])
    road.release()
    assertWhole(await resultsOf(client, { stream, count: 4 * 20 }), keys, 20)
    await worker.stop()
    await sessions.stop()
  })
})
