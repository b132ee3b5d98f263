// Node and Web streams on either side.

import assert from 'node:assert/strict'
import { Duplex, PassThrough, Readable, Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { ReadableStream } from 'node:stream/web'
import { test } from 'node:test'
import { outcome } from '../support/deferred.mjs'
import { describePlacements } from '../support/placements.mjs'
import { noUnhandledRejections } from '../support/unhandled.mjs'
import { within } from '../support/within.mjs'

async function* double(events) {
  for await (const event of events) yield event * 2
}

function collector(highWaterMark = 2) {
  const seen = []
  const write = (value, _encoding, done) => {
    seen.push(value)
    setImmediate(done)
  }
  const writable = new Writable({ objectMode: true, highWaterMark, write })
  return { seen, writable }
}

const numbers = (n) => Array.from({ length: n }, (_, i) => i)

describePlacements('as a part of node:stream', (place) => {
  test('pipeline(readable, fn, writable)', async () => {
    const { seen, writable } = collector()
    await within(5000, pipeline(Readable.from(numbers(200)), place(double), writable), 'pipeline')
    assert.deepEqual(
      seen,
      numbers(200).map((n) => n * 2),
    )
  })

  test('pipeline with two of them, and a pipe()', async () => {
    const { seen, writable } = collector()
    const twice = place(double).pipe(double)
    await within(5000, pipeline(Readable.from([1, 2, 3]), place(double), twice, writable), 'pipeline')
    assert.deepEqual(seen, [8, 16, 24])
  })

  test('an error of the function destroys the pipeline and reaches its caller', async () => {
    const error = new Error('in the middle')
    const fn = place(
      async function* (events) {
        for await (const event of events) {
          if (event === 3) throw error
          yield event
        }
      },
      {},
      { error },
    )
    const source = Readable.from(numbers(10))
    const { writable } = collector()
    const { error: thrown } = await within(5000, outcome(pipeline(source, fn, writable)), 'pipeline')
    place.same(thrown, error)
    assert.ok(source.destroyed)
    assert.equal(fn.metrics.streamsOpen, 0)
  })

  test('a destination that is destroyed ends the stream', async () => {
    const fn = place(double)
    const writable = new Writable({ objectMode: true, write: (_value, _encoding, done) => done(new Error('full disk')) })
    await assert.rejects(within(5000, pipeline(Readable.from(numbers(1000)), fn, writable), 'pipeline'), /full disk/)
    await place.soon(() => assert.equal(fn.metrics.streamsOpen, 0), 1)
  })

  test('Readable.compose(fn) and Duplex.from(fn)', async () => {
    assert.deepEqual(await within(5000, Readable.from([1, 2, 3]).compose(place(double)).toArray(), 'compose'), [2, 4, 6])
    const duplex = Duplex.from(place(double))
    duplex.end(21)
    assert.deepEqual(await within(5000, duplex.toArray(), 'Duplex.from'), [42])
  })
})

describePlacements('toDuplex()', (place) => {
  test('goes into a pipeline, and minds the buffer', async () => {
    const stream = place(double, { buffer: 4 }).open()
    const { seen, writable } = collector(1)
    await within(5000, pipeline(Readable.from(numbers(100)), stream.toDuplex(), writable), 'pipeline')
    assert.deepEqual(
      seen,
      numbers(100).map((n) => n * 2),
    )
    assert.equal((await within(5000, stream.closed, 'closed')).reason, 'done')
  })

  test('destroy(error) aborts the stream with that error', async () => {
    const stream = place(double).open()
    const duplex = stream.toDuplex()
    duplex.on('error', () => {})
    const error = new Error('gone')
    duplex.destroy(error)
    const end = await within(1000, stream.closed, 'closed')
    assert.equal(end.reason, 'aborted')
    assert.equal(end.error.cause, error)
  })

  test('an error of the function destroys it', async () => {
    const error = new Error('inside')
    const fn = place(
      async function* (events) {
        for await (const event of events) {
          if (event === 2) throw error
          yield event
        }
      },
      {},
      { error },
    )
    const duplex = fn.open().toDuplex()
    const failed = new Promise((resolve) => duplex.once('error', resolve))
    duplex.resume()
    duplex.write(1)
    duplex.write(2)
    place.same(await within(1000, failed, 'the error'), error)
  })
})

describePlacements('toWeb()', (place) => {
  test('fits pipeThrough', async () => {
    const stream = place(double).open()
    const results = []
    const source = new ReadableStream({
      start(controller) {
        for (const n of numbers(50)) controller.enqueue(n)
        controller.close()
      },
    })
    for await (const result of source.pipeThrough(stream.toWeb())) results.push(result)
    assert.deepEqual(
      results,
      numbers(50).map((n) => n * 2),
    )
  })

  test('cancel() closes, abort() aborts', async () => {
    const cancelled = place(double).open()
    await within(1000, cancelled.toWeb().readable.cancel(), 'cancel')
    assert.equal((await within(5000, cancelled.closed, 'closed')).reason, 'closed')
    const aborted = place(double).open()
    await within(1000, aborted.toWeb().writable.abort('why'), 'abort')
    const end = await within(1000, aborted.closed, 'closed')
    assert.deepEqual([end.reason, end.error.cause], ['aborted', 'why'])
  })

  test('nothing is pulled before it is asked for', async () => {
    const stream = place(double, { buffer: 1 }).open()
    const { readable } = stream.toWeb()
    await stream.send(1)
    assert.equal(readable.locked, false)
    const reader = readable.getReader()
    assert.deepEqual(await within(1000, reader.read(), 'read'), { value: 2, done: false })
    await reader.cancel()
  })
})

describePlacements('sources', (place) => {
  test('Readable and ReadableStream are sources as they are', async () => {
    const fn = place(double)
    const through = new PassThrough({ objectMode: true })
    for (const n of [1, 2]) through.write(n)
    through.end()
    assert.deepEqual(await within(1000, fn.run(through), 'run'), [2, 4])
    assert.deepEqual(await within(1000, fn.run(ReadableStream.from([3, 4])), 'run'), [6, 8])
  })
})

noUnhandledRejections('interop')
