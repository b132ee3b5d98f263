// Much that goes through at once (rule 4): results of many megabytes in every format, and what is beyond the bound of the process.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { afterEach, test } from 'node:test'
import { runtime, streamFn } from 'velo-stream'
import { WebSocket } from 'ws'
import { deferred, until } from '../support/deferred.mjs'
import { noUnhandledRejections } from '../support/unhandled.mjs'
import { within } from '../support/within.mjs'
import { serving } from '../websocket/support.mjs'
import { post, Wire } from './support/clients.mjs'
import { start } from './support/servers.mjs'
import { settled } from './support/settled.mjs'

const MIB = 1 << 20
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
  const wire = new Wire(server.port).head({ length: 6 * MIB })
  wire.write(`${`"${'z'.repeat(MIB - 3)}"\n`.repeat(6)}`)
  await until(10_000, () => holding.metrics.eventsIn === 6, 'the events')
  runtime.configure({ maxBufferedBytes: 4 * MIB })
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

test('an event that would take more memory than the process may hold is refused, and a smaller one beside it is not', async () => {
  const echo = streamFn(async function* echo(events) {
    for await (const event of events) yield event.length
  })
  runtime.configure({ maxBufferedBytes: 4 * MIB })
  const array = (count) => JSON.stringify(Array.from({ length: count }, () => ({})))
  const server = await start('node:http', echo)
  const refused = await post(server.url, `${array(300_000)}\n`)
  assert.equal(refused.status, 413)
  assert.match((await refused.json()).error.message, /^an event would take about \d+ bytes of memory, of which 4194304 may wait/)
  assert.equal(await (await post(server.url, `${array(10_000)}\n`)).text(), '10000\n')
  await server.close()
  const sockets = await serving(echo)
  const socket = new WebSocket(sockets.url)
  socket.onopen = () => {
    socket.send(array(10_000))
    socket.send(array(300_000))
  }
  const [code, reason] = await within(10_000, once(socket, 'close'), 'the close')
  assert.equal(code, 1009)
  assert.match(String(reason), /^a message would take about \d+ bytes of memory$/)
  await sockets.close()
  await settled()
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

noUnhandledRejections('rule 16')
