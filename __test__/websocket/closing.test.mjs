// Every end has its close code, and a reason that fits.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { runtime, streamFn } from 'velo-stream'
import { z } from 'zod'
import { output } from '../support/child.mjs'
import { deferred } from '../support/deferred.mjs'
import { noUnhandledRejections } from '../support/unhandled.mjs'
import { within } from '../support/within.mjs'
import { bareClient, connect, frame, totals, withServer } from './support.mjs'

/** A function that waits for its signal, and says when it started and that it has finished. */
function parked(options = {}) {
  const started = deferred()
  const finished = deferred()
  const fn = streamFn(
    async function* parked(_events, { signal }) {
      started.resolve()
      try {
        await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }))
      } finally {
        finished.resolve(signal.reason)
      }
    },
    { idleTimeout: 0, ...options },
  )
  return { fn, started: started.promise, finished: finished.promise }
}

describe('the server closes with', () => {
  test('1011 when the function throws, after the results before it; the message is not told', async () => {
    const error = new Error('the password is swordfish')
    const failing = streamFn(async function* failing() {
      yield 1
      throw error
    })
    await withServer(failing, {}, async ({ url, served }) => {
      const client = await connect(url)
      assert.equal(await client.next(), 1)
      assert.deepEqual(await client.end(), { code: 1011, reason: 'failed' })
      const end = await served[0].closed
      assert.equal(end.error, error)
      assert.equal(end.code, 1011)
    })
  })

  test('1011 and the message with expose, cut to 123 bytes between two characters', async () => {
    const failing = streamFn(async function* failing(events) {
      for await (const text of events) throw new Error(text)
    })
    await withServer(failing, { expose: true }, async ({ url }) => {
      const say = async (text) => {
        const client = await connect(url)
        client.send(text)
        return client.end()
      }
      assert.deepEqual(await say('no such table'), { code: 1011, reason: 'no such table' })
      await fc.assert(
        fc.asyncProperty(fc.string({ unit: 'grapheme', minLength: 20, maxLength: 130 }), async (text) => {
          const { code, reason } = await say(text)
          assert.equal(code, 1011)
          assert.ok(text.startsWith(reason))
          assert.ok(Buffer.byteLength(reason) <= 123)
          const more = Buffer.byteLength(text) > 123
          assert.ok(more ? Buffer.byteLength(reason) > 119 : reason === text)
        }),
        { numRuns: 60 },
      )
    })
  })

  test('1008 beyond maxConcurrent, and the ones before are untouched', async () => {
    await withServer(totals.with({ maxConcurrent: 1 }), {}, async ({ url, served }) => {
      const first = await connect(url)
      const second = await connect(url)
      assert.deepEqual(await second.end(), { code: 1008, reason: 'limit: too many streams' })
      const end = await served[1].closed
      assert.equal(end.error.code, 'VELO_OVERLOADED')
      assert.equal(served[1].stream, undefined)
      served[1].drain()
      served[1].close()
      first.send({ add: 3 })
      assert.deepEqual(await first.next(), { total: 3, count: 1 })
      first.socket.close()
    })
  })

  test('1008 after maxDuration, at once', async () => {
    const { fn, finished } = parked({ maxDuration: 60 })
    await withServer(fn, {}, async ({ url, served }) => {
      const client = await connect(url)
      assert.deepEqual(await client.end(), { code: 1008, reason: 'limit: the stream took too long' })
      assert.equal((await served[0].closed).error.cause.code, 'VELO_TIMEOUT')
      await within(5_000, finished, 'the function')
    })
  })

  test('1009 for a message larger than maxMessage', async () => {
    await withServer(totals, { maxMessage: 100 }, async ({ url, served }) => {
      const client = await connect(url)
      client.socket.send(JSON.stringify({ add: 1, filler: 'x'.repeat(70) }))
      assert.equal((await client.next()).total, 1)
      client.socket.send(JSON.stringify({ add: 1, filler: 'x'.repeat(100) }))
      assert.deepEqual(await client.end(), { code: 1009, reason: 'a message is larger than 100 bytes' })
      assert.equal((await served[0].stream.closed).reason, 'aborted')
    })
  })

  test('1009 for what WebSocketServer refuses itself', async () => {
    await withServer(
      totals,
      {},
      async ({ url, served }) => {
        const client = await connect(url)
        client.socket.send('x'.repeat(1001))
        assert.equal((await client.end()).code, 1009)
        assert.equal((await served[0].closed).error.code, 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH')
      },
      { maxPayload: 1000 },
    )
  })

  test('1007 for what is no JSON', async () => {
    const { fn, finished } = parked()
    await withServer(fn, {}, async ({ url, served }) => {
      const client = await connect(url)
      client.send(1)
      client.socket.send('{"half":')
      assert.deepEqual(await client.end(), { code: 1007, reason: 'message 2 is no JSON' })
      const { error } = await served[0].closed
      assert.equal(error.code, 'VELO_EVENT')
      assert.equal(error.cause.name, 'SyntaxError')
      await within(5_000, finished, 'the function')
    })
  })

  test('1007 for what the schema refuses', async () => {
    const checked = totals.with({ schema: z.object({ add: z.number() }) })
    await withServer(checked, {}, async ({ url }) => {
      const client = await connect(url)
      client.send({ add: 2 })
      assert.deepEqual(await client.next(), { total: 2, count: 1 })
      client.send({ add: 'two' })
      const { code, reason } = await client.end()
      assert.equal(code, 1007)
      assert.match(reason, /^event\.add: /)
    })
  })

  test('1007 for text that is no UTF-8', async () => {
    await withServer(totals, {}, async ({ port, served, next }) => {
      const connected = next()
      const socket = await bareClient(port)
      await connected
      const answer = new Promise((resolve) => socket.once('data', resolve))
      socket.write(frame(Buffer.from([0x22, 0xc3, 0x28, 0x22])))
      const bytes = await within(5_000, answer, 'the close frame')
      assert.equal(bytes[0], 0x88)
      assert.equal(bytes.readUInt16BE(2), 1007)
      socket.destroy()
      assert.equal((await served[0].closed).error.code, 'WS_ERR_INVALID_UTF8')
    })
  })

  test('1003 for a binary message where none are taken', async () => {
    await withServer(totals, {}, async ({ url }) => {
      const client = await connect(url)
      client.socket.send(Buffer.from('{"add":1}'))
      assert.deepEqual(await client.end(), { code: 1003, reason: 'binary messages are not taken' })
    })
  })

  test('1008 for a message after the end message', async () => {
    const { fn, started } = parked()
    await withServer(fn, { endMessage: 'end' }, async ({ url }) => {
      const client = await connect(url)
      await within(5_000, started, 'the function')
      client.socket.send('end')
      client.socket.send('1')
      assert.deepEqual(await client.end(), { code: 1008, reason: 'limit: a message after the end message' })
    })
  })

  test('1000 when the stream is closed, 1011 when it or its signal is aborted', async () => {
    const gone = new AbortController()
    await withServer(
      totals,
      () => ({ signal: gone.signal }),
      async ({ url, served }) => {
        const [a, b, c] = [await connect(url), await connect(url), await connect(url)]
        await served[0].stream.close()
        assert.deepEqual(await a.end(), { code: 1000, reason: 'closed' })
        served[1].stream.abort('enough')
        assert.deepEqual(await b.end(), { code: 1011, reason: 'aborted' })
        gone.abort()
        assert.deepEqual(await c.end(), { code: 1011, reason: 'aborted' })
      },
    )
  })

  test('what close() of the handle says', async () => {
    const { fn, finished } = parked()
    await withServer(fn, {}, async ({ url, served }) => {
      const client = await connect(url)
      assert.throws(() => served[0].close(1005), { code: 'VELO_CONFIG', message: 'close(code): expected a close code, got 1005 (number)' })
      assert.throws(() => served[0].close(1000, 7), { code: 'VELO_CONFIG' })
      served[0].close(4001, 'kicked')
      assert.deepEqual(await client.end(), { code: 4001, reason: 'kicked' })
      assert.deepEqual(await served[0].closed, { code: 4001, reason: 'kicked' })
      await within(5_000, finished, 'the function')
      served[0].close(4002)
      served[0].drain()
    })
  })

  test('1001 when it drains: the function sees the end, its last results go out', async () => {
    const summed = streamFn(async function* summed(events) {
      let total = 0
      for await (const event of events) yield (total += event)
      yield { total }
    })
    await withServer(summed, {}, async ({ url, served }) => {
      const client = await connect(url)
      client.send(4)
      assert.equal(await client.next(), 4)
      served[0].drain()
      client.send(5)
      assert.deepEqual(await client.next(), { total: 4 })
      assert.deepEqual(await client.end(), { code: 1001, reason: 'draining' })
      assert.deepEqual(await served[0].closed, { code: 1001, reason: 'draining' })
    })
  })

  test('1001 when the runtime drains, for streams that run and for new ones', async () => {
    const printed = await output(`
      import { once } from 'node:events'
      import { runtime, streamFn } from 'velo-stream'
      import { serveSocket } from 'velo-stream/websocket'
      import { WebSocket, WebSocketServer } from 'ws'
      const wss = new WebSocketServer({ port: 0, host: '127.0.0.1' })
      const fn = streamFn(async function* (events) { for await (const event of events) yield event })
      wss.on('connection', (socket, request) => serveSocket(socket, fn, { request }))
      await once(wss, 'listening')
      const client = new WebSocket('ws://127.0.0.1:' + wss.address().port)
      await once(client, 'open')
      client.send('1')
      await once(client, 'message')
      const drained = runtime.drain({ deadline: 50 })
      const second = new WebSocket('ws://127.0.0.1:' + wss.address().port)
      const ends = [once(client, 'close'), once(second, 'close')]
      for (const end of ends) console.log((await end).map(String).join(' '))
      await drained
      wss.close()
    `)
    assert.equal(printed, '1001 draining\n1001 draining')
  })
})

describe("onMalformed: 'skip'", () => {
  for (const [kind, schema] of [
    ['a schema', z.object({ add: z.number() })],
    ['an asynchronous schema', z.object({ add: z.number().refine(async (n) => n >= 0) })],
  ]) {
    test(`passes over what is no event, in order, with ${kind}`, async () => {
      await withServer(totals.with({ schema, buffer: 4 }), { onMalformed: 'skip' }, async ({ url }) => {
        const client = await connect(url)
        let good = 0
        for (let i = 0; i < 2000; i++) {
          if (i % 7 === 3) client.socket.send('{"add":')
          else if (i % 5 === 2) client.send({ add: 'x' })
          else {
            client.send({ add: 1 })
            good++
          }
        }
        for (let n = 1; n <= good; n++) assert.deepEqual(await client.next(), { total: n, count: n })
        client.socket.close()
      })
    })
  }

  test('with an asynchronous schema and fail, 1007 comes after the results before it', async () => {
    const schema = z.object({ add: z.number().refine(async (n) => n >= 0) })
    await withServer(totals.with({ schema }), {}, async ({ url }) => {
      const client = await connect(url)
      client.send({ add: 1 })
      assert.deepEqual(await client.next(), { total: 1, count: 1 })
      client.send({ add: -1 })
      assert.equal((await client.end()).code, 1007)
    })
  })
})

test('a socket that is closed already opens no stream', async () => {
  await withServer(totals, {}, async ({ url, served, sockets }) => {
    const client = await connect(url)
    client.socket.close()
    await served[0].closed
    const { serveSocket } = await import('velo-stream/websocket')
    const handle = serveSocket(sockets[0].socket, totals)
    assert.deepEqual(await handle.closed, { code: 1006, reason: '' })
    assert.equal(handle.stream, undefined)
    assert.equal(runtime.snapshot().streamsOpen, 0)
  })
})

noUnhandledRejections('closing')
