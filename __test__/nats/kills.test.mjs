// Rule 22 on JetStream: processes that are killed with -9 at any moment, over random streams.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { crashes, said } from '../durable/kills/tester.mjs'
import { describeNats } from '../support/nats-servers.mjs'

const SEED = Number(process.env.VELO_SEED ?? 13)
const KILLS = Number(process.env.VELO_KILLS ?? 8)
const STORES = new URL('./stores.mjs', import.meta.url).href

describeNats('killed processes', (server) => {
  test('what a killed process was told is there, once and in order', { timeout: 300_000 }, async (context) => {
    const place = (lane) => ({ stores: STORES, url: server().url, stream: `kills-${lane}` })
    const done = await crashes({ seed: SEED, kills: KILLS, lanes: 2, place })
    context.diagnostic(`seed ${SEED}: ${said(done)}`)
    assert.deepEqual(done.wrongs, [], `again with VELO_SEED=${SEED}`)
    for (const what of ['journeys', 'replays', 'events', 'results', 'effects']) assert.ok(done.counts[what] > 0, `${what}: ${said(done)}`)
  })
})
