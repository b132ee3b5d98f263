// The user's connection is drained or closed while there is work on it: what runs on it ends, in order or with an error that says why, and nothing waits for ever.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { natsSessions, natsSink, natsSource } from 'velo-stream/nats'
import { map } from 'velo-stream/operators'
import { connection, describeNats } from '../support/nats-servers.mjs'
import { noUnhandledRejections } from '../support/unhandled.mjs'
import { within } from '../support/within.mjs'
import { chain } from './hosts/function.mjs'
import { assertWhole, keysOf, QUICK, resultsOf } from './keyed.mjs'
import { eventually, freshStreams, range, started, store } from './support.mjs'

const SOON = 12_000

describeNats('a connection that is ended by its owner', (server) => {
  const fresh = freshStreams(server, 'closed', { out: true })

  for (const how of ['drain', 'close'])
    for (const what of ['source', 'sink'])
      test(`${how}() under a ${what} at work ends consume with what is wrong`, async () => {
        const { client, stream } = await fresh()
        const other = await connection(server().url)
        await store(client, stream, range(2000))
        let seen = 0
        const work = started(
          map(async (n) => {
            seen++
            await new Promise(setImmediate)
            return n
          }),
          {
            source: natsSource(what === 'source' ? other : client, { stream, consumer: 'c', from: 'all' }),
            sink: natsSink(what === 'sink' ? other : client, { subject: `${stream}-out` }),
          },
        )
        await eventually(() => seen > 100, 'work')
        await within(SOON, other[how](), how)
        await assert.rejects(within(SOON, work.running, 'consume'), { code: 'VELO_ADAPTER' })
      })

  for (const how of ['drain', 'close'])
    test(`${how}() under a source that waits ends consume`, async () => {
      const { client, stream, manager } = await fresh()
      const other = await connection(server().url)
      await store(client, stream, range(10))
      const work = started(
        map((n) => n),
        { source: natsSource(other, { stream, consumer: 'c', from: 'all' }) },
      )
      await eventually(async () => (await manager.consumers.info(stream, 'c').catch(() => undefined))?.ack_floor.stream_seq === 10, 'acks')
      await within(SOON, other[how](), how)
      await assert.rejects(within(SOON, work.running, 'consume'), { code: 'VELO_ADAPTER' })
    })

  for (const how of ['drain', 'close'])
    test(`${how}() under sessions: nothing is lost, and whoever asks is told`, async () => {
      const client = await connection(server().url)
      const other = await connection(server().url)
      const stream = `ended-${how}`
      const options = { fn: chain, ...QUICK, stream }
      const ended = natsSessions(other, options)
      await within(SOON, ended.work(), 'work')
      const sessions = natsSessions(client, options)
      const keys = keysOf(8)
      const send = (part) => Promise.all(keys.map((key) => sessions.send(key, ...range(20).map((n) => ({ n: part * 20 + n })))))
      await send(0)
      await eventually(() => ended.metrics.results > 20, 'work')
      const asked = ended.ask('other', { n: 0, what: 'slow', ms: 100 }).then(
        () => 'answered',
        () => 'told',
      )
      await within(SOON, other[how](), how)
      assert.match(await within(SOON, asked, 'ask'), /answered|told/)
      await assert.rejects(within(SOON, ended.send('k0', { n: 20 }), 'send'))
      await assert.rejects(within(SOON, ended.ask('k0', { n: 20 }), 'ask'))
      await within(SOON, ended.stop(), 'stop')
      await within(SOON, sessions.work(), 'work')
      await send(1)
      const byKey = await resultsOf(client, { stream, count: 8 * 40 })
      byKey.delete('other')
      assertWhole(byKey, keys, 40)
      await sessions.stop()
    })
})

noUnhandledRejections('connections that end')
