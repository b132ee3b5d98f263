// The ways to use a stream function with a source, called and run, and what each of them gives.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { runtime } from 'velo-stream'
import { asyncSource, numbers } from '../support/counted.mjs'
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

async function* pass(events) {
  for await (const event of events) yield event
}

describePlacements('fn(source)', (place) => {
  const fn = place(average)

  test('gives an async iterable iterator of the results', async () => {
    const results = fn([10, 20])
    assert.equal(results[Symbol.asyncIterator](), results)
    assert.deepEqual(await within(1000, results.next(), 'next'), { value: 10, done: false })
    assert.deepEqual(await within(1000, results.next(), 'next'), { value: 15, done: false })
    assert.deepEqual(await within(1000, results.next(), 'next'), { value: undefined, done: true })
    assert.deepEqual(await within(1000, results.next(), 'next'), { value: undefined, done: true })
  })

  test('does nothing until it is asked', async () => {
    const source = asyncSource([1, 2, 3])
    const before = runtime.snapshot().streamsOpened
    const results = fn(source)
    await place.settled(2)
    assert.deepEqual([source.opens, source.pulls, runtime.snapshot().streamsOpened], [0, 0, before])
    assert.deepEqual(await within(1000, results.return(5), 'return'), { value: 5, done: true })
    assert.deepEqual(await within(1000, results.next(), 'next'), { value: undefined, done: true })
    assert.deepEqual([source.opens, source.pulls, source.returns], [0, 0, 0])
  })

  test('pulls in lockstep, as a bare generator does', async () => {
    const ours = asyncSource([1, 2, 3, 4])
    const bare = asyncSource([1, 2, 3, 4])
    const results = fn(ours, { ahead: 0 })
    const generator = average(bare)
    for (let i = 0; i < 3; i++) {
      assert.deepEqual(await within(1000, results.next(), 'next'), await generator.next())
      await place.settled(2)
      assert.equal(ours.pulls, bare.pulls)
    }
    await within(1000, results.return(), 'return')
    assert.equal(ours.returns, 1)
  })

  test('several next() at once are served in order', async () => {
    const results = fn([10, 20, 30])
    const all = await within(1000, Promise.all([results.next(), results.next(), results.next(), results.next()]), 'next')
    assert.deepEqual(
      all.map(({ value }) => value),
      [10, 15, 20, undefined],
    )
  })

  test('return() settles a pending next() at once, which a bare generator cannot', async () => {
    const source = { [Symbol.asyncIterator]: () => source, next: () => new Promise(() => {}) }
    const results = fn(source)
    const pending = results.next()
    assert.ok(await place.isPending(pending))
    assert.deepEqual(await within(1000, results.return(), 'return'), { value: undefined, done: true })
    assert.deepEqual(await within(1000, pending, 'next'), { value: undefined, done: true })
  })

  test('throw(error) ends it and rejects with the error', async () => {
    const source = asyncSource([1, 2, 3])
    const results = fn(source, { ahead: 0 })
    await within(1000, results.next(), 'next')
    const error = new Error('thrown in')
    await assert.rejects(within(1000, results.throw(error), 'throw'), (thrown) => thrown === error)
    await place.soon(() => assert.deepEqual([source.returns, fn.metrics.streamsOpen], [1, 0]))
  })

  test('a signal ends it: the pending next() rejects, then it is done', async () => {
    const controller = new AbortController()
    const source = asyncSource([1, 2, 3])
    const results = fn(source, { signal: controller.signal, ahead: 0 })
    await within(1000, results.next(), 'next')
    controller.abort('enough')
    await assert.rejects(within(1000, results.next(), 'next'), { name: 'AbortError', code: 'VELO_ABORTED', cause: 'enough' })
    assert.deepEqual(await within(1000, results.next(), 'next'), { value: undefined, done: true })
    await place.soon(() => assert.equal(source.returns, 1))
  })

  test('each call is an instance of its own', async () => {
    const both = [fn([1, 3]), fn([10, 30])]
    const seen = []
    for (let i = 0; i < 2; i++) for (const results of both) seen.push((await within(1000, results.next(), 'next')).value)
    assert.deepEqual(seen, [1, 10, 2, 20])
    await Promise.all(both.map((results) => results.return()))
  })
})

describePlacements('fn(source, { ahead })', (place) => {
  const fn = place(average)

  test('pulls and makes no more than that before somebody asks, and all of it in order', async () => {
    for (const ahead of [1, 2, 5]) {
      const source = asyncSource(numbers(100))
      const results = fn(source, { ahead })
      const expected = []
      for await (const result of average(numbers(100))) expected.push(result)
      for (let i = 0; i < 20; i++) {
        assert.deepEqual(await within(1000, results.next(), 'next'), { value: expected[i], done: false })
        await place.settled(3)
        // Between two threads each channel holds so many, and one is in the function's hands.
        const most = place.worker ? 2 * ahead + 2 : ahead
        assert.ok(source.pulls <= i + 1 + most, `${source.pulls} pulls after ${i + 1} reads, ahead ${ahead}`)
      }
      assert.deepEqual(await within(2000, collect(results)), expected.slice(20))
    }
  })

  test('runs ahead of a reader who takes his time', async () => {
    const source = asyncSource(numbers(100))
    const results = fn(source, { ahead: 10 })
    await within(1000, results.next(), 'next')
    await place.soon(() => assert.ok(source.pulls >= 11, `${source.pulls} pulls`), 40)
    await within(1000, results.return(), 'return')
    assert.equal(source.returns, 1)
    await place.soon(() => {
      const { eventsOut, dropped, streamsOpen } = fn.metrics
      assert.equal(streamsOpen, 0)
      assert.ok(dropped.results <= eventsOut)
    })
  })

  test('results that wait come before the error of the function, which comes once', async () => {
    const failing = place(async function* (events) {
      for await (const event of events) {
        if (event === 3) throw new RangeError('three')
        yield event
      }
    })
    const results = failing(numbers(9), { ahead: 8 })
    const seen = []
    await assert.rejects(
      within(
        2000,
        (async () => {
          for await (const result of results) {
            seen.push(result)
            await place.settled(2)
          }
        })(),
      ),
      { name: 'RangeError', message: 'three' },
    )
    assert.deepEqual(seen, [0, 1, 2])
    assert.deepEqual(await within(1000, results.next(), 'next'), { value: undefined, done: true })
  })

  test('aborted, what waits is dropped and counted', async () => {
    const own = place(average)
    const controller = new AbortController()
    const results = own(asyncSource(numbers(100)), { ahead: 10, signal: controller.signal })
    await within(1000, results.next(), 'next')
    await place.soon(() => assert.ok(own.metrics.eventsIn >= 2))
    controller.abort()
    await assert.rejects(within(1000, results.next(), 'next'), { code: 'VELO_ABORTED' })
    await place.soon(() => {
      const { eventsIn, eventsOut, dropped, streamsOpen } = own.metrics
      assert.equal(streamsOpen, 0)
      assert.ok(dropped.results >= 1 && dropped.results < eventsOut, JSON.stringify({ eventsIn, eventsOut, dropped }))
    })
  })

  test('is an option of the function too, and checked', async () => {
    const source = asyncSource(numbers(100))
    const results = place(average, { ahead: 3 })(source)
    await within(1000, results.next(), 'next')
    await place.soon(() => assert.ok(source.pulls >= 4, `${source.pulls} pulls`), 40)
    await results.return()
    assert.throws(() => fn([], { ahead: -1 }), { code: 'VELO_CONFIG', message: /fn\(source, options\)\.ahead: expected an integer from 0/ })
    assert.throws(() => place(average, { ahead: 1.5 }), { code: 'VELO_CONFIG', field: 'streamFn(options).ahead' })
  })
})

describePlacements('run(source)', (place) => {
  const fn = place(average)

  test('collects everything', async () => {
    assert.deepEqual(await within(1000, fn.run([10, 20, 30]), 'run'), [10, 15, 20])
    assert.deepEqual(await within(1000, fn.run([]), 'run'), [])
    assert.deepEqual(await within(1000, fn.run(new Set([10, 20])), 'run'), [10, 15])
    assert.deepEqual(await within(1000, place(pass).run('ab'), 'run'), ['a', 'b'])
  })

  test('runs at once and ahead, without anybody who asks', async () => {
    const source = asyncSource([1, 2, 3])
    const running = fn.run(source)
    await place.soon(() => assert.ok(source.finished))
    await within(1000, running, 'run')
    assert.equal(source.returns, 0)
  })

  test('reads one event ahead of the function here, up to `buffer` on a worker', async () => {
    const gate = place.gate()
    const source = asyncSource(numbers(100))
    const fn = place(
      async function* (events) {
        for await (const event of events) {
          await gate.promise
          yield event
        }
      },
      { buffer: 4 },
      { gate },
    )
    const running = fn.run(source)
    // The one in the function's hands, and those ahead of it.
    const pulled = 1 + (place.worker ? 4 : 1)
    await place.soon(() => assert.equal(source.pulls, pulled))
    await place.settled()
    assert.equal(source.pulls, pulled)
    gate.open()
    assert.equal((await within(1000, running, 'run')).length, 100)
  })

  test('an array that changes meanwhile is read as it is, as by an iterator', async () => {
    // A worker's source is read up to `buffer` events ahead: what is added must lie beyond.
    const array = place.worker ? [1, ...numbers(100)] : [1, 2]
    const push = place.callback((event) => void array.push(event))
    const fn = place(
      async function* (events) {
        for await (const event of events) {
          if (event === 1) await push('added')
          yield event
        }
      },
      place.worker ? { buffer: 4 } : {},
      { push },
    )
    const results = await within(1000, fn.run(array), 'run')
    assert.equal(results.at(-1), 'added')
    assert.deepEqual(results, array)
  })

  test('undefined, null, NaN, -0, 0n, the empty string and holes go through', async () => {
    const values = [undefined, null, NaN, -0, 0n, '']
    const results = await within(1000, place(pass).run(values), 'run')
    assert.deepEqual(results, values)
    // biome-ignore lint/suspicious/noSparseArray: the case under test
    assert.deepEqual(await within(1000, place(pass).run([1, , 3]), 'run'), [1, undefined, 3])
  })

  test('objects are the very same here, and copies from a worker', async () => {
    const object = { deep: [1] }
    const [result] = await within(1000, place(pass).run([object]), 'run')
    place.same(result, object)
  })

  test('a symbol goes through here, and cannot travel to a worker', async () => {
    const running = place(pass).run([1, { deep: [Symbol.iterator] }])
    if (!place.worker) return assert.equal((await running)[1].deep[0], Symbol.iterator)
    await assert.rejects(within(1000, running, 'run'), { code: 'VELO_CODEC', retryable: false, field: /deep\[0\]/ })
  })

  test('an aborted signal refuses before the source is touched', async () => {
    const source = asyncSource([1])
    await assert.rejects(within(1000, fn.run(source, { signal: AbortSignal.abort('early') }), 'run'), {
      code: 'VELO_ABORTED',
      cause: 'early',
    })
    assert.equal(source.pulls, 0)
    assert.equal(fn.metrics.streamsOpen, 0)
  })

  test('works when it is taken off its function', async () => {
    const { run, open, pipe } = fn
    const with_ = fn.with
    assert.deepEqual(await within(1000, run([2, 4]), 'run'), [2, 3])
    assert.deepEqual(await within(1000, pipe(average).run([2, 4]), 'run'), [2, 2.5])
    assert.deepEqual(await within(1000, with_({ buffer: 1 }).run([2, 4]), 'run'), [2, 3])
    await within(1000, open().close(), 'close')
  })
})

describePlacements('recursion', (place) => {
  test('a function may run its own function inside', async () => {
    // On a worker, the function inside is a local one of that thread.
    const factorial = place(
      async function* (events) {
        for await (const n of events) yield n <= 1 ? 1 : n * (await factorial.run([n - 1]))[0]
      },
      {},
      { factorial: place.self },
    )
    assert.deepEqual(await within(1000, factorial.run([5, 10]), 'run'), [120, 3628800])
  })
})

noUnhandledRejections('calls')
