// Sessions go through every fault with nothing lost, nothing doubled, everything in order. Long: VELO_CHAOS_MS=600000 (and VELO_CHAOS_SEED, VELO_CHAOS_SESSIONS) before the command.

import { test } from 'node:test'
import { describeServers } from '../support/redis-servers.mjs'
import { chaos } from './chaos/chaos.mjs'

const { VELO_CHAOS_MS = '2500', VELO_CHAOS_SEED, VELO_CHAOS_SESSIONS = '40' } = process.env
const ms = Number(VELO_CHAOS_MS)

describeServers('chaos', ({ server }) => {
  test('nothing is lost, doubled or out of order', { timeout: 120_000 + 4 * ms }, async (context) => {
    const seed = Number(VELO_CHAOS_SEED ?? 1)
    const log = VELO_CHAOS_SEED === undefined ? () => {} : (text) => context.diagnostic(text)
    const done = await chaos({ server: server(), seed, ms, workers: 3, sessions: Number(VELO_CHAOS_SESSIONS), log })
    context.diagnostic(`seed ${seed}: ${JSON.stringify(done)}`)
  })
})
