// Sessions go through every fault with nothing lost, nothing doubled, everything in order. Long: VELO_CHAOS_MS=600000 (and VELO_CHAOS_SEED, VELO_CHAOS_SESSIONS) before the command.

import { test } from 'node:test'
import { describeServers, startServer } from '../support/redis-servers.mjs'
import { chaos } from './chaos/chaos.mjs'

const { VELO_CHAOS_MS = '2500', VELO_CHAOS_SEED, VELO_CHAOS_SESSIONS = '40' } = process.env
const ms = Number(VELO_CHAOS_MS)

describeServers('chaos', ({ name, kind, server }) => {
  test('nothing is lost, doubled or out of order', { timeout: 120_000 + 4 * ms }, async (context) => {
    const seed = Number(VELO_CHAOS_SEED ?? 1)
    // Either it is killed, with what it had written down each second, or it comes back as it was half a second ago: by turns.
    const aof = (seed + (name === 'Redis' ? 1 : 0)) % 2 === 0
    const own = aof ? await startServer(kind, { args: ['--appendonly', 'yes', '--appendfsync', 'everysec'] }) : server()
    const log = VELO_CHAOS_SEED === undefined ? () => {} : (text) => context.diagnostic(text)
    const done = await chaos({ server: own, seed, ms, aof, workers: 3, sessions: Number(VELO_CHAOS_SESSIONS), log })
    context.diagnostic(`seed ${seed}: ${JSON.stringify(done)}`)
  })

  test('neither is it with a replica that is waited for, and falls behind', { timeout: 120_000 + 4 * ms }, async (context) => {
    const seed = Number(VELO_CHAOS_SEED ?? 2)
    const own = await startServer(kind)
    const follower = await startServer(kind, { args: ['--replicaof', '127.0.0.1', String(own.port)] })
    try {
      const done = await chaos({ server: own, replica: follower, seed, ms, workers: 3, sessions: Number(VELO_CHAOS_SESSIONS) })
      context.diagnostic(`seed ${seed}: ${JSON.stringify(done)}`)
    } finally {
      follower.signal('SIGCONT')
    }
  })

  test('nor with many sessions that live at once', { timeout: 180_000 + 4 * ms }, async (context) => {
    const seed = Number(VELO_CHAOS_SEED ?? 3)
    const done = await chaos({
      server: await startServer(kind),
      seed,
      ms,
      workers: 3,
      sessions: 10 * Number(VELO_CHAOS_SESSIONS),
      lease: 2000,
    })
    context.diagnostic(`seed ${seed}: ${JSON.stringify(done)}`)
  })
})
