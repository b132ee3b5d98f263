// Two thousand idle connections, and memory that does not grow: with a client that reads nothing, with one that sends without end, and over many connections.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { runtime, streamFn } from 'velo-stream'
import { numbers } from '../support/counted.mjs'
import { until } from '../support/deferred.mjs'
import { noUnhandledRejections } from '../support/unhandled.mjs'
import { bareClient, connect, frame, totals, withServer } from './support.mjs'

const MIB = 1024 * 1024

function memory() {
  globalThis.gc()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

test('2000 idle connections, each with its stream, come and go', { timeout: 120_000 }, async () => {
  const idle = totals.with({ maxConcurrent: 2000 })
  await withServer(idle, {}, async ({ port, next }) => {
    const round = async (count) => {
      const sockets = []
      for (let i = 0; i < count; i += 100) {
        const connected = numbers(100).map(next)
        sockets.push(...(await Promise.all(numbers(100).map(() => bareClient(port)))))
        await Promise.all(connected)
      }
      return sockets
    }
    const sockets = await round(2000)
    assert.equal(runtime.snapshot().streamsOpen, 2000)
    const [one] = sockets
    const answered = new Promise((resolve) => one.once('data', (data) => resolve(String(data.subarray(2)))))
    one.write(frame('{"add":1}'))
    assert.equal(await answered, '{"total":1,"count":1}')
    for (const [i, socket] of sockets.entries()) i % 2 === 0 ? socket.destroy() : socket.resetAndDestroy()
    await until(20_000, () => runtime.snapshot().streamsOpen === 0, 'the end of the streams')
  })
})

test('a client that reads nothing costs a bounded memory', { timeout: 60_000 }, async () => {
  const flood = streamFn(
    async function* flood() {
      for (;;) yield 'x'.repeat(100_000)
    },
    { idleTimeout: 0, buffer: 4 },
  )
  for (const options of [{}, { onDisconnect: { graceMs: 1000 }, resumeBuffer: 16 }]) {
    await withServer(flood, options, async ({ url, served, next }) => {
      const connected = next()
      const client = await connect(url)
      client.socket.pause()
      await connected
      const before = memory()
      let rested = -1
      // Rests when two looks, with many turns in between, see the same count.
      for (let looks = 0; looks < 3; ) {
        for (const _ of numbers(200)) await new Promise(setImmediate)
        const { eventsOut } = served[0].stream.metrics
        looks = eventsOut === rested ? looks + 1 : 0
        rested = eventsOut
      }
      // Results taken are at most a batch of 64, one buffer, and what a replay keeps; the kernel has its own.
      const grown = memory() - before
      assert.ok(grown < 16 * MIB, `${grown} bytes`)
      client.socket.terminate()
    })
  }
})

test('a client that sends without end costs a bounded memory', { timeout: 60_000 }, async () => {
  const stuck = streamFn(
    async function* stuck(events, { signal }) {
      for await (const _ of events) await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }))
    },
    { idleTimeout: 0, buffer: 8 },
  )
  await withServer(stuck, {}, async ({ port, sockets, next }) => {
    const connected = next()
    const socket = await bareClient(port)
    await connected
    const before = memory()
    const message = frame(JSON.stringify('y'.repeat(10_000)))
    let written = 0
    while (socket.write(message) || !sockets[0].socket.isPaused) {
      written += message.length
      await new Promise(setImmediate)
    }
    const grown = memory() - before
    assert.ok(grown < 16 * MIB, `${grown} bytes after ${written}`)
    socket.destroy()
  })
})

test('connections that came and went leave nothing', { timeout: 120_000 }, async () => {
  const options = (request) => (request.url === '/grace' ? { onDisconnect: { graceMs: 1 } } : {})
  await withServer(totals, options, async (server) => {
    const rounds = async (count) => {
      for (let i = 0; i < count; i += 20) {
        await Promise.all(
          numbers(20).map(async (n) => {
            const client = await connect(n % 2 ? `${server.url}/grace` : server.url)
            if (n % 2) await client.next()
            client.send({ add: n })
            await client.next()
            if (n % 3 === 0) client.socket.terminate()
            else client.socket.close()
            await client.closed
          }),
        )
        server.served.length = server.sockets.length = 0
      }
      await until(10_000, () => runtime.snapshot().streamsOpen === 0, 'the end of the streams')
    }
    await rounds(1000)
    const before = memory()
    await rounds(2000)
    const grown = memory() - before
    assert.ok(grown < 4 * MIB, `${grown} bytes after 2000 connections`)
  })
})

noUnhandledRejections('crowd')
