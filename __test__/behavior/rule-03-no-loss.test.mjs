// Rule 3: what was accepted is delivered, what was yielded is read, and what must be dropped is counted.

import assert from 'node:assert/strict'
import { Readable } from 'node:stream'
import { describe, test } from 'node:test'
import { runtime, streamFn } from 'velo-stream'
import { asyncSource, numbers, syncSource } from '../support/counted.mjs'
import { deferred, isPending, never, outcome, turns } from '../support/deferred.mjs'
import { afterIdle } from '../support/idle.mjs'
import { describePaths } from '../support/paths.mjs'
import { noUnhandledRejections } from '../support/unhandled.mjs'
import { within } from '../support/within.mjs'

async function* same(events) {
  for await (const event of events) yield event
}

describePaths('no loss on every path', (path, test) => {
  test('rule 3: what is yielded after the last event arrives', async () => {
    const fn = path.define(async function* (events) {
      const batch = []
      for await (const event of events) {
        batch.push(event)
        if (batch.length === 2) yield batch.splice(0)
      }
      if (batch.length > 0) yield batch
      yield 'total'
    })
    const { results, failure } = await path.drive(fn, numbers(5))
    assert.equal(failure, null)
    assert.deepEqual(results, [[0, 1], [2, 3], [4], 'total'])
  })

  test('rule 3: no event at all still gives the summary', async () => {
    const fn = path.define(async function* (events) {
      let count = 0
      for await (const _ of events) count++
      yield count
    })
    const { results, failure } = await path.drive(fn, [])
    assert.equal(failure, null)
    assert.deepEqual(results, [0])
  })

  test('rule 3: three thousand results of one event arrive through a buffer of eight', async () => {
    const fn = path.define(
      async function* (events) {
        for await (const event of events) for (let i = 0; i < 3000; i++) yield event * 3000 + i
      },
      { buffer: 8 },
    )
    const { results, failure } = await path.drive(fn, numbers(2))
    assert.equal(failure, null)
    assert.deepEqual(results, numbers(6000))
  })

  test('rule 3: the counts of the function balance', async () => {
    let delivered = 0
    const fn = path.define(
      async function* (events) {
        for await (const event of events) {
          delivered++
          if (event % 2 === 0) yield event
          yield event
        }
      },
      { buffer: 4 },
    )
    const { results, failure, end, stream } = await path.drive(fn, numbers(500))
    assert.equal(failure, null)
    assert.equal(delivered, 500)
    const { eventsIn, eventsOut, dropped, streamsOpen, streamsOpened, closedBy } = fn.metrics
    assert.deepEqual(
      { eventsIn, eventsOut, dropped, streamsOpen, streamsOpened, done: closedBy.done },
      { eventsIn: 500, eventsOut: 750, dropped: { events: 0, results: 0 }, streamsOpen: 0, streamsOpened: 1, done: 1 },
    )
    assert.equal(results.length, 750)
    if (path.live) {
      assert.deepEqual(end, { reason: 'done', dropped: { events: 0, results: 0 }, refused: 0, detached: false })
      assert.equal(stream.metrics.eventsIn, 500)
      assert.equal(stream.metrics.eventsOut, 750)
    }
  })
})

describePaths(
  'much of it',
  (path, test) => {
    for (const fan of [1, 2, 257, 1000, 10_000]) {
      test(`rule 3: ${fan} results an event all arrive`, async () => {
        const events = Math.max(1, Math.floor(5000 / fan))
        const fn = path.define(async function* (source) {
          for await (const event of source) for (let i = 0; i < fan; i++) yield event * fan + i
        })
        const { results, failure } = await path.drive(fn, numbers(events))
        assert.equal(failure, null)
        assert.deepEqual(results, numbers(events * fan))
      })
    }

    test('rule 3: a function slower than every timer loses nothing', async () => {
      const idleTimeout = 5
      const fn = path.define(
        async function* (events) {
          for await (const event of events) {
            await afterIdle(idleTimeout)
            yield event
          }
          await afterIdle(idleTimeout)
          yield 'last'
        },
        { idleTimeout, buffer: 2 },
      )
      const { results, failure } = await path.drive(fn, numbers(5))
      assert.equal(failure, null)
      assert.deepEqual(results, [...numbers(5), 'last'])
    })
  },
  { plain: true },
)

/** Opens a stream of a function that counts what it gets, and checks the books when it has ended. */
function booked(fn, options) {
  const books = { delivered: 0, read: 0 }
  const counted = streamFn(async function* (events, ctx) {
    const inner = {
      next: async () => {
        const result = await events.next()
        if (!result.done) books.delivered++
        return result
      },
      [Symbol.asyncIterator]() {
        return this
      },
    }
    yield* fn(inner, ctx)
  }, options)
  const stream = counted.open()
  return {
    stream,
    fn: counted,
    books,
    async read(count) {
      for (let i = 0; i < count; i++) {
        await within(1000, stream.recv(), `result ${i}`)
        books.read++
      }
    },
    async balance({ accepted, reason }) {
      const end = await within(3000, stream.closed, 'closed')
      const { eventsIn, eventsOut, dropped } = stream.metrics
      assert.equal(end.reason, reason)
      if (accepted !== undefined) assert.equal(eventsIn, accepted, 'accepted')
      assert.equal(eventsIn, books.delivered + end.dropped.events, 'accepted = delivered + dropped')
      assert.equal(eventsOut, books.read + end.dropped.results, 'yielded = read + dropped')
      assert.deepEqual({ ...dropped }, { ...end.dropped }, 'both places say the same')
      const totals = counted.metrics
      assert.deepEqual([totals.eventsIn, totals.eventsOut, { ...totals.dropped }], [eventsIn, eventsOut, { ...end.dropped }], 'totals')
      return end
    },
  }
}

describe('the books of a live stream', () => {
  test('rule 3: closed while events wait: they are dropped and counted', async () => {
    const hold = deferred()
    const { stream, balance, books } = booked(
      async function* (events) {
        await events.next()
        await hold.promise
        yield* events
      },
      { buffer: 8 },
    )
    for (let i = 0; i < 6; i++) await within(500, stream.send(i), `send ${i}`)
    const closing = stream.close()
    hold.resolve()
    await within(1000, closing, 'close')
    const end = await balance({ accepted: 6, reason: 'closed' })
    assert.equal(books.delivered, 1)
    assert.deepEqual(end.dropped, { events: 5, results: 0 })
  })

  test('rule 3: closed while results wait: they are dropped and counted', async () => {
    const { stream, balance, read } = booked(same, { buffer: 8 })
    for (let i = 0; i < 6; i++) await within(500, stream.send(i), `send ${i}`)
    await read(2)
    await turns()
    await within(1000, stream.close(), 'close')
    const end = await balance({ accepted: 6, reason: 'closed' })
    assert.deepEqual(end.dropped, { events: 0, results: 4 })
  })

  test('rule 3: aborted with both sides full: all of it is counted', async () => {
    const { stream, balance, read } = booked(same, { buffer: 4 })
    const sends = numbers(20).map((n) => outcome(stream.send(n)))
    await turns()
    await read(1)
    await turns()
    stream.abort(new Error('enough'))
    await within(1000, Promise.all(sends), 'the sends')
    const end = await balance({ reason: 'aborted' })
    // One more result may be in the hands of the suspended yield.
    assert.ok(end.dropped.results === 4 || end.dropped.results === 5, `${end.dropped.results} results`)
    assert.equal(end.dropped.events, 4)
  })

  test('rule 3: failed while events wait: they are dropped and counted, results are not', async () => {
    const { stream, balance, read } = booked(
      async function* (events) {
        for await (const event of events) {
          yield event
          if (event === 2) throw new Error('third')
        }
      },
      { buffer: 8 },
    )
    await within(500, stream.sendBatch(numbers(7)), 'the batch')
    await turns()
    await read(3)
    await assert.rejects(within(500, stream.recv(), 'the error'), /third/)
    const end = await balance({ accepted: 7, reason: 'failed' })
    assert.deepEqual(end.dropped, { events: 4, results: 0 })
  })

  test('rule 3: returned early while events wait: they are dropped and counted', async () => {
    const { stream, balance, read } = booked(
      async function* (events) {
        yield (await events.next()).value
      },
      { buffer: 8 },
    )
    await within(500, stream.sendBatch(numbers(5)), 'the batch')
    await read(1)
    const end = await balance({ accepted: 5, reason: 'done' })
    assert.deepEqual(end.dropped, { events: 4, results: 0 })
  })

  test('rule 3: unread results of a stream that is done are kept until they are read', async () => {
    const { stream, balance, read, books } = booked(same)
    await within(500, stream.sendBatch(numbers(5)), 'the batch')
    stream.end()
    const end = await within(1000, stream.closed, 'closed')
    assert.deepEqual(end, { reason: 'done', dropped: { events: 0, results: 0 }, refused: 0, detached: false })
    assert.equal(stream.state, 'closed')
    await read(5)
    assert.equal(books.read, 5)
    await balance({ accepted: 5, reason: 'done' })
  })

  test('rule 3: unread results of a stream that is done are counted when it is closed', async () => {
    const { stream, balance, read } = booked(same)
    await within(500, stream.sendBatch(numbers(5)), 'the batch')
    stream.end()
    await within(1000, stream.closed, 'closed')
    await read(2)
    await within(1000, stream.close(), 'close')
    const end = await balance({ accepted: 5, reason: 'done' })
    assert.deepEqual(end.dropped, { events: 0, results: 3 })
  })

  test('rule 3: results yielded in `finally` are counted as dropped', async () => {
    const { stream, balance } = booked(
      async function* (events) {
        try {
          for await (const event of events) yield event
        } finally {
          yield 'one'
          await null
          yield 'two'
        }
      },
      { buffer: 1 },
    )
    // Unread results keep it suspended at a yield.
    for (let i = 0; i < 2; i++) await within(500, stream.send(i), `send ${i}`)
    await turns()
    const { eventsOut } = stream.metrics
    await within(1000, stream.close(), 'close')
    const end = await balance({ accepted: 2, reason: 'closed' })
    // Two in `finally`, and the one at whose `yield` it was suspended.
    assert.equal(stream.metrics.eventsOut, eventsOut + 3)
    assert.equal(end.dropped.results, eventsOut + 3)
  })

  test('rule 3: results yielded after the loop while it closes are counted as dropped', async () => {
    const { stream, balance, read } = booked(async function* (events) {
      for await (const event of events) yield event
      yield 'summary'
    })
    await within(500, stream.send(1), 'send')
    await read(1)
    await within(1000, stream.close(), 'close')
    const end = await balance({ accepted: 1, reason: 'closed' })
    assert.deepEqual(end.dropped, { events: 0, results: 1 })
  })

  test('rule 3: the process counts what the functions count', async () => {
    const before = runtime.snapshot()
    const { stream, balance, read } = booked(same, { buffer: 4 })
    await within(500, stream.sendBatch([1, 2, 3]), 'the batch')
    await read(1)
    await turns()
    await within(500, stream.close(), 'close')
    await balance({ accepted: 3, reason: 'closed' })
    const after = runtime.snapshot()
    assert.equal(after.eventsIn - before.eventsIn, 3)
    assert.equal(after.eventsOut - before.eventsOut, 3)
    assert.equal(after.dropped.results - before.dropped.results, 2)
    assert.equal(after.closedBy.closed - before.closedBy.closed, 1)
  })

  test('rule 3: the books balance wherever a stream is cut', async () => {
    for (let cut = 0; cut < 60; cut++) {
      const { stream, balance, books } = booked(
        async function* (events) {
          for await (const event of events) {
            if (event % 3 === 0) await null
            yield event
            if (event % 2 === 0) yield event
          }
          yield 'last'
        },
        { buffer: 1 + (cut % 4) },
      )
      const sends = outcome(stream.sendBatch(numbers(30)))
      for (let i = 0; i < cut % 13; i++) {
        await within(500, stream.recv(), 'recv')
        books.read++
      }
      for (let i = 0; i < cut % 7; i++) await null
      if (cut % 2 === 0) stream.close()
      else stream.abort()
      await within(1000, sends, `cut ${cut}: the batch`)
      await balance({ reason: cut % 2 === 0 ? 'closed' : 'aborted' })
    }
  })
})

describe('waits that are given up', () => {
  test('rule 3: a recv that was aborted takes no result with it', async () => {
    const stream = streamFn(same).open()
    const controller = new AbortController()
    const given = outcome(stream.recv({ signal: controller.signal }))
    const kept = stream.recv()
    controller.abort(new Error('changed my mind'))
    assert.equal((await within(500, given, 'the aborted recv')).error.name, 'AbortError')
    await within(500, stream.sendBatch(['A', 'B']), 'the batch')
    assert.equal(await within(500, kept, 'the other recv'), 'A')
    assert.equal(await within(500, stream.recv(), 'the next recv'), 'B')
    await stream.close()
  })

  test('rule 3: a recv that timed out takes no result with it', async () => {
    const stream = streamFn(same).open()
    const { error } = await within(2000, outcome(stream.recv({ timeout: 10 })), 'the recv')
    assert.equal(error.code, 'VELO_TIMEOUT')
    assert.equal(error.name, 'TimeoutError')
    await within(500, stream.send('A'), 'send')
    assert.equal(await within(500, stream.recv(), 'the next recv'), 'A')
    await stream.close()
  })

  test('rule 3: an already aborted recv takes nothing, and the stream lives', async () => {
    const stream = streamFn(same).open()
    await within(500, stream.send('A'), 'send')
    const waiting = outcome(stream.recv())
    const { error } = await within(500, outcome(stream.recv({ signal: AbortSignal.abort() })), 'the recv')
    assert.equal(error.name, 'AbortError')
    assert.equal((await within(500, waiting, 'the first recv')).value, 'A')
    await within(500, stream.send('B'), 'send')
    assert.equal(await within(500, stream.recv(), 'the next recv'), 'B')
    await stream.close()
  })

  test('rule 3: a send that was aborted while it waited is not delivered', async () => {
    const stream = streamFn(same, { buffer: 1 }).open()
    const controller = new AbortController()
    let next = 0
    let waiting = stream.send(next)
    while (!(await isPending(waiting))) waiting = stream.send(++next)
    const given = outcome(stream.send('given up', { signal: controller.signal }))
    const after = stream.send('after')
    assert.ok(await isPending(after))
    const before = stream.metrics.eventsIn
    assert.equal(before, next)
    controller.abort('no')
    const { error } = await within(500, given, 'the aborted send')
    assert.equal(error.name, 'AbortError')
    assert.equal(error.cause, 'no')
    assert.equal(stream.metrics.eventsIn, before)
    const results = []
    for (let i = 0; i < next + 2; i++) results.push(await within(500, stream.recv(), `result ${i}`))
    assert.deepEqual(results, [...numbers(next + 1), 'after'])
    await within(500, Promise.all([waiting, after]), 'the sends')
    assert.equal(stream.metrics.eventsIn, next + 2)
    await stream.close()
  })

  test('rule 3: a send with a signal that has fired is not accepted', async () => {
    const stream = streamFn(same).open()
    const { error } = await within(500, outcome(stream.send(1, { signal: AbortSignal.abort('why') })), 'the send')
    assert.equal(error.name, 'AbortError')
    assert.equal(error.cause, 'why')
    assert.equal(stream.metrics.eventsIn, 0)
    await within(500, stream.send(2), 'send')
    assert.equal(await within(500, stream.recv(), 'recv'), 2)
    await stream.close()
  })

  test('rule 3: an abort after the event was accepted comes too late', async () => {
    const stream = streamFn(same).open()
    const controller = new AbortController()
    await within(500, stream.send(1, { signal: controller.signal }), 'send')
    controller.abort()
    assert.equal(await within(500, stream.recv(), 'recv'), 1)
    assert.equal(stream.state, 'open')
    await stream.close()
  })
})

describe('run() never resolves short', () => {
  test('rule 3: run() rejects when its signal fires', async () => {
    const controller = new AbortController()
    const source = asyncSource(numbers(1_000_000))
    const fn = streamFn(async function* (events) {
      for await (const event of events) {
        if (event === 100) controller.abort(new Error('stop'))
        yield event
      }
    })
    const { error } = await within(2000, outcome(fn.run(source, { signal: controller.signal })), 'run')
    assert.equal(error.name, 'AbortError')
    assert.equal(error.cause.message, 'stop')
  })

  test('rule 3: run() rejects when a Readable is destroyed without an error', async () => {
    const readable = new Readable({ objectMode: true, read() {} })
    readable.push(1)
    const running = outcome(streamFn(same).run(readable))
    await turns()
    readable.destroy()
    assert.equal((await within(2000, running, 'run')).error?.code, 'ERR_STREAM_PREMATURE_CLOSE')
  })

  test('rule 3: run() of a sync source that throws half way rejects', async () => {
    const error = new Error('half way')
    const running = outcome(streamFn(same).run(syncSource(numbers(5), { fail: { error } })))
    assert.equal((await within(1000, running, 'run')).error, error)
  })

  test('rule 3: run() of a function that is fed slowly waits for all of it', async () => {
    const parts = numbers(4).map(() => deferred())
    const running = streamFn(same).run(parts.map((part) => part.promise))
    for (const [n, part] of parts.entries()) {
      await turns(10)
      part.resolve(n)
    }
    assert.deepEqual(await within(1000, running, 'run'), numbers(4))
  })

  test('rule 3: run() resolves short when the function returned, and only then', async () => {
    const fn = streamFn(async function* (events) {
      for await (const event of events) {
        yield event
        if (event === 1) return
      }
    })
    assert.deepEqual(await within(1000, fn.run(asyncSource(numbers(100))), 'run'), [0, 1])
  })

  test('rule 3: run() does not resolve while its function is stuck', async () => {
    const controller = new AbortController()
    const fn = streamFn(
      async function* (events) {
        for await (const event of events) {
          yield event
          await never()
        }
      },
      { closeTimeout: 20 },
    )
    let settled = false
    const running = outcome(fn.run(numbers(3), { signal: controller.signal })).then((result) => {
      settled = true
      return result
    })
    await turns(20)
    assert.equal(settled, false)
    controller.abort()
    assert.equal((await within(1000, running, 'run')).error.name, 'AbortError')
  })
})

noUnhandledRejections('rule 3')
