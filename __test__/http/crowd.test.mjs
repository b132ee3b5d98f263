// Many at once: connections that say nothing, and short streams by the thousand. Every one gets exactly its results, and nothing is left.

import assert from 'node:assert/strict'
import http from 'node:http'
import { test } from 'node:test'
import { runtime, streamFn } from 'velo-stream'
import { until } from '../support/deferred.mjs'
import { noUnhandledRejections } from '../support/unhandled.mjs'
import { within } from '../support/within.mjs'
import { lines, parse, Wire } from './support/clients.mjs'
import { start } from './support/servers.mjs'
import { listeners, settled } from './support/settled.mjs'

const IDLE = 2000
const STREAMS = 10_000
const AT_ONCE = 200

const sums = streamFn(
  async function* sums(events) {
    let sum = 0
    for await (const event of events) yield (sum += event)
  },
  { maxConcurrent: IDLE + AT_ONCE, idleTimeout: 0 },
)

const heap = async () => {
  for (let i = 0; i < 4; i++) {
    await new Promise(setImmediate)
    globalThis.gc()
  }
  return process.memoryUsage().heapUsed
}

test('2 000 idle connections, each an open stream, are no burden and go without a trace', async () => {
  const made = await start('node:http', sums)
  const before = await heap()
  const wires = []
  // As many at a time as the line of connections not yet accepted holds.
  while (wires.length < IDLE) {
    const more = Array.from({ length: 100 }, () => new Wire(made.port).head().chunk('1\n'))
    await Promise.all(more.map((wire) => wire.until(/\n1\n/, 30_000)))
    wires.push(...more)
  }
  assert.equal(runtime.snapshot().streamsOpen, IDLE)
  const each = ((await heap()) - before) / IDLE
  assert.ok(each < 64 * 1024, `${Math.round(each)} bytes of heap a connection, client and server together`)
  // Half of them go on, half of them go away.
  for (const [index, wire] of wires.entries()) {
    if (index % 2 === 0) wire.chunk('2\n').last()
    else wire.socket.resetAndDestroy()
  }
  await within(
    60_000,
    Promise.all(wires.filter((_, index) => index % 2 === 0).map((wire) => wire.until(/\n3\n[\s\S]*\r\n0\r\n\r\n/, 60_000))),
    'the ends',
  )
  for (const wire of wires) wire.socket.destroy()
  await settled(30_000)
  await until(30_000, () => made.sockets.size === 0, 'sockets are open')
  await made.close()
})

test('10 000 short streams at 200 at once: each its own results, no stream, listener or memory left', async () => {
  const made = await start('node:http', sums)
  const agent = new http.Agent({ keepAlive: true, maxSockets: AT_ONCE })
  const one = async (number) => {
    const response = await new Promise((resolve, reject) => {
      const request = http.request(made.url, { method: 'POST', agent, headers: { 'content-type': 'application/x-ndjson' } }, resolve)
      request.on('error', reject).end(lines([number, 1, number]))
    })
    let text = ''
    for await (const chunk of response.setEncoding('utf8')) text += chunk
    assert.deepEqual(parse(text), [number, number + 1, number + number + 1])
  }
  let next = 0
  const worker = async (until_) => {
    while (next < until_) await one(next++)
  }
  const run = (until_) => within(120_000, Promise.all(Array.from({ length: AT_ONCE }, () => worker(until_))), 'the streams')
  await run(STREAMS / 5)
  await settled()
  const before = await heap()
  const counts = [...made.sockets].map(listeners)
  await run(STREAMS)
  await settled()
  const grown = (await heap()) - before
  assert.ok(grown < 8 * 1024 * 1024, `the heap grew by ${grown} bytes`)
  const after = [...made.sockets].map(listeners)
  assert.ok(Math.max(...after) <= Math.max(...counts), `listeners: ${Math.max(...counts)}, then ${Math.max(...after)}`)
  agent.destroy()
  await made.close()
})

noUnhandledRejections('rule 16')
