// The edges of the bridges to Node and Web streams: backpressure both ways, every way to end, and null, which neither kind can carry.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { Readable, Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { ReadableStream } from 'node:stream/web'
import { test } from 'node:test'
import { deferred, outcome, until } from '../support/deferred.mjs'
import { describePlacements } from '../support/placements.mjs'
import { noUnhandledRejections } from '../support/unhandled.mjs'
import { within } from '../support/within.mjs'

async function* pass(events) {
  for await (const event of events) yield event
}

const numbers = (n) => Array.from({ length: n }, (_, i) => i)

/** A Readable of `count` numbers that counts how many were taken from it. */
function countedReadable(count) {
  const taken = { count: 0 }
  const readable = new Readable({
    objectMode: true,
    highWaterMark: 1,
    read() {
      this.push(taken.count < count ? taken.count++ : null)
    },
  })
  return { readable, taken }
}

describePlacements('toDuplex()', (place) => {
  test('nobody reads: the writer waits, and no more is taken than the buffers hold', async () => {
    const stream = place(pass, { buffer: 2, idleTimeout: 0 }).open()
    const gate = deferred()
    const { readable, taken } = countedReadable(1000)
    const duplex = stream.toDuplex()
    const piping = outcome(
      pipeline(
        readable,
        duplex,
        async function* (results) {
          await gate.promise
          yield* results
        },
        new Writable({ objectMode: true, write: (_value, _encoding, done) => done() }),
      ),
    )
    await place.settled(40)
    // Two channels of two, what is held between them, and the buffers of Node's streams: 16 on either side of the Duplex.
    assert.ok(taken.count < 60, `${taken.count} were taken`)
    gate.resolve()
    assert.equal((await within(5000, piping, 'pipeline')).error, undefined)
    assert.equal(taken.count, 1000)
  })

  test('destroy() without an error closes the stream', async () => {
    const stream = place(pass, { idleTimeout: 0 }).open()
    const duplex = stream.toDuplex()
    duplex.write(1)
    await place.settled(2)
    duplex.destroy()
    await within(1000, once(duplex, 'close'), 'close')
    assert.equal((await within(1000, stream.closed, 'closed')).reason, 'closed')
  })

  test('its end ends the input, and what is left can be read', async () => {
    const fn = place(
      async function* (events) {
        yield* pass(events)
        yield 'summary'
      },
      {},
      { pass },
    )
    const stream = fn.open()
    const duplex = stream.toDuplex()
    duplex.write(1)
    duplex.end(2)
    assert.deepEqual(await within(1000, duplex.toArray(), 'toArray'), [1, 2, 'summary'])
    assert.equal((await within(1000, stream.closed, 'closed')).reason, 'done')
  })

  test('an abort of the stream destroys it with that AbortError', async () => {
    const stream = place(pass, { idleTimeout: 0 }).open()
    const duplex = stream.toDuplex()
    const failed = once(duplex, 'error')
    duplex.resume()
    await place.settled(2)
    stream.abort('from outside')
    const [error] = await within(1000, failed, 'the error')
    assert.deepEqual([error.code, error.cause], ['VELO_ABORTED', 'from outside'])
    assert.ok(duplex.destroyed)
  })

  test('a close of the stream ends it', async () => {
    const stream = place(pass, { idleTimeout: 0 }).open()
    const duplex = stream.toDuplex()
    const reading = outcome(duplex.toArray())
    await place.settled(2)
    await within(1000, stream.close(), 'close')
    const { value, error } = await within(1000, reading, 'toArray')
    if (error === undefined) assert.deepEqual(value, [])
    else assert.match(`${error.code}`, /^(VELO_CLOSED|ERR_STREAM_PREMATURE_CLOSE)$/)
  })

  test('a function that returns early lets its results be read', async () => {
    const stream = place(async function* (events) {
      for await (const event of events) {
        yield event
        if (event === 2) return
      }
    }).open()
    const duplex = stream.toDuplex()
    duplex.on('error', () => {})
    const seen = []
    duplex.on('data', (value) => seen.push(value))
    for (const event of [1, 2]) duplex.write(event)
    await within(1000, once(duplex, 'end'), 'end')
    assert.deepEqual(seen, [1, 2])
    duplex.destroy()
  })

  test('a result that is null or undefined does not end it silently', async () => {
    // Node's streams cannot carry null: it must be an error, never a short stream that looks whole.
    for (const value of [null, undefined]) {
      const fn = place(
        async function* (events) {
          for await (const event of events) yield event === 2 ? value : event
        },
        {},
        { value },
      )
      const duplex = fn.open().toDuplex()
      for (const event of [1, 2, 3]) duplex.write(event)
      duplex.end()
      const got = await within(1000, outcome(duplex.toArray()), 'toArray')
      if (got.error === undefined) assert.deepEqual(got.value, [1, value, 3])
    }
  })

  test('a schema that refuses a write is an error of the Duplex', async () => {
    const schema = {
      '~standard': { version: 1, vendor: 'test', validate: (value) => (value === 'bad' ? { issues: [{ message: 'no' }] } : { value }) },
    }
    const duplex = place(pass, { schema }).open().toDuplex()
    const failed = once(duplex, 'error')
    duplex.write('bad')
    const [error] = await within(1000, failed, 'the error')
    assert.equal(error.code, 'VELO_EVENT')
  })

  test('it is the reader', async () => {
    const stream = place(pass, { idleTimeout: 0 }).open()
    const duplex = stream.toDuplex()
    duplex.resume()
    await place.settled(2)
    await assert.rejects(within(1000, stream.recv(), 'recv'), { code: 'VELO_LOCKED' })
    duplex.destroy()
    await within(1000, stream.closed, 'closed')
  })
})

describePlacements('toWeb()', (place) => {
  test('nobody reads: the writer waits', async () => {
    const stream = place(pass, { buffer: 2, idleTimeout: 0 }).open()
    const { readable, writable } = stream.toWeb()
    const writer = writable.getWriter()
    let written = 0
    const writing = (async () => {
      for (const n of numbers(100)) {
        await writer.ready
        await writer.write(n)
        written++
      }
      await writer.close()
    })()
    await place.settled(20)
    assert.ok(written < 12, `${written} were written`)
    const results = []
    for await (const result of readable) results.push(result)
    assert.deepEqual(results, numbers(100))
    await within(1000, writing, 'the writes')
    assert.equal((await within(1000, stream.closed, 'closed')).reason, 'done')
  })

  test('pipeThrough and pipeTo, and an error on the way in', async () => {
    const stream = place(pass, { idleTimeout: 0 }).open()
    const error = new Error('upstream')
    const source = new ReadableStream({
      pull(controller) {
        controller.error(error)
      },
    })
    const reader = source.pipeThrough(stream.toWeb()).getReader()
    const got = await within(1000, outcome(reader.read()), 'read')
    assert.ok(got.error, 'the reader hears of it')
    assert.equal((await within(1000, stream.closed, 'closed')).reason, 'aborted')
  })

  test('an error of the function reaches the reader as it is', async () => {
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
    const stream = fn.open()
    const { readable, writable } = stream.toWeb()
    const writer = writable.getWriter()
    await within(1000, writer.write(1), 'write')
    await within(1000, outcome(writer.write(2)), 'write')
    const reader = readable.getReader()
    assert.equal((await within(1000, reader.read(), 'read')).value, 1)
    const { error: thrown } = await within(1000, outcome(reader.read()), 'read')
    place.same(thrown, error)
    const { error: heard } = await within(1000, outcome(writer.closed), 'the writer hears of it')
    assert.ok(heard === thrown || heard.code === 'VELO_CLOSED')
  })

  test('a function that ends cancels a silent source', async () => {
    for (const how of ['returns', 'throws']) {
      const fn = place(
        async function* (events) {
          for await (const event of events) {
            yield event
            if (how === 'throws') throw new Error('inside')
            return
          }
        },
        {},
        { how },
      )
      const stream = fn.open()
      const cancelled = deferred()
      const source = new ReadableStream({ start: (controller) => controller.enqueue(1), cancel: cancelled.resolve })
      const reader = source.pipeThrough(stream.toWeb()).getReader()
      assert.equal((await within(1000, reader.read(), 'read')).value, 1)
      await within(1000, outcome(reader.read()), 'read')
      await within(1000, cancelled.promise, `the source is cancelled when the function ${how}`)
    }
  })

  test('cancel() while a read is pending settles it', async () => {
    const stream = place(pass, { idleTimeout: 0 }).open()
    const reader = stream.toWeb().readable.getReader()
    const pending = reader.read()
    await place.settled(2)
    await within(1000, reader.cancel(), 'cancel')
    assert.equal((await within(1000, pending, 'read')).done, true)
    assert.equal((await within(1000, stream.closed, 'closed')).reason, 'closed')
  })

  test('any value goes through, null and undefined among them', async () => {
    const stream = place(pass).open()
    const results = []
    for await (const result of ReadableStream.from([null, undefined, 0, '']).pipeThrough(stream.toWeb())) results.push(result)
    assert.deepEqual(results, [null, undefined, 0, ''])
  })
})

describePlacements('sources', (place) => {
  test('an early return destroys a Readable and cancels a ReadableStream', async () => {
    // A worker's source is read up to `buffer` events ahead.
    const fn = place(
      async function* (events) {
        for await (const event of events) {
          yield event
          return
        }
      },
      place.worker ? { buffer: 4 } : {},
    )
    const { readable, taken } = countedReadable(1000)
    assert.deepEqual(await within(1000, fn.run(readable), 'run'), [0])
    assert.ok(readable.destroyed)
    assert.ok(taken.count < 10)
    let cancelled = 0
    const web = new ReadableStream({ pull: (controller) => controller.enqueue(1), cancel: () => void cancelled++ }, { highWaterMark: 0 })
    assert.deepEqual(await within(1000, fn.run(web), 'run'), [1])
    assert.equal(cancelled, 1)
    assert.equal(web.locked, false)
  })

  test('a silent Readable is destroyed at once when the stream is aborted', async () => {
    const asked = deferred()
    const silent = new Readable({ objectMode: true, read: asked.resolve })
    const controller = new AbortController()
    const running = outcome(place(pass).run(silent, { signal: controller.signal }))
    await within(1000, asked.promise, 'the first pull')
    controller.abort()
    assert.equal((await within(1000, running, 'run')).error.code, 'VELO_ABORTED')
    await until(1000, () => silent.destroyed, 'the Readable is destroyed')
  })

  test('an error of a Readable reaches the function, and its caller as it is', async () => {
    const error = new Error('disk')
    const failing = new Readable({
      objectMode: true,
      read() {
        this.destroy(error)
      },
    })
    const probe = place.probe()
    const fn = place(
      async function* (events) {
        try {
          yield* pass(events)
        } catch (thrown) {
          probe.saw(thrown)
          throw thrown
        }
      },
      {},
      { pass, probe },
    )
    await assert.rejects(within(1000, fn.run(failing), 'run'), (thrown) => thrown === error)
    place.same(await within(1000, probe.next(), 'the function catches it'), error)
    assert.equal(probe.seen.length, 1)
  })

  test('pipeline() aborted by its signal ends everything', async () => {
    const fn = place(pass)
    const controller = new AbortController()
    const silent = new Readable({ objectMode: true, read() {} })
    const sink = new Writable({ objectMode: true, write: (_value, _encoding, done) => done() })
    const piping = outcome(pipeline(silent, fn, sink, { signal: controller.signal }))
    await place.settled(2)
    controller.abort()
    assert.equal((await within(1000, piping, 'pipeline')).error.name, 'AbortError')
    await until(1000, () => fn.metrics.streamsOpen === 0, 'the stream ends')
    assert.ok(silent.destroyed)
  })
})

noUnhandledRejections('interop edges')
