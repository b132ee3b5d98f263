// Durable streams that are fed from a source which begins wherever it is asked to.

import assert from 'node:assert/strict'
import { PassThrough } from 'node:stream'
import { describe, test } from 'node:test'
import { streamFn } from 'velo-stream'
import { durable } from 'velo-stream/durable'
import { BATCH } from '../../target/js/kit/iteration/batches.js'
import { until } from '../support/deferred.mjs'
import { noUnhandledRejections } from '../support/unhandled.mjs'
import { within } from '../support/within.mjs'
import * as functions from './support/functions.mjs'
import { MemoryJournal, newShelf } from './support/memory-journal.mjs'

const MODULE = new URL('./support/functions.mjs', import.meta.url)
const STATE = { initial: () => ({ total: 0, seen: 0 }), version: 1, every: 2 }
const numbers = Array.from({ length: 20 }, (_, at) => at)

/** A process over a shelf that outlives it: how many events it kept, and where its source was asked to begin. */
function life(shelf, options = {}, fn = functions.summed) {
  const journal = new MemoryJournal({ shelf })
  const seen = { appended: 0, asked: [] }
  const append = journal.append.bind(journal)
  journal.append = (own, from, records) => {
    seen.appended += records.length
    return append(own, from, records)
  }
  const make = options.placement === undefined ? fn : MODULE
  const from = (index) => {
    seen.asked.push(index)
    return numbers.slice(index)
  }
  return { fn: streamFn(make, { name: 'summed', durable: durable(journal), ...options }), from, seen }
}

async function take(results, count) {
  const taken = []
  while (taken.length < count) taken.push((await within(5000, results.next())).value)
  return taken
}

const sums = numbers.map((_, at) => [at + 1, (at * (at + 1)) / 2])
const all = [...sums, ['end', 190]]

describe('with state', () => {
  for (const placement of ['local', 'worker']) {
    const options = { state: STATE, ...(placement === 'worker' && { placement, export: 'summed' }) }

    test(`nothing of the source is copied, and it begins where the state is (${placement})`, async () => {
      const shelf = newShelf()
      const one = life(shelf, options)
      const first = one.fn(one.from, { id: 'a' })
      assert.deepEqual(await take(first, 7), sums.slice(0, 7))
      const [kept] = shelf.streams.values()
      // On a thread it may be ahead of the results that have come from there: then none is kept yet.
      if (placement === 'local') await until(5000, () => kept.state?.events >= 4, 'its state is kept')
      await first.return()
      assert.deepEqual([one.seen.appended, kept.records.length], [0, 0])
      const two = life(shelf, options)
      const [{ events, results }] = await two.fn.unfinished()
      const second = two.fn(two.from, { id: 'a' })
      assert.deepEqual(await take(second, all.length - results), all.slice(results))
      await second.return()
      assert.deepEqual([two.seen.asked, two.seen.appended], [[events], 0])
      assert.ok(results >= 6 && (placement === 'worker' || events >= 4), `${events} ${results}`)
    })
  }

  test('run() gives all results after a crash, of a source that was asked for the rest', async () => {
    const shelf = newShelf()
    const one = life(shelf, { state: STATE })
    const first = one.fn.open({ id: 'a' })
    await first.sendBatch(numbers.slice(0, 10))
    const [kept] = shelf.streams.values()
    await until(5000, () => kept.state?.events >= 8, 'its state is kept')
    await first.close()
    const two = life(shelf, { state: STATE })
    assert.deepEqual(await within(5000, two.fn.run(two.from, { id: 'a' })), all)
    assert.deepEqual([two.seen.asked, two.seen.appended], [[10], 0])
    assert.equal(shelf.streams.size, 0)
  })

  test('a source that is no function is kept, and so is one where a thread that dies goes on', async () => {
    const one = life(newShelf(), { state: STATE })
    assert.deepEqual(await one.fn.run(numbers, { id: 'a' }), all)
    assert.equal(one.seen.appended, numbers.length + 1)
    const two = life(newShelf(), { state: STATE, placement: 'worker', export: 'summed', onWorkerExit: 'resume' })
    assert.deepEqual(await within(10_000, two.fn.run(two.from, { id: 'a' })), all)
    assert.equal(two.seen.appended, numbers.length + 1)
  })
})

test('by replay a source is kept as it is taken', async () => {
  const shelf = newShelf()
  const one = life(shelf, {}, functions.sum)
  const results = one.fn(one.from, { id: 'a' })
  await take(results, 5)
  await results.return()
  const [kept] = shelf.streams.values()
  assert.ok(kept.records.length >= 5)
  const two = life(shelf, {}, functions.sum)
  const [{ results: delivered }] = await two.fn.unfinished()
  const second = two.fn(two.from, { id: 'a' })
  const rest = await take(second, numbers.length - delivered)
  await second.return()
  assert.deepEqual(rest, sums.map(([, total]) => total).slice(delivered))
})

test('results come many at a time where they are asked for so, and those before count as delivered', async () => {
  const shelf = newShelf()
  const { fn, from } = life(shelf, {}, functions.sum)
  const results = fn(from, { id: 'a' })
  const got = []
  for (let batch = await results[BATCH](6); batch.length > 0; batch = await results[BATCH](6)) {
    assert.ok(batch.length <= 6)
    got.push(...batch)
  }
  assert.equal(got.length, numbers.length)
  await results.return()
  assert.equal(shelf.streams.size, 0, 'closing waits until the journal knows that it has finished')
  assert.deepEqual(await results[BATCH](6), [])
})

test('those that came last before it is left count as delivered when more is asked for', async () => {
  const shelf = newShelf()
  const { fn, from } = life(shelf, {}, functions.sum)
  const results = fn(from, { id: 'a' })
  const first = await within(5000, results[BATCH](3))
  const left = results.return()
  assert.deepEqual(await within(5000, results[BATCH](3)), [])
  await left
  await results.return()
  const [{ delivered }] = shelf.streams.values()
  assert.equal(delivered, first.length)
})

test('leaving in the middle is no end of the input', async () => {
  for (const source of [
    () => new PassThrough({ objectMode: true }),
    async function* () {
      yield* [1, 2]
      await new Promise(() => {})
    },
  ]) {
    const shelf = newShelf()
    const { fn } = life(shelf, {}, functions.sum)
    const made = source()
    made.write?.(1)
    made.write?.(2)
    const results = fn(made, { id: 'a' })
    assert.deepEqual(await take(results, 2), [1, 3])
    const waiting = results.next()
    await within(5000, results.return())
    assert.equal((await within(5000, waiting)).done, true)
    const [{ records }] = shelf.streams.values()
    assert.deepEqual(
      records.map(({ end }) => end),
      [false, false],
      source.name,
    )
  }
})

noUnhandledRejections('sources')
