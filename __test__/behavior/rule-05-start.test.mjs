// Rule 5: a stream starts at its first accepted event, read or `end()`, not before; the call form is pulled in lockstep.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { streamFn } from 'velo-stream'
import { asyncSource, numbers } from '../support/counted.mjs'
import { deferred, isPending, outcome, turns } from '../support/deferred.mjs'
import { describePaths } from '../support/paths.mjs'
import { noUnhandledRejections } from '../support/unhandled.mjs'
import { within } from '../support/within.mjs'

/** A stream function that says when it starts. */
function starter(options) {
  const got = { count: 0, ...deferred() }
  got.fn = streamFn(async function* (events) {
    got.count++
    got.resolve()
    for await (const event of events) yield event
  }, options)
  return got
}

describe('what starts a stream', () => {
  const starts = {
    'send()': (stream) => stream.send(1),
    'trySend()': (stream) => void stream.trySend(1),
    'sendBatch()': (stream) => stream.sendBatch([1]),
    'recv()': (stream) => stream.recv(),
    'recvBatch()': (stream) => stream.recvBatch(3),
    'next()': (stream) => stream[Symbol.asyncIterator]().next(),
    'end()': (stream) => stream.end(),
    'feed()': (stream) => void stream.feed([1]),
    'feed() of nothing': (stream) => void stream.feed([]),
  }
  for (const [name, start] of Object.entries(starts)) {
    test(`rule 5: ${name} starts it, once`, async () => {
      const got = starter()
      const stream = got.fn.open()
      await turns()
      assert.equal(got.count, 0)
      const waits = outcome(Promise.resolve(start(stream)))
      await within(1000, got.promise, 'the start')
      await within(1000, stream.close(), 'close')
      await within(1000, waits, 'what started it')
      assert.equal(got.count, 1)
    })
  }

  const idles = {
    'open()': () => {},
    'asking for an iterator': (stream) => void stream[Symbol.asyncIterator](),
    'its state, metrics and closed': (stream) => void [stream.state, stream.metrics, stream.closed, stream.id],
    'an empty batch': (stream) => stream.sendBatch([]),
    'a send that was aborted before': (stream) => outcome(stream.send(1, { signal: AbortSignal.abort() })),
    'a read that was aborted before': (stream) => outcome(stream.recv({ signal: AbortSignal.abort() })),
    'making a Duplex of it': (stream) => void stream.toDuplex(),
    'making Web streams of it': (stream) => void stream.toWeb(),
  }
  for (const [name, idle] of Object.entries(idles)) {
    test(`rule 5: ${name} does not start it`, async () => {
      const got = starter()
      const stream = got.fn.open()
      await within(1000, Promise.resolve(idle(stream)), name)
      await turns()
      assert.equal(got.count, 0)
      assert.equal(stream.state, 'open')
      await within(1000, stream.close(), 'close')
      assert.equal(got.count, 0)
    })
  }

  test('rule 5: an event that its schema refuses does not start it', async () => {
    const schema = { '~standard': { version: 1, vendor: 'test', validate: () => ({ issues: [{ message: 'no' }] }) } }
    const got = starter({ schema })
    const stream = got.fn.open()
    assert.equal((await within(1000, outcome(stream.send(1)), 'send')).error.code, 'VELO_EVENT')
    await turns()
    assert.equal(got.count, 0)
    await stream.close()
  })

  test('rule 5: a stream closed before it started never runs its function', async () => {
    const got = starter()
    const stream = got.fn.open()
    await within(500, stream.close(), 'close')
    assert.deepEqual(await within(500, stream.closed, 'closed'), {
      reason: 'closed',
      dropped: { events: 0, results: 0 },
      refused: 0,
      detached: false,
    })
    await turns()
    assert.equal(got.count, 0)
    assert.equal(got.fn.metrics.streamsOpen, 0)
  })

  test('rule 5: a stream aborted before it started never runs its function', async () => {
    const got = starter()
    const stream = got.fn.open()
    stream.abort('why')
    const end = await within(500, stream.closed, 'closed')
    assert.equal(end.reason, 'aborted')
    assert.equal(end.error.cause, 'why')
    assert.equal(end.detached, false)
    const { error } = await within(500, outcome(stream.recv()), 'recv')
    assert.equal(error.name, 'AbortError')
    assert.equal((await within(500, outcome(stream.recv()), 'recv')).error.code, 'VELO_CLOSED')
    assert.equal(got.count, 0)
  })

  test('rule 5: a signal that has fired before open() aborts the stream before it starts', async () => {
    const got = starter()
    const stream = got.fn.open({ signal: AbortSignal.abort('early') })
    const end = await within(500, stream.closed, 'closed')
    assert.equal(end.reason, 'aborted')
    assert.equal(end.error.cause, 'early')
    assert.equal(stream.trySend(1), false)
    assert.equal(got.count, 0)
    assert.equal(got.fn.metrics.streamsOpen, 0)
  })

  test('rule 5: run() with a signal that has fired touches neither function nor source', async () => {
    const got = starter()
    const source = asyncSource(numbers(3))
    const { error } = await within(500, outcome(got.fn.run(source, { signal: AbortSignal.abort('early') })), 'run')
    assert.equal(error.name, 'AbortError')
    assert.equal(error.cause, 'early')
    assert.equal(got.count, 0)
    assert.equal(source.pulls, 0)
    assert.equal(got.fn.metrics.streamsOpen, 0)
  })

  test('rule 5: a stream that waits for a permit does not start, whatever is asked of it', async () => {
    const got = starter({ maxConcurrent: 1, queue: 1 })
    const first = got.fn.open()
    const second = got.fn.open()
    assert.equal(second.state, 'waiting')
    const send = second.send(1)
    const read = second.recv()
    second.end()
    assert.ok(await isPending(send))
    assert.equal(got.count, 0)
    await within(500, first.close(), 'close')
    assert.equal(await within(1000, read, 'read'), 1)
    await within(500, send, 'send')
    assert.equal((await within(500, second.closed, 'closed')).reason, 'done')
    assert.equal(got.count, 1)
  })
})

describe('running ahead', () => {
  test('rule 5: an open stream works on what is buffered before anybody reads', async () => {
    let seen = 0
    const stream = streamFn(async function* (events) {
      for await (const event of events) {
        seen++
        yield event
      }
    }).open()
    await within(500, stream.sendBatch(numbers(100)), 'the batch')
    await turns()
    assert.equal(seen, 100)
    assert.equal(stream.metrics.eventsOut, 100)
    await stream.close()
  })
})

/** What happens when `make(source)` is read three times with turns between, and then left. */
async function trace(make, { returns }) {
  const log = []
  const source = {
    [Symbol.asyncIterator]() {
      return this
    },
    n: 0,
    async next() {
      log.push(`pull ${this.n}`)
      return this.n < 5 ? { value: this.n++, done: false } : { value: undefined, done: true }
    },
    async return() {
      log.push('source returned')
      return { value: undefined, done: true }
    },
  }
  const results = make(async function* (events) {
    log.push('start')
    try {
      for await (const event of events) {
        log.push(`event ${event}`)
        if (event % 2 === 0) yield event
        log.push(`after ${event}`)
      }
      yield 'last'
      log.push('after last')
    } finally {
      log.push('finally')
    }
  }, source)
  await turns()
  log.push('-- made')
  for (let i = 0; i < (returns ? 2 : 6); i++) {
    const { value, done } = await within(1000, results.next(), `next ${i}`)
    await turns()
    log.push(`-- got ${value} ${done === true}`)
  }
  if (returns) {
    await within(1000, results.return(), 'return')
    log.push('-- returned')
    log.push(`-- then ${(await within(1000, results.next(), 'next')).done}`)
  }
  return log
}

describe('the call form', () => {
  for (const returns of [false, true]) {
    test(`rule 5: fn(source) does what a bare generator does, step by step${returns ? ', left early' : ''}`, async () => {
      const bare = await trace((fn, source) => fn(source), { returns })
      const ours = await trace((fn, source) => streamFn(fn)(source), { returns })
      assert.deepEqual(ours, bare)
    })
  }

  test('rule 5: a pipeline called on a source does what nested bare generators do', async () => {
    async function* double(events) {
      for await (const event of events) {
        yield event
        yield event
      }
    }
    const bare = await trace((fn, source) => double(fn(source)), { returns: false })
    const ours = await trace((fn, source) => streamFn(fn).pipe(double)(source), { returns: false })
    assert.deepEqual(ours, bare)
  })

  test('rule 5: fn(source) that nobody reads touches neither function nor source', async () => {
    const got = starter()
    const source = asyncSource(numbers(3))
    const results = got.fn(source)
    await turns()
    assert.deepEqual([got.count, source.opens, source.pulls, got.fn.metrics.streamsOpened], [0, 0, 0, 0])
    assert.deepEqual(await within(500, results.return('v'), 'return'), { value: 'v', done: true })
    assert.deepEqual(await within(500, results.next(), 'next'), { value: undefined, done: true })
    assert.deepEqual([got.count, source.opens, source.pulls, source.returns], [0, 0, 0, 0])
    assert.equal(got.fn.metrics.streamsOpen, 0)
  })

  test('rule 5: fn(source) takes its permit at the first read', async () => {
    const fn = streamFn(
      async function* (events) {
        for await (const event of events) yield event
      },
      { maxConcurrent: 1 },
    )
    const one = fn([1, 2])
    const two = fn([3, 4])
    assert.equal((await within(500, two.next(), 'the second')).value, 3)
    assert.equal((await within(500, outcome(one.next()), 'the first')).error.code, 'VELO_OVERLOADED')
    await two.return()
  })
})

describePaths(
  'start on every path',
  (path, test) => {
    test('rule 5: the function runs once, also where there is no event', async () => {
      let starts = 0
      const fn = path.define(async function* (events) {
        starts++
        for await (const _ of events) assert.fail('no event was sent')
        yield starts
      })
      assert.deepEqual((await path.drive(fn, [])).results, [1])
      assert.deepEqual((await path.drive(fn, [])).results, [2])
      assert.equal(starts, 2)
    })
  },
  { plain: true },
)

noUnhandledRejections('rule 5')
