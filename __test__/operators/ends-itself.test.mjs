// Functions of the user that close or abort the very stream they work for: the stream ends at once, once, and nothing is started or counted afterwards.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { runtime } from 'velo-stream'
import { filter, flatMap, keyed, map, progress, route, take } from 'velo-stream/operators'
import { controlledSource, virtualClock } from 'velo-stream/testing'
import { never, outcome, turns } from '../support/deferred.mjs'
import { noUnhandledRejections } from '../support/unhandled.mjs'
import { within } from '../support/within.mjs'

/** Less than `closeTimeout`, after which a stream that does not end is detached. */
const SOON = 3_000
const stop = new Error('stop')

async function closed(stream, ...events) {
  await outcome(stream.sendBatch(events))
  return within(SOON, stream.closed, 'the end')
}

describe('a chain', () => {
  test('whose asynchronous function aborts the stream', async () => {
    const fn = map(async () => stream.abort(stop))
    const stream = fn.open()
    const { reason, detached } = await closed(stream, 1)
    assert.deepEqual({ reason, detached }, { reason: 'aborted', detached: false })
    assert.equal(fn.metrics.underWay, 0)
  })

  test('that is told of its end once, although a step goes on after it', async () => {
    let ends = 0
    const last = progress(({ ended }) => {
      if (ended) ends++
    })
    for (const after of [() => false, () => assert.fail('nobody hears this')]) {
      ends = 0
      const drops = filter((_, { signal }) => {
        assert.equal(signal.aborted, false)
        stream.abort(stop)
        return after()
      })
      const stream = drops.pipe(last).open()
      await closed(stream, 1)
      assert.equal(ends, 1)
    }
  })

  test('of run over an asynchronous source: nothing is left open, nothing is pulled any more', async () => {
    const open = runtime.snapshot().streamsOpen
    for (const made of [(end) => map(end), (end) => filter(end), (end) => flatMap(() => [end()]), (end) => map(async () => end())]) {
      const source = controlledSource()
      source.push(1, 2, 3)
      const controller = new AbortController()
      const fn = made(() => {
        controller.abort(stop)
        return 0
      })
      const { error } = await within(SOON, outcome(fn.run(source, { signal: controller.signal })), 'the end')
      assert.equal(error.cause, stop)
      await turns()
      assert.equal(runtime.snapshot().streamsOpen, open)
      assert.deepEqual([source.pulled, source.returned], [1, 1])
    }
  })
})

test('retryOn and onError that end the stream: no further call, and nothing under way', async () => {
  const clock = virtualClock()
  for (const made of [
    (end) => ({ retry: { attempts: 3, backoff: 10, retryOn: end } }),
    (end) => ({ retry: { attempts: 3, backoff: 0, retryOn: end } }),
    (end) => ({ onError: end }),
    (end) => ({ retry: { attempts: 2, retryOn: () => !end() }, onError: () => assert.fail('nobody wants this') }),
  ]) {
    let calls = 0
    const end = () => {
      stream.abort(stop)
      return true
    }
    const fail = () => {
      calls++
      throw new Error('mine')
    }
    const fn = map(fail, { ...made(end), clock })
    const stream = fn.open()
    await closed(stream, 1)
    await clock.advance(100)
    const { done, failed, skipped, underWay } = fn.metrics
    assert.deepEqual({ calls, done, failed, skipped, underWay }, { calls: 1, done: 0, failed: 0, skipped: 0, underWay: 0 })
    assert.equal(clock.pending, 0)
  }
})

test('a key and a route that end the stream start no instance', async () => {
  let started = 0
  async function* counting(events) {
    started++
    for await (const event of events) yield event
  }
  const by = keyed(counting, {
    by: () => {
      stream.abort(stop)
      return 1
    },
  })
  let stream = by.open()
  await closed(stream, 1)
  assert.equal(by.metrics.keysOpen, 0)
  const select = () => {
    stream.abort(stop)
    return 'a'
  }
  stream = route(select, { a: counting }).open()
  await closed(stream, 1)
  assert.equal(started, 0)
})

describe('iterables of flatMap that are left', () => {
  /** Tells when its `finally` has run to its end. */
  function leaky(state, error) {
    return async function* () {
      try {
        yield 1
        yield 2
      } finally {
        await turns()
        state.finished = true
        if (error !== undefined) yield* await Promise.reject(error)
      }
    }
  }

  test('finish before the stream does where the next step has enough, and where it is closed', async () => {
    const state = {}
    assert.deepEqual(await within(SOON, flatMap(leaky(state)).pipe(take(1)).run([1]), 'the result'), [1])
    assert.ok(state.finished)
    const other = {}
    const stream = flatMap(leaky(other)).pipe(map(never)).open()
    await stream.send(1)
    await turns()
    await within(SOON, stream.close(), 'close()')
    assert.ok(other.finished)
  })

  test('what one throws then is told', async () => {
    const error = new Error('mine')
    const running = outcome(flatMap(leaky({}, error)).pipe(take(1)).run([1]))
    assert.equal((await within(SOON, running, 'the end')).error, error)
  })

  test('the signals of calls fire whose iterables were not read', async () => {
    const signals = []
    const twice = (n, { signal }) => {
      signals.push(signal)
      return Promise.resolve([n, n])
    }
    for await (const _ of flatMap(twice, { concurrency: 4 })([1, 2, 3, 4, 5, 6])) {
      await turns()
      break
    }
    assert.ok(signals.length >= 4)
    assert.ok(signals.every((signal) => signal.aborted))
  })
})

noUnhandledRejections('ends-itself')
