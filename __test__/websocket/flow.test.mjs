// Backpressure both ways, and clients that answer nothing: what waits is bounded, who stalls is dropped, and nobody else.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { describe, test } from 'node:test'
import { streamFn } from 'velo-stream'
import { numbers } from '../support/counted.mjs'
import { deferred, turns, until } from '../support/deferred.mjs'
import { noUnhandledRejections } from '../support/unhandled.mjs'
import { within } from '../support/within.mjs'
import { bareClient, connect, frame, totals, withServer } from './support.mjs'

const filler = 'x'.repeat(8_000)

/** Yields without end as fast as it may. */
const flood = streamFn(
  async function* flood() {
    for (let n = 0; ; n++) yield { n, filler }
  },
  { idleTimeout: 0, buffer: 8 },
)

/** Gives each event on when the gate is open. */
function gated(options) {
  const gate = deferred()
  const fn = streamFn(
    async function* gated(events) {
      for await (const event of events) {
        await gate.promise
        yield event.n
      }
    },
    { idleTimeout: 0, ...options },
  )
  return { fn, open: gate.resolve }
}

/** Keeps the most that ever waited in a socket. */
function watchBuffered({ socket }) {
  const peak = { bytes: 0 }
  const { send } = socket
  socket.send = (...args) => {
    send.apply(socket, args)
    peak.bytes = Math.max(peak.bytes, socket.bufferedAmount)
  }
  return peak
}

describe('a client that reads slowly', () => {
  for (const [name, options] of [
    ['without resuming', { request: undefined }],
    ['with the writes of a turn in one', {}],
    ['with resuming', { onDisconnect: { graceMs: 1000 }, resumeBuffer: 8 }],
  ]) {
    test(`suspends the function, ${name}`, async () => {
      await withServer(flood, { maxBuffered: 32_000, ...options }, async ({ url, served, sockets, next }) => {
        const connected = next()
        const client = await connect(url)
        await connected
        const peak = watchBuffered(sockets[0])
        const { stream } = served[0]
        client.socket.pause()
        await until(
          10_000,
          () => (options.onDisconnect ? stream.metrics.eventsOut > 16 : sockets[0].socket.bufferedAmount > 0),
          'a full socket',
        )
        await turns(100)
        const rested = stream.metrics.eventsOut
        await turns(100)
        assert.equal(stream.metrics.eventsOut, rested)
        if (options.onDisconnect) assert.ok(rested <= 8 + 8 + 64 + 1, `${rested} results without an answer`)
        client.socket.resume()
        let expected = 0
        while (expected < rested + 200) {
          const message = await client.next()
          if (message.velo) continue
          assert.equal(message.n, expected++)
        }
        assert.ok(peak.bytes <= 32_000 + 3 * filler.length, `${peak.bytes} bytes waited`)
        client.socket.terminate()
      })
    })
  }

  test('is dropped after maxStall, and its stream ends', async () => {
    await withServer(flood, { maxStall: 80 }, async ({ url, served }) => {
      const client = await connect(url)
      client.socket.pause()
      const { code, error } = await within(10_000, served[0].closed, 'the end')
      assert.equal(code, 1006)
      assert.match(error.message, /^the client did not read what waited for it within maxStall, 80 ms$/)
      assert.equal((await served[0].stream.closed).reason, 'aborted')
      client.socket.terminate()
    })
  })

  test('is not dropped while it reads on', async () => {
    await withServer(flood, { maxStall: 400, maxBuffered: 1 }, async ({ url, served }) => {
      const client = await connect(url)
      for (const n of numbers(3000)) assert.equal((await client.next()).n, n)
      assert.notEqual(served[0].stream.state, 'closed')
      client.socket.terminate()
    })
  })
})

describe('a client that sends fast', () => {
  test('is held back while the input is full, and loses nothing', async () => {
    const { fn, open } = gated({ buffer: 16 })
    await withServer(fn, {}, async ({ url, served, sockets, next }) => {
      const connected = next()
      const client = await connect(url)
      await connected
      const count = 3000
      for (const n of numbers(count)) client.send({ n, filler })
      const { socket } = sockets[0]
      await within(
        10_000,
        until(10_000, () => socket.isPaused, 'a held socket'),
      )
      assert.ok(served[0].stream.metrics.eventsIn <= 17)
      await until(10_000, () => client.socket.bufferedAmount > 1_000_000, 'a client that waits')
      open()
      for (const n of numbers(count)) assert.equal(await client.next(), n)
      assert.equal(socket.isPaused, false)
      client.socket.close()
    })
  })

  test('is read on for a while, so that its close is heard although the function is slow', async () => {
    const { fn } = gated({ buffer: 1, closeTimeout: 50 })
    await withServer(fn, {}, async ({ url, served, sockets }) => {
      const client = await connect(url)
      for (const n of numbers(200)) client.send({ n })
      client.socket.close(1000, 'enough')
      const { code } = await within(5_000, client.closed, 'the goodbye')
      assert.equal(code, 1000)
      assert.deepEqual(await within(5_000, served[0].closed, 'the end'), { code: 1000, reason: 'enough' })
      assert.equal((await served[0].stream.closed).reason, 'aborted')
      assert.equal(sockets[0].socket.isPaused, false)
    })
  })

  test('with tiny messages too, and the end message counts behind them', async () => {
    const { fn, open } = gated({ buffer: 1 })
    await withServer(fn, { endMessage: 'end' }, async ({ url, sockets }) => {
      const client = await connect(url)
      for (const n of numbers(50_000)) client.send({ n })
      client.socket.send('end')
      await until(10_000, () => sockets[0]?.socket.isPaused === true, 'a held socket')
      open()
      for (const n of numbers(50_000)) assert.equal(await client.next(), n)
      assert.deepEqual(await client.end(), { code: 1000, reason: 'done' })
    })
  })

  test('waits in line for a permit', async () => {
    await withServer(totals.with({ maxConcurrent: 1, queue: 1 }), {}, async ({ url, served }) => {
      const first = await connect(url)
      const second = await connect(url)
      second.send({ add: 9 })
      await until(5_000, () => served[1]?.stream.state === 'waiting', 'the line')
      first.socket.close()
      assert.deepEqual(await second.next(), { total: 9, count: 1 })
      second.socket.close()
    })
  })
})

describe('heartbeat', () => {
  test('drops a client that does not answer', async () => {
    await withServer(totals, { heartbeat: 40 }, async ({ port, served, next }) => {
      const connected = next()
      const socket = await bareClient(port)
      await connected
      const { code, error } = await within(5_000, served[0].closed, 'the end')
      assert.equal(code, 1006)
      assert.equal(error.code, 'VELO_TIMEOUT')
      assert.equal((await served[0].stream.closed).reason, 'aborted')
      socket.destroy()
    })
  })

  test('keeps one that does', async () => {
    await withServer(totals, { heartbeat: 200 }, async ({ url }) => {
      const client = await connect(url)
      for (const _ of numbers(3)) await within(5_000, once(client.socket, 'ping'), 'a ping')
      client.send({ add: 1 })
      assert.deepEqual(await client.next(), { total: 1, count: 1 })
      client.socket.close()
    })
  })

  test('hears pongs, and that there are none, although the input is full', async () => {
    const { fn, open } = gated({ buffer: 1 })
    await withServer(fn, { heartbeat: 100 }, async ({ url, port, served, next }) => {
      const client = await connect(url)
      for (const n of numbers(100)) client.send({ n })
      for (const _ of numbers(4)) await within(5_000, once(client.socket, 'ping'), 'a ping')
      const connected = next()
      const dead = await bareClient(port)
      await connected
      for (const n of numbers(100)) dead.write(frame(JSON.stringify({ n })))
      const { code, error } = await within(5_000, served[1].closed, 'the end')
      assert.deepEqual([code, error.code], [1006, 'VELO_TIMEOUT'])
      open()
      for (const n of numbers(100)) assert.equal(await client.next(), n)
      dead.destroy()
      client.socket.close()
    })
  })

  test('leaves a client that does not read to maxStall, where there is one', async () => {
    await withServer(flood, { heartbeat: 20, maxStall: 60_000 }, async ({ url, sockets, next }) => {
      const connected = next()
      const client = await connect(url)
      await connected
      const [{ socket }] = sockets
      const { ping } = socket
      const { promise: many, resolve } = deferred()
      let pings = 0
      socket.ping = (text) => {
        ping.call(socket, text)
        if (socket.bufferedAmount > 65_536 && ++pings === 5) resolve()
      }
      client.socket.pause()
      await within(10_000, Promise.race([many, client.closed.then(() => assert.fail('it was dropped'))]), 'pings')
      assert.equal(socket.readyState, 1)
      client.socket.resume()
      for (const n of numbers(5000)) assert.equal((await client.next()).n, n)
      client.socket.terminate()
    })
  })

  test('drops nobody whose pongs cannot be read because too much waits', async () => {
    const { fn, open } = gated({ buffer: 1 })
    await withServer(fn, { heartbeat: 100 }, async ({ url, sockets }) => {
      const client = await connect(url)
      for (const n of numbers(100)) client.send({ n, filler })
      await until(5_000, () => sockets[0]?.socket.isPaused === true, 'a held socket')
      for (const _ of numbers(6)) await within(5_000, once(client.socket, 'ping'), 'a ping')
      open()
      for (const n of numbers(100)) assert.equal(await client.next(), n)
      for (const _ of numbers(3)) await within(5_000, once(client.socket, 'ping'), 'a ping')
      client.socket.close()
    })
  })

  test('finds out that a client behind a held socket is gone', async () => {
    const { fn, open } = gated({ buffer: 1 })
    await withServer(fn, { heartbeat: 30 }, async ({ url, served, sockets }) => {
      const client = await connect(url)
      for (const n of numbers(100)) client.send({ n, filler })
      await until(5_000, () => sockets[0]?.socket.isPaused === true, 'a held socket')
      client.socket.terminate()
      await within(5_000, served[0].closed, 'the end')
      assert.equal(served[0].stream.state === 'closing' || served[0].stream.state === 'closed', true)
      open()
      assert.equal((await served[0].stream.closed).reason, 'aborted')
    })
  })
})

noUnhandledRejections('flow')
