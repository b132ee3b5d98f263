// Rule 24: an event is acknowledged when every result that came from it was accepted by the sink; where an operator holds events, the oldest one in work decides.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { consume, streamFn } from 'velo-stream'
import { batch, chunk, keyed, map, route, shard, window } from 'velo-stream/operators'
import { deferred } from '../support/deferred.mjs'
import { describePlacements } from '../support/placements.mjs'
import { within } from '../support/within.mjs'
import { controlledSink, numbered, until } from './support.mjs'

const consumed = (fn, options) => within(10_000, consume(fn, options), 'consume')

describePlacements('consume', (place) => {
  test('resolves with its numbers when the source ends, everything acknowledged', async () => {
    const double = place(async function* double(events) {
      for await (const event of events) yield event * 2
    })
    const source = numbered(1000)
    const sink = controlledSink()
    assert.deepEqual(await consumed(double, { source, sink }), { received: 1000, acked: 1000, results: 1000, deadLettered: 0 })
    assert.deepEqual(
      sink.accepted,
      Array.from({ length: 1000 }, (_, n) => n * 2),
    )
    assert.equal(source.acked, 1000)
    assert.equal(sink.ends, 1)
    assert.equal(source.ends, 1)
  })

  test('acknowledges events that gave no result', async () => {
    const quiet = place(async function* quiet(events) {
      for await (const event of events) if (event < 0) yield event
    })
    const source = numbered(10, { open: true })
    const stop = new AbortController()
    const running = consume(quiet, { source, signal: stop.signal })
    await within(5000, until(source, 10), 'the acknowledgement')
    stop.abort()
    assert.deepEqual(await within(5000, running), { received: 10, acked: 10, results: 0, deadLettered: 0 })
  })

  test('acknowledges nothing whose results the sink has not accepted', async () => {
    const twice = place(async function* twice(events) {
      for await (const event of events) {
        yield event
        yield event
      }
    })
    const source = numbered(5, { open: true })
    const sink = controlledSink({ held: true })
    const stop = new AbortController()
    const running = consume(twice, { source, sink, signal: stop.signal })
    await within(5000, sink.asked(), 'the first write')
    assert.equal(source.acked, 0)
    sink.release()
    await within(5000, until(source, 5), 'the acknowledgement')
    stop.abort()
    assert.equal((await within(5000, running)).results, 10)
  })
})

/** Runs `fn` on events 0 to 9 that stay open; answers what is acknowledged when nothing more moves. */
async function held(fn, settledAt, count = 10) {
  const source = numbered(count, { open: true })
  const stop = new AbortController()
  const sink = controlledSink()
  const running = consume(fn, { source, sink, signal: stop.signal })
  await within(5000, until(source, settledAt), `${settledAt} acknowledged`)
  const before = source.acked
  stop.abort()
  return { before, numbers: await within(5000, running), source, sink }
}

test('a concurrent map holds the events behind the oldest call', async () => {
  const gates = Array.from({ length: 10 }, deferred)
  const slow = map((n) => gates[n].promise.then(() => n), { concurrency: 4 })
  const source = numbered(10, { open: true })
  const stop = new AbortController()
  const running = consume(slow, { source, sink: controlledSink(), signal: stop.signal })
  gates[1].resolve()
  gates[2].resolve()
  gates[0].resolve()
  await within(5000, until(source, 3), 'three')
  gates[4].resolve()
  gates[5].resolve()
  await within(5000, source.turns(20))
  assert.equal(source.acked, 3)
  for (const gate of gates) gate.resolve()
  await within(5000, until(source, 10), 'all')
  stop.abort()
  assert.equal((await within(5000, running)).acked, 10)
})

test('without order too the oldest one in work decides', async () => {
  const gates = Array.from({ length: 10 }, deferred)
  const slow = map((n) => gates[n].promise.then(() => n), { concurrency: 4, ordered: false })
  const source = numbered(10, { open: true })
  const sink = controlledSink()
  const stop = new AbortController()
  const running = consume(slow, { source, sink, signal: stop.signal })
  for (const n of [1, 2, 3]) gates[n].resolve()
  await within(5000, sink.until(3), 'three results')
  await within(5000, source.turns(20))
  assert.equal(source.acked, 0)
  gates[0].resolve()
  await within(5000, until(source, 4), 'four')
  for (const gate of gates) gate.resolve()
  await within(5000, until(source, 10), 'all')
  stop.abort()
  await within(5000, running)
})

test('chunk holds what is not full', async () => {
  const { before, numbers, sink } = await held(chunk({ maxSize: 4 }), 8)
  assert.equal(before, 8)
  assert.deepEqual(numbers, { received: 10, acked: 10, results: 3, deadLettered: 0 })
  assert.deepEqual(sink.accepted, [
    [0, 1, 2, 3],
    [4, 5, 6, 7],
    [8, 9],
  ])
})

test('batch holds what is not full', async () => {
  const { before, numbers } = await held(
    batch((events) => events, { maxSize: 4, concurrency: 2 }),
    8,
  )
  assert.equal(before, 8)
  assert.deepEqual(numbers, { received: 10, acked: 10, results: 10, deadLettered: 0 })
})

test('a window holds its events until it is over', async () => {
  const sums = window({ tumbling: 4, by: (n) => n }, (events) => events.length)
  const { before, numbers } = await held(sums, 8)
  assert.equal(before, 8)
  assert.deepEqual(numbers, { received: 10, acked: 10, results: 3, deadLettered: 0 })
})

test('a sliding window holds an event until the last of its windows is over', async () => {
  const sums = window({ sliding: 4, every: 2, by: (n) => n }, (events) => events.length)
  const { before } = await held(sums, 6)
  assert.equal(before, 6)
})

for (const [name, inner] of [
  [
    'a generator',
    async function* (events) {
      for await (const n of events) {
        if (n === 3) await new Promise(() => {})
        yield n
      }
    },
  ],
]) {
  test(`keyed over ${name}: the key that is stuck decides`, async () => {
    const source = numbered(10, { open: true })
    const sink = controlledSink()
    const running = consume(keyed(inner, { by: (n) => n % 4 }), { source, sink, maxUnacked: 100 })
    await within(5000, sink.until(8), 'what is not stuck')
    await within(5000, until(source, 3), 'three')
    await within(5000, source.turns(20))
    assert.equal(source.acked, 3)
    running.catch(() => {})
  })
}

for (const [name, operator] of [
  [
    'keyed over a stream function',
    keyed(
      streamFn(async function* pass(events) {
        for await (const n of events) yield n
      }),
      { by: (n) => n % 4 },
    ),
  ],
  [
    'keyed over an operator',
    keyed(
      map(async (n) => n, { concurrency: 3 }),
      { by: (n) => n % 2 },
    ),
  ],
  [
    'route',
    route((n) => (n % 2 ? 'odd' : 'even'), {
      odd: async function* (events) {
        for await (const n of events) yield n
      },
      even: map((n) => n),
    }),
  ],
  [
    'shard',
    shard(
      async function* (events) {
        for await (const n of events) yield n
      },
      { shards: 2 },
    ),
  ],
  [
    'shard in order',
    shard(
      async function* (events) {
        for await (const n of events) yield n
      },
      { shards: 2, ordered: true },
    ),
  ],
  [
    'a pipeline',
    map((n) => n)
      .pipe(map(async (n) => n, { concurrency: 3 }))
      .pipe(chunk({ maxSize: 5 }))
      .pipe(async function* (events) {
        for await (const all of events) yield* all
      }),
  ],
]) {
  test(`${name}: all is acknowledged while it stays open`, async () => {
    const { before, numbers } = await held(operator, 10)
    assert.equal(before, 10)
    assert.equal(numbers.results, 10)
  })
}

test('a pipeline: what a later stage holds is not done', async () => {
  const pairs = streamFn(async function* twice(events) {
    for await (const n of events) {
      yield n
      yield n
    }
  }).pipe(chunk({ maxSize: 3 }))
  const { before } = await held(pairs, 9, 10)
  assert.equal(before, 9)
})
