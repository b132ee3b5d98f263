// Much that goes through at once (rule 4): results of many megabytes in every format, and what is beyond the bound of the process.

import assert from 'node:assert/strict'
import { afterEach, test } from 'node:test'
import { runtime, streamFn } from 'velo-stream'
import { deferred, until } from '../support/deferred.mjs'
import { noUnhandledRejections } from '../support/unhandled.mjs'
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

noUnhandledRejections('rule 16')
