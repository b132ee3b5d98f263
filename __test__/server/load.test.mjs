// Many clients: ten thousand short streams, two thousand connections that do nothing, and what is left of them.

import assert from 'node:assert/strict'
import { Agent, request } from 'node:http'
import { connect } from 'node:net'
import { test } from 'node:test'
import { runtime } from 'velo-stream'
import { until } from '../support/deferred.mjs'
import { noUnhandledRejections } from '../support/unhandled.mjs'
import { within } from '../support/within.mjs'
import { average, ndjson, noStreams, serving, values } from './service.mjs'

const MIB = 1024 * 1024

function heap() {
  for (let i = 0; i < 4; i++) globalThis.gc()
  return process.memoryUsage().heapUsed
}

/** One short stream; its results, exactly. */
function short(port, agent, n) {
  return new Promise((resolve, reject) => {
    const req = request(
      { port, agent, path: '/fn/average', method: 'POST', headers: { 'content-type': 'application/x-ndjson' } },
      (res) => {
        let text = ''
        res.setEncoding('utf8').on('data', (part) => (text += part))
        res.on('error', reject)
        res.on('end', () => {
          try {
            assert.deepEqual([res.statusCode, values(text)], [200, [n, n + 1, n + 2]])
            resolve()
          } catch (error) {
            reject(error)
          }
        })
      },
    )
    req.on('error', reject)
    req.end(ndjson([n, n + 2, n + 4]))
  })
}

async function many(port, count, atOnce) {
  const agent = new Agent({ keepAlive: true, maxSockets: atOnce })
  let next = 0
  const lane = async () => {
    while (next < count) await short(port, agent, next++)
  }
  await within(120_000, Promise.all(Array.from({ length: atOnce }, lane)), `${count} streams`)
  agent.destroy()
}

test('ten thousand short streams, two hundred at once: each gets its results, nothing is left', { timeout: 150_000 }, async () => {
  const { server, port } = await serving({ functions: { average }, maxPerClient: 1000 })
  await many(port, 2000, 200)
  const before = heap()
  const opened = runtime.snapshot().streamsOpened
  await many(port, 10_000, 200)
  assert.equal(runtime.snapshot().streamsOpened - opened, 10_000)
  await noStreams()
  const grown = (heap() - before) / MIB
  assert.ok(grown < 4, `the heap has grown by ${grown.toFixed(1)} MiB`)
  await within(20_000, server.close(), 'close()')
})

test('two thousand connections that do nothing cost little, harm nobody, and are closed with the server', { timeout: 60_000 }, async () => {
  const { server, port, url } = await serving({ functions: { average }, headersTimeout: 60_000, keepAliveTimeout: 60_000 })
  const before = heap()
  const sockets = []
  const numbers = async () => Number(/^velo_server_connections (\d+)$/m.exec(await (await fetch(`${url}/metrics`)).text())[1])
  // Not more at once than the system keeps for a server that is busy.
  while (sockets.length < 2000) {
    const some = Array.from({ length: 200 }, () => connect(port, '127.0.0.1').on('error', () => undefined))
    sockets.push(...some)
    await within(10_000, Promise.all(some.map((socket) => new Promise((resolve) => socket.on('connect', resolve)))), 'the connections')
    while ((await numbers()) < sockets.length) await new Promise(setImmediate)
  }
  const each = (heap() - before) / 2000 / 1024
  assert.ok(each < 32, `${each.toFixed(1)} KiB for each connection and its client`)
  await many(port, 100, 10)
  const closed = sockets.map((socket) => new Promise((resolve) => socket.on('close', resolve)))
  for (const socket of sockets) socket.resume()
  await within(20_000, server.close(), 'close()')
  await within(20_000, Promise.all(closed), 'the connections')
  await until(20_000, () => server.address === undefined, 'the end')
})

noUnhandledRejections('load')
