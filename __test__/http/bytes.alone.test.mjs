// What waits between two sockets is bounded in bytes (rule 4): large events, large results, and clients that never read.

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { afterEach, describe, test } from 'node:test'
import { runtime, streamFn } from 'velo-stream'
import { createServer } from 'velo-stream/server'
import { deferred, turns, until } from '../support/deferred.mjs'
import { noUnhandledRejections } from '../support/unhandled.mjs'
import { within } from '../support/within.mjs'
import { post, Wire } from './support/clients.mjs'
import { start } from './support/servers.mjs'
import { settled } from './support/settled.mjs'

const MIB = 1 << 20
const CLIENTS = Number(process.env.VELO_CROWD ?? 24)
afterEach(() => {
  runtime.configure({ maxBufferedBytes: 512 * MIB })
})

const echo = streamFn(async function* echo(events) {
  for await (const event of events) yield event
})

/** Clients of WebSocket that send 32 messages of 1 MiB each and read nothing. */
const CROWD = `
  import { WebSocket } from 'ws'
  const [url, count] = process.argv.slice(-2)
  const line = Buffer.from('"' + 'y'.repeat(${MIB} - 2) + '"')
  for (let n = 0; n < Number(count); n++) {
    const socket = new WebSocket(url)
    socket.on('error', () => {})
    await new Promise((resolve) => socket.once('open', resolve))
    socket.pause()
    for (let i = 0; i < 32; i++) socket.send(line)
  }
  console.log('sent')`

/** Resident memory that holds, after a collection. */
async function resident() {
  await turns(10)
  globalThis.gc()
  return process.memoryUsage.rss()
}

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

describe('clients that never read', () => {
  const line = Buffer.from(`"${'y'.repeat(MIB - 3)}"\n`)
  const bound = 4 * MIB

  test(`${CLIENTS} of HTTP, each sending lines of 1 MiB, hold no more than their bounds`, { timeout: 120_000 }, async () => {
    const server = await start('node:http', echo, { maxBufferedBytes: bound, maxStall: 0 })
    const before = await resident()
    const wires = Array.from({ length: CLIENTS }, () => new Wire(server.port))
    for (const wire of wires) {
      wire.socket.pause()
      wire.head({ length: 64 * MIB })
      for (let i = 0; i < 48; i++) wire.socket.write(line)
    }
    // Nothing moves any more: every stream waits for its client.
    let [last, still] = [-1, 0]
    await until(
      60_000,
      () => {
        const { eventsIn } = runtime.snapshot()
        still = eventsIn === last ? still + 1 : 0
        last = eventsIn
        return still > 20_000
      },
      'the end of what is taken',
    )
    const grown = (await resident()) - before
    assert.ok(grown < 1.5 * CLIENTS * bound, `${Math.round(grown / MIB)} MiB`)
    for (const wire of wires) wire.socket.destroy()
    await settled()
    await server.close()
  })

  test('a message of each size, and WebSockets, the same', { timeout: 120_000 }, async () => {
    const server = createServer({ functions: { echo }, grace: 0, websocket: { maxMessage: 2 * MIB, maxBufferedBytes: bound } })
    await server.listen()
    const before = await resident()
    // In a process of their own: what they cannot send waits there.
    const crowd = spawn(
      process.execPath,
      ['--input-type=module', '-e', CROWD, `${server.url.replace('http', 'ws')}/fn/echo`, String(CLIENTS)],
      {
        cwd: new URL('../..', import.meta.url),
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    )
    await within(30_000, once(crowd.stdout, 'data'), 'the clients')
    let [last, still] = [-1, 0]
    await until(
      60_000,
      () => {
        const { eventsIn } = runtime.snapshot()
        still = eventsIn === last ? still + 1 : 0
        last = eventsIn
        return still > 20_000
      },
      'the end of what is taken',
    )
    const grown = (await resident()) - before
    crowd.kill()
    assert.ok(grown < 1.5 * CLIENTS * bound, `${Math.round(grown / MIB)} MiB`)
    await server.close({ grace: 0 })
    await settled()
  })
})

noUnhandledRejections('rule 16')
