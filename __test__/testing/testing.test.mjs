// velo-stream/testing: the clock, the source and the reader do what their descriptions say, and nothing by themselves.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { collect, controlledSource, slowConsumer, virtualClock } from 'velo-stream/testing'
import { isPending, outcome, turns } from '../support/deferred.mjs'
import { noUnhandledRejections } from '../support/unhandled.mjs'
import { within } from '../support/within.mjs'

const LIMIT = 5_000

describe('virtualClock', () => {
  test('stands still until it is moved', async () => {
    const clock = virtualClock()
    let fired = false
    clock.setTimeout(() => {
      fired = true
    }, 1)
    await turns(8)
    assert.equal(fired, false)
    assert.equal(clock.now(), 0)
    assert.equal(clock.pending, 1)
    assert.equal(await clock.advance(1), 1)
    assert.equal(fired, true)
    assert.equal(clock.pending, 0)
  })

  test('fires in the order of time, and for one time in the order of setting', () =>
    fc.assert(
      fc.asyncProperty(fc.array(fc.nat(20), { maxLength: 12 }), fc.array(fc.nat(15), { maxLength: 4 }), async (delays, moves) => {
        const clock = virtualClock()
        const fired = []
        for (const [index, ms] of delays.entries()) clock.setTimeout(() => fired.push([clock.now(), index]), ms)
        let limit = 0
        for (const ms of moves) assert.equal(await clock.advance(ms), (limit += ms))
        const due = delays.map((ms, index) => [ms, index]).filter(([ms]) => moves.length > 0 && ms <= limit)
        assert.deepEqual(
          fired,
          due.sort(([a, i], [b, j]) => a - b || i - j),
        )
        assert.equal(clock.pending, delays.length - due.length)
      }),
      { numRuns: 50 },
    ))

  test('promises settle between two timers, and what they set fires in the same move', async () => {
    const clock = virtualClock()
    const seen = []
    const sleep = (ms) => new Promise((resolve) => clock.setTimeout(resolve, ms))
    const walk = (async () => {
      for (let i = 0; i < 3; i++) {
        await sleep(10)
        seen.push(clock.now())
      }
    })()
    clock.setTimeout(() => seen.push('between'), 15)
    await clock.advance(100)
    await within(LIMIT, walk, 'the walk')
    assert.deepEqual(seen, [10, 'between', 20, 30])
    assert.equal(clock.now(), 100)
  })

  test('a timer that was cleared does not fire, and no other way of moving is taken', async () => {
    const clock = virtualClock()
    const handle = clock.setTimeout(() => assert.fail('it was cleared'), 5)
    clock.clearTimeout(handle)
    clock.clearTimeout(handle)
    clock.clearTimeout(undefined)
    await clock.advance(10)
    for (const ms of [-1, Number.NaN, Infinity, '5x', undefined]) await assert.rejects(clock.advance(ms), RangeError)
  })
})

describe('controlledSource', () => {
  test('gives what is pushed, in order, before or after it is asked', async () => {
    const source = controlledSource()
    source.push('a', 'b')
    assert.deepEqual(await source.next(), { value: 'a', done: false })
    assert.deepEqual(await source.next(), { value: 'b', done: false })
    const waiting = source.next()
    assert.ok(await isPending(waiting))
    source.push('c')
    assert.deepEqual(await within(LIMIT, waiting, 'the third'), { value: 'c', done: false })
    assert.equal(source.pulled, 3)
  })

  test('pull() resolves when it is asked beyond what it has', async () => {
    const source = controlledSource()
    source.push(1)
    const pull = source.pull()
    await source.next()
    assert.ok(await isPending(pull))
    const waiting = source.next()
    await within(LIMIT, pull, 'the pull')
    await within(LIMIT, source.pull(), 'one that is there already')
    source.end()
    assert.deepEqual(await within(LIMIT, waiting, 'the end'), { value: undefined, done: true })
  })

  test('end() and fail() come after what was pushed, fail() once', async () => {
    const ended = controlledSource()
    ended.push(1)
    ended.end()
    assert.deepEqual(await collect(ended), [1])
    assert.throws(() => ended.push(2), /after the end/)
    assert.throws(() => ended.end(), /has ended/)

    const failed = controlledSource()
    const error = new Error('mine')
    failed.push(1)
    failed.fail(error)
    await failed.next()
    assert.equal((await outcome(failed.next())).error, error)
    assert.equal((await failed.next()).done, true)
  })

  test('return() is counted, drops what waits and ends a waiting read', async () => {
    const source = controlledSource()
    const waiting = source.next()
    await source.return()
    assert.equal((await within(LIMIT, waiting, 'the read')).done, true)
    assert.equal(source.returned, 1)
    for await (const _ of source) assert.fail('it is over')
    assert.equal(source.returned, 1)
  })
})

describe('slowConsumer', () => {
  test('asks once for each take(), and says when it is over', async () => {
    const source = controlledSource()
    source.push('a', 'b', 'c')
    const reader = slowConsumer(source)
    await turns()
    assert.equal(source.pulled, 0)
    assert.equal(await reader.take(), 'a')
    await turns()
    assert.equal(source.pulled, 1)
    assert.deepEqual(reader.taken, ['a'])
    assert.equal(reader.ended, false)
    await reader.leave()
    assert.equal(source.returned, 1)
    assert.ok(reader.ended)
    assert.equal(await reader.take(), undefined)
  })

  test('rejects with what the source throws', async () => {
    const source = controlledSource()
    const error = new Error('mine')
    source.fail(error)
    const reader = slowConsumer(source)
    assert.equal((await outcome(reader.take())).error, error)
    assert.ok(reader.ended)
  })
})

test('advances that are not awaited come one after the other', async () => {
  const clock = virtualClock()
  const at = []
  clock.setTimeout(() => at.push(clock.now()), 12)
  assert.deepEqual(await Promise.all([clock.advance(10), clock.advance(5), clock.advance(0)]), [10, 15, 15])
  assert.deepEqual(at, [12])
})

test('collect takes arrays, iterables, async iterables and promises among their values', async () => {
  assert.deepEqual(await collect([1, Promise.resolve(2)]), [1, 2])
  assert.deepEqual(await collect(new Set(['a'])), ['a'])
  assert.deepEqual(
    await collect(
      (async function* () {
        yield 1
      })(),
    ),
    [1],
  )
})

noUnhandledRejections('testing')
