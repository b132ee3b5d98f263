// window: which events belong together, and when windows close.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { window } from 'velo-stream/operators'
import { collect, virtualClock } from 'velo-stream/testing'
import { asyncSource } from '../support/counted.mjs'
import { deferred, isPending, outcome, turns } from '../support/deferred.mjs'
import { noUnhandledRejections } from '../support/unhandled.mjs'
import { within } from '../support/within.mjs'
import { handSource, upTo } from './support/hand.mjs'

const MS = 10_000
const at = (event) => event.at

/** Events whose times are out of order by less than `lateness`. */
const disordered = fc
  .tuple(
    fc.array(fc.record({ step: fc.integer({ min: 0, max: 12 }), shift: fc.integer({ min: 0, max: 30 }) }), { maxLength: 60 }),
    fc.integer({ min: -200, max: 200 }),
  )
  .map(([steps, start]) => {
    let time = start
    let newest = -Infinity
    let lateness = 0
    const events = steps.map(({ step, shift }, id) => {
      time += step
      newest = Math.max(newest, time - shift)
      lateness = Math.max(lateness, newest - (time - shift))
      return { at: time - shift, id }
    })
    return { events, lateness }
  })

/** By time, and where that is the same as they came. */
const sorted = (events) => [...events].sort((a, b) => a.at - b.at || a.id - b.id)

/** Every window of `size` that starts at a multiple of `every` and holds an event. */
function regular(events, size, every) {
  const windows = new Map()
  for (const event of sorted(events)) {
    for (let start = Math.floor(event.at / every) * every; start + size > event.at; start -= every) {
      if (!windows.has(start)) windows.set(start, { start, end: start + size, events: [] })
      windows.get(start).events.push(event)
    }
  }
  return [...windows.values()].sort((a, b) => a.start - b.start)
}

/** Runs of events of which each is less than `gap` after the one before. */
function sessions(events, gap) {
  const windows = []
  for (const event of sorted(events)) {
    const last = windows.at(-1)
    if (last !== undefined && event.at < last.end) {
      last.events.push(event)
      last.end = event.at + gap
    } else windows.push({ start: event.at, end: event.at + gap, events: [event] })
  }
  return windows
}

describe('event time equals group-by on sorted events, when lateness covers the disorder', () => {
  const size = fc.integer({ min: 1, max: 40 })
  const check = (options, expected) =>
    fc.assert(
      fc.asyncProperty(disordered, size, size, async ({ events, lateness }, one, two) => {
        const [small, large] = [Math.min(one, two), Math.max(one, two)]
        const operator = window({ ...options(small, large), by: at, lateness })
        const want = expected(events, small, large)
        assert.deepEqual(await operator.run(events), want)
        assert.deepEqual(await collect(operator(asyncSource(events))), want)
        assert.deepEqual([operator.metrics.late, operator.metrics.windows], [0, 2 * want.length])
      }),
      { numRuns: 60 },
    )

  test('tumbling', () =>
    check(
      (small) => ({ tumbling: small }),
      (events, small) => regular(events, small, small),
    ))
  test('sliding', () =>
    check(
      (every, sliding) => ({ sliding, every }),
      (events, every, sliding) => regular(events, sliding, every),
    ))
  test('session', () =>
    check(
      (gap) => ({ session: gap }),
      (events, gap) => sessions(events, gap),
    ))

  test('without lateness: what is late is counted and told, all else is in its windows', async () => {
    await fc.assert(
      fc.asyncProperty(disordered, size, async ({ events }, tumbling) => {
        const late = []
        const operator = window({ tumbling, by: at, onLate: (event) => late.push(event) })
        const results = await operator.run(events)
        const inWindows = results.flatMap((result) => result.events)
        assert.deepEqual(sorted([...inWindows, ...late]), sorted(events))
        assert.equal(operator.metrics.late, late.length)
        for (const { start, end, events } of results) for (const event of events) assert.ok(event.at >= start && event.at < end)
      }),
      { numRuns: 60 },
    )
  })
})

describe('event time', () => {
  test('a window closes when the watermark passes its end, not before', async () => {
    const source = handSource()
    const results = window({ tumbling: 10, by: (time) => time, lateness: 5 })(source)
    const first = results.next()
    source.push(1, 9, 14)
    assert.ok(await isPending(first))
    source.push(4, 15)
    assert.deepEqual((await within(MS, first, 'the window')).value, { start: 0, end: 10, events: [1, 4, 9] })
    source.end()
    assert.deepEqual(await within(MS, collect(results), 'the rest'), [{ start: 10, end: 20, events: [14, 15] }])
  })

  test('an event that joins two sessions makes them one', async () => {
    const operator = window({ session: 5, by: (time) => time, lateness: 20 }, (events, { start, end }) => [start, end, events.length])
    assert.deepEqual(await operator.run([10, 18, 30, 14]), [
      [10, 23, 3],
      [30, 35, 1],
    ])
  })

  test('the result of `aggregate`, promises in order', async () => {
    const gates = upTo(3).map(() => deferred())
    const operator = window({ tumbling: 1, by: (time) => time }, (events) => (events[0] === 3 ? 'now' : gates[events[0]].promise))
    const results = collect(operator(asyncSource([0, 1, 2, 3])))
    await turns()
    for (const i of [2, 1, 0]) gates[i].resolve(`later ${i}`)
    assert.deepEqual(await within(MS, results, 'the end'), ['later 0', 'later 1', 'later 2', 'now'])
  })

  test('more events than `maxEvents` fail the stream with VELO_OVERRUN', async () => {
    const exact = window({ tumbling: 100, by: (time) => time, maxEvents: 3 }, (events) => events.length)
    assert.deepEqual(await exact.run([1, 2, 3, 101, 102, 103]).catch((error) => error.code), 'VELO_OVERRUN')
    assert.deepEqual(await exact.run([1, 2, 101, 102]).catch((error) => error.code), [2, 2])
    const { error } = await outcome(window({ sliding: 1e9, every: 1, by: (time) => time, maxEvents: 50 }).run([1]))
    assert.equal(error.code, 'VELO_OVERRUN')
    assert.equal(error.field, 'window(options).maxEvents')
    const overlapping = window({ sliding: 100, every: 10, by: (time) => time, maxEvents: 50 })
    const { error: told } = await outcome(overlapping.run([1, 2, 3, 4, 5, 6]))
    assert.match(told.message, /up to 10 windows at once .*room for about 5 events/)
    assert.equal(exact.metrics.streamsOpen, 0)
    const { error: plain } = await outcome(exact.run([1, 2, 3, 4]))
    assert.doesNotMatch(plain.message, /windows at once/)
  })

  test('a time that is no number fails the stream', async () => {
    const { error } = await outcome(window({ tumbling: 10, by: at }).run([{}]))
    assert.equal(error.field, 'window(options).by')
  })
})

describe('arrival time', () => {
  test('windows close by the clock, events or not', async () => {
    const clock = virtualClock()
    await clock.advance(1000)
    const source = handSource()
    const results = []
    const done = (async () => {
      for await (const { start, end, events } of window({ tumbling: 100, clock })(source)) results.push([start, end, events.join('')])
    })()
    await clock.advance(30)
    source.push('a', 'b')
    await clock.advance(60)
    assert.deepEqual(results, [])
    source.push('c')
    await clock.advance(10)
    assert.deepEqual(results, [[1000, 1100, 'abc']])
    assert.equal(clock.pending, 0)
    await clock.advance(500)
    source.push('d')
    await clock.advance(1)
    source.end()
    await within(MS, done, 'the end')
    assert.deepEqual(results, [
      [1000, 1100, 'abc'],
      [1600, 1700, 'd'],
    ])
    assert.equal(clock.pending, 0)
  })

  test('sliding and session windows', async () => {
    const clock = virtualClock()
    const run = (options) => {
      const source = handSource()
      return {
        source,
        results: collect(window({ ...options, clock }, (events, { start, end }) => `${start}-${end} ${events.join('')}`)(source)),
      }
    }
    const sliding = run({ sliding: 100, every: 50 })
    const session = run({ session: 40 })
    for (const event of 'abc') {
      for (const { source } of [sliding, session]) source.push(event)
      await clock.advance(30)
    }
    await clock.advance(200)
    for (const { source } of [sliding, session]) source.push('z')
    await clock.advance(1)
    for (const { source } of [sliding, session]) source.end()
    assert.deepEqual(await within(MS, sliding.results, 'sliding'), ['-50-50 ab', '0-100 abc', '50-150 c', '200-300 z', '250-350 z'])
    assert.deepEqual(await within(MS, session.results, 'session'), ['0-100 abc', '290-330 z'])
    assert.equal(clock.pending, 0)
  })

  test('with the clock of the machine', async () => {
    const source = handSource()
    const results = window({ tumbling: 5 })(source)
    const next = results.next()
    source.push('a')
    const { start, end, events } = (await within(MS, next, 'the window')).value
    assert.deepEqual([end - start, events], [5, ['a']])
    await results.return()
    assert.equal(source.returns, 1)
  })
})

describe('errors and early exit', () => {
  test('what the source, `by`, `aggregate` and `onLate` throw arrives untouched', async () => {
    const error = new Error('mine')
    const thrower = () => {
      throw error
    }
    const rejecter = async () => thrower()
    const by = (time) => time
    for (const [source, ...given] of [
      [asyncSource([1, 2], { fail: { error } }), { tumbling: 1, by }],
      [[1], { tumbling: 1, by: thrower }],
      [[1, 20], { tumbling: 1, by }, thrower],
      [[1, 20], { tumbling: 1, by }, rejecter],
      [[20, 1], { tumbling: 1, by, onLate: thrower }],
    ]) {
      assert.equal((await within(MS, outcome(window(...given).run(source)), 'the error')).error, error)
    }
  })

  test('early exit, close and abort leave no timer', async () => {
    for (const leave of [(stream) => stream.close(), (stream) => stream.abort(new Error('enough'))]) {
      const clock = virtualClock()
      const stream = window({ session: 1000, clock }).open()
      await stream.send(1)
      const read = outcome(stream.recv())
      await turns()
      assert.equal(clock.pending, 1)
      await leave(stream)
      await within(MS, read, 'the read')
      await within(MS, stream.closed, 'the end')
      assert.equal(clock.pending, 0)
    }
  })

  test('it is pulled in lockstep: no event ahead of who reads', async () => {
    const source = asyncSource(upTo(100))
    const results = window({ tumbling: 10, by: (time) => time })(source)
    await results.next()
    await turns()
    assert.equal(source.pulls, 11)
    await results.return()
  })
})

test('bad options are refused by name', () => {
  const cases = {
    'window(options)': [{}, { tumbling: 1, session: 1 }],
    'window(options).tumbling': [{ tumbling: 0 }, { tumbling: Infinity }],
    'window(options).every': [{ sliding: 10 }, { sliding: 10, every: 11 }, { tumbling: 10, every: 1 }],
    'window(options).session': [{ session: -1 }],
    'window(options).by': [{ tumbling: 1, by: 'at' }],
    'window(options).lateness': [
      { tumbling: 1, lateness: 1 },
      { tumbling: 1, by: at, lateness: -1 },
    ],
    'window(options).onLate': [
      { tumbling: 1, onLate: () => {} },
      { tumbling: 1, by: at, onLate: 1 },
    ],
    'window(options).maxEvents': [{ tumbling: 1, maxEvents: 0 }],
    'window(options).clock.now': [{ tumbling: 1, clock: {} }],
    'window(options).hopping': [{ tumbling: 1, hopping: 1 }],
  }
  for (const [field, all] of Object.entries(cases)) {
    for (const options of all) assert.throws(() => window(options), { code: 'VELO_CONFIG', field })
  }
  assert.throws(() => window({ tumbling: 1 }, 5), { code: 'VELO_CONFIG', field: 'window(aggregate)' })
})

test('windows of a fraction: each event is in exactly one, by its own bounds', async () => {
  for (const size of [0.1, 0.7, 1000 / 3, 1000 / 60]) {
    const fn = window({ tumbling: size, by: (time) => time })
    const times = Array.from({ length: 500 }, (_, n) => n * size)
    const windows = await within(MS, fn.run(times), 'the windows')
    assert.deepEqual(
      windows.flatMap(({ events }) => events),
      times,
    )
    assert.equal(fn.metrics.late, 0)
    for (const { start, end, events } of windows) for (const time of events) assert.ok(time >= start && time < end)
  }
})

test('aggregates of windows that close together may fail in any order: the first window is told, nothing floats', async () => {
  const first = deferred()
  const fn = window({ sliding: 20, every: 10, by: (time) => time }, (_, { start }) =>
    start < 0 ? first.promise : Promise.reject(new Error('later')),
  )
  const running = outcome(fn.run([1]))
  await turns()
  const error = new Error('mine')
  first.reject(error)
  assert.equal((await within(MS, running, 'the end')).error, error)
})

test('windows of more than a timer can wait', async () => {
  const clock = virtualClock()
  const waits = []
  const spy = { ...clock, now: clock.now, setTimeout: (callback, ms) => waits.push(ms) && clock.setTimeout(callback, ms) }
  const month = 30 * 24 * 3_600_000
  const source = handSource()
  const results = window({ tumbling: month, clock: spy })(source)
  const next = results.next()
  source.push(1)
  await clock.advance(month)
  assert.deepEqual((await within(MS, next, 'the window')).value.events, [1])
  assert.ok(waits.every((ms) => ms <= 2 ** 31 - 1))
  await results.return()
})

noUnhandledRejections('window')
