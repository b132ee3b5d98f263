// The ways to use a stream function: called, run, opened, fed; and what each of them gives.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { runtime, streamFn } from 'velo-stream'
import { asyncSource } from '../support/counted.mjs'
import { deferred, isPending, outcome, turns } from '../support/deferred.mjs'
import { noUnhandledRejections } from '../support/unhandled.mjs'
import { within } from '../support/within.mjs'

async function* average(events) {
  let total = 0
  let count = 0
  for await (const event of events) yield (total += event) / ++count
}

const fn = streamFn(average)

async function collect(iterable) {
  const results = []
  for await (const result of iterable) results.push(result)
  return results
}

describe('fn(source)', () => {
  test('gives an async iterable iterator of the results', async () => {
    const results = fn([10, 20])
    assert.equal(results[Symbol.asyncIterator](), results)
    assert.deepEqual(await within(1000, results.next(), 'next'), { value: 10, done: false })
    assert.deepEqual(await within(1000, results.next(), 'next'), { value: 15, done: false })
    assert.deepEqual(await within(1000, results.next(), 'next'), { value: undefined, done: true })
    assert.deepEqual(await within(1000, results.next(), 'next'), { value: undefined, done: true })
  })

  test('does nothing until it is asked', async () => {
    const source = asyncSource([1, 2, 3])
    const before = runtime.snapshot().streamsOpened
    const results = fn(source)
    await turns(2)
    assert.deepEqual([source.opens, source.pulls, runtime.snapshot().streamsOpened], [0, 0, before])
    assert.deepEqual(await within(1000, results.return(5), 'return'), { value: 5, done: true })
    assert.deepEqual(await within(1000, results.next(), 'next'), { value: undefined, done: true })
    assert.deepEqual([source.opens, source.pulls, source.returns], [0, 0, 0])
  })

  test('pulls in lockstep, as a bare generator does', async () => {
    const ours = asyncSource([1, 2, 3, 4])
    const bare = asyncSource([1, 2, 3, 4])
    const results = fn(ours)
    const generator = average(bare)
    for (let i = 0; i < 3; i++) {
      assert.deepEqual(await within(1000, results.next(), 'next'), await generator.next())
      await turns(2)
      assert.equal(ours.pulls, bare.pulls)
    }
    await within(1000, results.return(), 'return')
    assert.equal(ours.returns, 1)
  })

  test('several next() at once are served in order', async () => {
    const results = fn([10, 20, 30])
    const all = await within(1000, Promise.all([results.next(), results.next(), results.next(), results.next()]), 'next')
    assert.deepEqual(
      all.map(({ value }) => value),
      [10, 15, 20, undefined],
    )
  })

  test('return() settles a pending next() at once, which a bare generator cannot', async () => {
    const source = { [Symbol.asyncIterator]: () => source, next: () => new Promise(() => {}) }
    const results = fn(source)
    const pending = results.next()
    assert.ok(await isPending(pending))
    assert.deepEqual(await within(1000, results.return(), 'return'), { value: undefined, done: true })
    assert.deepEqual(await within(1000, pending, 'next'), { value: undefined, done: true })
  })

  test('throw(error) ends it and rejects with the error', async () => {
    const source = asyncSource([1, 2, 3])
    const results = fn(source)
    await within(1000, results.next(), 'next')
    const error = new Error('thrown in')
    await assert.rejects(within(1000, results.throw(error), 'throw'), (thrown) => thrown === error)
    await turns(4)
    assert.equal(source.returns, 1)
    assert.equal(fn.metrics.streamsOpen, 0)
  })

  test('a signal ends it: the pending next() rejects, then it is done', async () => {
    const controller = new AbortController()
    const source = asyncSource([1, 2, 3])
    const results = fn(source, { signal: controller.signal })
    await within(1000, results.next(), 'next')
    controller.abort('enough')
    await assert.rejects(within(1000, results.next(), 'next'), { name: 'AbortError', code: 'VELO_ABORTED', cause: 'enough' })
    assert.deepEqual(await within(1000, results.next(), 'next'), { value: undefined, done: true })
    await turns(4)
    assert.equal(source.returns, 1)
  })

  test('each call is an instance of its own', async () => {
    const both = [fn([1, 3]), fn([10, 30])]
    const seen = []
    for (let i = 0; i < 2; i++) for (const results of both) seen.push((await within(1000, results.next(), 'next')).value)
    assert.deepEqual(seen, [1, 10, 2, 20])
    await Promise.all(both.map((results) => results.return()))
  })
})

describe('run(source)', () => {
  test('collects everything', async () => {
    assert.deepEqual(await within(1000, fn.run([10, 20, 30]), 'run'), [10, 15, 20])
    assert.deepEqual(await within(1000, fn.run([]), 'run'), [])
    assert.deepEqual(await within(1000, fn.run(new Set([10, 20])), 'run'), [10, 15])
    assert.deepEqual(
      await within(
        1000,
        streamFn(async function* (events) {
          for await (const event of events) yield event
        }).run('ab'),
        'run',
      ),
      ['a', 'b'],
    )
  })

  test('runs at once and ahead, without anybody who asks', async () => {
    const source = asyncSource([1, 2, 3])
    const running = fn.run(source)
    await turns(4)
    assert.ok(source.finished)
    await within(1000, running, 'run')
    assert.equal(source.returns, 0)
  })

  test('an array that changes meanwhile is read as it is, as by an iterator', async () => {
    const array = [1, 2]
    const results = await within(
      1000,
      streamFn(async function* (events) {
        for await (const event of events) {
          if (event === 1) array.push(3)
          yield event
        }
      }).run(array),
      'run',
    )
    assert.deepEqual(results, [1, 2, 3])
  })

  test('values go through untouched: identity, undefined, holes', async () => {
    const same = streamFn(async function* (events) {
      for await (const event of events) yield event
    })
    const object = { deep: [1] }
    const values = [object, undefined, null, NaN, Number.NaN, Symbol.iterator, 0n, '']
    const results = await within(1000, same.run(values), 'run')
    assert.equal(results.length, values.length)
    for (const [i, value] of values.entries()) assert.ok(Object.is(results[i], value))
    // biome-ignore lint/suspicious/noSparseArray: the case under test
    assert.deepEqual(await within(1000, same.run([1, , 3]), 'run'), [1, undefined, 3])
  })

  test('an aborted signal refuses before the source is touched', async () => {
    const source = asyncSource([1])
    await assert.rejects(within(1000, fn.run(source, { signal: AbortSignal.abort('early') }), 'run'), {
      code: 'VELO_ABORTED',
      cause: 'early',
    })
    assert.equal(source.pulls, 0)
    assert.equal(fn.metrics.streamsOpen, 0)
  })

  test('works when it is taken off its function', async () => {
    const { run, open, pipe } = fn
    const with_ = fn.with
    assert.deepEqual(await within(1000, run([2, 4]), 'run'), [2, 3])
    assert.deepEqual(await within(1000, pipe(average).run([2, 4]), 'run'), [2, 2.5])
    assert.deepEqual(await within(1000, with_({ buffer: 1 }).run([2, 4]), 'run'), [2, 3])
    await within(1000, open().close(), 'close')
  })
})

describe('open()', () => {
  test('is synchronous and starts nothing', async () => {
    let started = 0
    const stream = streamFn(async function* (events) {
      started++
      for await (const event of events) yield event
    }).open()
    await turns(2)
    assert.equal(started, 0)
    assert.equal(stream.state, 'open')
    assert.equal(typeof stream.id, 'string')
    await within(1000, stream.close(), 'close')
    assert.equal(started, 0)
  })

  test('ids are unique', () => {
    const streams = Array.from({ length: 100 }, () => fn.open())
    assert.equal(new Set(streams.map(({ id }) => id)).size, 100)
    return Promise.all(streams.map((stream) => stream.close()))
  })

  test('an id that a default one would have is no reason for two of the same', async () => {
    const first = fn.open()
    const [, base, ordinal] = /^(.*-)(\d+)$/.exec(first.id)
    const next = fn.open({ id: `${base}${Number(ordinal) + 2}` })
    const third = fn.open()
    assert.equal(new Set([first.id, next.id, third.id]).size, 3)
    await Promise.all([first, next, third].map((stream) => stream.close()))
  })

  test('a given id that a default one has already is refused', async () => {
    const first = fn.open()
    assert.throws(() => fn.open({ id: first.id }), { code: 'VELO_CONFIG' })
    await first.close()
  })
})

describe('feed(source)', () => {
  test('sends everything, ends the input, gives the results', async () => {
    const source = asyncSource([10, 20, 30])
    const stream = fn.open()
    assert.deepEqual(await within(1000, collect(stream.feed(source)), 'feed'), [10, 15, 20])
    const end = await within(1000, stream.closed, 'closed')
    assert.deepEqual(end, { reason: 'done', dropped: { events: 0, results: 0 }, detached: false })
    assert.equal(source.returns, 0)
  })

  test('a source that throws: into the function, and uncaught to the reader', async () => {
    const error = new Error('source')
    const stream = fn.open()
    const results = stream.feed(asyncSource([10], { fail: { error } }))
    assert.equal((await within(1000, results.next(), 'next')).value, 10)
    await assert.rejects(within(1000, results.next(), 'next'), (thrown) => thrown === error)
    assert.deepEqual(await within(1000, results.next(), 'next'), { value: undefined, done: true })
    assert.equal((await stream.closed).reason, 'failed')
  })

  test('pulls no further than the buffer', async () => {
    const source = asyncSource(Array.from({ length: 1000 }, (_, i) => i))
    const stream = fn.with({ buffer: 4 }).open()
    const results = stream.feed(source)
    await turns(8)
    // Four results, one that is held back, four events, one that waits to be accepted, and one ahead.
    assert.ok(source.pulls <= 4 + 1 + 4 + 1 + 1, `${source.pulls} were pulled`)
    await within(1000, results.return(), 'return')
    assert.equal(source.returns, 1)
  })

  test('a function that returns early gives the source back, even a silent one', async () => {
    const source = {
      returns: 0,
      [Symbol.asyncIterator]: () => source,
      next: () => new Promise(() => {}),
      return: async () => ({ done: true, value: source.returns++ }),
    }
    const stream = streamFn(async function* () {
      yield 'hello'
    }).open()
    assert.deepEqual(await within(1000, collect(stream.feed(source)), 'feed'), ['hello'])
    await turns(2)
    assert.equal(source.returns, 1)
  })

  test('on a stream that has ended or closed', async () => {
    const ended = fn.open()
    ended.end()
    const closed = fn.open()
    await within(1000, closed.close(), 'close')
    for (const stream of [ended, closed]) {
      const source = asyncSource([1, 2])
      const { value, error } = await within(1000, outcome((async () => collect(stream.feed(source)))()), 'feed')
      if (error !== undefined) assert.match(error.code, /^VELO_(CLOSED|ENDED)$/)
      else assert.deepEqual(value, [])
      await turns(2)
      assert.ok(source.opens === 0 || source.finished || source.returns === 1, 'the source is not left open')
    }
  })
})

describe('recursion', () => {
  test('a function may run its own function inside', async () => {
    const factorial = streamFn(async function* (events) {
      for await (const n of events) yield n <= 1 ? 1 : n * (await factorial.run([n - 1]))[0]
    })
    assert.deepEqual(await within(1000, factorial.run([5, 10]), 'run'), [120, 3628800])
  })

  test('a stream may be used by its own function', async () => {
    let stream
    const fn = streamFn(async function* (events) {
      for await (const event of events) {
        if (event < 5) stream.trySend(event + 1)
        else stream.end()
        yield event
      }
    })
    stream = fn.open()
    const seen = collect(stream)
    await within(1000, stream.send(1), 'send')
    assert.deepEqual(await within(1000, seen, 'the results'), [1, 2, 3, 4, 5])
  })

  test('a function may close its own stream', async () => {
    let stream
    const gate = deferred()
    const fn = streamFn(async function* (events) {
      for await (const event of events) {
        stream.close().then(gate.resolve, gate.reject)
        yield event
      }
    })
    stream = fn.open()
    await within(1000, stream.send(1), 'send')
    await within(1000, gate.promise, 'close')
    assert.equal((await stream.closed).reason, 'closed')
  })
})

noUnhandledRejections('calls')
