// Operators against the methods of arrays: in order they give the same, as completed a permutation, and their counts are exact.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { batch, chunk, filter, flatMap, map, scan, skip, take, tap } from 'velo-stream/operators'
import { collect } from 'velo-stream/testing'
import { noUnhandledRejections } from '../support/unhandled.mjs'
import { within } from '../support/within.mjs'

const LIMIT = 30_000
const ints = fc.array(fc.integer({ min: -50, max: 50 }), { maxLength: 40 })
const sorted = (values) => [...values].sort((a, b) => a - b)

/** Answers now, or after so many turns of the microtask queue, by the value itself. */
const laterOrNow = (value, answer) => {
  if (value % 3 === 0) return answer
  let promise = Promise.resolve(answer)
  for (let i = 0; i < Math.abs(value) % 7; i++) promise = promise.then((x) => x)
  return promise
}

/** Options that must not change what comes out in order. */
const options = fc.record(
  {
    concurrency: fc.integer({ min: 1, max: 5 }),
    buffer: fc.integer({ min: 0, max: 5 }),
    retry: fc.constant({ attempts: 2, backoff: 0 }),
    timeout: fc.constant(60_000),
  },
  { requiredKeys: [] },
)

/** Every way to use an operator gives the same. */
async function everyWay(fn, events) {
  const source = async function* () {
    yield* events
  }
  const ways = [await fn.run(events), await fn.run(source()), await collect(fn(source())), await collect(fn.open().feed(events))]
  for (const way of ways.slice(1)) assert.deepEqual(way, ways[0])
  return ways[0]
}

const property = (...args) => within(LIMIT, fc.assert(fc.asyncProperty(...args), { numRuns: 60 }), 'the property')

describe('in order, as the methods of arrays', () => {
  test('map', () =>
    property(ints, options, async (events, given) => {
      const fn = map((n, { index }) => laterOrNow(n, n * 2 + index), given)
      assert.deepEqual(
        await everyWay(fn, events),
        events.map((n, index) => n * 2 + index),
      )
      const { done, failed, skipped, underWay } = fn.metrics
      assert.deepEqual({ done, failed, skipped, underWay }, { done: 4 * events.length, failed: 0, skipped: 0, underWay: 0 })
    }))

  test('filter', () =>
    property(ints, options, async (events, given) => {
      const fn = filter((n) => laterOrNow(n, n > 0), given)
      const expected = events.filter((n) => n > 0)
      assert.deepEqual(await everyWay(fn, events), expected)
      assert.equal(fn.metrics.done, 4 * expected.length)
      assert.equal(fn.metrics.skipped, 4 * (events.length - expected.length))
    }))

  test('flatMap, of arrays, generators, async generators and promises of them', () =>
    property(ints, options, async (events, given) => {
      const many = (n) => Array.from({ length: Math.abs(n) % 4 }, (_, i) => n + i)
      const shapes = [
        (n) => many(n),
        function* (n) {
          yield* many(n)
        },
        async function* (n) {
          for (const one of many(n)) yield laterOrNow(one, one)
        },
        (n) => laterOrNow(n, many(n)),
      ]
      for (const shape of shapes) {
        const fn = flatMap(shape, given)
        assert.deepEqual(await everyWay(fn, events), events.flatMap(many))
        assert.equal(fn.metrics.done, 4 * events.length)
      }
    }))

  test('tap lets everything go on and sees it in order', () =>
    property(ints, options, async (events, given) => {
      const seen = []
      const fn = tap((n) => laterOrNow(n, void seen.push(n)), given)
      assert.deepEqual(await fn.run(events), events)
      assert.deepEqual(seen, events)
    }))

  test('take and skip', () =>
    property(ints, fc.nat(45), async (events, count) => {
      assert.deepEqual(await everyWay(take(count), events), events.slice(0, count))
      assert.deepEqual(await everyWay(skip(count), events), events.slice(count))
    }))

  test('scan', () =>
    property(ints, async (events) => {
      const fn = scan((sum, n) => laterOrNow(n, sum + n), 0)
      let sum = 0
      assert.deepEqual(
        await everyWay(fn, events),
        events.map((n) => (sum += n)),
      )
    }))

  test('chunk', () =>
    property(ints, fc.integer({ min: 1, max: 9 }), async (events, maxSize) => {
      const expected = []
      for (let i = 0; i < events.length; i += maxSize) expected.push(events.slice(i, i + maxSize))
      const fn = chunk({ maxSize })
      assert.deepEqual(await everyWay(fn, events), expected)
      assert.equal(fn.metrics.done, 4 * events.length)
      assert.equal(fn.metrics.underWay, 0)
    }))

  test('batch: arrays are flattened, anything else is one result', () =>
    property(ints, fc.integer({ min: 1, max: 9 }), options, async (events, maxSize, given) => {
      const doubled = batch(
        (ns) =>
          laterOrNow(
            ns.length,
            ns.map((n) => n * 2),
          ),
        { ...given, maxSize },
      )
      assert.deepEqual(
        await everyWay(doubled, events),
        events.map((n) => n * 2),
      )
      assert.equal(doubled.metrics.done, 4 * events.length)
      const nothing = batch(() => undefined, { ...given, maxSize })
      assert.deepEqual(await nothing.run(events), new Array(Math.ceil(events.length / maxSize)).fill(undefined))
    }))

  test('chains of steps, fused or not', () =>
    property(ints, fc.array(fc.integer({ min: 0, max: 6 }), { maxLength: 7 }), fc.boolean(), async (events, kinds, apart) => {
      const kind = [
        () => [map((n) => n + 1), (all) => all.map((n) => n + 1)],
        () => [filter((n) => n % 2 === 0), (all) => all.filter((n) => n % 2 === 0)],
        () => [flatMap((n) => [n, -n]), (all) => all.flatMap((n) => [n, -n])],
        () => [take(9), (all) => all.slice(0, 9)],
        () => [skip(2), (all) => all.slice(2)],
        () => [map((n) => laterOrNow(n, n * 3), { concurrency: 3 }), (all) => all.map((n) => n * 3)],
        () => [tap((n) => laterOrNow(n, n)), (all) => all],
      ]
      const between = async function* pass(all) {
        for await (const one of all) yield one
      }
      let fn = map((n) => n)
      let expected = events
      for (const number of kinds) {
        const [next, same] = kind[number]()
        fn = (apart ? fn.pipe(between) : fn).pipe(next)
        expected = same(expected)
      }
      assert.deepEqual(await everyWay(fn, events), expected)
    }))
})

describe('as completed', () => {
  test('map and batch give a permutation', () =>
    property(ints, fc.integer({ min: 2, max: 6 }), async (events, concurrency) => {
      const fn = map((n) => laterOrNow(n, n * 2), { concurrency, ordered: false })
      assert.deepEqual(sorted(await fn.run(events)), sorted(events.map((n) => n * 2)))
      const many = batch((ns) => laterOrNow(ns[0], ns), { maxSize: 3, concurrency, ordered: false })
      assert.deepEqual(sorted(await many.run(events)), sorted(events))
    }))

  test('with skipped failures and retries, nothing is lost or doubled', () =>
    property(ints, fc.integer({ min: 1, max: 6 }), fc.boolean(), async (events, concurrency, ordered) => {
      // Each event fails on its first call; some fail on each.
      const calls = new Map()
      const hopeless = (n) => n % 5 === 0
      const fn = map(
        async (n, { attempt, index }) => {
          calls.set(index, attempt)
          await laterOrNow(n, undefined)
          if (attempt === 1 || hopeless(n)) throw new Error(String(n))
          return n
        },
        { concurrency, ordered, onError: 'skip', retry: { attempts: 3, backoff: 0 } },
      )
      const kept = events.filter((n) => !hopeless(n))
      const results = await fn.run(events)
      if (ordered) assert.deepEqual(results, kept)
      else assert.deepEqual(sorted(results), sorted(kept))
      assert.deepEqual(
        events.map((_, index) => calls.get(index)),
        events.map((n) => (hopeless(n) ? 3 : 2)),
      )
      const { done, failed, skipped, underWay } = fn.metrics
      assert.deepEqual(
        { done, failed, skipped, underWay },
        { done: kept.length, failed: 0, skipped: events.length - kept.length, underWay: 0 },
      )
    }))
})

noUnhandledRejections('arrays')
