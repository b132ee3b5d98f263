// IxJS beside the operators: what both have gives the same over random inputs, fails with the same error and leaves its source the same way.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { from, zip as zipOfIx } from 'ix/asynciterable'
import {
  buffer,
  filter as filterOfIx,
  concatMap as flatMapOfIx,
  map as mapOfIx,
  scan as scanOfIx,
  skip as skipOfIx,
  take as takeOfIx,
  tap as tapOfIx,
} from 'ix/asynciterable/operators'
import { batch, chunk, filter, flatMap, map, merge, scan, skip, take, tap, zip } from 'velo-stream/operators'
import { collect } from 'velo-stream/testing'
import { asyncSource } from '../support/counted.mjs'
import { outcome, turns } from '../support/deferred.mjs'
import { noUnhandledRejections } from '../support/unhandled.mjs'
import { within } from '../support/within.mjs'

const SOON = 10_000
const error = new Error('from the callback')
const isEven = (n) => n % 2 === 0
const isEvenLater = async (n) => n % 2 === 0
const add = (sum, n) => sum + n
const copies = (n) => Array.from({ length: Math.abs(n) % 4 }, () => n)
const copiesLater = async function* (n) {
  for (const one of copies(n)) yield one
}
const failsAtSeven = (n) => {
  if (n === 7) throw error
  return n
}

/** The same program twice: ours, and that of IxJS as `(source) => async iterable`. */
const programs = {
  map: [map((n) => n * 2), mapOfIx((n) => n * 2)],
  'map, async': [map(async (n) => n * 2, { concurrency: 3 }), mapOfIx(async (n) => n * 2)],
  'map that throws': [map(failsAtSeven), mapOfIx(failsAtSeven)],
  filter: [filter(isEven), filterOfIx(isEven)],
  'filter, async': [filter(isEvenLater), filterOfIx(isEvenLater)],
  'filter that throws': [filter((n) => failsAtSeven(n) > 0), filterOfIx((n) => failsAtSeven(n) > 0)],
  flatMap: [flatMap(copies), flatMapOfIx(copies)],
  'flatMap of generators': [flatMap(copiesLater), flatMapOfIx(copiesLater)],
  tap: [tap(() => {}), tapOfIx({ next() {} })],
  take: [take(3), takeOfIx(3)],
  'take of none': [take(0), takeOfIx(0)],
  skip: [skip(3), skipOfIx(3)],
  scan: [scan(add, 0), scanOfIx({ seed: 0, callback: add })],
  'chunks of three': [chunk({ maxSize: 3 }), buffer(3)],
  'batches of three': [batch((all) => [all], { maxSize: 3 }), buffer(3)],
}

describe('the same results, the same error', () => {
  for (const [name, [ours, theirs]] of Object.entries(programs)) {
    test(name, async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(fc.integer({ min: -9, max: 9 }), { maxLength: 20 }), async (events) => {
          const expected = await outcome(collect(theirs(from(events))))
          assert.deepEqual(await within(SOON, outcome(ours.run(events)), 'run'), expected)
          assert.deepEqual(await within(SOON, outcome(collect(ours(asyncSource(events)))), 'a call'), expected)
          assert.deepEqual(await within(SOON, outcome(collect(ours.open().feed(events))), 'feed'), expected)
        }),
        { numRuns: 40 },
      )
    })
  }

  test('zip, and merge but for the order', async () => {
    const lists = fc.array(fc.array(fc.integer(), { maxLength: 9 }), { minLength: 1, maxLength: 4 })
    await fc.assert(
      fc.asyncProperty(lists, async (given) => {
        assert.deepEqual(await within(SOON, collect(zip(...given))), await collect(zipOfIx(...given.map((list) => from(list)))))
        const merged = await within(SOON, collect(merge(...given)))
        assert.deepEqual(merged.sort(), given.flat().sort())
      }),
      { numRuns: 40 },
    )
  })
})

/**
 * Who leaves otherwise than IxJS, which calls `return()` of a source that has ended (`tap`), gives one back never (`skip`), or does not open it (`take(0)`); three at
 * once are asked for ahead (`map`), and what is gathered comes before the error (`chunk`, `batch`).
 */
const LEAVE_OTHERWISE = ['tap', 'skip', 'take of none', 'map, async', 'chunks of three', 'batches of three']

describe('the same is left behind', () => {
  /** Asks so often, then leaves in this way; what each step gave, and what became of the source. */
  async function left(results, source, asks, how) {
    const iterator = results[Symbol.asyncIterator]()
    const steps = []
    for (let n = 0; n < asks; n++) steps.push(await outcome(iterator.next()))
    if (how === 'return') steps.push(await outcome(iterator.return('value')))
    if (how === 'throw' && asks > 0) steps.push((await outcome(iterator.throw(error))).error)
    for (let n = 0; n < 2; n++) steps.push(await outcome(iterator.next()))
    await turns()
    return { steps, opens: source.opens, returns: source.returns }
  }

  for (const [name, [ours, theirs]] of Object.entries(programs)) {
    if (LEAVE_OTHERWISE.includes(name)) continue
    test(name, async () => {
      const given = fc.record({
        events: fc.array(fc.integer({ min: -9, max: 9 }), { maxLength: 8 }),
        asks: fc.integer({ min: 0, max: 6 }),
        how: fc.constantFrom('return', 'throw', 'no more'),
        fails: fc.boolean(),
      })
      await fc.assert(
        fc.asyncProperty(given, async ({ events, asks, how, fails }) => {
          const make = () => asyncSource(events, fails ? { fail: { error } } : {})
          const [source, other] = [make(), make()]
          const expected = await within(SOON, left(theirs(other), other, asks, how), 'IxJS')
          assert.deepEqual(await within(SOON, left(ours(source), source, asks, how), 'a call'), expected)
        }),
        { numRuns: 60 },
      )
    })
  }
})

describe('the source of a program of IxJS is ours, and the other way round', () => {
  test('results flow through both, and leaving gives every source back once', async () => {
    const source = asyncSource([1, 2, 3, 4, 5])
    const both = takeOfIx(2)(map((n) => n * 10)(mapOfIx((n) => n + 1)(source)))
    assert.deepEqual(await within(SOON, collect(both)), [20, 30])
    assert.equal(source.returns, 1)
    const other = asyncSource([1, 2, 3, 4, 5])
    const back = take(2)(mapOfIx((n) => n * 10)(map((n) => n + 1)(other)))
    assert.deepEqual(await within(SOON, collect(back)), [20, 30])
    assert.equal(other.returns, 1)
  })

  test('an error goes through both untouched', async () => {
    const source = asyncSource([1, 7, 3])
    const both = mapOfIx((n) => n)(map(failsAtSeven)(mapOfIx((n) => n)(source)))
    assert.equal((await within(SOON, outcome(collect(both)))).error, error)
    assert.equal(source.returns, 1)
  })
})

noUnhandledRejections('operators beside IxJS')
