// Calls beside each other: how many, in which order their results come, what is pulled ahead, and how they end.

import assert from 'node:assert/strict'
import { getEventListeners } from 'node:events'
import { describe, test } from 'node:test'
import { streamFn } from 'velo-stream'
import { filter, flatMap, map, take } from 'velo-stream/operators'
import { collect, controlledSource, slowConsumer } from 'velo-stream/testing'
import { deferred, isPending, outcome, turns, until } from '../support/deferred.mjs'
import { noUnhandledRejections } from '../support/unhandled.mjs'
import { within } from '../support/within.mjs'

const LIMIT = 5_000
const numbers = (count) => Array.from({ length: count }, (_, n) => n)

/** Calls that a test settles one by one; knows how many are under way. */
function held() {
  const calls = []
  const state = { calls, underWay: 0, most: 0 }
  state.fn = (event, call) => {
    const gate = deferred()
    calls.push({ event, call, ...gate })
    state.most = Math.max(state.most, ++state.underWay)
    const leave = () => state.underWay--
    gate.promise.then(leave, leave)
    return gate.promise
  }
  return state
}

describe('concurrency', () => {
  test('calls really are under way at the same time (nodejs/node#46132)', async () => {
    const all = deferred()
    let started = 0
    const fn = map(
      async (n) => {
        if (++started === 4) all.resolve()
        await all.promise // settles only when four calls have begun
        return n
      },
      { concurrency: 4 },
    )
    assert.deepEqual(await within(LIMIT, fn.run(numbers(4)), 'four calls'), numbers(4))
  })

  test('a free place is taken although an earlier call is slow', async () => {
    const work = held()
    const running = map(work.fn, { concurrency: 2, buffer: 5 }).run(numbers(6))
    await until(LIMIT, () => work.calls.length === 2, 'two calls')
    for (let next = 1; next < 6; next++) {
      work.calls[next].resolve(next)
      if (next < 5) await until(LIMIT, () => work.calls.length === next + 2, `call ${next + 2}`)
    }
    work.calls[0].resolve(0)
    assert.deepEqual(await within(LIMIT, running, 'the results'), numbers(6))
    assert.equal(work.most, 2)
  })

  for (const ordered of [true, false]) {
    test(`never more than concurrency under way, never more than the buffer beside them, ordered: ${ordered}`, async () => {
      const work = held()
      const source = controlledSource()
      source.push(...numbers(100))
      const reader = slowConsumer(map(work.fn, { concurrency: 3, buffer: 2, ordered })(source))
      const first = reader.take()
      await until(LIMIT, () => work.calls.length === 3, 'three calls')
      await turns()
      assert.equal(work.calls.length, 3)
      for (let i = 0; i < work.calls.length; i++) {
        work.calls[i].resolve(i)
        await turns()
      }
      // One was read; three places under way and two in the buffer are all taken by finished results.
      assert.equal(await within(LIMIT, first, 'the first result'), 0)
      assert.equal(work.calls.length, 6)
      assert.equal(source.pulled, 6)
      assert.equal(await within(LIMIT, reader.take(), 'the second'), 1)
      await turns()
      assert.equal(source.pulled, 7)
      assert.equal(work.most, 3)
      await within(LIMIT, reader.leave(), 'leaving')
      assert.equal(source.returned, 1)
    })
  }

  test('with one call at a time nothing is pulled ahead of the reader', async () => {
    for (const options of [{}, { timeout: 60_000 }]) {
      const source = controlledSource()
      source.push(...numbers(10))
      const reader = slowConsumer(map(async (n) => n, options)(source))
      await within(LIMIT, reader.take(), 'one result')
      await within(LIMIT, reader.take(), 'one more')
      await turns()
      assert.equal(source.pulled, 2)
      await reader.leave()
    }
  })
})

describe('order', () => {
  test('ordered: each result as soon as those before it are there', async () => {
    const work = held()
    const results = map(work.fn, { concurrency: 3 })(numbers(3))
    const first = results.next()
    await until(LIMIT, () => work.calls.length === 3, 'three calls')
    work.calls[1].resolve('b')
    assert.ok(await isPending(first))
    work.calls[0].resolve('a')
    assert.equal((await within(LIMIT, first, 'the first')).value, 'a')
    assert.equal((await within(LIMIT, results.next(), 'the second')).value, 'b')
    await results.return()
  })

  test('as completed: each result when it is there', async () => {
    const work = held()
    const results = map(work.fn, { concurrency: 3, ordered: false })(numbers(3))
    const first = results.next()
    await until(LIMIT, () => work.calls.length === 3, 'three calls')
    work.calls[2].resolve('c')
    assert.equal((await within(LIMIT, first, 'the first')).value, 'c')
    work.calls[0].resolve('a')
    assert.equal((await within(LIMIT, results.next(), 'the second')).value, 'a')
    await results.return()
  })

  test('filter keeps the order of events whatever their verdicts take', async () => {
    const work = held()
    const running = filter(work.fn, { concurrency: 3 }).run(['a', 'b', 'c'])
    await until(LIMIT, () => work.calls.length === 3, 'three calls')
    work.calls[2].resolve(true)
    work.calls[1].resolve(false)
    work.calls[0].resolve(true)
    assert.deepEqual(await within(LIMIT, running, 'the events'), ['a', 'c'])
  })
})

describe('early ends', () => {
  const ways = {
    'a break': async (results) => {
      for await (const _ of results) break
    },
    'return()': async (results) => {
      await results.next()
      await results.return()
    },
  }
  for (const [name, leave] of Object.entries(ways)) {
    test(`${name} aborts the signal of every call under way and gives the source back`, async () => {
      const work = held()
      const source = controlledSource()
      source.push(...numbers(4))
      const fn = map(work.fn, { concurrency: 4 })
      const leaving = leave(fn(source))
      await until(LIMIT, () => work.calls.length === 4, 'four calls')
      const signals = work.calls.map(({ call }) => call.signal)
      work.calls[0].resolve(0)
      await within(LIMIT, leaving, 'leaving')
      assert.deepEqual(
        signals.map(({ aborted }) => aborted),
        [false, true, true, true],
      )
      assert.equal(source.returned, 1)
      assert.equal(fn.metrics.underWay, 0)
      // Rejections that come now are nobody's.
      for (const { reject } of work.calls.slice(1)) reject(new Error('late'))
    })
  }

  test('a signal that is asked for after the end has fired already', async () => {
    const work = held()
    const results = map(work.fn, { concurrency: 2 })(numbers(2))
    const first = results.next()
    await until(LIMIT, () => work.calls.length === 2, 'two calls')
    work.calls[0].resolve(0)
    await within(LIMIT, first, 'the first')
    await within(LIMIT, results.return(), 'leaving')
    assert.ok(work.calls[1].call.signal.aborted)
  })

  for (const options of [{}, { concurrency: 4 }, { timeout: 60_000 }]) {
    test(`close() and abort() do not wait for a call that hangs: ${JSON.stringify(options)}`, async () => {
      for (const end of ['close', 'abort']) {
        const work = held()
        const stream = map(work.fn, options).open()
        await stream.send(1)
        await until(LIMIT, () => work.calls.length === 1, 'a call')
        const { signal } = work.calls[0].call
        stream[end](new Error('enough'))
        const closed = await within(LIMIT, stream.closed, end)
        assert.equal(closed.detached, false)
        assert.equal(closed.reason, end === 'close' ? 'closed' : 'aborted')
        assert.ok(signal.aborted)
      }
    })
  }

  test('take after calls ends them when it has enough', async () => {
    const work = held()
    const source = controlledSource()
    source.push(...numbers(10))
    const running = map(work.fn, { concurrency: 3 }).pipe(take(1)).run(source)
    await until(LIMIT, () => work.calls.length === 3, 'three calls')
    const { signal } = work.calls[2].call
    work.calls[0].resolve('only')
    assert.deepEqual(await within(LIMIT, running, 'the result'), ['only'])
    assert.ok(signal.aborted)
    assert.equal(source.returned, 1)
  })

  test('take does not ask for an event more than it gives, take(0) for none', async () => {
    const source = controlledSource()
    source.push(1, 2, 3)
    assert.deepEqual(await within(LIMIT, collect(take(2)(source)), 'two'), [1, 2])
    assert.equal(source.pulled, 2)
    assert.equal(source.returned, 1)
    const untouched = controlledSource()
    assert.deepEqual(await within(LIMIT, collect(take(0)(untouched)), 'none'), [])
    assert.equal(untouched.pulled, 0)
    assert.equal(untouched.returned, 1)
  })

  test('leaving a flatMap leaves the iterable it is in, and its signal fires', async () => {
    for (const options of [{}, { concurrency: 2 }]) {
      const left = deferred()
      let signal
      const fn = flatMap(async function* (n, call) {
        signal = call.signal
        try {
          yield n
          yield n
        } finally {
          left.resolve()
        }
      }, options)
      for await (const _ of fn([1, 2])) break
      await within(LIMIT, left.promise, 'its finally')
      assert.ok(signal.aborted)
    }
  })

  test('no listener stays on a signal of the caller', async () => {
    const controller = new AbortController()
    const fn = map(async (n) => n, { concurrency: 4 }).pipe(map(async (n) => n))
    for (let i = 0; i < 20; i++) await fn.run(numbers(5), { signal: controller.signal })
    assert.deepEqual(getEventListeners(controller.signal, 'abort'), [])
  })
})

describe('errors', () => {
  for (const ordered of [true, false]) {
    test(`fail: the results before it, then the very same error, the rest is aborted, ordered: ${ordered}`, async () => {
      const work = held()
      const source = controlledSource()
      source.push(...numbers(10))
      const error = new Error('mine')
      const fn = map(work.fn, { concurrency: 4, ordered })
      const results = []
      const reading = (async () => {
        for await (const result of fn(source)) results.push(result)
      })()
      const failing = outcome(reading)
      await until(LIMIT, () => work.calls.length === 4, 'four calls')
      work.calls[0].resolve('first')
      await until(LIMIT, () => results.length === 1 && work.calls.length === 5, 'the first result')
      const later = work.calls[4].call.signal
      work.calls[2].reject(error)
      if (ordered) {
        await until(LIMIT, () => later.aborted, 'the abort of what comes after it')
        work.calls[1].resolve('second')
      }
      assert.equal((await within(LIMIT, failing, 'the end')).error, error)
      assert.deepEqual(results, ordered ? ['first', 'second'] : ['first'])
      assert.ok(later.aborted)
      assert.equal(source.returned, 1)
      const { done, failed, skipped, underWay } = fn.metrics
      assert.deepEqual({ done, failed, skipped, underWay }, { done: ordered ? 2 : 1, failed: 1, skipped: 0, underWay: 0 })
    })
  }

  test('what a source throws comes after the results of all its events, untouched, and the source is not given back', async () => {
    for (const options of [{}, { concurrency: 4 }]) {
      const source = controlledSource()
      const error = { any: 'thing' }
      source.push(1, 2)
      source.fail(error)
      const results = []
      const reading = (async () => {
        for await (const result of map(async (n) => n, options)(source)) results.push(result)
      })()
      assert.equal((await within(LIMIT, outcome(reading), 'the end')).error, error)
      assert.deepEqual(results, [1, 2])
      assert.equal(source.returned, 0)
    }
  })

  test('a step that throws gives its source back before the error comes', async () => {
    const error = new Error('sync')
    const source = controlledSource()
    source.push(1, 2)
    const fn = map((n) => n + 1)
      .pipe(filter(() => true))
      .pipe(
        map((n) => {
          if (n === 3) throw error
          return n
        }),
      )
    const results = []
    const reading = (async () => {
      for await (const result of fn(source)) results.push(result)
    })()
    assert.equal((await within(LIMIT, outcome(reading), 'the end')).error, error)
    assert.deepEqual(results, [2])
    assert.equal(source.returned, 1)
  })

  test('flatMap refuses what cannot be iterated, and strings', async () => {
    for (const options of [{}, { concurrency: 2 }]) {
      for (const value of [5, undefined, 'text', {}]) {
        const fn = flatMap(() => value, options)
        const { error } = await within(LIMIT, outcome(fn.run([1])), 'the end')
        assert.ok(error instanceof TypeError)
        assert.match(error.message, /^flatMap\(fn\): expected an iterable or an async iterable from fn, got /)
        assert.equal(fn.metrics.failed, 1)
      }
    }
  })
})

describe('steps', () => {
  test('a million events in a row may be dropped', async () => {
    const fn = filter((n) => n === 999_999)
    const source = (async function* () {
      for (let n = 0; n < 1_000_000; n++) yield n
    })()
    assert.deepEqual(await within(30_000, fn.run(source), 'the last one'), [999_999])
  })

  test('operators are stream functions: they open, pipe into plain generators and from them', async () => {
    const double = map((n) => n * 2)
    assert.equal(double.name, 'map')
    assert.equal(double.pipe(filter(Boolean)).name, 'map|filter')
    assert.equal(double.with({ name: 'double' }).name, 'double')
    const plus = async function* plus(events) {
      for await (const n of events) yield n + 1
    }
    assert.deepEqual(await double.pipe(plus).run([1, 2]), [3, 5])
    assert.deepEqual(await streamFn(plus).pipe(double).pipe(double).run([1, 2]), [8, 12])
    const stream = double.open()
    await stream.send(4)
    assert.equal(await within(LIMIT, stream.recv(), 'the result'), 8)
    await stream.close()
  })

  test('with() gives a copy that counts for itself, and checks its options', async () => {
    const fn = map((n) => n)
    const copy = fn.with({ maxConcurrent: 1 })
    await copy.run([1, 2])
    assert.equal(fn.metrics.done, 0)
    assert.equal(copy.metrics.done, 2)
    assert.equal(copy.metrics.eventsIn, 2)
    assert.throws(() => fn.with({ buffer: 0 }), { code: 'VELO_CONFIG', field: 'with(options).buffer' })
  })

  test('each operator of a fused pipeline counts for itself', async () => {
    const [plus, odd] = [map((n) => n + 1), filter((n) => n % 2 === 1)]
    await plus.pipe(odd).run([1, 2, 3])
    assert.equal(plus.metrics.done, 3)
    assert.deepEqual([odd.metrics.done, odd.metrics.skipped], [1, 2])
  })

  test('a schema on a later operator is kept', async () => {
    const schema = {
      '~standard': { version: 1, vendor: 'test', validate: (value) => (value > 0 ? { value } : { issues: [{ message: 'too small' }] }) },
    }
    const positive = map((n) => n).with({ schema })
    const { error } = await within(
      LIMIT,
      outcome(
        map((n) => -n)
          .pipe(positive)
          .run([1]),
      ),
      'the end',
    )
    assert.equal(error.code, 'VELO_EVENT')
  })
})

noUnhandledRejections('calls')
