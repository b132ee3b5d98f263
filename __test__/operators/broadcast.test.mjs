// broadcast: what readers get, who holds the source back, and when it is given back.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { broadcast } from 'velo-stream/operators'
import { collect } from 'velo-stream/testing'
import { asyncSource } from '../support/counted.mjs'
import { deferred, isPending, outcome, turns, until } from '../support/deferred.mjs'
import { noUnhandledRejections } from '../support/unhandled.mjs'
import { within } from '../support/within.mjs'
import { handSource, upTo } from './support/hand.mjs'

const MS = 10_000

describe('every reader gets everything', () => {
  test('whatever the buffer and their speeds', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer(), { maxLength: 60 }),
        fc.array(fc.nat(4), { minLength: 1, maxLength: 4 }),
        fc.integer({ min: 1, max: 8 }),
        async (events, speeds, buffer) => {
          const source = asyncSource(events)
          const shared = broadcast(source, { readers: speeds.length, buffer })
          const read = async (speed) => {
            const results = []
            for await (const result of shared.subscribe()) {
              for (let i = 0; i < speed; i++) await null
              results.push(result)
            }
            return results
          }
          const all = await Promise.all(speeds.map(read))
          for (const results of all) assert.deepEqual(results, events)
          assert.equal(shared.dropped, 0)
          assert.equal(source.pulls, events.length + 1)
        },
      ),
      { numRuns: 60 },
    )
  })

  test('from its subscription on', async () => {
    const source = handSource()
    const shared = broadcast(source)
    const first = shared.subscribe()
    source.push(1, 2)
    assert.equal((await first.next()).value, 1)
    await until(MS, () => source.pulls === 3, 'the second event is there')
    const late = shared.subscribe()
    source.push(3)
    source.end()
    assert.deepEqual(await within(MS, collect(first), 'the first reader'), [2, 3])
    assert.deepEqual(await within(MS, collect(late), 'the late reader'), [3])
    assert.deepEqual(await collect(shared.subscribe()), [])
  })

  test('starts with the first next() of a reader, and with `readers` once so many have subscribed', async () => {
    const source = asyncSource(upTo(3))
    const shared = broadcast(source, { readers: 2 })
    const one = shared.subscribe()
    const first = one.next()
    assert.ok(await isPending(first))
    assert.equal(source.pulls, 0)
    const two = shared.subscribe()
    assert.deepEqual(await within(MS, collect(two), 'the second reader'), [0, 1, 2])
    assert.equal((await first).value, 0)
    assert.deepEqual(await collect(one), [1, 2])
  })
})

describe('slow readers', () => {
  test("'wait': the slowest holds the source back, at `buffer` events", async () => {
    const source = asyncSource(upTo(100))
    const shared = broadcast(source, { buffer: 4 })
    const [fast, slow] = [shared.subscribe(), shared.subscribe()]
    for (let i = 0; i < 4; i++) assert.equal((await fast.next()).value, i)
    const fifth = fast.next()
    assert.ok(await isPending(fifth))
    assert.equal(source.pulls, 4)
    assert.equal((await slow.next()).value, 0)
    assert.equal((await within(MS, fifth, 'the fifth event')).value, 4)
    await slow.return()
    assert.deepEqual(await within(MS, collect(fast), 'the rest'), upTo(100).slice(5))
  })

  test("'drop': the slow reader loses the oldest, which are counted", async () => {
    const source = asyncSource(upTo(100))
    const shared = broadcast(source, { buffer: 4, onSlow: 'drop' })
    const [fast, slow] = [shared.subscribe(), shared.subscribe()]
    assert.equal((await slow.next()).value, 0)
    const seen = collect(fast)
    assert.ok((await within(MS, seen, 'the fast reader')).length > 4)
    assert.equal(slow.dropped, 95)
    assert.deepEqual(await collect(slow), [96, 97, 98, 99])
    assert.equal(slow.dropped, 95)
    assert.equal(shared.dropped, 95 + fast.dropped)
  })

  test("'drop': a source that never waits leaves time to timers", async () => {
    let given = 0
    const endless = {
      next: async () => ({ value: given++, done: false }),
      return: async () => ({ done: true }),
      [Symbol.asyncIterator]: () => endless,
    }
    const shared = broadcast(endless, { buffer: 8, onSlow: 'drop' })
    const reader = shared.subscribe()
    await reader.next()
    const timer = deferred()
    setTimeout(timer.resolve, 5)
    await within(MS, timer.promise, 'a timer')
    try {
      await until(MS, () => reader.dropped > 0, 'events that are lost')
    } finally {
      await reader.return()
    }
    const before = given
    await turns()
    assert.ok(given <= before + 1)
  })
})

describe('the end', () => {
  test('when all readers have left, the source is returned once', async () => {
    const source = asyncSource(upTo(100))
    const shared = broadcast(source, { buffer: 4 })
    const readers = [shared.subscribe(), shared.subscribe(), shared.subscribe()]
    for (const reader of readers) await reader.next()
    assert.equal(shared.readers, 3)
    await readers[0].return()
    await readers[1].return()
    await readers[1].return()
    assert.equal(source.returns, 0)
    assert.equal(shared.readers, 1)
    await readers[2].return()
    assert.equal(source.returns, 1)
    assert.deepEqual(await collect(shared.subscribe()), [])
    assert.deepEqual(await readers[0].next(), { value: undefined, done: true })
  })

  test('a reader that leaves settles its waiting reads', async () => {
    const source = handSource()
    const reader = broadcast(source).subscribe()
    const reads = [reader.next(), reader.next()]
    await within(MS, reader.return(), 'return()')
    for (const read of reads) assert.equal((await read).done, true)
    assert.equal(source.returns, 1)
  })

  test('the error of the source reaches every reader after the events before it, once, the very same object', async () => {
    const error = new Error('mine')
    const source = asyncSource([1, 2], { fail: { error } })
    const shared = broadcast(source)
    const readers = [shared.subscribe(), shared.subscribe()]
    for (const reader of readers) {
      assert.deepEqual([(await reader.next()).value, (await reader.next()).value], [1, 2])
      assert.equal((await within(MS, outcome(reader.next()), 'the error')).error, error)
      assert.deepEqual(await reader.next(), { value: undefined, done: true })
    }
    assert.equal(source.returns, 0)
  })
})

test('bad options are refused by name', () => {
  for (const [name, value] of Object.entries({ readers: 0, buffer: 0, onSlow: 'lose', limit: 1 })) {
    assert.throws(() => broadcast([], { [name]: value }), { code: 'VELO_CONFIG', field: `broadcast(options).${name}` })
  }
  assert.throws(() => broadcast([], { buffer: 2 ** 21 }), { code: 'VELO_CONFIG', field: 'broadcast(options).buffer' })
  assert.throws(() => broadcast(5), { code: 'VELO_CONFIG', field: 'broadcast(source)' })
})

test('a reader that waits gets its event when the last one has subscribed, though that one reads nothing yet', async () => {
  const shared = broadcast([1, 2], { readers: 2 })
  const next = shared.subscribe().next()
  assert.ok(await isPending(next))
  shared.subscribe()
  assert.deepEqual(await within(MS, next, 'the event'), { value: 1, done: false })
})

noUnhandledRejections('broadcast')
