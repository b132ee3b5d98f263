// merge and zip: several sources as one, and what becomes of the others when one ends or fails.

import assert from 'node:assert/strict'
import { Readable } from 'node:stream'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { streamFn } from 'velo-stream'
import { merge, zip } from 'velo-stream/operators'
import { collect } from 'velo-stream/testing'
import { asyncSource, syncSource, webSource } from '../support/counted.mjs'
import { isPending, outcome, turns } from '../support/deferred.mjs'
import { noUnhandledRejections } from '../support/unhandled.mjs'
import { within } from '../support/within.mjs'
import { handSource, upTo } from './support/hand.mjs'

const MS = 10_000
const arbitrarySources = fc.array(fc.array(fc.integer(), { maxLength: 20 }), { maxLength: 5 })

describe('merge', () => {
  test('is an interleaving: every event once, those of a source in order', async () => {
    await fc.assert(
      fc.asyncProperty(arbitrarySources, fc.array(fc.nat(3), { maxLength: 40 }), async (lists, delays) => {
        const sources = lists.map((list, from) =>
          (async function* () {
            for (const [n, value] of list.entries()) {
              for (let i = delays[(n + from) % (delays.length || 1)] ?? 0; i > 0; i--) await null
              yield { from, value }
            }
          })(),
        )
        const merged = await collect(merge(...sources))
        for (const [from, list] of lists.entries()) {
          assert.deepEqual(
            merged.filter((event) => event.from === from).map(({ value }) => value),
            list,
          )
        }
        assert.equal(merged.length, lists.flat().length)
      }),
      { numRuns: 60 },
    )
  })

  test('sources of every kind, promises in arrays, and none at all', async () => {
    const merged = await collect(merge([1, Promise.resolve(2)], new Set([3]), asyncSource([4]), Readable.from([5]), webSource([6]), 'x'))
    assert.deepEqual(merged.map(String).sort(), ['1', '2', '3', '4', '5', '6', 'x'])
    assert.deepEqual(await collect(merge()), [])
  })

  test('a silent source keeps none of the others waiting', async () => {
    const silent = handSource()
    const merged = merge(silent, [1, 2, 3])
    assert.deepEqual([(await merged.next()).value, (await merged.next()).value, (await merged.next()).value], [1, 2, 3])
    const next = merged.next()
    assert.ok(await isPending(next))
    silent.push(4)
    assert.equal((await within(MS, next, 'the fourth')).value, 4)
    silent.end()
    assert.equal((await within(MS, merged.next(), 'the end')).done, true)
  })

  test('starts with the first next(), and pulls each source one event ahead at most', async () => {
    const [one, two] = [asyncSource(upTo(50)), asyncSource(upTo(50))]
    const merged = merge(one, two)
    await turns()
    assert.equal(one.pulls + two.pulls, 0)
    await merged.next()
    await turns()
    assert.ok(one.pulls <= 2 && two.pulls <= 2, `${one.pulls} and ${two.pulls} pulls`)
    assert.equal((await collect(merged)).length, 99)
  })

  test('early exit returns every source that has not ended, once', async () => {
    const [ended, one, two, silent] = [asyncSource([]), asyncSource(upTo(9)), syncSource(upTo(9)), handSource()]
    let seen = 0
    for await (const _ of merge(ended, one, two, silent)) if (++seen === 5) break
    assert.deepEqual(
      [ended, one, two, silent].map(({ returns }) => returns),
      [0, 1, 1, 1],
    )
  })

  test('the error of one source is the very same object, after the events before it; the others are returned', async () => {
    const error = new Error('mine')
    const failing = asyncSource([1, 2], { fail: { error } })
    const [other, silent] = [asyncSource(upTo(1000)), handSource()]
    const seen = []
    const failed = (async () => {
      for await (const event of merge(failing, other, silent)) seen.push(event)
    })()
    assert.equal((await within(MS, outcome(failed), 'the error')).error, error)
    assert.ok(seen.includes(2))
    assert.deepEqual(
      [failing, other, silent].map(({ returns }) => returns),
      [0, 1, 1],
    )
  })

  test('a Node stream with a pending read is destroyed', async () => {
    const readable = new Readable({ objectMode: true, read() {} })
    const merged = merge(readable, [1])
    await merged.next()
    await within(MS, merged.return(), 'return()')
    assert.ok(readable.destroyed)
  })

  test('is a source of stream functions, and settles waiting reads at its end', async () => {
    const sum = streamFn(async function* (events) {
      let total = 0
      for await (const event of events) total += event
      yield total
    })
    assert.deepEqual(await sum.run(merge(upTo(10), asyncSource(upTo(10)))), [90])
    const merged = merge(handSource())
    const reads = [merged.next(), merged.next()]
    await merged.return()
    assert.deepEqual(await within(MS, Promise.all(reads), 'both reads'), [
      { value: undefined, done: true },
      { value: undefined, done: true },
    ])
  })
})

describe('zip', () => {
  test('equals the rows of arrays, as far as the shortest goes', async () => {
    await fc.assert(
      fc.asyncProperty(arbitrarySources, async (lists) => {
        const rows = await collect(zip(...lists.map((list, i) => (i % 2 === 0 ? list : asyncSource(list)))))
        const length = lists.length === 0 ? 0 : Math.min(...lists.map((list) => list.length))
        assert.deepEqual(
          rows,
          upTo(length).map((row) => lists.map((list) => list[row])),
        )
      }),
      { numRuns: 60 },
    )
  })

  test('pulls all at the same time, once for each next()', async () => {
    const sources = [handSource(), handSource(), handSource()]
    const zipped = zip(...sources)
    const first = zipped.next()
    assert.deepEqual(
      sources.map(({ pulls }) => pulls),
      [1, 1, 1],
    )
    for (const [i, source] of sources.entries()) source.push(i)
    assert.deepEqual((await within(MS, first, 'a row')).value, [0, 1, 2])
    await turns()
    assert.deepEqual(
      sources.map(({ pulls }) => pulls),
      [1, 1, 1],
    )
    await zipped.return()
    assert.deepEqual(
      sources.map(({ returns }) => returns),
      [1, 1, 1],
    )
  })

  test('ends with the shortest although another is silent; the others are returned', async () => {
    const [long, short, silent] = [asyncSource(upTo(9)), asyncSource([]), handSource()]
    assert.deepEqual(await within(MS, collect(zip(long, short, silent)), 'the end'), [])
    assert.deepEqual(
      [long, short, silent].map(({ returns }) => returns),
      [1, 0, 1],
    )
  })

  test('the error of one source arrives untouched although another is silent', async () => {
    const error = new Error('mine')
    const [failing, silent] = [asyncSource([], { fail: { error } }), handSource()]
    const zipped = zip(silent, failing)
    assert.equal((await within(MS, outcome(zipped.next()), 'the error')).error, error)
    assert.deepEqual(await zipped.next(), { value: undefined, done: true })
    assert.equal(silent.returns, 1)
  })
})

test('what cannot be iterated is refused by its place', () => {
  assert.throws(() => merge([], 5), { code: 'VELO_CONFIG', field: 'merge(sources)[1]' })
  assert.throws(() => zip(null), { code: 'VELO_CONFIG', field: 'zip(sources)[0]' })
})

test('return() before the first next() gives the sources back', async () => {
  for (const made of [merge, zip]) {
    const readable = Readable.from([1])
    await made(readable, [2]).return()
    assert.ok(readable.destroyed)
  }
})

test('a promise of a synchronous source that rejects: the source is given back', async () => {
  for (const made of [merge, zip]) {
    let finished = 0
    const error = new Error('mine')
    function* source() {
      try {
        yield Promise.reject(error)
      } finally {
        finished++
      }
    }
    assert.equal((await within(MS, outcome(made(source()).next()), 'the error')).error, error)
    assert.equal(finished, 1)
  }
})

noUnhandledRejections('merge and zip')
