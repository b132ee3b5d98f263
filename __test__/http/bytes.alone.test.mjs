// What waits between two sockets is bounded in bytes (rule 4): large events, large results, and clients that never read.

import assert from 'node:assert/strict'
import { afterEach, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { runtime, streamFn } from 'velo-stream'
import { deferred, until } from '../support/deferred.mjs'
import { forked } from '../support/forked.mjs'
import { noUnhandledRejections } from '../support/unhandled.mjs'
import { post, Wire } from './support/clients.mjs'
import { start } from './support/servers.mjs'
import { settled } from './support/settled.mjs'

const MIB = 1 << 20
const SERVER = fileURLToPath(new URL('support/crowd-server.mjs', import.meta.url))
const CROWD = fileURLToPath(new URL('support/crowd.mjs', import.meta.url))
const CLIENTS = Number(process.env.VELO_CROWD ?? 24)
afterEach(() => {
  runtime.configure({ maxBufferedBytes: 512 * MIB })
})

// First: what the others keep for clients that may come back counts, too, until their grace is over.
test('beyond the bound of the process new streams are refused, until there is room', async () => {
  const hold = deferred()
  const holding = streamFn(async function* holding(events) {
    await hold.promise
    for await (const event of events) yield event.length
  })
  const server = await start('node:http', holding)
  runtime.configure({ maxBufferedBytes: 4 * MIB })
  const wire = new Wire(server.port).head({ length: 6 * MIB })
  wire.write(`${`"${'z'.repeat(MIB - 3)}"\n`.repeat(6)}`)
  await until(10_000, () => holding.metrics.eventsIn >= 5, 'the events')
  const refused = await post(server.url, '1\n')
  assert.equal(refused.status, 503)
  assert.equal((await refused.json()).error.code, 'VELO_OVERLOADED')
  hold.resolve()
  await wire.until(/0\r\n\r\n$/)
  assert.equal((await post(server.url, '"a"\n')).status, 200)
  wire.socket.destroy()
  await settled()
  await server.close()
})

test('400 results of 2 MiB arrive, in every format', { timeout: 120_000 }, async () => {
  const large = streamFn(async function* large() {
    for (let i = 0; i < 400; i++) yield `${i}${'x'.repeat(2 * MIB)}`
  })
  for (const options of [{ out: 'ndjson' }, { out: 'sse' }, { out: 'raw' }, { out: 'sse', resume: { buffer: 1000 } }]) {
    const server = await start('node:http', large, options)
    const response = await post(server.url, '')
    let bytes = 0
    for await (const chunk of response.body) bytes += chunk.length
    assert.equal(response.status, 200)
    assert.ok(bytes > 800 * MIB && bytes < 801 * MIB, `${options.out}: ${bytes}`)
    await server.close()
  }
  await settled(40_000)
})

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

noUnhandledRejections('rule 16')
