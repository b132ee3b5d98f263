// The streams of readable-stream, Node's own as a package: sources and pipelines of another copy of streams than that of the process, as many libraries bring one.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { addAbortSignal, PassThrough, pipeline, Readable, Transform, Writable } from 'readable-stream'
import { streamFn } from 'velo-stream'
import { broadcast, map, merge, take, zip } from 'velo-stream/operators'
import { collect } from 'velo-stream/testing'
import { outcome } from '../support/deferred.mjs'
import { noUnhandledRejections } from '../support/unhandled.mjs'
import { within } from '../support/within.mjs'

const SOON = 10_000
const error = new Error('foreign')

async function* doubled(events) {
  for await (const event of events) yield event * 2
}

/** Numbers from 1 up to `count`, one a read; `fail`: an error behind them. Says whether it was destroyed. */
function numbers(count, { fail } = {}) {
  let n = 0
  return new Readable({
    objectMode: true,
    highWaterMark: 2,
    read() {
      if (n < count) this.push(++n)
      else if (fail === undefined) this.push(null)
      else this.destroy(fail)
    },
  })
}

const ways = {
  run: (fn, source) => fn.run(source),
  call: (fn, source) => collect(fn(source)),
  feed: (fn, source) => collect(fn.open().feed(source)),
}

/** `pipeline()` as a promise. */
const piped = (...streams) => new Promise((resolve, reject) => pipeline(...streams, (failure) => (failure ? reject(failure) : resolve())))

/** Collects what is written. */
function sink(written) {
  return new Writable({
    objectMode: true,
    highWaterMark: 1,
    write(chunk, _, done) {
      written.push(chunk)
      setImmediate(done)
    },
  })
}

for (const [way, pull] of Object.entries(ways)) {
  describe(`${way} of a Readable of the package`, () => {
    test('gives everything', async () => {
      assert.deepEqual(
        await within(SOON, pull(streamFn(doubled), numbers(50))),
        Array.from({ length: 50 }, (_, n) => (n + 1) * 2),
      )
    })

    test('an error of the source arrives, the very same', async () => {
      const fn = streamFn(doubled)
      assert.equal((await within(SOON, outcome(pull(fn, numbers(3, { fail: error }))))).error, error)
      assert.equal(fn.metrics.streamsOpen, 0)
    })

    test('leaving early destroys the source', async () => {
      const source = numbers(1_000)
      assert.deepEqual(await within(SOON, pull(take(3), source)), [1, 2, 3])
      assert.equal(source.destroyed, true)
    })

    test('one that was destroyed before is a source that fails', async () => {
      const source = numbers(5)
      source.destroy()
      const { error: told } = await within(SOON, outcome(pull(streamFn(doubled), source)))
      assert.equal(told?.code, 'ERR_STREAM_PREMATURE_CLOSE')
    })

    test('one that a signal destroys fails with an AbortError', async () => {
      const stop = new AbortController()
      const source = addAbortSignal(stop.signal, new Readable({ objectMode: true, read() {} }))
      source.push(1)
      const work = outcome(pull(streamFn(doubled), source))
      stop.abort()
      assert.equal((await within(SOON, work)).error?.name, 'AbortError')
    })
  })
}

test('merge, zip and broadcast of them', async () => {
  assert.deepEqual((await within(SOON, collect(merge(numbers(3), numbers(3))))).sort(), [1, 1, 2, 2, 3, 3])
  assert.deepEqual(await within(SOON, collect(zip(numbers(2), numbers(5)))), [
    [1, 1],
    [2, 2],
  ])
  assert.deepEqual(await within(SOON, collect(broadcast(numbers(3)).subscribe())), [1, 2, 3])
})

describe('pipeline() of the package', () => {
  const halved = () => new Transform({ objectMode: true, transform: (n, _, done) => done(null, n / 2) })

  test('a stream function and a Duplex of ours between its streams', async () => {
    const [called, duplexed] = [[], []]
    await within(SOON, piped(numbers(5), streamFn(doubled), halved(), sink(called)))
    await within(
      SOON,
      piped(numbers(5), new PassThrough({ objectMode: true }), streamFn(doubled).open().toDuplex(), halved(), sink(duplexed)),
    )
    assert.deepEqual(
      [called, duplexed],
      [
        [1, 2, 3, 4, 5],
        [1, 2, 3, 4, 5],
      ],
    )
  })

  test('an error of any part ends all of it', async () => {
    const failing = map((n) => {
      if (n === 3) throw error
      return n
    })
    for (const parts of [
      () => [numbers(9), failing],
      () => [numbers(9), failing.open().toDuplex()],
      () => [numbers(2, { fail: error }), streamFn(doubled)],
      () => [numbers(2, { fail: error }), streamFn(doubled).open().toDuplex()],
    ]) {
      const [source, fn] = parts()
      assert.equal((await within(SOON, outcome(piped(source, fn, sink([]))))).error, error)
      assert.equal(source.destroyed, true)
    }
    assert.equal(failing.metrics.streamsOpen, 0)
  })
})

noUnhandledRejections('streams of the package')
