// How streams on worker threads end: errors cross as copies, what came from the caller comes back as it was, close and abort reach the function,
// and a function that does not end is detached while its thread goes on. Threads that die are the business of exits.test.mjs.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { AbortError, ClosedError, runtime, streamFn } from 'velo-stream'
import { asyncSource, syncSource } from '../support/counted.mjs'
import { isPending, outcome, until } from '../support/deferred.mjs'
import { noUnhandledRejections } from '../support/unhandled.mjs'
import { within } from '../support/within.mjs'
import { Flag, flags, raise, raised } from './functions/flags.mjs'
import { things } from './functions/toss.mjs'

runtime.configure({ workers: 2 })

const on = (name, options) =>
  streamFn(new URL('functions/obey.mjs', import.meta.url), { placement: 'worker', export: name, idleTimeout: 0, ...options })
const obey = (options) => on('obey', options)
const soon = (promise, what) => within(5_000, promise, what)
const up = (row, flag, least) => soon(raised(row, flag, least), `flag ${flag}`)
const ECHO = { do: 'echo', value: 'here' }

/** A stream with a row of flags of its own. */
function open(options, fn = obey) {
  const row = flags()
  const made = fn({ context: () => row, ...options })
  return { row, fn: made, stream: made.open() }
}

async function answer(stream, order) {
  await soon(stream.send(order), 'send')
  return soon(stream.recv(), 'recv')
}

/** A thread is as it was: the streams on it live. */
const threads = () => runtime.snapshot().workers.map(({ thread }) => thread)

/** None of these was killed. While one is asked for a sign of life there may be another one in its place. */
function assertAlive(before) {
  const now = threads()
  for (const thread of before) assert.ok(now.includes(thread), `${thread} is not among ${now}`)
}

/** What `actual` has of an error, with what a copy cannot keep put aside. */
function assertCopy(actual, expected) {
  if (!(expected instanceof Error)) return assert.deepEqual(actual, expected)
  assert.notEqual(actual, expected)
  assert.ok(actual instanceof Error, String(actual))
  const { name, message, code } = expected
  assert.deepEqual({ name: actual.name, message: actual.message, code: actual.code }, { name, message, code })
  assert.match(actual.stack, new RegExp(message))
  assert.match(actual.stack, /toss\.mjs/)
  // A class may keep its name as a property of its own.
  assert.deepEqual({ ...actual, name: undefined }, { ...expected, name: undefined })
  assert.equal('cause' in actual, 'cause' in expected)
  if ('cause' in expected) assertCopy(actual.cause, expected.cause)
  if (expected.errors) for (const [i, error] of expected.errors.entries()) assertCopy(actual.errors[i], error)
}

describe('what the function throws', () => {
  for (const [what, make] of Object.entries(things)) {
    test(`arrives as a copy: ${what}`, async () => {
      const fn = obey()
      const orders = [ECHO, { do: 'toss', what }]
      const expected = make()

      const { error } = await soon(outcome(fn.run(orders)), 'run')
      assertCopy(error, expected)

      const call = fn(orders)
      assert.equal((await soon(call.next(), 'the first result')).value, 'here')
      const called = await soon(outcome(call.next()), 'the second')
      assert.ok('error' in called)
      assertCopy(called.error, expected)

      const stream = fn.open()
      await soon(stream.sendBatch([...orders, ECHO]), 'the batch')
      assert.equal(await soon(stream.recv(), 'what came before'), 'here')
      const read = await soon(outcome(stream.recv()), 'recv')
      assert.ok('error' in read)
      assertCopy(read.error, expected)
      const end = await soon(stream.closed, 'closed')
      assert.equal(end.reason, 'failed')
      assert.equal(end.error, read.error, 'it is told once, and that one')
      assert.deepEqual(end.dropped, { events: 1, results: 0 })
      const later = (await soon(outcome(stream.recv()), 'a later recv')).error
      assert.ok(later instanceof ClosedError)
      assert.equal(later.cause, read.error)
      assert.equal((await soon(outcome(stream.send(ECHO)), 'a later send')).error.code, 'VELO_CLOSED')
    })
  }

  test('builtin classes stay what they are', async () => {
    for (const [what, kind] of Object.entries({
      typeError: TypeError,
      rangeError: RangeError,
      aggregate: AggregateError,
      abort: DOMException,
    })) {
      const { error } = await soon(outcome(obey().run([{ do: 'toss', what }])), 'run')
      assert.ok(error instanceof kind, `${what}: ${error?.constructor?.name}`)
    }
  })

  test('to a read that waits, and to the iterator', async () => {
    const { stream } = open()
    const reading = outcome(stream.recv())
    await soon(stream.send({ do: 'toss', what: 'own' }), 'send')
    assert.equal((await soon(reading, 'recv')).error.degrees, 451)
    const again = obey().open()
    await soon(again.send({ do: 'toss', what: 'own' }), 'send')
    await assert.rejects(
      soon(
        (async () => {
          for await (const _ of again);
        })(),
        'for await',
      ),
      { name: 'TooHot', code: 'E_HOT' },
    )
  })

  test('its signal fires with what it threw, and its permit is free', async () => {
    const { row, fn, stream } = open()
    await soon(stream.send({ do: 'toss', what: 'own' }), 'send')
    await soon(stream.closed, 'closed')
    assert.equal(fn.metrics.streamsOpen, 0)
    await up(row, Flag.Signaled)
  })
})

describe('what the source throws', () => {
  const errors = [
    new TypeError('mine'),
    Object.freeze(new Error('frozen')),
    { not: 'an error' },
    'text',
    undefined,
    0,
    Symbol('odd'),
    () => {},
  ]
  const whole = 'sync source, run'
  const ways = {
    [whole]: (fn, error) => fn.run(syncSource([ECHO, ECHO], { fail: { error } })),
    'async source, run': (fn, error) => fn.run(asyncSource([ECHO, ECHO], { fail: { error } })),
    'async source, call': async (fn, error) => {
      for await (const _ of fn(asyncSource([ECHO, ECHO], { fail: { error } })));
    },
    'async source, feed': async (fn, error) => {
      for await (const _ of fn.open().feed(asyncSource([ECHO, ECHO], { fail: { error } })));
    },
  }
  for (const [name, drive] of Object.entries(ways)) {
    test(`comes back as the very same: ${name}`, async () => {
      for (const error of errors) {
        const got = await soon(outcome(drive(obey(), error)), name)
        assert.ok('error' in got, `${String(error)}`)
        assert.equal(got.error, error)
      }
    })
  }

  test('and through a pipeline of workers, with a stage between', async () => {
    const error = new Error('mine')
    const thread = new URL('functions/relay.mjs', import.meta.url)
    const relay = () => streamFn(thread, { placement: 'worker' })
    async function* local(events) {
      yield* events
    }
    for (const fn of [relay().pipe(relay()), relay().pipe(local), streamFn(local).pipe(relay()), relay().pipe(local).pipe(relay())]) {
      const got = await soon(outcome(fn.run(asyncSource([1, 2], { fail: { error } }))), fn.name)
      assert.equal(got.error, error, fn.name)
    }
  })

  test('may be caught, and the function goes on', async () => {
    const fn = streamFn(new URL('functions/relay.mjs', import.meta.url), { placement: 'worker', export: 'forgiving' })
    const error = Object.assign(new TypeError('mine'), { code: 'E_MINE' })
    assert.deepEqual(await soon(fn.run(asyncSource([1, 2], { fail: { error } })), 'run'), [1, 2, 'TypeError: mine (E_MINE)', true])
  })
})

describe('abort', () => {
  test('events throws an AbortError with the reason, ctx.signal fires, and finally runs', async () => {
    const { row, stream, fn } = open()
    await answer(stream, ECHO)
    // Past its yield, where it would get return() instead.
    await up(row, Flag.Passed)
    const reading = outcome(stream.recv())
    const reason = new Error('enough')
    stream.abort(reason)
    const { error } = await soon(reading, 'the read')
    assert.ok(error instanceof AbortError)
    assert.equal(error.code, 'VELO_ABORTED')
    assert.equal(error.cause, reason, 'the very reason')
    const end = await soon(stream.closed, 'closed')
    assert.equal(end.reason, 'aborted')
    assert.equal(end.error, error)
    assert.equal(end.detached, false)
    for (const flag of [Flag.Signaled, Flag.Aborted, Flag.Left]) assert.equal(Atomics.load(row, flag), 1, `flag ${flag}`)
    assert.equal(fn.metrics.streamsOpen, 0)
  })

  test('one suspended at a yield gets return()', async () => {
    const { row, stream } = open({ buffer: 1 })
    for (let i = 0; i < 2; i++) await soon(stream.send(ECHO), 'send')
    await up(row, Flag.Given, 2)
    stream.abort()
    const end = await soon(stream.closed, 'closed')
    assert.equal(end.reason, 'aborted')
    assert.equal(end.dropped.results, stream.metrics.eventsOut)
    assert.deepEqual(
      [Flag.Signaled, Flag.Left, Flag.Ended].map((flag) => Atomics.load(row, flag)),
      [1, 1, 0],
    )
  })

  for (const [name, options] of [
    ['the signal of open', (signal) => ({ signal })],
    ['maxDuration', () => undefined],
  ]) {
    test(`${name}`, async () => {
      const row = flags()
      const controller = new AbortController()
      const fn = obey({ context: () => row, ...(name === 'maxDuration' ? { maxDuration: 100 } : {}) })
      const stream = fn.open(options(controller.signal))
      await answer(stream, ECHO)
      const reading = outcome(stream.recv())
      const reason = new Error('the caller left')
      if (name !== 'maxDuration') controller.abort(reason)
      const { error } = await soon(reading, 'the read')
      assert.equal(error.code, 'VELO_ABORTED')
      if (name === 'maxDuration') assert.equal(error.cause.code, 'VELO_TIMEOUT')
      else assert.equal(error.cause, reason)
      await soon(stream.closed, 'closed')
      assert.deepEqual(
        [Flag.Signaled, Flag.Aborted, Flag.Left].map((flag) => Atomics.load(row, flag)),
        [1, 1, 1],
      )
    })
  }

  test('the signal of a run, while its source is silent', async () => {
    const row = flags()
    const controller = new AbortController()
    const source = asyncSource([ECHO])
    const silent = { [Symbol.asyncIterator]: () => silent, next: () => new Promise(() => {}), return: async () => ({ done: true }) }
    source.return = undefined
    const running = outcome(obey({ context: () => row }).run(silent, { signal: controller.signal }))
    await up(row, Flag.Started)
    controller.abort('why')
    const { error } = await soon(running, 'run')
    assert.deepEqual([error.code, error.cause], ['VELO_ABORTED', 'why'])
    await up(row, Flag.Aborted)
    await up(row, Flag.Left)
  })

  test('a function that computes: the caller is told at once, and it leaves when it has done', async () => {
    const { row, fn, stream } = open()
    const neighbors = [obey().open(), obey().open()]
    for (const neighbor of neighbors) await answer(neighbor, ECHO)
    await soon(stream.send({ do: 'compute' }), 'send')
    await up(row, Flag.Begun)
    const reading = outcome(stream.recv())
    stream.abort()
    assert.equal((await within(1_000, reading, 'the read')).error.code, 'VELO_ABORTED')
    assert.ok(await isPending(stream.closed))
    assert.equal(Atomics.load(row, Flag.Left), 0)
    raise(row, Flag.Go)
    const end = await soon(stream.closed, 'closed')
    assert.deepEqual([end.reason, end.detached], ['aborted', false])
    assert.equal(Atomics.load(row, Flag.Left), 1)
    assert.equal(fn.metrics.streamsOpen, 0)
    for (const neighbor of neighbors) assert.equal(await answer(neighbor, ECHO), 'here')
    await Promise.all(neighbors.map((neighbor) => neighbor.close()))
  })
})

describe('close', () => {
  test('one that waits for an event sees the end, and finally has run when close() returns', async () => {
    const { row, stream } = open()
    await answer(stream, ECHO)
    await soon(stream.close(), 'close')
    assert.deepEqual(
      [Flag.Signaled, Flag.Ended, Flag.Left].map((flag) => Atomics.load(row, flag)),
      [1, 1, 1],
    )
    assert.deepEqual(await within(5000, stream.closed, 'closed'), {
      reason: 'closed',
      dropped: { events: 0, results: 0 },
      refused: 0,
      detached: false,
    })
  })

  test('before the start, and while the module is loaded: nothing is left', async () => {
    const { row, fn, stream } = open()
    await soon(stream.close(), 'close')
    assert.equal(Atomics.load(row, Flag.Started), 0)
    const loading = streamFn(new URL('functions/late.mjs?closed', import.meta.url), { placement: 'worker' })
    const second = loading.open()
    const sending = soon(second.send(1), 'send')
    const closing = second.close()
    await sending
    await soon(closing, 'close')
    // The module may have been loaded in time: then the event was given to the function, and its result is dropped.
    const { dropped } = await within(5000, second.closed, 'closed')
    assert.equal(dropped.events + dropped.results, 1)
    assert.equal(fn.metrics.streamsOpen + loading.metrics.streamsOpen, 0)
  })

  test('events that wait are dropped and counted', async () => {
    const { row, stream } = open()
    await soon(stream.sendBatch([{ do: 'wait' }, ...Array(20).fill(ECHO)]), 'the batch')
    await up(row, Flag.Begun)
    const closing = stream.close()
    await up(row, Flag.Signaled)
    assert.ok(await isPending(closing))
    raise(row, Flag.Go)
    await soon(closing, 'close')
    assert.equal(Atomics.load(row, Flag.Given), 1)
    assert.deepEqual((await within(5000, stream.closed, 'closed')).dropped, { events: 20, results: 1 })
    assert.equal(stream.metrics.eventsIn, 21)
  })

  test('results yielded in finally are dropped and counted, and it runs to its end', async () => {
    const row = flags()
    const fn = streamFn(new URL('functions/relay.mjs', import.meta.url), {
      placement: 'worker',
      export: 'talkative',
      buffer: 1,
      context: () => row,
    })
    const stream = fn.open()
    for (let i = 0; i < 2; i++) await soon(stream.send(i), 'send')
    await up(row, Flag.Given, 2)
    await soon(stream.close(), 'close')
    assert.equal(Atomics.load(row, Flag.Left), 200)
    const { dropped, detached } = await within(5000, stream.closed, 'closed')
    assert.equal(detached, false)
    assert.equal(dropped.results, stream.metrics.eventsOut)
    assert.equal(dropped.results, 200 + 2 - dropped.events)
  })

  test('an error in finally rejects that close once', async () => {
    const fn = streamFn(new URL('functions/relay.mjs', import.meta.url), { placement: 'worker', export: 'failing' })
    const stream = fn.open()
    assert.equal(await answer(stream, 1), 1)
    const { error } = await soon(outcome(stream.close()), 'close')
    assert.equal(error.message, 'in finally')
    assert.equal(error.code, 'E_FINALLY')
    assert.equal((await within(5000, stream.closed, 'closed')).error, error)
    assert.deepEqual(await outcome(stream.close()), { value: undefined })
  })

  test('a break in a loop over a call returns the source once, and ends the function', async () => {
    const row = flags()
    const source = asyncSource(Array(50).fill(ECHO))
    for await (const _ of obey({ context: () => row })(source, { ahead: 0 })) break
    assert.deepEqual([source.pulls, source.returns], [1, 1])
    await up(row, Flag.Left)
    assert.equal(Atomics.load(row, Flag.Signaled), 1)
  })
})

describe('a function that does not end', () => {
  test('is detached after closeTimeout; the thread answers, so it is not killed', async () => {
    const { row, fn, stream } = open({ closeTimeout: 60 })
    await soon(stream.send({ do: 'wait' }), 'send')
    await up(row, Flag.Begun)
    const before = threads()
    const neighbors = Array.from({ length: 4 }, () => obey().open())
    for (const neighbor of neighbors) await answer(neighbor, ECHO)
    const started = performance.now()
    await soon(stream.close(), 'close')
    assert.ok(performance.now() - started >= 60)
    const end = await soon(stream.closed, 'closed')
    assert.deepEqual(end, { reason: 'closed', dropped: { events: 0, results: 0 }, refused: 0, detached: true })
    assert.deepEqual([fn.metrics.streamsOpen, fn.metrics.streamsDetached], [0, 1])
    // For much longer than a ping may take: nobody notices anything.
    while (performance.now() - started < 400) for (const neighbor of neighbors) assert.equal(await answer(neighbor, ECHO), 'here')
    assertAlive(before)
    assert.equal(fn.metrics.streamsDetached, 1)
    raise(row, Flag.Go)
    await up(row, Flag.Left)
    await until(5_000, () => fn.metrics.streamsDetached === 0, 'attached again')
    await Promise.all(neighbors.map((neighbor) => soon(neighbor.close(), 'close')))
  })

  test('one that computes for longer than closeTimeout, but answers the ping in time, costs nobody his thread', async () => {
    const { row, fn, stream } = open({ closeTimeout: 500 })
    const neighbors = Array.from({ length: 4 }, () => obey().open())
    for (const neighbor of neighbors) await answer(neighbor, ECHO)
    await soon(stream.send({ do: 'compute' }), 'send')
    await up(row, Flag.Begun)
    const before = threads()
    await soon(stream.close(), 'close')
    assert.equal((await within(5000, stream.closed, 'closed')).detached, true)
    raise(row, Flag.Go)
    await up(row, Flag.Left)
    const started = performance.now()
    while (performance.now() - started < 700) for (const neighbor of neighbors) assert.equal(await answer(neighbor, ECHO), 'here')
    assertAlive(before)
    assert.deepEqual([fn.metrics.streamsOpen, fn.metrics.streamsDetached], [0, 0])
    await Promise.all(neighbors.map((neighbor) => soon(neighbor.close(), 'close')))
  })

  test('what it throws when it is detached reaches nobody, and is counted', async () => {
    const { row, fn, stream } = open({ closeTimeout: 40 })
    await soon(stream.sendBatch([{ do: 'wait' }]), 'send')
    await up(row, Flag.Begun)
    await soon(stream.close(), 'close')
    raise(row, Flag.Go)
    await until(5_000, () => fn.metrics.streamsDetached === 0, 'attached again')
    assert.equal(fn.metrics.lateErrors, 0)
    assert.equal((await within(5000, stream.closed, 'closed')).reason, 'closed')
  })

  test('a function that yields for ever in finally is detached, and its thread goes on', async () => {
    const row = flags()
    const fn = streamFn(new URL('functions/relay.mjs', import.meta.url), {
      placement: 'worker',
      export: 'endless',
      buffer: 1,
      closeTimeout: 80,
      context: () => row,
    })
    const stream = fn.open()
    // It is suspended at its second yield.
    for (let i = 0; i < 2; i++) await soon(stream.send(i), 'send')
    await up(row, Flag.Given, 2)
    const before = threads()
    await soon(stream.close(), 'close')
    assert.equal((await within(5000, stream.closed, 'closed')).detached, true)
    const neighbors = Array.from({ length: 4 }, () => obey().open())
    const started = performance.now()
    while (performance.now() - started < 300) for (const neighbor of neighbors) assert.equal(await answer(neighbor, ECHO), 'here')
    assertAlive(before)
    raise(row, Flag.Go)
    await until(5_000, () => fn.metrics.streamsDetached === 0, 'attached again')
    await Promise.all(neighbors.map((neighbor) => soon(neighbor.close(), 'close')))
  })
})

noUnhandledRejections('ends on workers')
