// Failures, retries and time limits: exact counts, the original error, and time that only the test moves.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { TimeoutError } from 'velo-stream'
import { batch, chunk, filter, flatMap, map, scan, skip, take, tap } from 'velo-stream/operators'
import { collect, controlledSource, slowConsumer, virtualClock } from 'velo-stream/testing'
import { deferred, never, outcome, turns, until } from '../support/deferred.mjs'
import { noUnhandledRejections } from '../support/unhandled.mjs'
import { within } from '../support/within.mjs'

const LIMIT = 5_000
const counts = ({ metrics: { done, failed, skipped, underWay } }) => ({ done, failed, skipped, underWay })

describe('retry', () => {
  test('attempts counts all calls; the delay doubles up to maxBackoff', async () => {
    const clock = virtualClock()
    const at = []
    const error = new Error('mine')
    const fn = map(
      (_n, { attempt }) => {
        at.push([clock.now(), attempt])
        throw error
      },
      { retry: { attempts: 5, backoff: 10, maxBackoff: 25 }, clock },
    )
    const running = outcome(fn.run([1]))
    for (let i = 0; i < 20; i++) await clock.advance(10)
    assert.equal((await within(LIMIT, running, 'the end')).error, error)
    assert.deepEqual(at, [
      [0, 1],
      [10, 2],
      [30, 3],
      [55, 4],
      [80, 5],
    ])
    assert.equal(clock.pending, 0)
    assert.deepEqual(counts(fn), { done: 0, failed: 1, skipped: 0, underWay: 0 })
  })

  test('jitter takes a part of each delay', async () => {
    for (const [jitter, least] of [
      [0.5, 50],
      [true, 0],
    ]) {
      const delays = []
      const clock = {
        now: () => 0,
        clearTimeout() {},
        setTimeout(callback, ms) {
          delays.push(ms)
          queueMicrotask(callback)
        },
      }
      const fail = () => {
        throw new Error('again')
      }
      await outcome(map(fail, { retry: { attempts: 50, backoff: 100, maxBackoff: 100, jitter }, clock }).run([1]))
      assert.equal(delays.length, 49)
      assert.ok(delays.every((ms) => ms > least - 1 && ms <= 100))
      assert.ok(new Set(delays).size > 10)
    }
  })

  test('retryOn says which errors are worth it, and is told the attempt', async () => {
    const asked = []
    const [again, never] = [new Error('again'), new Error('never')]
    const fn = map(
      async (_, { attempt }) => {
        throw attempt < 3 ? again : never
      },
      { retry: { attempts: 10, backoff: 0, retryOn: (error, attempt) => asked.push([error, attempt]) && error === again } },
    )
    assert.equal((await within(LIMIT, outcome(fn.run([1])), 'the end')).error, never)
    assert.deepEqual(asked, [
      [again, 1],
      [again, 2],
      [never, 3],
    ])
  })

  test('attempts without number do not grow the stack', async () => {
    const fn = map(
      (_n, { attempt }) => {
        if (attempt < 50_000) throw new Error('again')
        return attempt
      },
      { retry: { attempts: 50_000, backoff: 0 } },
    )
    assert.deepEqual(await within(LIMIT * 4, fn.run([1]), 'the result'), [50_000])
  })

  test('a wait between two calls ends with the stream, and its timer is gone', async () => {
    const clock = virtualClock()
    const fn = map(() => Promise.reject(new Error('again')), { retry: { attempts: 3, backoff: 1_000 }, clock })
    const stream = fn.open()
    await stream.send(1)
    await until(LIMIT, () => clock.pending === 1, 'the wait')
    assert.equal(fn.metrics.underWay, 1)
    await within(LIMIT, stream.close(), 'close')
    assert.equal(clock.pending, 0)
    assert.equal(fn.metrics.underWay, 0)
  })
})

describe('timeout', () => {
  test('each attempt has its own; its signal fires with the TimeoutError', async () => {
    const clock = virtualClock()
    const reasons = []
    const fn = map(
      (n, { signal, attempt }) => {
        signal.addEventListener('abort', () => reasons.push(signal.reason))
        return attempt === 3 ? n : never()
      },
      { timeout: 50, retry: { attempts: 3, backoff: 10 }, clock },
    )
    const running = fn.run(['x'])
    for (let i = 0; i < 13; i++) await clock.advance(10)
    assert.deepEqual(await within(LIMIT, running, 'the result'), ['x'])
    assert.equal(reasons.length, 2)
    for (const reason of reasons) {
      assert.ok(reason instanceof TimeoutError)
      assert.equal(reason.code, 'VELO_TIMEOUT')
      assert.equal(reason.message, 'map: the call took longer than 50 ms')
    }
    assert.equal(clock.pending, 0)
  })

  test('what comes too late counts as nothing, whether it is a result or an error', async () => {
    for (const late of ['resolve', 'reject']) {
      const clock = virtualClock()
      const gate = deferred()
      const fn = map(() => gate.promise, { timeout: 5, onError: 'skip', clock })
      const running = fn.run([1])
      await clock.advance(5)
      gate[late](new Error('late'))
      assert.deepEqual(await within(LIMIT, running, 'the end'), [])
      await turns()
      assert.deepEqual(counts(fn), { done: 0, failed: 0, skipped: 1, underWay: 0 })
    }
  })
})

describe('onError', () => {
  const error = new Error('mine')
  const failing = (n) => {
    if (n % 2 === 0) throw error
    return n
  }

  test('a function gets the error and the event after the last call, and its value is the result', async () => {
    for (const answer of [(value) => value, async (value) => value]) {
      const heard = []
      const onError = (...args) => {
        heard.push(args)
        return answer(-args[1])
      }
      const fn = map(failing, { onError, retry: { attempts: 2, backoff: 0 } })
      assert.deepEqual(await within(LIMIT, fn.run([1, 2, 3, 4]), 'the results'), [1, -2, 3, -4])
      assert.deepEqual(
        heard.map(([caught, event, call]) => [caught === error, event, call.index, call.attempt]),
        [
          [true, 2, 1, 2],
          [true, 4, 3, 2],
        ],
      )
      assert.deepEqual(counts(fn), { done: 4, failed: 0, skipped: 0, underWay: 0 })
    }
  })

  test('what such a function throws is the failure', async () => {
    const other = new Error('other')
    const fn = map(failing, {
      onError: () => {
        throw other
      },
    })
    assert.equal((await within(LIMIT, outcome(fn.run([1, 2])), 'the end')).error, other)
    assert.deepEqual(counts(fn), { done: 1, failed: 1, skipped: 0, underWay: 0 })
  })

  test('filter takes a verdict from it, tap nothing', async () => {
    assert.deepEqual(await filter(failing, { onError: (_, n) => n > 2 }).run([1, 2, 3, 4]), [1, 3, 4])
    assert.deepEqual(await tap(failing, { onError: () => 'ignored' }).run([1, 2]), [1, 2])
  })

  test('skip with nothing thrown leaves nothing out; undefined is a result', async () => {
    assert.deepEqual(await map(() => undefined, { onError: 'skip' }).run([1, 2]), [undefined, undefined])
  })

  test('an iterable of flatMap that throws on the way: what it gave stays, the rest is as onError says', async () => {
    const half = (n) =>
      (function* () {
        yield n
        if (n === 2) throw error
        yield -n
      })()
    const run = (onError) => {
      const fn = flatMap(half, { onError, retry: { attempts: 3, backoff: 0 } })
      return within(LIMIT, outcome(fn.run([1, 2, 3])), 'the end').then((end) => [end, counts(fn)])
    }
    assert.deepEqual(await run('skip'), [{ value: [1, -1, 2, 3, -3] }, { done: 2, failed: 0, skipped: 1, underWay: 0 }])
    assert.deepEqual(await run((caught, n) => [caught === error, n]), [
      { value: [1, -1, 2, true, 2, 3, -3] },
      { done: 3, failed: 0, skipped: 0, underWay: 0 },
    ])
    assert.deepEqual((await run(async () => ['later']))[0], { value: [1, -1, 2, 'later', 3, -3] })
    assert.deepEqual(await run('fail'), [{ error }, { done: 1, failed: 1, skipped: 0, underWay: 0 }])
  })
})

describe('batch', () => {
  test('skipBatch leaves the whole call out, skipItem tries each event alone, once', async () => {
    const sizes = []
    const save = async (ns) => {
      sizes.push(ns.length)
      if (ns.includes(3)) throw new Error('three')
      return ns.map((n) => n * 10)
    }
    const run = async (onError) => {
      sizes.length = 0
      const fn = batch(save, { maxSize: 2, onError, retry: { attempts: 2, backoff: 0 } })
      return [await within(LIMIT, fn.run([1, 2, 3, 4, 5]), 'the results'), [...sizes], counts(fn)]
    }
    assert.deepEqual(await run('skipBatch'), [[10, 20, 50], [2, 2, 2, 1], { done: 3, failed: 0, skipped: 2, underWay: 0 }])
    assert.deepEqual(await run('skipItem'), [[10, 20, 40, 50], [2, 2, 2, 1, 1, 1], { done: 4, failed: 0, skipped: 1, underWay: 0 }])
    const failed = batch(save, { maxSize: 2 })
    assert.equal((await outcome(failed.run([1, 2, 3, 4]))).error.message, 'three')
    assert.deepEqual(counts(failed), { done: 2, failed: 2, skipped: 0, underWay: 0 })
    const handled = batch(save, { maxSize: 2, onError: (_, events) => events.map(String) })
    assert.deepEqual(await handled.run([1, 2, 3, 4]), [10, 20, '3', '4'])
  })

  test('leaving a stream that tries events alone aborts the one under way', async () => {
    const alone = deferred()
    const fn = batch(
      (ns, { signal }) => {
        if (ns.length > 1) throw new Error('together')
        alone.resolve(signal)
        return never()
      },
      { maxSize: 2, onError: 'skipItem' },
    )
    const stream = fn.open()
    await stream.sendBatch([1, 2])
    const signal = await within(LIMIT, alone.promise, 'the call')
    await within(LIMIT, stream.close(), 'close')
    assert.ok(signal.aborted)
    assert.equal((await stream.closed).detached, false)
  })

  test('maxWait flushes by time; with fewer than minSize it waits on; the end flushes what is left', async () => {
    const clock = virtualClock()
    const source = controlledSource()
    const reader = slowConsumer(chunk({ maxSize: 4, minSize: 2, maxWait: 10, clock })(source))
    source.push('a')
    let taking = reader.take()
    await clock.advance(25)
    assert.deepEqual(reader.taken, [])
    source.push('b')
    assert.deepEqual(await within(LIMIT, taking, 'two'), ['a', 'b'])

    taking = reader.take()
    source.push('c', 'd', 'e', 'f', 'g')
    assert.deepEqual(await within(LIMIT, taking, 'four'), ['c', 'd', 'e', 'f'])
    taking = reader.take()
    source.push('h')
    await clock.advance(10)
    assert.deepEqual(await within(LIMIT, taking, 'by time'), ['g', 'h'])
    taking = reader.take()
    source.push('i')
    source.end()
    assert.deepEqual(await within(LIMIT, taking, 'the tail'), ['i'])
    assert.equal(await within(LIMIT, reader.take(), 'the end'), undefined)
    assert.equal(clock.pending, 0)
  })

  test('an array waits no longer because nobody reads, and no more than one array is gathered ahead', async () => {
    const clock = virtualClock()
    const source = controlledSource()
    const reader = slowConsumer(chunk({ maxSize: 3, maxWait: 10, clock })(source))
    source.push(1, 2, 3, 4)
    assert.deepEqual(await within(LIMIT, reader.take(), 'the first'), [1, 2, 3])
    await clock.advance(10)
    assert.deepEqual(await within(LIMIT, reader.take(), 'due already'), [4])
    source.push(...'abcdefghi')
    await turns()
    assert.equal(source.pulled, 4 + 3)
    await reader.leave()
    assert.equal(clock.pending, 0)
    assert.equal(source.returned, 1)
  })

  test('without maxWait nothing is gathered while nobody reads', async () => {
    const source = controlledSource()
    source.push(...'abcdef')
    const reader = slowConsumer(chunk({ maxSize: 2 })(source))
    await within(LIMIT, reader.take(), 'the first')
    await turns()
    assert.equal(source.pulled, 2)
    await reader.leave()
  })

  test('what was gathered before the source failed comes before its error', async () => {
    const source = controlledSource()
    const error = new Error('mine')
    source.push(1, 2, 3)
    source.fail(error)
    const results = []
    const reading = (async () => {
      for await (const result of batch((ns) => ns, { maxSize: 2 })(source)) results.push(result)
    })()
    assert.equal((await within(LIMIT, outcome(reading), 'the end')).error, error)
    assert.deepEqual(results, [1, 2, 3])
  })
})

describe('options are checked when the operator is made', () => {
  const fn = () => {}
  const cases = [
    [() => map(), 'map(fn)'],
    [() => map(5), 'map(fn)'],
    [() => map(fn, null), 'map(fn, options)'],
    [() => map(fn, { parallel: 2 }), 'map(fn, options).parallel'],
    [() => map(fn, { concurrency: 0 }), 'map(fn, options).concurrency'],
    [() => map(fn, { concurrency: 1.5 }), 'map(fn, options).concurrency'],
    [() => map(fn, { buffer: -1 }), 'map(fn, options).buffer'],
    [() => map(fn, { ordered: 'no' }), 'map(fn, options).ordered'],
    [() => map(fn, { onError: 'ignore' }), 'map(fn, options).onError'],
    [() => map(fn, { timeout: 0 }), 'map(fn, options).timeout'],
    [() => map(fn, { timeout: Infinity }), 'map(fn, options).timeout'],
    [() => map(fn, { clock: {} }), 'map(fn, options).clock.now'],
    [() => map(fn, { retry: 3 }), 'map(fn, options).retry'],
    [() => map(fn, { retry: { times: 3 } }), 'map(fn, options).retry.times'],
    [() => map(fn, { retry: { attempts: 0 } }), 'map(fn, options).retry.attempts'],
    [() => map(fn, { retry: { jitter: 2 } }), 'map(fn, options).retry.jitter'],
    [() => map(fn, { retry: { backoff: -1 } }), 'map(fn, options).retry.backoff'],
    [() => map(fn, { retry: { retryOn: true } }), 'map(fn, options).retry.retryOn'],
    [() => filter(fn, { maxSize: 1 }), 'filter(fn, options).maxSize'],
    [() => flatMap('x'), 'flatMap(fn)'],
    [() => tap(fn, { concurrency: '2' }), 'tap(fn, options).concurrency'],
    [() => take(), 'take(count)'],
    [() => take(-1), 'take(count)'],
    [() => skip(1.5), 'skip(count)'],
    [() => scan(1, 2), 'scan(fn)'],
    [() => chunk({ maxSize: 0 }), 'chunk(options).maxSize'],
    [() => chunk({ maxSize: 2, minSize: 3 }), 'chunk(options).minSize'],
    [() => chunk({ concurrency: 3 }), 'chunk(options).concurrency'],
    [() => batch(fn, { onError: 'skip' }), 'batch(fn, options).onError'],
    [() => batch(fn, { maxWait: 0 }), 'batch(fn, options).maxWait'],
  ]
  for (const [make, field] of cases) {
    test(String(make).slice(6), () => {
      assert.throws(make, (error) => {
        assert.equal(error.code, 'VELO_CONFIG')
        assert.equal(error.field, field)
        assert.match(error.message.slice(field.length), /^: (?:unknown option '\w+'(?: \(did you mean '\w+'\?\))?, )?expected /)
        assert.ok(error.message.startsWith(field), error.message)
        return true
      })
    })
  }
})

test('every result of one stream is its own: scan starts anew, with an initial state made for it', async () => {
  const gather = scan(
    (all, n) => {
      all.push(n)
      return all
    },
    () => [],
  )
  assert.deepEqual((await gather.run([1, 2])).at(-1), [1, 2])
  assert.deepEqual((await collect(gather([3]))).at(-1), [3])
})

test('a function that empties its batch: the counts are those of what it was given', async () => {
  const fn = batch((events) => events.splice(0).length, { maxSize: 2 })
  assert.deepEqual(await within(LIMIT, fn.run([1, 2, 3]), 'the results'), [2, 1])
  assert.deepEqual(counts(fn), { done: 3, failed: 0, skipped: 0, underWay: 0 })
})

test('times longer than a timer can wait are refused, not cut to 1 ms', () => {
  const ms = 2 ** 31
  for (const make of [
    () => map(String, { timeout: ms }),
    () => map(String, { retry: { backoff: ms } }),
    () => map(String, { retry: { maxBackoff: ms } }),
    () => chunk({ maxWait: ms }),
  ])
    assert.throws(make, { code: 'VELO_CONFIG', message: /expected ms from \d to 2147483647, got 2147483648/ })
})

noUnhandledRejections('policies')
