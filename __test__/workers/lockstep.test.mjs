// A call in lockstep on a worker thread: the function goes on from its `yield` to where it waits, and says so along with its result. Nothing is pulled before a result is
// wanted.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { asyncSource, numbers } from '../support/counted.mjs'
import { describePlacements } from '../support/placements.mjs'
import { within } from '../support/within.mjs'

const next = (results) => within(2_000, results.next(), 'next')

describePlacements('a call in lockstep', (place) => {
  test('of a function that takes several events for a result pulls as many as it asks for', async () => {
    const source = asyncSource(numbers(9))
    const results = place(async function* sums(events) {
      let sum = 0
      let count = 0
      for await (const event of events) {
        sum += event
        if (++count % 3 === 0) yield sum
      }
    })(source, { ahead: 0 })
    for (const [i, sum] of [3, 15, 36].entries()) {
      assert.deepEqual(await next(results), { value: sum, done: false })
      await place.settled(2)
      assert.equal(source.pulls, 3 * (i + 1))
    }
    assert.deepEqual(await next(results), { value: undefined, done: true })
  })

  test('of a function that gives several results for an event pulls when it asks', async () => {
    const source = asyncSource(['a', 'b'])
    const results = place(async function* thrice(events) {
      for await (const event of events) for (let i = 0; i < 3; i++) yield event + i
      yield 'end'
    })(source, { ahead: 0 })
    const seen = []
    for (let i = 0; i < 7; i++) {
      seen.push((await next(results)).value)
      await place.settled(2)
      assert.ok(source.pulls <= (i < 3 ? 1 : i < 6 ? 2 : 3), `${source.pulls} pulls after ${i + 1} results`)
    }
    assert.deepEqual(seen, ['a0', 'a1', 'a2', 'b0', 'b1', 'b2', 'end'])
    assert.deepEqual(await next(results), { value: undefined, done: true })
  })

  test('of a function that catches what its source throws, and asks on', async () => {
    const failure = new Error('from the source')
    const results = place(async function* goesOn(events) {
      try {
        for await (const event of events) yield event
      } catch (error) {
        yield error.message
      }
      for await (const event of events) yield event
    })(asyncSource(numbers(2), { fail: { error: failure } }), { ahead: 0 })
    const seen = []
    for (let one = await next(results); !one.done; one = await next(results)) seen.push(one.value)
    assert.deepEqual(seen, [0, 1, 'from the source'])
  })

  test('of a function that asks twice at once', async () => {
    const source = asyncSource(numbers(4))
    const results = place(async function* pairs(events) {
      const iterator = events[Symbol.asyncIterator]()
      for (;;) {
        const [first, second] = await Promise.all([iterator.next(), iterator.next()])
        if (first.done) return
        yield [first.value, second.value]
      }
    })(source, { ahead: 0 })
    for (const pair of [
      [0, 1],
      [2, 3],
    ]) {
      assert.deepEqual(await next(results), { value: pair, done: false })
      await place.settled(2)
      assert.equal(source.pulls, pair[1] + 1)
    }
    assert.deepEqual(await next(results), { value: undefined, done: true })
  })

  test('of many events, with a reader that is slow now and then', async () => {
    const source = asyncSource(numbers(2_000))
    const results = place(async function* same(events) {
      for await (const event of events) yield event
    })(source, { ahead: 0 })
    for (let i = 0; i < 2_000; i++) {
      assert.equal((await next(results)).value, i)
      if (i % 400 !== 0) continue
      await place.settled(2)
      assert.equal(source.pulls, i + 1)
    }
    assert.equal((await next(results)).done, true)
  })

  test('that is left has pulled no more than was read, and gives the source back', async () => {
    const source = asyncSource(numbers(9))
    const fn = place(async function* same(events) {
      for await (const event of events) yield event
    })
    for await (const result of fn(source, { ahead: 0 })) if (result === 2) break
    await place.soon(() => assert.deepEqual([source.pulls, source.returns, fn.metrics.streamsOpen], [3, 1, 0]))
    assert.equal(fn.metrics.dropped.events, 0)
  })
})

describePlacements('after its last result', (place) => {
  test('a function in lockstep may end or throw: that comes after the result', async () => {
    const failure = new Error('after the result')
    const ends = place(async function* ends(events) {
      for await (const event of events) {
        yield event
        return
      }
    })(asyncSource(numbers(3)), { ahead: 0 })
    assert.deepEqual(await next(ends), { value: 0, done: false })
    assert.equal((await next(ends)).done, true)
    const throws = place(
      async function* throws(events) {
        for await (const event of events) {
          yield event
          throw failure
        }
      },
      {},
      { failure },
    )(asyncSource(numbers(3)), { ahead: 0 })
    assert.deepEqual(await next(throws), { value: 0, done: false })
    await assert.rejects(next(throws), { message: 'after the result' })
    assert.equal((await next(throws)).done, true)
  })
})
