// What becomes of functions, sinks and sources that throw while they are consumed.

import assert from 'node:assert/strict'
import { createReadStream } from 'node:fs'
import { Readable } from 'node:stream'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { consume, runtime, streamFn } from 'velo-stream'
import { batch, map } from 'velo-stream/operators'
import { deferred } from '../support/deferred.mjs'
import { describePlacements } from '../support/placements.mjs'
import { noUnhandledRejections } from '../support/unhandled.mjs'
import { within } from '../support/within.mjs'
import { controlledSink, numbered } from './support.mjs'

const consumed = (fn, options) => within(10_000, consume(fn, options), 'consume')

/** A source that puts an event aside after so many failures. */
const strict = (count, most, more) => {
  const failures = []
  const source = numbered(count, {
    failures,
    async failed(event, error) {
      failures.push([event, error.message])
      return failures.length >= most
    },
    ...more,
  })
  return source
}

const range = (count) => Array.from({ length: count }, (_, n) => n)

describePlacements('a function that throws', (place) => {
  test(`the culprit goes aside, its neighbors do not (${place.placement})`, async () => {
    const picky = place(async function* picky(events) {
      for await (const event of events) {
        if (event === 20) throw new Error('not 20')
        yield event
      }
    })
    const source = strict(50, 3)
    const sink = controlledSink()
    const numbers = await consumed(picky, { source, sink })
    assert.deepEqual({ ...numbers, results: 0 }, { received: 50, acked: 50, results: 0, deadLettered: 1 })
    assert.deepEqual(
      source.failures,
      [0, 0, 0].map(() => [20, 'not 20']),
    )
    assert.deepEqual(
      [...new Set(sink.accepted)],
      range(50).filter((event) => event !== 20),
    )
    assert.equal(source.acked, 50)
  })
})

for (const [name, operator] of [
  ['a batch', batch(async (events) => fail17(events), { maxSize: 10 })],
  ['batches beside each other', batch(async (events) => fail17(events), { maxSize: 4, concurrency: 3 })],
  ['concurrent calls', map(async (event) => fail17([event])[0], { concurrency: 5 })],
  ['concurrent calls without order', map(async (event) => fail17([event])[0], { concurrency: 5, ordered: false })],
]) {
  test(`${name}: nothing is acknowledged that was not done`, async () => {
    const source = strict(40, 2)
    const sink = controlledSink()
    const { acked, deadLettered } = await consumed(operator, { source, sink })
    assert.deepEqual([acked, deadLettered], [40, 1])
    assert.deepEqual(
      [...new Set(sink.accepted)].sort((a, b) => a - b),
      range(40).filter((event) => event !== 17),
    )
    assert.equal(source.acks.findIndex((upTo) => upTo > 17) >= 0, true)
    assert.deepEqual(
      source.failures.map(([event]) => event),
      [17, 17],
    )
  })
}

function fail17(events) {
  if (events.includes(17)) throw new Error('17')
  return events
}

test('a source that cannot put anything aside, and onError: stop', async () => {
  const error = new Error('mine')
  const failing = streamFn(async function* failing(events) {
    for await (const event of events) {
      if (event === 3) throw error
      yield event
    }
  })
  const sink = controlledSink()
  const source = numbered(10)
  await assert.rejects(consumed(failing, { source, sink }), error)
  assert.deepEqual([source.acked, sink.accepted, sink.ends, source.ends], [3, [0, 1, 2], 1, 1])
  const other = strict(10, 1)
  await assert.rejects(consumed(failing, { source: other, onError: 'stop' }), error)
  assert.deepEqual(other.failures, [])
})

test('a sink that throws ends it; what it has not accepted is not acknowledged', async () => {
  const pass = map((n) => n)
  const error = new Error('full')
  const source = numbered(5000)
  let writes = 0
  const sink = {
    async write() {
      if (++writes > 1) throw error
    },
  }
  await assert.rejects(consumed(pass, { source, sink }), error)
  assert.ok(source.acked < 5000)
})

test('a source that throws: what it gave is finished and acknowledged first', async () => {
  const error = new Error('gone')
  const acks = []
  const source = {
    async *[Symbol.asyncIterator]() {
      yield 1
      yield 2
      throw error
    },
    ack: (upTo) => acks.push(upTo),
  }
  const sink = controlledSink()
  await assert.rejects(
    consumed(
      map((n) => n),
      { source, sink },
    ),
    error,
  )
  assert.deepEqual(sink.accepted, [1, 2])
  assert.equal(acks.at(-1), 2)
})

test('an acknowledgement that fails ends it', async () => {
  const error = new Error('no')
  const source = numbered(10, { open: true })
  source.ack = async () => {
    throw error
  }
  await assert.rejects(
    consumed(
      map((n) => n),
      { source },
    ),
    error,
  )
})

test('a function that returns early ends it: what it did not take is not acknowledged', async () => {
  const three = streamFn(async function* three(events) {
    for await (const event of events) {
      yield event
      if (event === 2) return
    }
  })
  const source = numbered(100)
  const numbers = await consumed(three, { source, sink: controlledSink() })
  assert.deepEqual([numbers.acked, numbers.results], [3, 3])
})

test('anything that can be iterated is a source', async () => {
  const sink = controlledSink()
  assert.deepEqual(
    await consumed(
      map((n) => n + 1),
      { source: [1, 2, 3], sink },
    ),
    { received: 3, acked: 3, results: 3, deadLettered: 0 },
  )
  assert.deepEqual(sink.accepted, [2, 3, 4])
  assert.deepEqual(
    await consumed(
      map((n) => n),
      { source: [] },
    ),
    { received: 0, acked: 0, results: 0, deadLettered: 0 },
  )
})

test('maxUnacked bounds what is read', async () => {
  let read = 0
  const source = {
    async *[Symbol.asyncIterator]() {
      for (;;) yield read++
    },
    ack() {},
  }
  const sink = controlledSink({ held: true })
  const stop = new AbortController()
  const running = consume(
    map((n) => n),
    { source, sink, maxUnacked: 50, signal: stop.signal },
  )
  await within(5000, sink.asked(), 'the first write')
  for (let turn = 0; turn < 50; turn++) await new Promise(setImmediate)
  assert.ok(read <= 52, `${read} were read`)
  stop.abort()
  sink.release()
  assert.equal((await within(5000, running)).acked, (await running).received)
})

test('the signal stops a wait between two deliveries', async () => {
  const stop = new AbortController()
  const source = numbered(1, {
    async failed() {
      stop.abort()
      return false
    },
  })
  const failing = map(() => {
    throw new Error('no')
  })
  assert.deepEqual(await consumed(failing, { source, signal: stop.signal }), { received: 1, acked: 0, results: 0, deadLettered: 0 })
})

test('a store that is source and sink gets whole events, and each once', async () => {
  const commits = []
  const source = numbered(20, { open: true })
  const sink = {
    write: () => assert.fail('never'),
    joined: (of) => of === source && { commit: async (results, upTo) => void commits.push([results, upTo]) },
  }
  const twice = streamFn(async function* twice(events) {
    for await (const event of events) {
      yield event
      await new Promise(setImmediate)
      yield event
    }
  })
  const stop = new AbortController()
  const running = consume(twice, { source, sink, signal: stop.signal })
  const look = async () => {
    while (commits.at(-1)?.[1] !== 20) await new Promise(setImmediate)
  }
  await within(5000, look())
  stop.abort()
  assert.deepEqual(await within(5000, running), { received: 20, acked: 20, results: 40, deadLettered: 0 })
  const stored = []
  for (const [results, upTo] of commits) {
    stored.push(...results)
    assert.equal(stored.length, 2 * upTo)
  }
  assert.deepEqual(
    stored,
    range(20).flatMap((event) => [event, event]),
  )
})

test('what is wrong is said by name', async () => {
  const fn = map((n) => n)
  for (const [options, field] of [
    [{}, 'consume(fn, options).source'],
    [{ source: [], sink: {} }, 'consume(fn, options).sink.write'],
    [{ source: [], onError: 'never' }, 'consume(fn, options).onError'],
    [{ source: [], maxUnacked: 0 }, 'consume(fn, options).maxUnacked'],
  ])
    await assert.rejects(consume(fn, options), { code: 'VELO_CONFIG', field })
  const stateful = streamFn(async function* stateful() {}, { state: { initial: 0, version: 1 } })
  for (const wrong of [() => {}, stateful]) await assert.rejects(consume(wrong, { source: [] }), { code: 'VELO_CONFIG' })
})

test('an error that stops it is a line of the log, whether or not anybody awaits it', async () => {
  const [lines, logged] = [[], deferred()]
  const log = {
    error(fields, message) {
      lines.push([fields, message])
      if (fields.code === 'velo:consume-failed') logged.resolve()
    },
  }
  runtime.configure({ log })
  try {
    async function* failing() {
      yield 1
      throw new RangeError('the broker is gone')
    }
    const totals = streamFn(async function* totals(events) {
      for await (const _ of events);
    })
    consume(totals, { source: failing() }).catch(() => {})
    await within(5000, logged.promise, 'the line')
    const own = lines.filter(([{ code }]) => code === 'velo:consume-failed')
    assert.equal(own.length, 1)
    assert.deepEqual([own[0][0].function, own[0][0].err.name], ['totals', 'RangeError'])
    assert.equal(own[0][1], 'consume of totals has stopped: the broker is gone')
  } finally {
    runtime.configure({ log: null })
  }
})

noUnhandledRejections('consume')

test('of a stream of Node.js only its iterator is used: what it calls `end` or `failed` is its own', { timeout: 20_000 }, async () => {
  const all = async function* all(events) {
    for await (const event of events) yield event
  }
  const { received } = await consumed(all, { source: createReadStream(fileURLToPath(import.meta.url)) })
  assert.ok(received > 0)
  const source = Object.assign(Readable.from([1, 2, 3]), { end: 5, failed: 'no function', batches: true, again: 1, deadLettered: 7 })
  assert.deepEqual(await consumed(all, { source }), { received: 3, acked: 3, results: 3, deadLettered: 0 })
})
