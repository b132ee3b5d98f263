// What of the caller's surroundings reaches a function on a worker thread: headers, a declared context, and what it prints comes out in order.

import assert from 'node:assert/strict'
import { AsyncLocalStorage } from 'node:async_hooks'
import { describe, test } from 'node:test'
import { runtime, streamFn } from 'velo-stream'
import { child } from '../support/child.mjs'
import { outcome } from '../support/deferred.mjs'
import { noUnhandledRejections } from '../support/unhandled.mjs'
import { within } from '../support/within.mjs'
import { prelude } from './functions/prelude.mjs'

runtime.configure({ workers: 2 })

const url = new URL('functions/obey.mjs', import.meta.url)
const obey = (options) => streamFn(url, { placement: 'worker', export: 'obey', idleTimeout: 0, ...options })
const soon = (promise, what) => within(5_000, promise, what)
const LOOK = { do: 'context' }

async function look(stream) {
  await soon(stream.send(LOOK), 'send')
  const seen = await soon(stream.recv(), 'recv')
  await soon(stream.close(), 'close')
  return seen
}

describe('ctx', () => {
  test('id, name and headers are those of the stream', async () => {
    const stream = obey({ name: 'mine' }).open({ id: 'one of a kind', headers: { traceparent: '00-ab', n: ['1', '2'] } })
    assert.deepEqual(await look(stream), {
      id: 'one of a kind',
      name: 'mine',
      headers: { traceparent: '00-ab', n: ['1', '2'] },
      context: undefined,
    })
  })

  test('without headers there is an empty object', async () => {
    assert.deepEqual((await look(obey().open())).headers, {})
    const [{ headers, id }] = await soon(obey().run([LOOK]), 'run')
    assert.deepEqual(headers, {})
    assert.ok(id.length > 0)
  })

  test('headers are a copy', async () => {
    const headers = { a: '1' }
    const stream = obey().open({ headers })
    await soon(stream.send(LOOK), 'send')
    headers.a = '2'
    assert.deepEqual((await soon(stream.recv(), 'recv')).headers, { a: '1' })
    await soon(stream.close(), 'close')
  })
})

describe('the option context', () => {
  const storage = new AsyncLocalStorage()
  const context = () => storage.getStore()

  test('carries an AsyncLocalStorage: that of whoever opens the stream, not of who sends or reads', async () => {
    const fn = obey({ context })
    const streams = Array.from({ length: 50 }, (_, user) => storage.run({ user, roles: new Set(['a', user]) }, () => fn.open()))
    const seen = await storage.run({ user: 'the reader' }, () => Promise.all(streams.map(look)))
    for (const [user, one] of seen.entries()) assert.deepEqual(one.context, { user, roles: new Set(['a', user]) })
  })

  test('with run, a call and feed as well, and for every event', async () => {
    const fn = obey({ context })
    await storage.run('the caller', async () => {
      for (const [{ context: first }, { context: second }] of [await soon(fn.run([LOOK, LOOK]), 'run')])
        assert.deepEqual([first, second], ['the caller', 'the caller'])
      for await (const result of fn([LOOK, LOOK])) assert.equal(result.context, 'the caller')
      for await (const result of fn.open().feed([LOOK])) assert.equal(result.context, 'the caller')
    })
  })

  test('is asked once for each stream, as it is opened', async () => {
    let asked = 0
    const fn = obey({ context: () => ++asked })
    assert.equal(asked, 0)
    const streams = [fn.open(), fn.open()]
    assert.equal(asked, 2)
    assert.deepEqual(
      (await Promise.all(streams.map(look))).map((seen) => seen.context),
      [1, 2],
    )
    assert.equal(asked, 2)
  })

  test('is the very object for a local stream', async () => {
    const given = { some: 'thing' }
    const fn = streamFn(
      async function* (_, ctx) {
        yield ctx.context === given
      },
      { context: () => given },
    )
    assert.deepEqual(await soon(fn.run([]), 'run'), [true])
  })

  test('structured clone: what it keeps arrives', async () => {
    const cause = new RangeError('why')
    const given = {
      when: new Date(5),
      map: new Map([[1, { deep: [2n] }]]),
      bytes: new Uint8Array([1, 2]),
      undef: undefined,
      error: new TypeError('x', { cause }),
    }
    given.self = given
    const { context: seen } = await look(obey({ context: () => given }).open())
    assert.equal(seen.self, seen)
    assert.deepEqual([seen.when, seen.map, seen.bytes, 'undef' in seen], [given.when, given.map, given.bytes, true])
    assert.equal(seen.error.message, 'x')
  })

  test('reaches every stage of a pipeline, on whatever thread', async () => {
    const fn = obey({ context }).pipe(
      streamFn(async function* (events, ctx) {
        for await (const event of events) yield [event.context, ctx.context]
      }),
    )
    assert.deepEqual(await storage.run('all', () => soon(fn.run([LOOK]), 'run')), [['all', 'all']])
  })

  test('what it throws, open throws', async () => {
    const error = new Error('no context')
    const fn = obey({
      context() {
        throw error
      },
    })
    const got = await soon(outcome((async () => look(fn.open()))()), 'open')
    assert.equal(got.error, error)
    assert.equal((await soon(outcome(fn.run([LOOK])), 'run')).error, error)
    assert.equal(fn.metrics.streamsOpen, 0)
  })
})

describe('what cannot travel', () => {
  const bad = {
    'a function': () => () => {},
    'a symbol': () => Symbol('s'),
    'a promise': () => Promise.resolve(1),
    'a WeakMap': () => ({ in: [new WeakMap()] }),
  }
  for (const [name, make] of Object.entries(bad)) {
    test(`as context: ${name}`, async () => {
      const fn = obey({ context: make })
      for (const promise of [fn.run([LOOK]), fn([LOOK]).next(), look(fn.open())]) {
        const { error } = await soon(outcome(promise), 'the stream')
        assert.equal(error.code, 'VELO_CODEC')
        assert.match(error.message, /context/)
        assert.match(error.message, /structured clone/)
        assert.equal(error.retryable, false)
      }
      assert.equal(fn.metrics.streamsOpen, 0)
    })

    test(`as a header: ${name}`, async () => {
      const fn = obey()
      const { error } = await soon(outcome((async () => look(fn.open({ headers: { bad: make() } })))()), 'the stream')
      assert.equal(error.code, 'VELO_CODEC')
      assert.match(error.message, /headers/)
      assert.equal(fn.metrics.streamsOpen, 0)
      assert.equal(
        runtime.snapshot().workers.reduce((sum, { streams }) => sum + streams, 0),
        0,
      )
    })
  }

  test('a local stream takes it', async () => {
    const fn = streamFn(
      async function* (_, ctx) {
        yield ctx.context()
      },
      { context: () => () => 7 },
    )
    assert.deepEqual(await soon(fn.run([]), 'run'), [7])
  })
})

describe('console output', () => {
  const lines = Array.from({ length: 200 }, (_, i) => `line ${i}`)

  test('comes out whole and in order, also when the process ends with the last result', async () => {
    for (const error of [false, true]) {
      const { code, stdout, stderr } = await child(
        `${prelude} const s = obey().open(); for (let i = 0; i < 200; i++) s.send({ do: 'log', lines: ['line ' + i], error: ${error} }).catch(() => {}); s.end()
        let results = 0; for await (const _ of s) results++
        if (results !== 200) say('results', results)`,
      )
      assert.equal(code, 0)
      assert.deepEqual((error ? stderr : stdout).trim().split('\n'), lines)
      assert.equal(error ? stdout : stderr, '')
    }
  })

  test('several threads keep their own order each', async () => {
    const { stdout } = await child(
      `${prelude} runtime.configure({ workers: 2 }); await runtime.warm()
      const streams = [obey().open(), obey().open()]
      for (let i = 0; i < 100; i++) for (const [n, s] of streams.entries()) await ask(s, { do: 'log', lines: [n + ' says ' + i] })
      if (new Set(streams.map((s) => s.metrics.thread)).size !== 2) say('one thread')
      await Promise.all(streams.map((s) => s.close()))`,
    )
    for (const n of [0, 1]) {
      assert.deepEqual(
        stdout.split('\n').filter((line) => line.startsWith(`${n} says`)),
        Array.from({ length: 100 }, (_, i) => `${n} says ${i}`),
      )
    }
    assert.doesNotMatch(stdout, /one thread/)
  })
})

noUnhandledRejections('context on workers')
