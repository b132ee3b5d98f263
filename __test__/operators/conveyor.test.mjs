// What the Python library Conveyor was seen to get wrong in pipelines of tasks: the same program with operators does what its author meant.

import assert from 'node:assert/strict'
import { Readable } from 'node:stream'
import { describe, test } from 'node:test'
import { batch, flatMap, map } from 'velo-stream/operators'
import { collect, controlledSource, slowConsumer } from 'velo-stream/testing'
import { deferred, outcome, turns, until } from '../support/deferred.mjs'
import { noUnhandledRejections } from '../support/unhandled.mjs'
import { within } from '../support/within.mjs'

const LIMIT = 10_000
const numbers = (count) => Array.from({ length: count }, (_, n) => n)
const later = (n) => Promise.resolve(n)

describe('errors reach the consumer', () => {
  for (const options of [{}, { concurrency: 3 }, { concurrency: 3, ordered: false }]) {
    for (const place of [0, 1, 2]) {
      test(`of stage ${place + 1} of 3, with ${JSON.stringify(options)}`, async () => {
        const error = new Error('mine')
        const bad = async (n) => {
          if (n === 3) throw error
          return n
        }
        const stages = [later, later, later].with(place, bad).map((fn) => map(fn, options))
        const results = []
        const reading = (async () => {
          for await (const result of stages[0].pipe(stages[1]).pipe(stages[2])([1, 2, 3, 4, 5])) results.push(result)
        })()
        assert.equal((await within(LIMIT, outcome(reading), 'the end')).error, error)
        if (options.ordered !== false) assert.deepEqual(results, [1, 2])
        assert.equal(stages[place].metrics.failed, 1)
      })
    }
  }

  test('of a generator while it is iterated: onError decides', async () => {
    const fn = flatMap(
      function* (n) {
        yield n
        if (n === 1) throw new Error('on the way')
      },
      { onError: 'skip' },
    )
    assert.deepEqual(await fn.run([0, 1, 2]), [0, 1, 2])
    assert.deepEqual([fn.metrics.done, fn.metrics.skipped], [2, 1])
  })

  test('of a batch: a handler gets the events, not None', async () => {
    const fn = batch(() => Promise.reject(new Error('all')), { maxSize: 2, onError: (_, events) => events.map(String) })
    assert.deepEqual(await fn.run([1, 2, 3]), ['1', '2', '3'])
  })
})

test('skipItem of a batch leaves out the event that fails, not the whole batch', async () => {
  const fn = batch((ns) => (ns.includes(2) ? Promise.reject(new Error('two')) : ns), { maxSize: 3, onError: 'skipItem' })
  assert.deepEqual(await fn.run([1, 2, 3]), [1, 3])
})

test('a handler that gives null or undefined gives a result', async () => {
  assert.deepEqual(await map(() => Promise.reject(new Error('all')), { onError: () => null }).run([1]), [null])
  assert.deepEqual(await map(() => Promise.reject(new Error('all')), { onError: () => undefined }).run([1]), [undefined])
})

test('null results stay, arrays of map stay arrays, objects of batch stay objects', async () => {
  assert.deepEqual(await map(() => null).run([1, 2]), [null, null])
  assert.deepEqual(await map((n) => [n, n]).run([1]), [[1, 1]])
  assert.deepEqual(await batch((ns) => ({ sum: ns.length }), { maxSize: 2 }).run([1, 2]), [{ sum: 2 }])
})

test('null among the events is an event, not the end', async () => {
  const fn = map((value) => value, { concurrency: 2, ordered: false })
  assert.deepEqual(await fn.run([1, null, undefined, 2]), [1, null, undefined, 2])
})

test('a tail shorter than minSize is not dropped', async () => {
  assert.deepEqual(await batch((ns) => ns, { maxSize: 3, minSize: 2 }).run(numbers(7)), numbers(7))
})

test('every kind of source is one source of many events', async () => {
  const double = map((n) => later(n * 2), { concurrency: 2 }).pipe(map((n) => n))
  const three = [
    [1, 2, 3],
    new Set([1, 2, 3]),
    new Map([[1, 1]]).keys(),
    (function* () {
      yield* [1, 2, 3]
    })(),
    (async function* () {
      yield* [1, 2, 3]
    })(),
    Readable.from([1, 2, 3]),
    map((n) => n)([1, 2, 3]),
  ]
  for (const source of three) {
    const expected = source[Symbol.toStringTag] === 'Map Iterator' ? [2] : [2, 4, 6]
    assert.deepEqual(await within(LIMIT, double.run(source), 'the results'), expected)
  }
})

test('a source is not drained ahead of its reader', async () => {
  for (const [options, most] of [
    [{}, 5],
    [{ concurrency: 4 }, 5 + 8],
    [{ concurrency: 4, ordered: false, buffer: 2 }, 5 + 6],
  ]) {
    const source = controlledSource()
    source.push(...numbers(20_000))
    const reader = slowConsumer(map(later, options)(source))
    for (let i = 0; i < 5; i++) await reader.take()
    await turns(20)
    assert.equal(source.pulled, most)
    await reader.leave()
  }
})

test('concurrency is kept: 50 events never see more than 2 calls', async () => {
  let [underWay, most] = [0, 0]
  const fn = map(
    async (n) => {
      most = Math.max(most, ++underWay)
      await turns(1)
      underWay--
      return n
    },
    { concurrency: 2 },
  )
  assert.deepEqual(await within(LIMIT, fn.run(numbers(50)), 'the results'), numbers(50))
  assert.equal(most, 2)
})

test('finished results do not pile up behind a slow one', async () => {
  const slow = deferred()
  let calls = 0
  const fn = map(
    (n) => {
      calls++
      return n === 0 ? slow.promise : n
    },
    { concurrency: 4, buffer: 6 },
  )
  const running = fn.run(numbers(1_000))
  await until(LIMIT, () => calls === 10, 'what fits')
  await turns(20)
  assert.equal(calls, 10)
  slow.resolve(0)
  assert.deepEqual(await within(LIMIT, running, 'the results'), numbers(1_000))
})

test('a break lets nothing else run to completion', async () => {
  for (const ordered of [true, false]) {
    let calls = 0
    const fn = map(
      (n) => {
        calls++
        return later(n)
      },
      { concurrency: 2, ordered },
    )
    for await (const _ of fn(numbers(1_000))) break
    const after = calls
    await turns(20)
    assert.equal(calls, after)
    assert.ok(calls <= 5)
  }
})

test('an operator keeps nothing of a run: streams of one operator do not meet', async () => {
  let seen = []
  const fn = map(
    (n, { index }) => {
      seen.push(index)
      return n
    },
    { concurrency: 2 },
  )
  const [first, second] = await Promise.all([fn.run([1, 2]), fn.run([3, 4])])
  assert.deepEqual(
    [first, second],
    [
      [1, 2],
      [3, 4],
    ],
  )
  assert.deepEqual(seen.sort(), [0, 0, 1, 1])
  seen = []
  const frozen = Object.freeze({ concurrency: 2, retry: Object.freeze({ attempts: 2 }) })
  const [one, two] = [map(later, frozen), batch((ns) => ns, Object.freeze({ maxSize: 2 }))]
  assert.deepEqual(await collect(one.pipe(two)(numbers(5))), numbers(5))
  assert.deepEqual(await collect(one.pipe(two)(numbers(5))), numbers(5))
})

test('the price of an event does not grow with the number of calls under way', async () => {
  // 20 000 calls wait at once; a search among them for each result would be 400 million steps.
  const gate = deferred()
  let calls = 0
  const count = 20_000
  const fn = map(
    (n) => {
      if (++calls === count) gate.resolve()
      return gate.promise.then(() => n)
    },
    { concurrency: count },
  )
  assert.deepEqual(await within(LIMIT, fn.run(numbers(count)), 'all of them'), numbers(count))
})

test('no event is lost between three stages whose calls take their time at random', async () => {
  const random = (n) => {
    let promise = later(n)
    for (let i = Math.floor(Math.random() * 8); i > 0; i--) promise = promise.then((x) => x)
    return promise
  }
  for (const ordered of [true, false]) {
    const stage = () => map(random, { concurrency: 7, ordered })
    const results = await within(LIMIT, stage().pipe(stage()).pipe(stage()).run(numbers(5_000)), 'the results')
    assert.deepEqual(ordered ? results : results.sort((a, b) => a - b), numbers(5_000))
  }
})

noUnhandledRejections('conveyor')
