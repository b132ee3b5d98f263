// Pipelines with stages on worker threads: in any order with local ones, spread over threads, and between two threads the events do not visit
// the caller.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { threadId } from 'node:worker_threads'
import { runtime, streamFn } from 'velo-stream'
import { asyncSource, numbers } from '../support/counted.mjs'
import { isPending, outcome, turns, until } from '../support/deferred.mjs'
import { noUnhandledRejections } from '../support/unhandled.mjs'
import { within } from '../support/within.mjs'
import { Flag, flags, raise, raised } from './functions/flags.mjs'

runtime.configure({ workers: 2 })

const soon = (promise, what) => within(5_000, promise, what)
const on = (file, name, options) =>
  streamFn(new URL(`functions/${file}`, import.meta.url), { placement: 'worker', export: name, ...options })
const stamp = (options) => on('relay.mjs', 'stamp', options)
const obey = (options) => on('obey.mjs', 'obey', options)
const stage = (name, options) => on('stages.mjs', name, options)

async function* here(events) {
  for await (const event of events) yield [...event, threadId]
}

async function* pass(events) {
  for await (const event of events) yield event
}

/** Drives a stream function in every way: what it gives for `events`. */
const ways = {
  run: (fn, events) => fn.run(events),
  'run of an async source': (fn, events) => fn.run(asyncSource(events)),
  call: (fn, events) => collect(fn(events)),
  feed: (fn, events) => collect(fn.open().feed(events)),
  async live(fn, events) {
    const stream = fn.open()
    const sending = stream.sendBatch(events).then(() => stream.end())
    const results = await collect(stream)
    await sending
    return results
  },
}

async function collect(iterable) {
  const results = []
  for await (const result of iterable) results.push(result)
  return results
}

describe('stages in any order', () => {
  const orders = ['w', 'wl', 'lw', 'lwl', 'wlw', 'ww', 'www', 'lwwl', 'wwlww', 'llwwwll']
  for (const order of orders) {
    const make = () => [...order].map((kind) => (kind === 'w' ? stamp() : streamFn(here))).reduce((all, next) => all.pipe(next))
    for (const [name, drive] of Object.entries(ways)) {
      test(`${order}, ${name}`, async () => {
        const results = await soon(
          drive(
            make(),
            numbers(300).map((n) => [n]),
          ),
          name,
        )
        assert.equal(results.length, 300)
        const [, ...threads] = results[0]
        assert.deepEqual(
          threads.map((thread) => (thread === threadId ? 'l' : 'w')),
          [...order],
        )
        for (const [n, result] of results.entries()) assert.deepEqual(result, [n, ...threads], 'each stage stays on its thread')
      })
    }
  }

  test('two worker stages that are neighbors get different threads', async () => {
    await soon(runtime.warm(), 'warm')
    for (let i = 0; i < 10; i++) {
      const [[, a, b]] = await soon(
        stamp()
          .pipe(stamp())
          .run([[i]]),
        'run',
      )
      assert.notEqual(a, b)
    }
  })

  test('it takes one permit, and metrics.thread is that of the first stage', async () => {
    const fn = stamp({ maxConcurrent: 1 }).pipe(stamp()).pipe(here)
    const stream = fn.open()
    assert.throws(() => fn.open(), { code: 'VELO_OVERLOADED' })
    await soon(stream.send([]), 'send')
    const [first] = await soon(stream.recv(), 'recv')
    assert.equal(stream.metrics.thread, first)
    assert.equal(runtime.snapshot().streamsOpen, 1)
    await soon(stream.close(), 'close')
    const local = streamFn(here).pipe(stamp()).open()
    await soon(local.send([]), 'send')
    await soon(local.recv(), 'recv')
    assert.equal(local.metrics.thread, threadId)
    await soon(local.close(), 'close')
    assert.deepEqual([fn.metrics.streamsOpen, runtime.snapshot().streamsOpen], [0, 0])
    assert.deepEqual(
      runtime.snapshot().workers.map(({ streams }) => streams),
      [0, 0],
    )
  })
})

describe('between two threads the events do not visit the caller', () => {
  test('the caller may be blocked from the first event to the last', async () => {
    await soon(runtime.warm(), 'warm')
    const row = flags()
    const fn = stage('giver', { context: () => row, buffer: 64 }).pipe(stage('taker', { buffer: 64 }))
    const stream = fn.open()
    await soon(stream.send(1), 'send')
    await until(5_000, () => Atomics.load(row, Flag.Given) > 0, 'both have started')
    // This thread does nothing until the second stage has got all that the first one made.
    raise(row, Flag.Go)
    assert.equal(Atomics.wait(row, Flag.Left, 0, 5_000), 'ok')
    assert.equal(Atomics.load(row, Flag.Right), 10_000)
    stream.end()
    assert.deepEqual(await soon(collect(stream), 'the result'), ['taken'])
  })

  test('what this thread could not even hold as it is: a value that would be another one after a second copy', async () => {
    const results = await soon(stage('odd').pipe(stage('lookAtOdd')).run([1]), 'run')
    assert.deepEqual(results, ['an own class became a plain object once; 4194304 bytes; hole kept: true'])
  })
})

describe('errors', () => {
  test('of a stage: untouched copies, closed.stage names it, and the stages after it may catch it', async () => {
    const names = ['first', 'second', 'third']
    for (const culprit of names) {
      const fn = names
        .map((name) => (name === culprit ? obey({ name }) : on('relay.mjs', 'default', { name })))
        .reduce((all, next) => all.pipe(next))
      const stream = fn.open()
      await soon(stream.send({ do: 'toss', what: 'own' }), 'send')
      const { error } = await soon(outcome(stream.recv()), 'recv')
      assert.deepEqual([error.name, error.message, error.code, error.degrees], ['TooHot', 'too hot', 'E_HOT', 451])
      const end = await soon(stream.closed, 'closed')
      assert.deepEqual([end.reason, end.stage, end.error === error], ['failed', culprit, true])
      assert.equal(fn.metrics.streamsOpen, 0)
    }
  })

  test('of a local stage between workers: the very same error', async () => {
    const error = new Error('local')
    const fn = on('relay.mjs', 'default').pipe(
      streamFn(async function* bad(events) {
        await events.next()
        throw error
      }),
    )
    for (const whole of [fn, fn.pipe(on('relay.mjs', 'default'))]) {
      const stream = whole.open()
      await soon(stream.send(1), 'send')
      assert.equal((await soon(outcome(stream.recv()), 'recv')).error, error)
      assert.equal((await soon(stream.closed, 'closed')).stage, 'bad')
    }
  })

  test('the next stage catches it, on another thread and here', async () => {
    const toss = [
      { do: 'echo', value: 1 },
      { do: 'toss', what: 'typeError' },
    ]
    const expected = [1, 'TypeError: no such thing (E_TYPE)', true]
    async function* forgiving(events) {
      try {
        yield* pass(events)
      } catch (error) {
        yield `${error.name}: ${error.message} (${error.code})`
      }
      yield (await events.next()).done
    }
    assert.deepEqual(await soon(obey().pipe(on('relay.mjs', 'forgiving')).run(toss), 'run'), expected)
    assert.deepEqual(await soon(obey().pipe(forgiving).run(toss), 'run'), expected)
  })
})

describe('ends in the middle', () => {
  for (const before of ['w', 'l']) {
    test(`a worker stage that returns early: those before it (${before}) get return(), the source, too`, async () => {
      const row = flags()
      const first =
        before === 'w'
          ? stage('counting', { context: () => row, buffer: 8 })
          : streamFn(
              async function* counting(events) {
                try {
                  yield* pass(events)
                } finally {
                  raise(row, Flag.Left)
                }
              },
              { buffer: 8 },
            )
      const source = asyncSource(numbers(100_000))
      assert.deepEqual(await soon(first.pipe(stage('three', { buffer: 8 })).run(source), 'run'), [0, 1, 2])
      await soon(raised(row, Flag.Left), 'finally')
      assert.equal(source.returns, 1)
      assert.ok(source.pulls < 100, `${source.pulls}`)
    })
  }

  test('a local stage after two workers that returns early', async () => {
    const row = flags()
    async function* three(events) {
      let n = 0
      for await (const event of events) {
        yield event
        if (++n === 3) return
      }
    }
    const fn = stage('counting', { context: () => row, buffer: 8 })
      .pipe(stage('counting', { buffer: 8 }))
      .pipe(three)
    const source = asyncSource(numbers(100_000))
    assert.deepEqual(await soon(fn.run(source), 'run'), [0, 1, 2])
    await soon(raised(row, Flag.Left, 2), 'finally of both')
    assert.equal(source.returns, 1)
    assert.deepEqual(await soon(collect(fn(asyncSource(numbers(100)))), 'call'), [0, 1, 2])
  })

  for (const how of ['abort', 'close']) {
    test(`${how} reaches every stage`, async () => {
      const row = flags()
      const counting = () => stage('counting', { context: () => row })
      const fn = counting().pipe(counting()).pipe(pass).pipe(counting())
      const stream = fn.open()
      await soon(stream.send(1), 'send')
      assert.equal(await soon(stream.recv(), 'recv'), 1)
      if (how === 'abort') stream.abort('why')
      else await soon(stream.close(), 'close')
      const end = await soon(stream.closed, 'closed')
      assert.deepEqual([end.reason, end.detached], [how === 'abort' ? 'aborted' : 'closed', false])
      assert.deepEqual(
        [Flag.Left, Flag.Signaled].map((flag) => Atomics.load(row, flag)),
        [3, 3],
      )
      assert.equal(Atomics.load(row, Flag.Aborted), how === 'abort' ? 3 : 0)
      assert.equal(fn.metrics.streamsOpen, 0)
    })
  }

  test('a break in a loop over a call', async () => {
    const row = flags()
    const counting = () => stage('counting', { context: () => row })
    const source = asyncSource(numbers(100))
    for await (const _ of counting().pipe(counting())(source, { ahead: 0 })) break
    await soon(raised(row, Flag.Left, 2), 'finally of both')
    assert.deepEqual([source.pulls, source.returns], [1, 1])
  })
})

describe('backpressure', () => {
  test('goes through all stages to the sender: nothing is unbounded', async () => {
    const BUFFER = 4
    const fn = [0, 1, 2].map(() => stage('counting', { buffer: BUFFER })).reduce((all, next) => all.pipe(next))
    const stream = fn.open()
    let accepted = 0
    const sending = (async () => {
      for (let i = 0; i < 1_000; i++) {
        await stream.send(i)
        accepted++
      }
      stream.end()
    })()
    let before = -1
    await until(5_000, () => accepted > 0, 'the first')
    while (before !== accepted) {
      before = accepted
      await turns(50)
    }
    assert.ok(await isPending(sending))
    // Each stage has an input channel and one event in hand; then the output channel. Between threads a channel has two ends.
    assert.ok(accepted <= 3 * (2 * BUFFER + 1) + BUFFER, `${accepted} accepted`)
    assert.deepEqual(await soon(collect(stream), 'the results'), numbers(1_000))
    await soon(sending, 'the sends')
  })

  test('a call with ahead: 0 is pulled in lockstep through workers: the source is not read ahead', async () => {
    const source = asyncSource(numbers(100))
    const results = stage('counting').pipe(stage('counting'))(source, { ahead: 0 })
    for (let i = 0; i < 5; i++) {
      assert.deepEqual(await soon(results.next(), 'next'), { value: i, done: false })
      await turns(10)
      assert.equal(source.pulls, i + 1)
    }
    await soon(results.return(), 'return')
    assert.equal(source.returns, 1)
  })
})

noUnhandledRejections('pipelines on workers')
