// Shared, resizable and large buffers on their way to a function, back, and from one worker thread to another.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { runtime, streamFn } from 'velo-stream'
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
