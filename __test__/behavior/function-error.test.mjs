// Rule 10, seen from those who are not reading: what the function throws is not masked by what a waiting send, a Duplex or pipeline() says of the end.

import assert from 'node:assert/strict'
import { Readable, Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { test } from 'node:test'
import { streamFn } from 'velo-stream'
import { outcome, turns } from '../support/deferred.mjs'
import { describePlacements } from '../support/placements.mjs'
import { noUnhandledRejections } from '../support/unhandled.mjs'
import { within } from '../support/within.mjs'

const SOON = 10_000

function sink(results = []) {
  return new Writable({
    objectMode: true,
    write(result, _encoding, done) {
      results.push(result)
      done()
    },
  })
}

function* naturals(count) {
  for (let n = 1; n <= count; n++) yield n
}

describePlacements('a function that throws', (place) => {
  test('a send that waits is refused with its error as cause', async () => {
    const gate = place.gate()
    const fn = place(
      async function* (events) {
        for await (const event of events) {
          yield event
          await gate.promise
          throw new RangeError('of the function')
        }
      },
      { buffer: 1 },
      { gate },
    )
    const stream = fn.open()
    await stream.send(1)
    assert.equal(await stream.recv(), 1)
    const sends = [2, 3, 4, 5].map((event) => outcome(stream.send(event)))
    await place.settled()
    gate.open()
    const end = await within(SOON, stream.closed)
    assert.equal(end.error.message, 'of the function')
    const refused = (await within(SOON, Promise.all(sends))).filter(({ error }) => error !== undefined)
    assert.ok(refused.length > 0)
    for (const { error } of refused) {
      assert.equal(error.code, 'VELO_CLOSED')
      assert.equal(error.cause, end.error)
    }
  })

  test('a send that waits hears of it also when the function cleans up first', async () => {
    const gate = place.gate()
    const fn = place(
      async function* (events) {
        try {
          for await (const event of events) {
            yield event
            throw new RangeError('of the function')
          }
        } finally {
          await gate.promise
        }
      },
      { buffer: 1 },
      { gate },
    )
    const stream = fn.open()
    const sends = [1, 2, 3, 4, 5].map((event) => outcome(stream.send(event)))
    assert.equal(await within(SOON, stream.recv()), 1)
    await place.settled()
    gate.open()
    const end = await within(SOON, stream.closed)
    for (const { error } of await within(SOON, Promise.all(sends))) if (error !== undefined) assert.equal(error.cause, end.error)
  })

  test('a send that comes while the function is on its way out hears of it, too', async () => {
    for (let turn = 0; turn < 12; turn++) {
      const fn = place(async function* (events) {
        for await (const event of events) {
          if (event === 2) throw new RangeError('of the function')
          yield event
        }
      })
      const stream = fn.open()
      await within(SOON, stream.sendBatch([1, 2]))
      for (let i = 0; i < turn; i++) await undefined
      const sends = [outcome(stream.send(3)), outcome(stream.sendBatch([4, 5]))]
      const end = await within(SOON, stream.closed)
      for (const { error } of await within(SOON, Promise.all(sends)))
        if (error !== undefined) assert.deepEqual([error.code, error.reason, error.cause], ['VELO_CLOSED', 'failed', end.error], `${turn}`)
    }
  })

  test('a send that comes when the function has stopped reading waits for what comes of it', async () => {
    const [first, second] = [place.gate(), place.gate()]
    const fn = place(
      async function* (events) {
        for await (const event of events) {
          yield event
          break
        }
        await first.promise
        yield 'goes on'
        await second.promise
        throw new RangeError('of the function')
      },
      {},
      { first, second },
    )
    const stream = fn.open()
    await stream.send(1)
    assert.equal(await within(SOON, stream.recv()), 1)
    const next = stream.recv()
    await place.settled()
    const waits = outcome(stream.send(2))
    first.open()
    assert.equal(await within(SOON, next), 'goes on')
    await place.settled()
    const late = outcome(stream.send(3))
    if (!place.worker) for (const send of [waits, late]) assert.deepEqual((await within(SOON, send)).error.reason, 'done')
    second.open()
    assert.equal((await within(SOON, stream.closed)).error.message, 'of the function')
    await within(SOON, Promise.all([waits, late]))
  })

  test('pipeline through its Duplex fails with that error', async () => {
    const fn = place(async function* (events) {
      for await (const event of events) {
        if (event === 3) throw new RangeError('of the function')
        yield event
      }
    })
    for (const count of [5, 5_000]) {
      const work = pipeline(Readable.from(naturals(count)), fn.open().toDuplex(), sink())
      await assert.rejects(within(SOON, work), { name: 'RangeError', message: 'of the function' })
    }
  })

  test('one that returns early ends the pipeline through its Duplex well, as the function itself does', async () => {
    const fn = place(async function* (events) {
      for await (const event of events) {
        yield event
        if (event === 3) return
      }
    })
    for (const make of [() => fn, () => fn.open().toDuplex()]) {
      const results = []
      await within(SOON, pipeline(Readable.from(naturals(5_000)), make(), sink(results)))
      assert.deepEqual(results, [1, 2, 3])
    }
  })

  test('a send that waits is refused when the function has stopped reading and goes on', async () => {
    const gate = place.gate()
    const fn = place(
      async function* (events) {
        for await (const event of events) {
          yield event
          break
        }
        yield 'goes on'
        await gate.promise
      },
      { buffer: 1, closeTimeout: 300 },
      { gate },
    )
    const stream = fn.open()
    const sends = [1, 2, 3, 4, 5].map((event) => outcome(stream.send(event)))
    assert.equal(await within(SOON, stream.recv()), 1)
    assert.equal(await within(SOON, stream.recv()), 'goes on')
    const told = await within(SOON, Promise.all(sends))
    assert.equal(told.at(-1).error.code, 'VELO_CLOSED')
    gate.open()
    assert.equal((await within(SOON, stream.closed)).reason, 'done')
  })

  test('pipeline aborted by a signal gives ABORT_ERR, as with a plain generator', async () => {
    const fn = place(async function* (events) {
      for await (const event of events) yield event
    })
    for (const stages of [
      [fn],
      [
        fn.pipe(async function* (events) {
          yield* events
        }),
      ],
      [fn, fn],
    ]) {
      const stop = new AbortController()
      const source = new Readable({ objectMode: true, read() {} })
      source.push(1)
      const results = []
      const work = outcome(pipeline(source, ...stages, sink(results), { signal: stop.signal }))
      while (results.length === 0) await turns(1)
      stop.abort(new Error('why'))
      const { error } = await within(SOON, work)
      assert.deepEqual([error.name, error.code, error.cause?.message], ['AbortError', 'ABORT_ERR', 'why'])
    }
  })
})

test('an aborted call rejects with an AbortError whose cause is the reason, outside of pipeline()', async () => {
  const stop = new AbortController()
  const fn = streamFn(async function* (events) {
    yield* events
  })
  const results = fn(new Readable({ objectMode: true, read() {} }), { signal: stop.signal })
  const read = outcome(results.next())
  await turns()
  stop.abort('why')
  const { error } = await within(SOON, read)
  assert.deepEqual([error.name, error.code, error.cause], ['AbortError', 'VELO_ABORTED', 'why'])
})

noUnhandledRejections('errors of functions')
