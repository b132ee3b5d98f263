// Three servers that keep three replicas of each stream: the leader of a stream is killed at work, and comes back.

import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { jetstreamManager } from '@nats-io/jetstream'
import { natsSessions, natsSink, natsSource, publish } from 'velo-stream/nats'
import { map } from 'velo-stream/operators'
import { startNatsCluster } from '../support/nats-cluster.mjs'
import { describeNats } from '../support/nats-servers.mjs'
import { within } from '../support/within.mjs'
import { chain } from './hosts/function.mjs'
import { assertWhole, host, keysOf, QUICK, resultsOf } from './keyed.mjs'
import { eventually, freshStream, PATIENT, range, started } from './support.mjs'

describeNats('a cluster', () => {
  let cluster
  before(async () => {
    cluster = await startNatsCluster()
  })

  /** Kills the leader of a stream, goes on when another one leads, and starts the killed one again. */
  const decapitate = async (client, stream, meanwhile) => {
    const manager = await jetstreamManager(client, { timeout: 2000, checkAPI: false })
    const leader = async () => (await manager.streams.info(stream).catch(() => undefined))?.cluster?.leader
    const first = await eventually(leader, 'a leader')
    await cluster.named(first).kill()
    await eventually(async () => ![undefined, '', first].includes(await leader()), 'another leader')
    await meanwhile()
    await cluster.named(first).start()
  }

  test('a source and a sink lose nothing with the leader of their streams', async () => {
    const client = await cluster.connect()
    const stream = 'led'
    const kept = { storage: 'file', num_replicas: 3 }
    await freshStream(client, stream, kept)
    await freshStream(client, `${stream}-out`, kept)
    const work = started(
      map((n) => n),
      {
        source: natsSource(client, { stream, consumer: 'all', from: 'all', ackWait: 2000 }),
        sink: natsSink(client, { subject: `${stream}-out`, id: String }),
      },
    )
    const send = (part) =>
      within(
        PATIENT,
        publish(
          client,
          stream,
          range(500).map((n) => part * 500 + n),
        ),
        'publish',
      )
    await send(0)
    const sending = send(1)
    await decapitate(client, stream, () => send(2))
    await sending
    await send(3)
    const manager = await jetstreamManager(client, { checkAPI: false })
    await eventually(
      async () => (await manager.streams.info(`${stream}-out`).catch(() => undefined))?.state.messages >= 2000,
      'all results',
    )
    const { deadLettered } = await work.stop()
    assert.equal(deadLettered, 0)
    const seen = []
    for await (const n of natsSource(client, { stream: `${stream}-out`, from: 'all' })) if (seen.push(n) === 2000) break
    assert.deepEqual(
      seen.sort((a, b) => a - b),
      range(2000),
    )
  })

  test('sessions give each result once over the death of the leader', async () => {
    const client = await cluster.connect()
    const stream = 'keyed'
    const options = { stream, replicas: 3, lease: 1500, timeout: 30_000 }
    const workers = [await host(cluster.urls, options), await host(cluster.urls, options)]
    const sessions = natsSessions(client, { fn: chain, ...QUICK, ...options })
    const keys = keysOf(8)
    const send = (part) =>
      within(PATIENT, Promise.all(keys.map((key) => sessions.send(key, ...range(20).map((n) => ({ n: part * 20 + n }))))), 'send')
    await send(0)
    const sending = send(1)
    await decapitate(client, stream, () => send(2))
    await sending
    await send(3)
    assertWhole(await resultsOf(client, { stream, count: 8 * 80 }), keys, 80)
    for (const worker of workers) await worker.stop()
    await sessions.stop()
  })
})
