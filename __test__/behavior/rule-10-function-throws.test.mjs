// Rule 10: what the function throws arrives once, after the results before it, as the very same value.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { ClosedError, streamFn } from 'velo-stream'
import { asyncSource, numbers } from '../support/counted.mjs'
import { deferred, outcome, turns } from '../support/deferred.mjs'
import { describePaths } from '../support/paths.mjs'
import { noUnhandledRejections } from '../support/unhandled.mjs'
import { within } from '../support/within.mjs'

const DONE = { value: undefined, done: true }

async function* same(events) {
  for await (const event of events) yield event
}

class TwoArguments extends Error {
  constructor(first, second) {
    super(`${first} ${second}`)
    this.second = second
  }
}

/** Everything that can be thrown. */
const thrown = [
  new Error('an error'),
  new RangeError('of a class'),
  new TwoArguments('of a class with', 'two arguments'),
  Object.freeze(new Error('frozen')),
  new AggregateError([new Error('in it')], 'several'),
  new DOMException('like an abort', 'AbortError'),
  undefined,
  null,
  0,
  '',
  false,
  Number.NaN,
  'a string',
  Symbol('a symbol'),
  { code: 'VELO_CLOSED' },
  Object.defineProperty({}, 'then', { value: 'not a function' }),
  Object.create(null),
  () => {},
]

const told = (value) => (typeof value === 'object' && value !== null && !(value instanceof Error) ? 'an object' : String(value))

/** Asserts that `failure` carries exactly `error`. */
function carries(failure, error) {
  assert.notEqual(failure, null, `nothing was thrown instead of ${told(error)}`)
  assert.ok(Object.is(failure.error, error), `expected ${told(error)}, got ${told(failure.error)}`)
}

describePaths('a function that throws, on every path', (path, test) => {
  test('rule 10: whatever is thrown arrives as it is', async () => {
    for (const error of thrown) {
      const fn = path.define(async function* (events) {
        for await (const event of events) {
          if (event === 2) throw error
          yield event
        }
      })
      const { failure, end } = await path.drive(fn, numbers(5))
      carries(failure, error)
      if (path.live) {
        assert.equal(end.reason, 'failed')
        assert.ok(Object.is(end.error, error))
        assert.ok('error' in end)
      }
      assert.equal(fn.metrics.closedBy.failed, 1)
      assert.equal(fn.metrics.streamsOpen, 0)
    }
  })

  test('rule 10: the results before it are delivered first', async () => {
    const error = new Error('after three hundred')
    const fn = path.define(
      async function* (events) {
        for await (const event of events) for (let i = 0; i < 100; i++) yield event * 100 + i
        throw error
      },
      { buffer: 16 },
    )
    const { results, failure } = await path.drive(fn, numbers(3))
    carries(failure, error)
    if (!path.whole) assert.deepEqual(results, numbers(300))
  })

  test('rule 10: it may throw before it reads, in its parameters, and in its finally', async () => {
    const error = new Error('early or late')
    const functions = {
      'before reading': async function* () {
        yield* []
        throw error
      },
      'in its parameters': async function* (_events, _ctx, _more = fail(error)) {},
      'in its finally': async function* (events) {
        try {
          for await (const event of events) yield event
        } finally {
          await null
          fail(error)
        }
      },
    }
    for (const [name, generator] of Object.entries(functions)) {
      const { failure } = await path.drive(path.define(generator), numbers(3))
      assert.notEqual(failure, null, name)
      assert.equal(failure.error, error, name)
    }
  })

  test('rule 10: an Error is not touched', async () => {
    const error = new Error('as it was')
    const before = { keys: Reflect.ownKeys(error), stack: error.stack, message: error.message }
    const fn = path.define(async function* (events) {
      await events.next()
      yield 1
      throw error
    })
    const { failure } = await path.drive(fn, numbers(3))
    assert.equal(failure.error, error)
    assert.deepEqual({ keys: Reflect.ownKeys(error), stack: error.stack, message: error.message }, before)
  })

  if (path.counts) {
    test('rule 10: the source is given back, once', async () => {
      const fn = path.define(async function* (events) {
        for await (const event of events) {
          if (event === 3) throw new Error('early')
          yield event
        }
      })
      const { failure, source } = await path.drive(fn, numbers(500))
      assert.equal(failure.error.message, 'early')
      await turns()
      assert.equal(source.returns, 1)
      assert.equal(source.finished, false)
    })
  }
})

function fail(error) {
  throw error
}

/** A stream whose function throws `error` when told, after passing on what it got. */
function failing(error, options) {
  const gate = deferred()
  const stream = streamFn(async function* (events) {
    const { value } = await events.next()
    yield value
    await gate.promise
    throw error
  }, options).open()
  return { stream, go: gate.resolve }
}

describe('who gets the error', () => {
  test('rule 10: the oldest waiting read gets it, the others get VELO_CLOSED with it as cause', async () => {
    const error = new Error('mine')
    const { stream, go } = failing(error)
    await within(500, stream.send(1), 'send')
    assert.equal(await within(500, stream.recv(), 'recv'), 1)
    const reads = [stream.recv(), stream.recv(), stream.recv()].map(outcome)
    await turns()
    go()
    const [first, ...others] = await within(500, Promise.all(reads), 'the reads')
    assert.equal(first.error, error)
    for (const other of others) {
      assert.ok(other.error instanceof ClosedError)
      assert.equal(other.error.code, 'VELO_CLOSED')
      assert.equal(other.error.reason, 'failed')
      assert.equal(other.error.cause, error)
    }
    const later = await within(500, outcome(stream.recv()), 'a later read')
    assert.equal(later.error.code, 'VELO_CLOSED')
    assert.equal(later.error.cause, error)
    assert.notEqual(later.error, error)
  })

  test('rule 10: with no read waiting the next one gets it, after the results', async () => {
    const error = new Error('mine')
    const { stream, go } = failing(error)
    await within(500, stream.send(1), 'send')
    go()
    const end = await within(500, stream.closed, 'closed')
    assert.equal(end.reason, 'failed')
    assert.equal(end.error, error)
    assert.deepEqual(end.dropped, { events: 0, results: 0 })
    assert.equal(await within(500, stream.recv(), 'recv'), 1)
    assert.equal((await within(500, outcome(stream.recv()), 'recv')).error, error)
    for (let i = 0; i < 2; i++) {
      const later = await within(500, outcome(stream.recv()), 'recv')
      assert.equal(later.error.code, 'VELO_CLOSED')
      assert.equal(later.error.cause, error)
    }
  })

  test('rule 10: an iterator gets it once, then it is done', async () => {
    for (const error of [new Error('mine'), undefined, 0]) {
      const { stream, go } = failing(error)
      const iterator = stream[Symbol.asyncIterator]()
      await within(500, stream.send(1), 'send')
      const reads = [iterator.next(), iterator.next(), iterator.next()].map(outcome)
      go()
      const [one, two, three] = await within(500, Promise.all(reads), 'the reads')
      assert.deepEqual(one, { value: { value: 1, done: false } })
      assert.ok('error' in two && Object.is(two.error, error))
      assert.deepEqual(three, { value: DONE })
      assert.deepEqual(await within(500, iterator.next(), 'next'), DONE)
    }
  })

  test('rule 10: recvBatch gives the results first, then the error, then nothing', async () => {
    const error = new Error('mine')
    const { stream, go } = failing(error)
    await within(500, stream.send(1), 'send')
    go()
    await within(500, stream.closed, 'closed')
    assert.deepEqual(await within(500, stream.recvBatch(10), 'recvBatch'), [1])
    assert.equal((await within(500, outcome(stream.recvBatch(10)), 'recvBatch')).error, error)
    assert.deepEqual(await within(500, stream.recvBatch(10), 'recvBatch'), [])
  })

  test('rule 10: the close in progress gets it when nobody reads', async () => {
    const error = new Error('mine')
    const { stream, go } = failing(error)
    await within(500, stream.send(1), 'send')
    await within(500, stream.recv(), 'recv')
    await turns()
    const closing = outcome(stream.close())
    go()
    assert.equal((await within(500, closing, 'close')).error, error)
    const end = await stream.closed
    assert.equal(end.reason, 'failed')
    assert.equal(end.error, error)
  })

  test('rule 10: with nobody there only closed says it, and the process goes on', async () => {
    const error = new Error('mine')
    const { stream, go } = failing(error)
    await within(500, stream.send(1), 'send')
    go()
    const end = await within(500, stream.closed, 'closed')
    assert.deepEqual(
      { ...end, error: end.error === error },
      { reason: 'failed', error: true, dropped: { events: 0, results: 0 }, refused: 0, detached: false },
    )
    await turns(8)
  })

  test('rule 10: a call gets it once, then it is done', async () => {
    const error = new Error('mine')
    const results = streamFn(async function* (events) {
      yield (await events.next()).value
      throw error
    })(asyncSource(numbers(9)))
    const reads = [results.next(), results.next(), results.next()].map(outcome)
    const [one, two, three] = await within(500, Promise.all(reads), 'the reads')
    assert.deepEqual(one, { value: { value: 0, done: false } })
    assert.equal(two.error, error)
    assert.deepEqual(three, { value: DONE })
  })

  test('rule 10: a read that gave up does not swallow it', async () => {
    const error = new Error('mine')
    const { stream, go } = failing(error)
    await within(500, stream.send(1), 'send')
    await within(500, stream.recv(), 'recv')
    const controller = new AbortController()
    const given = outcome(stream.recv({ signal: controller.signal }))
    controller.abort()
    assert.equal((await within(500, given, 'the read that gave up')).error.name, 'AbortError')
    const late = await within(2000, outcome(stream.recv({ timeout: 5 })), 'the read that timed out')
    assert.equal(late.error.code, 'VELO_TIMEOUT')
    go()
    await within(500, stream.closed, 'closed')
    assert.equal((await within(500, outcome(stream.recv()), 'recv')).error, error)
  })

  test('rule 10: ctx.signal fires when it fails, so that what it left running stops', async () => {
    let signal
    const stream = streamFn(async function* (events, ctx) {
      signal = ctx.signal
      await events.next()
      yield* []
      throw new Error('mine')
    }).open()
    await within(500, stream.send(1), 'send')
    await within(500, stream.closed, 'closed')
    assert.equal(signal.aborted, true)
  })
})

describe('senders of a stream that failed', () => {
  test('rule 10: sends reject with VELO_CLOSED and the error as cause, waiting ones and later ones', async () => {
    for (const error of [new Error('mine'), 'text', 0, null]) {
      const { stream, go } = failing(error, { buffer: 1 })
      const sends = numbers(5).map((n) => outcome(stream.send(n)))
      const batch = outcome(stream.sendBatch(['a', 'b']))
      assert.equal(await within(500, stream.recv(), 'recv'), 0)
      await turns()
      go()
      const all = await within(500, Promise.all([...sends, batch]), 'the sends')
      await within(500, stream.closed, 'closed')
      all.push(...(await Promise.all([stream.send('later'), stream.sendBatch(['later'])].map(outcome))))
      const accepted = all.filter((send) => !('error' in send)).length
      assert.equal(accepted, stream.metrics.eventsIn)
      const refused = all.slice(accepted)
      assert.ok(refused.length >= 5)
      for (const { error: refusal } of refused) {
        assert.ok(refusal instanceof ClosedError)
        assert.equal(refusal.code, 'VELO_CLOSED')
        assert.ok(Object.is(refusal.cause, error), `cause ${told(refusal.cause)}`)
        assert.equal(refusal.reason, 'failed')
      }
      assert.equal(stream.trySend('later'), false)
      const end = await stream.closed
      assert.equal(end.dropped.events, stream.metrics.eventsIn - 1)
    }
  })

  test('rule 10: a send in line behind a slow schema is refused alike', async () => {
    const check = deferred()
    const error = new Error('mine')
    const schema = { '~standard': { version: 1, vendor: 'test', validate: (value) => (value === 'slow' ? check.promise : { value }) } }
    const { stream, go } = failing(error, { schema })
    await within(500, stream.send(1), 'send')
    const send = outcome(stream.send('slow'))
    go()
    const { error: refusal } = await within(500, send, 'the send')
    assert.equal(refusal.code, 'VELO_CLOSED')
    assert.equal(refusal.cause, error)
    check.resolve({ value: 'slow' })
    await turns()
    assert.equal(stream.metrics.eventsIn, 1)
  })
})

/** Three stages; stage `index` throws `error` at the second event. `log` hears of each end. */
function pipeline(index, error, log, options) {
  const names = ['first', 'second', 'third']
  const stage = (n) => {
    const body = async function* (events) {
      try {
        for await (const event of events) {
          if (n === index && event === 1) throw error
          yield event
        }
      } catch (caught) {
        log.push([names[n], 'caught', caught])
        throw caught
      } finally {
        log.push([names[n], 'finally'])
      }
    }
    return streamFn(body, { name: names[n], ...options })
  }
  return stage(0).pipe(stage(1)).pipe(stage(2))
}

describe('pipelines', () => {
  for (const index of [0, 1, 2]) {
    const name = ['first', 'second', 'third'][index]
    test(`rule 10: the error of the ${name} stage passes through the later ones; the earlier ones get return()`, async () => {
      const error = new Error(name)
      const log = []
      const source = asyncSource(numbers(100))
      const results = pipeline(index, error, log)(source)
      assert.deepEqual(await within(500, results.next(), 'next'), { value: 0, done: false })
      assert.equal((await within(500, outcome(results.next()), 'next')).error, error)
      assert.deepEqual(await within(500, results.next(), 'next'), DONE)
      await turns()
      assert.equal(source.returns, 1)
      const caught = log.filter(([, what]) => what === 'caught')
      assert.deepEqual(
        caught.map(([stage]) => stage),
        ['first', 'second', 'third'].slice(index),
      )
      for (const [, , what] of caught) assert.equal(what, error)
      const finals = log.filter(([, what]) => what === 'finally').map(([stage]) => stage)
      assert.deepEqual(finals.sort(), ['first', 'second', 'third'])
    })

    for (const error of [new Error('an error'), undefined, null, 0, Number.NaN]) {
      test(`rule 10: closed.stage names the ${name} stage when it throws ${told(error)}`, async () => {
        const stream = pipeline(index, error, []).open()
        await within(500, stream.sendBatch(numbers(3)), 'the batch').catch(() => {})
        assert.equal(await within(500, stream.recv(), 'recv'), 0)
        const { error: got } = await within(500, outcome(stream.recv()), 'recv')
        assert.ok(Object.is(got, error))
        const end = await within(500, stream.closed, 'closed')
        assert.equal(end.reason, 'failed')
        assert.equal(end.stage, name)
        assert.ok(Object.is(end.error, error))
      })
    }
  }

  test('rule 10: the next stage may catch it and go on; then nothing has failed', async () => {
    const error = new Error('of the first')
    const fn = streamFn(async function* (events) {
      for await (const event of events) {
        if (event === 2) throw error
        yield event
      }
    }).pipe(async function* (events) {
      try {
        for await (const event of events) yield event
      } catch (caught) {
        yield { caught }
      }
      yield await events.next()
    })
    const source = asyncSource(numbers(50))
    assert.deepEqual(await within(500, fn.run(source), 'run'), [0, 1, { caught: error }, DONE])
    assert.equal(source.returns, 1)
    const stream = fn.open()
    const sending = outcome(stream.sendBatch(numbers(5)))
    const results = []
    for await (const result of stream) results.push(result)
    await within(500, sending, 'the batch')
    assert.deepEqual(results, [0, 1, { caught: error }, DONE])
    const end = await within(500, stream.closed, 'closed')
    assert.equal(end.reason, 'done')
    assert.equal(end.error, undefined)
    assert.equal(end.stage, undefined)
  })

  test('rule 10: a stage that answers with another error is the one that failed', async () => {
    const other = new Error('of the second')
    const stream = streamFn(
      async function* (events) {
        for await (const event of events) yield event
        throw new Error('of the first')
      },
      { name: 'first' },
    )
      .pipe(
        streamFn(
          async function* (events) {
            try {
              for await (const event of events) yield event
            } catch {
              throw other
            }
          },
          { name: 'second' },
        ),
      )
      .pipe(streamFn(same, { name: 'third' }))
      .open()
    stream.end()
    assert.equal((await within(500, outcome(stream.recv()), 'recv')).error, other)
    const end = await within(500, stream.closed, 'closed')
    assert.equal(end.stage, 'second')
    assert.equal(end.error, other)
  })

  test('rule 10: a stage before that throws in its finally does not hide the error', async () => {
    const error = new Error('of the second')
    const fn = streamFn(async function* (events) {
      try {
        for await (const event of events) yield event
      } finally {
        fail(new Error('while it was given back'))
      }
    }).pipe(async function* (events) {
      await events.next()
      yield 'one'
      throw error
    })
    const results = fn(numbers(10))
    assert.equal((await within(500, results.next(), 'next')).value, 'one')
    assert.equal((await within(500, outcome(results.next()), 'next')).error, error)
    await turns(8)
  })

  test('rule 10: a stage that is a plain generator is named in closed.stage as well', async () => {
    const stream = streamFn(same)
      .pipe(async function* broken(events) {
        await events.next()
        yield* []
        throw new Error('mine')
      })
      .open()
    await within(500, stream.send(1), 'send')
    const end = await within(500, stream.closed, 'closed')
    assert.equal(end.stage, 'broken')
  })

  test('rule 10: the results of every stage before the error arrive first', async () => {
    const error = new Error('of the first')
    const fn = streamFn(async function* (events) {
      for await (const event of events) yield event
      throw error
    })
      .pipe(async function* (events) {
        for await (const event of events) {
          yield event
          yield -event
        }
      })
      .pipe(same)
    const stream = fn.open()
    await within(500, stream.sendBatch([1, 2, 3]), 'the batch')
    stream.end()
    await within(500, stream.closed, 'closed')
    assert.deepEqual(await within(500, stream.recvBatch(100), 'recvBatch'), [1, -1, 2, -2, 3, -3])
    assert.equal((await within(500, outcome(stream.recv()), 'recv')).error, error)
  })
})

noUnhandledRejections('rule 10')
