// Shared, resizable and large buffers on their way to a function, back, and from one worker thread to another.

import assert from 'node:assert/strict'
import { on, once } from 'node:events'
import { describe, test } from 'node:test'
import { markAsUntransferable } from 'node:worker_threads'
import { runtime, streamFn } from 'velo-stream'
import { serveSocket } from 'velo-stream/websocket'
import { WebSocket, WebSocketServer } from 'ws'
import { noUnhandledRejections } from '../support/unhandled.mjs'
import { within } from '../support/within.mjs'

runtime.configure({ workers: 3 })

const soon = (promise, what) => within(10_000, promise, what)
const fn = (name, options) =>
  streamFn(new URL('functions/echo.mjs', import.meta.url), { placement: 'worker', export: name, idleTimeout: 0, ...options })
const chain = (name, options, length) =>
  Array.from({ length: length - 1 }).reduce((stages) => stages.pipe(fn(name, options)), fn(name, options))

describe('memory that is shared stays shared', () => {
  for (const length of [1, 2, 3]) {
    for (const transfer of [false, true]) {
      test(`through ${length} threads, transfer: ${transfer}`, async () => {
        await soon(runtime.warm(), 'warm')
        const stream = chain('adds', { transfer }, length).open()
        for (const size of [64, 1 << 20]) {
          const view = new Int32Array(new SharedArrayBuffer(size))
          for (let n = 1; n <= 5; n++) {
            await soon(stream.send(view), 'send')
            const result = await soon(stream.recv(), 'recv')
            assert.ok(result.buffer instanceof SharedArrayBuffer)
            assert.equal(view[0], n * length)
            Atomics.store(view, 1, n)
            assert.equal(result[1], n)
          }
        }
        const threads = new Set(stream.metrics.stages?.map(({ thread }) => thread))
        if (length > 1) assert.equal(threads.size, length)
        await stream.close()
      })
    }
  }
})

describe('a buffer that can be resized', () => {
  for (const transfer of [false, true]) {
    test(`still can be there and back, and its views follow, transfer: ${transfer}`, async () => {
      const stream = fn('grows', { transfer }).open()
      for (const field of ['view', 'buffer']) {
        const buffer = new ArrayBuffer(8, { maxByteLength: 64 })
        await soon(stream.send({ view: new Uint8Array(buffer), ...(field === 'buffer' && { buffer }) }), 'send')
        const result = await soon(stream.recv(), 'recv')
        assert.deepEqual([result.before, result.after], [8, 16])
        assert.deepEqual([result.buffer.byteLength, result.buffer.resizable, result.buffer.maxByteLength], [16, true, 64])
        assert.equal(buffer.byteLength, transfer ? 0 : 8)
      }
      await stream.close()
    })
  }
})

describe('transfer: true copies a buffer that the value does not own', () => {
  const LENGTH = 70_000
  const marked = () => {
    const bytes = new Uint8Array(LENGTH).fill(7)
    markAsUntransferable(bytes.buffer)
    return bytes
  }
  const memory = () => new Uint8Array(new WebAssembly.Memory({ initial: 1 }).buffer).fill(7)
  const oldSlab = () => {
    const first = Buffer.from([7, 7])
    for (let slab = first.buffer; slab === Buffer.allocUnsafe(1).buffer; ) Buffer.allocUnsafe(1000)
    return first
  }
  const cases = {
    'the pool of Node.js': () => Buffer.from([7, 7]),
    'an earlier pool of Node.js': oldSlab,
    'a buffer of another size of the pool': () => {
      const { poolSize } = Buffer
      Buffer.poolSize = 3 * poolSize
      oldSlab()
      const bytes = Buffer.from([7, 7])
      Buffer.poolSize = poolSize
      return bytes
    },
    'a buffer that is marked as untransferable': marked,
    'the memory of WebAssembly': memory,
    'a part of a buffer': () => new Uint8Array(LENGTH).fill(7).subarray(0, 10),
    'a part of a large buffer': () => new Uint8Array(2 * LENGTH).fill(7).subarray(0, LENGTH),
    'no bytes of a buffer': () => new Uint8Array(LENGTH).fill(7).subarray(0, 0),
  }
  for (const [name, make] of Object.entries(cases)) {
    test(name, async () => {
      const stream = fn('default', { transfer: true }).open()
      const free = new Uint8Array(LENGTH).fill(8)
      const bytes = make()
      const { length, buffer } = bytes
      const size = buffer.byteLength
      for (const event of [bytes, { bytes, free, float: new DataView(buffer, bytes.byteOffset, length) }, [bytes]]) {
        await soon(stream.send(event), 'send')
        const result = await soon(stream.recv(), 'recv')
        const copy = result.bytes ?? result[0] ?? result
        assert.deepEqual([...(copy.length === undefined ? result : copy)], Array(length).fill(7))
        assert.deepEqual([bytes.length, buffer.byteLength], [length, size], 'not detached')
      }
      assert.equal(free.byteLength, 0, 'what the value owns is moved')
      if (!name.startsWith('a part') && !name.startsWith('no bytes')) {
        for (const event of [buffer, { buffer }]) {
          await soon(stream.send(event), 'send')
          const result = await soon(stream.recv(), 'recv')
          assert.equal((result.buffer ?? result).byteLength, size)
          assert.equal(buffer.byteLength, size, 'not detached')
        }
      }
      assert.equal(Buffer.from('the pool still works').toString(), 'the pool still works')
      await stream.close()
    })
  }

  test('a packet of a WebSocket, with its other messages', async () => {
    const server = new WebSocketServer({ port: 0 })
    try {
      await soon(once(server, 'listening'), 'listening')
      server.on('connection', (socket) => void serveSocket(socket, fn('default', { transfer: true }), { binary: 'raw' }))
      const client = new WebSocket(`ws://127.0.0.1:${server.address().port}`)
      const answers = on(client, 'message')
      await soon(once(client, 'open'), 'open')
      const messages = Array.from({ length: 5 }, (_, n) => Buffer.alloc(100_000 * (n % 2) + 300, n))
      client._socket.cork()
      for (const message of messages) client.send(message)
      client._socket.uncork()
      for (const message of messages) assert.deepEqual((await soon(answers.next(), 'an answer')).value[0], message)
      client.close()
      await soon(once(client, 'close'), 'close')
    } finally {
      for (const client of server.clients) client.terminate()
      server.close()
    }
  })

  test('a batch, with its other values', async () => {
    const events = Array.from({ length: 8 }, (_, n) => new Uint8Array(100 + n).fill(n))
    const results = await soon(fn('withBuffer', { transfer: true, codec: 'binary' }).run(events), 'run')
    assert.deepEqual(
      results.map(({ bytes }) => [bytes.length, bytes[0]]),
      events.map((_, n) => [100 + n, n]),
    )
  })
})

test('large buffers go from thread to thread, those of many streams at once', async () => {
  await soon(runtime.warm(), 'warm')
  const fns = [chain('default', {}, 3), chain('default', { transfer: true }, 2)]
  const work = fns.flatMap((one, kind) =>
    Array.from({ length: 6 }, async (_, n) => {
      const events = Array.from({ length: 8 }, (_, i) => ({ n, i, bytes: new Uint8Array(70_000 + i).fill(n + i) }))
      const results = await one.run(events)
      assert.equal(results.length, 8)
      for (const [i, result] of results.entries()) {
        assert.deepEqual([result.n, result.i, result.bytes.length], [n, i, 70_000 + i])
        assert.ok(result.bytes.every((byte) => byte === n + i))
        assert.equal(events[i].bytes.length, kind === 0 ? 70_000 + i : 0)
      }
    }),
  )
  await soon(Promise.all(work), 'all of them')
})

noUnhandledRejections('buffers')
