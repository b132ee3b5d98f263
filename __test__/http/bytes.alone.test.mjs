// What waits between two sockets is bounded in bytes (rule 4): clients that never read.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { forked } from '../support/forked.mjs'

const MIB = 1 << 20
const SERVER = fileURLToPath(new URL('support/crowd-server.mjs', import.meta.url))
const CROWD = fileURLToPath(new URL('support/crowd.mjs', import.meta.url))
const CLIENTS = Number(process.env.VELO_CROWD ?? 24)

/** A server and its clients run in processes of their own: what this one keeps would be measured, too. */
describe('clients that never read', () => {
  const bound = 16 * MIB

  for (const [kind, name, messages] of [
    ['handler', 'HTTP, lines', 64],
    ['websocket', 'WebSocket, messages', 64],
  ])
    test(`${CLIENTS} of ${name} of 1 MiB hold no more than their bounds`, { timeout: 240_000 }, async (context) => {
      const server = await forked(SERVER, [kind, bound])
      const port = await server.ask(5_000, 'port')
      let streams = 0
      const come = async (clients) => {
        const crowd = await forked(CROWD, [kind, port, clients, messages])
        streams += clients
        const events = await server.ask(200_000, 'full', streams, (streams * bound) / MIB)
        assert.ok(events < streams * messages, 'everything was taken')
        return crowd
      }
      // Code, slabs and what V8 takes for young objects are there before the others come.
      const first = await come(2)
      const before = await server.ask(30_000, 'resident')
      const crowd = await come(CLIENTS)
      const grown = (await server.ask(30_000, 'resident')) - before
      const figures = `${CLIENTS} clients: ${mib(grown)} more than ${mib(before)}, documented ${mib(CLIENTS * bound)}`
      context.diagnostic(figures)
      assert.ok(grown < 1.5 * CLIENTS * bound, figures)
      for (const process of [first, crowd, server]) await process.end()
    })
})

const mib = (bytes) => `${Math.round(bytes / MIB)} MiB`
