// Live streams: what `open` and `feed` give, and streams that their own functions use.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { asyncSource } from '../support/counted.mjs'
import { deferred, outcome } from '../support/deferred.mjs'
import { describePlacements } from '../support/placements.mjs'
import { noUnhandledRejections } from '../support/unhandled.mjs'
import { within } from '../support/within.mjs'

async function* average(events) {
  let total = 0
  let count = 0
  for await (const event of events) yield (total += event) / ++count
}

async function collect(iterable) {
  const results = []
  for await (const result of iterable) results.push(result)
  return results
}

describePlacements('open()', (place) => {
  const fn = place(average)

  test('is synchronous and starts nothing', async () => {
    const probe = place.probe()
    const fn = place(
      async function* (events) {
        probe.saw('started')
        for await (const event of events) yield event
      },
      {},
      { probe },
    )
    const stream = fn.open()
    await place.settled(2)
    assert.deepEqual(probe.seen, [])
    assert.equal(stream.state, 'open')
    assert.equal(typeof stream.id, 'string')
    await within(1000, stream.close(), 'close')
    assert.deepEqual(probe.seen, [])
    // Had the one before started late, it would have been first.
    await within(1000, fn.run([]), 'run')
    await place.settled(2)
    assert.deepEqual(probe.seen, ['started'])
  })

  test('ids are unique', () => {
    const streams = Array.from({ length: 100 }, () => fn.open())
    assert.equal(new Set(streams.map(({ id }) => id)).size, 100)
    return Promise.all(streams.map((stream) => stream.close()))
  })

  test('an id that a default one would have is no reason for two of the same', async () => {
    const first = fn.open()
    const [, base, ordinal] = /^(.*-)(\d+)$/.exec(first.id)
    const next = fn.open({ id: `${base}${Number(ordinal) + 2}` })
    const third = fn.open()
    assert.equal(new Set([first.id, next.id, third.id]).size, 3)
    await Promise.all([first, next, third].map((stream) => stream.close()))
  })

  test('a given id that a default one has already is refused', async () => {
    const first = fn.open()
    assert.throws(() => fn.open({ id: first.id }), { code: 'VELO_CONFIG' })
    await first.close()
  })
})

describePlacements('feed(source)', (place) => {
  const fn = place(average)

  test('sends everything, ends the input, gives the results', async () => {
    const source = asyncSource([10, 20, 30])
    const stream = fn.open()
    assert.deepEqual(await within(1000, collect(stream.feed(source)), 'feed'), [10, 15, 20])
    const end = await within(1000, stream.closed, 'closed')
    assert.deepEqual(end, { reason: 'done', dropped: { events: 0, results: 0 }, refused: 0, detached: false })
    assert.equal(source.returns, 0)
  })

  test('its own results are refused as a source, and the stream goes on', async () => {
    const stream = fn.open()
    for (const source of [stream, stream[Symbol.asyncIterator]()])
      assert.throws(() => stream.feed(source), { code: 'VELO_CONFIG', field: 'feed(source)' })
    assert.deepEqual(await within(1000, collect(stream.feed([10])), 'feed'), [10])
    const other = fn.open()
    assert.deepEqual(await within(1000, collect(other.feed(fn.open().feed([10, 20]))), 'feed of another'), [10, 12.5])
  })

  test('a source that throws: into the function, and uncaught to the reader', async () => {
    const error = new Error('source')
    const stream = fn.open()
    const results = stream.feed(asyncSource([10], { fail: { error } }))
    assert.equal((await within(1000, results.next(), 'next')).value, 10)
    await assert.rejects(within(1000, results.next(), 'next'), (thrown) => thrown === error)
    assert.deepEqual(await within(1000, results.next(), 'next'), { value: undefined, done: true })
    assert.equal((await within(5000, stream.closed, 'closed')).reason, 'failed')
  })

  test('pulls no further than the buffer', async () => {
    const source = asyncSource(Array.from({ length: 1000 }, (_, i) => i))
    const stream = fn.with({ buffer: 4 }).open()
    const results = stream.feed(source)
    await place.soon(() => assert.ok(source.pulls >= 8, 'it runs ahead'), 8)
    await place.settled(8)
    // Four results, one that is held back, four events, one that waits to be accepted, and one ahead.
    assert.ok(source.pulls <= 4 + 1 + 4 + 1 + 1, `${source.pulls} were pulled`)
    await within(1000, results.return(), 'return')
    assert.equal(source.returns, 1)
  })

  test('ended by hand: what was pulled and not accepted is not delivered, and the source is given back', async () => {
    const source = asyncSource(Array.from({ length: 100 }, (_, i) => i))
    const hold = deferred()
    const wait = place.callback(() => hold.promise)
    const stream = place(
      async function* (events) {
        for await (const event of events) {
          if (event === 2) await wait()
          yield event
        }
      },
      { buffer: 4 },
      { wait },
    ).open()
    const results = stream.feed(source)
    for (const event of [0, 1]) assert.equal((await within(1000, results.next(), 'next')).value, event)
    await place.settled(8)
    stream.end()
    hold.resolve()
    const rest = await within(1000, collect(results), 'the rest')
    assert.deepEqual(
      rest,
      rest.map((_, i) => i + 2),
    )
    assert.equal((await within(1000, stream.closed, 'closed')).reason, 'done')
    const { eventsIn, eventsOut } = stream.metrics
    assert.deepEqual([eventsIn, eventsOut], [rest.length + 2, rest.length + 2])
    assert.ok(source.pulls <= eventsIn + 1, `${source.pulls} were pulled, ${eventsIn} accepted`)
    assert.equal(source.returns, 1)
  })

  test('a source whose events come a turn apart, and one that is faster than the function', async () => {
    const busy = place(async function* (events) {
      for await (const event of events) {
        await new Promise((resolve) => setImmediate(resolve))
        yield event
      }
    })
    const expected = Array.from({ length: 40 }, (_, i) => i)
    async function* slow() {
      for (const event of expected) {
        await new Promise((resolve) => setImmediate(resolve))
        yield event
      }
    }
    for (const fn of [busy, busy.with({ buffer: 2 }), place(average).pipe(average)]) {
      const want = fn.name.includes('|') ? undefined : expected
      const fast = await within(5000, collect(fn.open().feed(asyncSource(expected))), 'a fast one')
      const late = await within(5000, collect(fn.open().feed(slow())), 'a slow one')
      const sync = await within(5000, collect(fn.open().feed(expected)), 'an array')
      assert.deepEqual(fast, want ?? sync)
      assert.deepEqual(late, fast)
      assert.deepEqual(sync, fast)
    }
  })

  test('a function that returns early gives the source back, even a silent one', async () => {
    const source = {
      returns: 0,
      [Symbol.asyncIterator]: () => source,
      next: () => new Promise(() => {}),
      return: async () => ({ done: true, value: source.returns++ }),
    }
    const stream = place(async function* () {
      yield 'hello'
    }).open()
    assert.deepEqual(await within(1000, collect(stream.feed(source)), 'feed'), ['hello'])
    await place.soon(() => assert.equal(source.returns, 1), 2)
  })

  test('on a stream that has ended or closed', async () => {
    const ended = fn.open()
    ended.end()
    const closed = fn.open()
    await within(1000, closed.close(), 'close')
    for (const stream of [ended, closed]) {
      const source = asyncSource([1, 2])
      const { value, error } = await within(1000, outcome((async () => collect(stream.feed(source)))()), 'feed')
      if (error !== undefined) assert.match(error.code, /^VELO_(CLOSED|ENDED)$/)
      else assert.deepEqual(value, [])
      await place.soon(() => assert.ok(source.opens === 0 || source.finished || source.returns === 1, 'the source is not left open'), 2)
    }
  })
})

describePlacements('a stream and its own function', (place) => {
  test('the function may send and end', async () => {
    const send = place.callback((event) => stream.trySend(event))
    const end = place.callback(() => stream.end())
    const fn = place(
      async function* (events) {
        for await (const event of events) {
          await (event < 5 ? send(event + 1) : end())
          yield event
        }
      },
      {},
      { send, end },
    )
    const stream = fn.open()
    const seen = collect(stream)
    await within(1000, stream.send(1), 'send')
    assert.deepEqual(await within(1000, seen, 'the results'), [1, 2, 3, 4, 5])
  })

  test('the function may close', async () => {
    const closing = deferred()
    const close = place.callback(() => void stream.close().then(closing.resolve, closing.reject))
    const fn = place(
      async function* (events) {
        for await (const event of events) {
          close()
          yield event
        }
      },
      {},
      { close },
    )
    const stream = fn.open()
    await within(1000, stream.send(1), 'send')
    await within(1000, closing.promise, 'close')
    assert.equal((await within(5000, stream.closed, 'closed')).reason, 'closed')
  })
})

noUnhandledRejections('open and feed')
