// A client that goes away, in every way there is: the stream is aborted, or finishes with what it has got.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { streamFn } from 'velo-stream'
import { deferred, until } from '../support/deferred.mjs'
import { noUnhandledRejections } from '../support/unhandled.mjs'
import { within } from '../support/within.mjs'
import { bareClient, connect, frame, totals, withServer } from './support.mjs'

const ways = {
  'a close with 1000': (client) => client.socket.close(1000),
  'a close without a code': (client) => client.socket.close(),
  'a close with 1001': (client) => client.socket.close(1001),
  FIN: (client) => client.socket.terminate(),
  RST: (client) => client.socket._socket.resetAndDestroy(),
}

/** Keeps what a function saw: its events, its signal, its end. */
function watched(options) {
  const seen = { events: [], finished: deferred() }
  const fn = streamFn(
    async function* watched(events, { signal }) {
      seen.signal = signal
      try {
        for await (const event of events) {
          seen.events.push(event)
          yield event
        }
        seen.sawEnd = true
        yield 'summary'
        seen.sawSummary = true
      } finally {
        seen.finished.resolve()
      }
    },
    { idleTimeout: 0, ...options },
  )
  return { fn, seen }
}

for (const [way, leave] of Object.entries(ways)) {
  describe(`a client that leaves by ${way}`, () => {
    test('aborts the stream', async () => {
      const { fn, seen } = watched()
      await withServer(fn, {}, async ({ url, served }) => {
        const client = await connect(url)
        client.send(1)
        assert.equal(await client.next(), 1)
        leave(client)
        await within(5_000, seen.finished.promise, 'the function')
        const end = await served[0].stream.closed
        assert.equal(end.reason, 'aborted')
        assert.equal(end.error.cause.code, 'VELO_CLOSED')
        assert.equal(seen.signal.aborted, true)
        assert.equal(seen.sawEnd, undefined)
        await served[0].closed
      })
    })

    test("lets it finish with onDisconnect: 'finish'", async () => {
      const { fn, seen } = watched({ buffer: 2 })
      await withServer(fn, { onDisconnect: 'finish' }, async ({ url, served }) => {
        const client = await connect(url)
        for (let n = 0; n < 50; n++) client.send(n)
        assert.equal(await client.next(), 0)
        await until(5_000, () => client.received.length === 49, 'the results')
        leave(client)
        await within(5_000, seen.finished.promise, 'the function')
        assert.equal((await served[0].stream.closed).reason, 'done')
        assert.equal(seen.signal.aborted, false)
        assert.ok(seen.sawEnd && seen.sawSummary)
        assert.deepEqual(
          seen.events,
          Array.from({ length: 50 }, (_, n) => n),
        )
      })
    })
  })
}

describe('a connection that breaks', () => {
  for (const [way, cut] of [
    ['FIN', (socket) => socket.end()],
    ['RST', (socket) => socket.resetAndDestroy()],
  ]) {
    test(`in the middle of a message (${way}) gives the function the whole ones before it only`, async () => {
      const { fn, seen } = watched()
      await withServer(fn, { onDisconnect: 'finish' }, async ({ port, next }) => {
        const connected = next()
        const socket = await bareClient(port)
        await connected
        const whole = frame('"whole"')
        const answered = new Promise((resolve) => socket.once('data', resolve))
        socket.write(Buffer.concat([whole, frame('"half of it"').subarray(0, 12)]))
        await within(5_000, answered, 'the answer to the first')
        cut(socket)
        await within(5_000, seen.finished.promise, 'the function')
        assert.deepEqual(seen.events, ['whole'])
      })
    })

    test(`in the middle of the results (${way}) ends a function that waits for room`, async () => {
      const flood = streamFn(
        async function* flood() {
          for (;;) yield 'x'.repeat(10_000)
        },
        { idleTimeout: 0, buffer: 4 },
      )
      await withServer(flood, {}, async ({ port, served, sockets, next }) => {
        const connected = next()
        const socket = await bareClient(port)
        await connected
        socket.pause()
        await until(10_000, () => sockets[0].socket.bufferedAmount > 50_000, 'a full socket')
        if (way === 'RST') cut(socket)
        else socket.destroy()
        await within(5_000, served[0].closed, 'the end')
        assert.equal((await served[0].stream.closed).reason, 'aborted')
      })
    })
  }

  test('touches no other', async () => {
    await withServer(totals, {}, async ({ url }) => {
      const clients = await Promise.all(Array.from({ length: 40 }, () => connect(url)))
      for (const [i, client] of clients.entries()) {
        client.send({ add: i })
        if (i % 4 === 0) client.socket.terminate()
        if (i % 4 === 1) client.socket._socket.resetAndDestroy()
      }
      for (const [i, client] of clients.entries()) {
        if (i % 4 < 2) continue
        client.send({ add: i })
        assert.deepEqual(await client.next(), { total: i, count: 1 })
        assert.deepEqual(await client.next(), { total: 2 * i, count: 2 })
        client.socket.close()
      }
    })
  })
})

noUnhandledRejections('leaving')
