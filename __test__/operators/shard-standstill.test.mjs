// shard of functions that leave events without a result, on this thread and over several: it never stands still, but fails with an error that says why.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { runtime, streamFn } from 'velo-stream'
import { filter, shard } from 'velo-stream/operators'
import { collect } from 'velo-stream/testing'
import { outcome } from '../support/deferred.mjs'
import { describePlacements } from '../support/placements.mjs'
import { noUnhandledRejections } from '../support/unhandled.mjs'
import { within } from '../support/within.mjs'
import { upTo } from './support/hand.mjs'

const MS = 25_000

async function* pass(events) {
  for await (const event of events) yield event
}
async function* evens(events) {
  for await (const event of events) if (event % 2 === 0) yield event
}
async function* none(events) {
  for await (const _ of events);
}
/** Leaves the first event of each instance without a result. */
async function* later(events) {
  let count = 0
  for await (const event of events) if (count++ > 0) yield event
}
/** Holds three before it gives them. */
async function* threes(events) {
  let held = []
  for await (const event of events) {
    held.push(event)
    if (held.length < 3) continue
    yield* held
    held = []
  }
  yield* held
}

/** Its end would tell what is missing. */
async function* endless() {
  yield* upTo(200)
  await new Promise(() => {})
}

/** Fewer events than there is room for, and no end: a live stream that pauses. */
async function* few() {
  yield* upTo(3)
  await new Promise(() => {})
}

describePlacements('shard of a function that drops events', (place) => {
  runtime.configure({ workers: 4 })
  const all = { shards: 3, buffer: 4 }
  const made = {
    'every second one, one instance': [() => shard(place(evens), { ...all, shards: 1 })],
    'every second one': [() => shard(place(evens), all)],
    'every second one, by little buffers': [() => shard(place(evens, { buffer: 1 }), { ...all, buffer: 1 })],
    'all of them': [() => shard(place(none), { ...all, shards: 4 })],
    'parts of all': [() => shard(place(evens), { ...all, split: (n) => [n, n, n], merge: ([first]) => first })],
    'parts, as they come': [() => shard(place(evens), { ...all, ordered: false, split: (n) => [n, n, n], merge: ([first]) => first })],
    'the one part of an event that all others wait for': [
      () => shard(place(later), { ...all, split: (n) => (n === 0 ? [n] : []), merge: ([first]) => first ?? 'none' }),
      /has taken 1 event,/,
    ],
    'in a pipeline of two': [() => shard(place(pass).pipe(place(evens)), all)],
    'before the end of a pipeline': [() => shard(place(evens).pipe(place(pass)), all)],
    'in a stage on this thread': [() => shard(place(pass).pipe(streamFn(evens)), all)],
    'in a stage on this thread, before another': [() => shard(streamFn(evens).pipe(place(pass)), all)],
    'by an operator': [() => shard(place(pass).pipe(filter((n) => n % 2 === 0)), all)],
  }
  // At once, because each takes six seconds.
  test('fails', async () => {
    await Promise.all(
      Object.entries(made).map(async ([name, [make, taken = /has taken [14] events?,/]]) => {
        const [ran, called, paused] = [make(), make(), make()]
        const work = [outcome(ran.run(endless())), outcome(collect(called(endless()))), outcome(paused.run(few()))]
        for (const { error } of await within(MS, Promise.all(work), name)) {
          assert.equal(error?.code, 'VELO_CONFIG', name)
          assert.match(error.message, /exactly one result for each event.* gives nothing and waits for more/)
          assert.match(error.message, taken, name)
        }
        for (const { metrics } of [ran, called, paused]) assert.equal(metrics.streamsOpen, 0, name)
      }),
    )
  })

  test('a live stream fails, too, while it has room for more events', async () => {
    const stream = shard(place(evens), { shards: 2, buffer: 256 }).open()
    await stream.sendBatch([0, 1, 2])
    assert.equal(await within(MS, stream.recv()), 0)
    await assert.rejects(within(MS, stream.recv()), { code: 'VELO_CONFIG', message: /exactly one result for each event/ })
    await within(MS, stream.closed)
  })

  test('works: one that gives them later, where there is room for as many', async () => {
    const operators = [shard(place(threes), all), shard(place(pass).pipe(place(threes)), all)]
    const results = await within(MS, Promise.all(operators.map((operator) => operator.run(upTo(100)))), 'the results')
    for (const result of results) assert.deepEqual(result, upTo(100))
  })

  test('works: any number of results, as they come', async () => {
    const operator = shard(place(evens), { shards: 3, buffer: 1, ordered: false })
    const results = await within(MS, operator.run(upTo(300)), 'the results')
    assert.deepEqual(
      results.sort((a, b) => a - b),
      upTo(300).filter((n) => n % 2 === 0),
    )
  })
})

noUnhandledRejections('shard and standstill')
