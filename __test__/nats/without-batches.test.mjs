// Servers that store one message at a time: what is stored in several steps is there once all the same, whoever dies between them.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { jetstreamManager } from '@nats-io/jetstream'
import { natsSessions } from 'velo-stream/nats'
import { crashes, said } from '../durable/kills/tester.mjs'
import { connection, describeNats } from '../support/nats-servers.mjs'
import { within } from '../support/within.mjs'
import { gate } from './gate.mjs'
import { chain } from './hosts/function.mjs'
import { assertWhole, host, keysOf, QUICK, resultsOf } from './keyed.mjs'
import { PATIENT, range } from './support.mjs'

const STORES = new URL('./stores.mjs', import.meta.url).href
const PLAIN = { storage: 'file', allow_direct: true, allow_rollup_hdrs: true, allow_msg_ttl: true, discard: 'new', allow_atomic: false }

describeNats('a stream without atomic batches', (server) => {
  const plainStream = async (name, config) => {
    const manager = await jetstreamManager(await connection(server().url))
    await manager.streams.add({ name, ...PLAIN, ...config })
    return async () => assert.notEqual((await manager.streams.info(name)).config.allow_atomic, true)
  }
  const keyed = (name) => ({
    subjects: ['event.*', 'out.>', 'key.>', 'own.*', 'dead.>'].map((part) => `${name}.${part}`),
    subject_transform: { src: `${name}.event.*`, dest: `${name}.in.{{partition(${QUICK.partitions},1)}}.{{wildcard(1)}}` },
  })

  for (const [between, text] of [
    ['a result and its state', (stream) => `PUB ${stream}.key.`],
    ['a state and its owner', (stream) => `PUB ${stream}.own.`],
  ])
    test(`workers that are killed between ${between} leave nothing twice`, async () => {
      const client = await connection(server().url)
      const stream = `plain-${between.split(' ')[1]}`
      const isPlain = await plainStream(stream, keyed(stream))
      const sessions = natsSessions(client, { fn: chain, ...QUICK, stream })
      const keys = keysOf(8)
      const send = (part) => Promise.all(keys.map((key) => sessions.send(key, ...range(20).map((n) => ({ n: part * 20 + n })))))
      const deaths = 3
      for (const part of range(deaths)) {
        const road = await gate(server().url)
        const worker = await host(road.url, { stream })
        const stands = road.hold(text(stream))
        await send(part)
        await within(PATIENT, stands, 'a step')
        await worker.kill()
      }
      const last = await host(server().url, { stream })
      await send(deaths)
      assertWhole(await resultsOf(client, { stream, count: 8 * 20 * (deaths + 1) }), keys, 20 * (deaths + 1))
      await last.stop()
      await sessions.stop()
      await isPlain()
    })

  test('one that stands still is fenced between the messages of a step', async () => {
    const client = await connection(server().url)
    const stream = 'plain-fenced'
    await plainStream(stream, keyed(stream))
    const sessions = natsSessions(client, { fn: chain, ...QUICK, stream })
    const keys = keysOf(8)
    const send = (part) => Promise.all(keys.map((key) => sessions.send(key, ...range(20).map((n) => ({ n: part * 20 + n })))))
    const road = await gate(server().url)
    const first = await host(road.url, { stream })
    const stands = road.hold(`PUB ${stream}.key.`)
    await send(0)
    await within(PATIENT, stands, 'a step')
    first.child.kill('SIGSTOP')
    const second = await host(server().url, { stream })
    await send(1)
    assertWhole(await resultsOf(client, { stream, count: 8 * 40 }), keys, 40)
    road.release()
    first.child.kill('SIGCONT')
    await send(2)
    assertWhole(await resultsOf(client, { stream, count: 8 * 60 }), keys, 60)
    await first.stop()
    await second.stop()
    await sessions.stop()
  })

  test('what a journal was told is there, once and in order, whoever is killed', { timeout: 120_000 }, async (context) => {
    for (const lane of [0, 1]) await plainStream(`plain-kills-${lane}`, { subjects: [`plain-kills-${lane}.>`] })
    const place = (lane) => ({ stores: STORES, url: server().url, stream: `plain-kills-${lane}` })
    const done = await crashes({ seed: 29, kills: 3, lanes: 2, place })
    context.diagnostic(said(done))
    assert.deepEqual(done.wrongs, [])
  })
})
