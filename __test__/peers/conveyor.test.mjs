// What the Python library Conveyor was seen to get wrong, one test each: the same program here does what its author meant.

import assert from 'node:assert/strict'
import { AsyncLocalStorage } from 'node:async_hooks'
import { spawnSync } from 'node:child_process'
import { getEventListeners } from 'node:events'
import { Readable } from 'node:stream'
import { describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { runInNewContext } from 'node:vm'
import { streamFn } from 'velo-stream'
import { deferred, outcome, turns } from '../support/deferred.mjs'
import { noUnhandledRejections } from '../support/unhandled.mjs'
import { within } from '../support/within.mjs'

const LIMIT = 5_000
const numbers = (count) => Array.from({ length: count }, (_, n) => n)

const pass = async function* pass(events) {
  for await (const event of events) yield event
}
const echo = streamFn(pass)

async function collect(results) {
  const list = []
  for await (const result of results) list.push(result)
  return list
}

/** A function that throws `error` at `at`. */
const failing = (at, error) =>
  async function* failing(events) {
    for await (const event of events) {
      if (event === at) throw error
      yield event
    }
  }

describe('an error of any stage reaches the consumer', () => {
  const places = { first: 0, middle: 1, last: 2 }
  for (const [place, index] of Object.entries(places)) {
    for (const at of [0, 2, 4]) {
      test(`${place} stage, event ${at} of 5: once, as it is, after the results before it`, async () => {
        const error = new Error(`stage ${index}`)
        const make = () => {
          const stages = [pass, pass, pass].with(index, failing(at, error))
          return streamFn(stages[0]).pipe(stages[1]).pipe(stages[2])
        }
        assert.equal((await within(LIMIT, outcome(make().run(numbers(5))), 'run')).error, error)

        const fn = make()
        const stream = fn.open()
        const sends = numbers(5).map((n) => outcome(stream.send(n)))
        stream.end()
        for (const results of [make()(numbers(5)), make().open().feed(numbers(5)), stream]) {
          const list = []
          let seen = 0
          const reading = (async () => {
            for await (const result of results) list.push(result)
          })().catch((caught) => {
            seen++
            assert.equal(caught, error)
          })
          await within(LIMIT, reading, 'reading')
          assert.deepEqual([list, seen], [numbers(at), 1])
        }
        const { reason, error: told, stage } = await stream.closed
        assert.deepEqual([reason, told, stage], ['failed', error, 'failing'])
        await Promise.all(sends)
        assert.equal(fn.metrics.streamsOpen, 0)
      })
    }
  }

  test('a stage that catches the error of the one before goes on', async () => {
    const patient = async function* patient(events) {
      try {
        for await (const event of events) yield event
      } catch (error) {
        yield error.message
      }
      yield 'done'
    }
    const fn = streamFn(failing(2, new Error('caught')))
      .pipe(patient)
      .pipe(pass)
    assert.deepEqual(await within(LIMIT, fn.run(numbers(5)), 'run'), [0, 1, 'caught', 'done'])
  })

  test('three stages that take their time lose none of 5000 events', async () => {
    const dawdle = async function* dawdle(events) {
      let n = 0
      for await (const event of events) {
        for (let i = (n++ * 7) % 5; i > 0; i--) await null
        yield event + 1
      }
    }
    const fn = streamFn(dawdle).pipe(dawdle).pipe(dawdle)
    const wanted = numbers(5000).map((n) => n + 3)
    assert.deepEqual(await within(4 * LIMIT, fn.run(numbers(5000)), 'run'), wanted)
    assert.deepEqual(await within(4 * LIMIT, collect(fn.open().feed(numbers(5000).values())), 'feed'), wanted)
  })
})

describe('whatever can be iterated is iterated', () => {
  /** Like Python's `range`: made anew at each iteration, with a length, and no array. */
  class Range {
    constructor(to) {
      this.length = to
    }
    *[Symbol.iterator]() {
      for (let n = 0; n < this.length; n++) yield n
    }
  }
  const sources = {
    array: () => [0, 1, 2],
    'sparse array': () => [Object.assign(new Array(3), { 0: 0, 2: 2 }), [0, undefined, 2]],
    'array of another realm': () => [runInNewContext('[0, 1, 2]'), [0, 1, 2]],
    'subclass of Array': () => [class extends Array {}.of(0, 1, 2), [0, 1, 2]],
    'array with an iterator of its own': () => [
      Object.assign([9], {
        *[Symbol.iterator]() {
          yield* [0, 1, 2]
        },
      }),
      [0, 1, 2],
    ],
    range: () => [new Range(3), [0, 1, 2]],
    Set: () => [new Set([0, 1, 2]), [0, 1, 2]],
    Map: () => [new Map([['a', 1]]), [['a', 1]]],
    'keys of a Map': () => [new Map([['a', 1]]).keys(), ['a']],
    generator: () => [numbers(3).values(), [0, 1, 2]],
    'async generator': () => [pass(numbers(3)), [0, 1, 2]],
    'async iterable without return': () => {
      let n = 0
      const next = async () => (n < 3 ? { value: n++, done: false } : { value: undefined, done: true })
      return [{ [Symbol.asyncIterator]: () => ({ next }) }, [0, 1, 2]]
    },
    string: () => ['a\u{1F600}b', ['a', '\u{1F600}', 'b']],
    'boxed string': () => [Object('ab'), ['a', 'b']],
    'typed array': () => [Uint8Array.of(1, 2), [1, 2]],
    Readable: () => [Readable.from([0, 1, 2]), [0, 1, 2]],
    ReadableStream: () => [new Blob(['ab']).stream(), [Uint8Array.of(97, 98)]],
    'results of another stream function': () => [echo([0, 1, 2]), [0, 1, 2]],
    promises: () => [
      [0, Promise.resolve(1), 2],
      [0, 1, 2],
    ],
    'a set of promises': () => [new Set([Promise.resolve(0), 1]), [0, 1]],
    nothing: () => [[], []],
  }
  for (const [kind, make] of Object.entries(sources)) {
    test(kind, async () => {
      const pair = () => (kind === 'array' ? [make(), [0, 1, 2]] : make())
      for (const drive of [
        (source) => echo.run(source),
        (source) => collect(echo(source)),
        (source) => collect(echo.open().feed(source)),
      ]) {
        const [source, wanted] = pair()
        assert.deepEqual(await within(LIMIT, drive(source), kind), wanted)
      }
    })
  }

  test('an array that grows while it is run is followed, as a bare loop follows it', async () => {
    const list = [0, 1]
    const fn = streamFn(async function* grow(events) {
      for await (const event of events) {
        if (event < 3) list.push(event + 2)
        yield event
      }
    })
    assert.deepEqual(await within(LIMIT, fn.run(list), 'run'), [0, 1, 2, 3, 4])
  })
})

describe('nothing is taken for something else', () => {
  const values = [undefined, null, 0, '', false, Number.NaN, [], [[1], [2]], {}, { key: 'value' }, new Map(), () => {}, [undefined]]
  const ways = {
    run: (events) => echo.run(events),
    call: (events) => collect(echo(events)),
    feed: (events) => collect(echo.open().feed(events)),
    pipe: (events) => echo.pipe(pass).pipe(pass).run(events),
    async live(events) {
      const stream = echo.open()
      for (const event of events) await stream.send(event)
      stream.end()
      const results = []
      for (let i = 0; i < events.length; i++) results.push(await stream.recv())
      return results
    },
    async trySend(events) {
      const stream = echo.open()
      for (const event of events) assert.ok(stream.trySend(event))
      stream.end()
      return collect(stream)
    },
  }
  for (const [way, drive] of Object.entries(ways)) {
    test(`undefined, null and empty things are events and results, lists and objects stay whole: ${way}`, async () => {
      const results = await within(LIMIT, drive(values), way)
      assert.equal(results.length, values.length)
      for (const [index, result] of results.entries()) assert.ok(Object.is(result, values[index]), `value ${index}`)
    })
  }

  test('a last batch that is too small is delivered all the same', async () => {
    const batches = streamFn(async function* batches(events) {
      let batch = []
      for await (const event of events) {
        if (batch.push(event) < 3) continue
        yield batch
        batch = []
      }
      if (batch.length > 0) yield batch
    })
    assert.deepEqual(await batches.run(numbers(7)), [[0, 1, 2], [3, 4, 5], [6]])
    assert.deepEqual((await batches.pipe(pass).run(numbers(7))).flat(), numbers(7))
  })
})

describe('backpressure', () => {
  test('a consumer that takes 5 of 20 000 pulls no more than it is promised', async () => {
    for (const [way, most] of [
      ['call', 5],
      ['feed', 5 + 16 + 16 + 2],
    ]) {
      let pulled = 0
      const source = (function* () {
        for (const n of numbers(20_000)) {
          pulled++
          yield n
        }
      })()
      const fn = echo.with({ buffer: 16 })
      const results = way === 'call' ? fn(source) : fn.open().feed(source)
      const taken = []
      for await (const result of results) if (taken.push(result) === 5) break
      await turns()
      assert.deepEqual(taken, numbers(5))
      assert.ok(pulled <= most, `${way}: ${pulled} pulled`)
    }
  })

  for (const kind of ['sync', 'async']) {
    for (const way of ['call', 'feed', 'run']) {
      test(`a lazy ${kind} source of a million, ${way}: the first result long before the end, constant memory`, {
        timeout: 120_000,
      }, () => {
        const program = fileURLToPath(new URL('lazy-million.mjs', import.meta.url))
        const env = { ...process.env, NODE_OPTIONS: undefined, NODE_TEST_CONTEXT: undefined }
        const { stdout, stderr } = spawnSync(process.execPath, ['--expose-gc', program, kind, way], { env, encoding: 'utf8' })
        assert.equal(stderr, '')
        const { read, inOrder, first, ahead, grownKiB } = JSON.parse(stdout)
        assert.deepEqual([read, inOrder], [1_000_000, true])
        assert.ok(first <= 600, `${first} pulled before the first result`)
        assert.ok(ahead <= 600, `${ahead} pulled ahead`)
        assert.ok(grownKiB < 16 * 1024, `${grownKiB} KiB more`)
      })
    }
  }
})

describe('who leaves', () => {
  test('an early break cancels what runs, in every stage', async () => {
    const left = []
    const stage = (name) =>
      async function* stage(events) {
        try {
          for await (const event of events) yield event
        } finally {
          left.push(name)
        }
      }
    const fn = streamFn(stage('a')).pipe(stage('b')).pipe(stage('c'))
    async function* endless() {
      try {
        for (let n = 0; ; n++) yield n
      } finally {
        left.push('source')
      }
    }
    for (const start of [() => fn(endless()), () => fn.open().feed(endless())]) {
      left.length = 0
      for await (const result of start()) if (result === 3) break
      await turns()
      assert.deepEqual(left.toSorted(), ['a', 'b', 'c', 'source'])
      assert.equal(fn.metrics.streamsOpen, 0)
    }
  })

  test('a break while a stage waits for something of its own ends at once in all the others', async () => {
    const gate = deferred()
    let entered = 0
    const fn = streamFn(
      async function* stuck(events) {
        for await (const event of events) {
          yield event
          entered++
          await gate.promise
        }
      },
      { closeTimeout: 1 },
    ).pipe(pass)
    const stream = fn.open()
    void stream.sendBatch([1, 2])
    for await (const result of stream) if (result === 1) break
    const end = await within(LIMIT, stream.closed, 'closed')
    assert.deepEqual([end.reason, end.detached, entered], ['closed', true, 1])
    gate.resolve()
    await turns()
    assert.equal(fn.metrics.streamsDetached, 0)
  })

  test('a consumer that is cancelled leaves nothing behind', async () => {
    const fn = echo.with({ maxConcurrent: 100 })
    const stop = new AbortController()
    const reason = new Error('the consumer is gone')
    let returned = 0
    const endless = () => ({
      [Symbol.asyncIterator]: () => ({
        next: () => new Promise(() => {}),
        return: async () => {
          returned++
          return { value: undefined, done: true }
        },
      }),
    })
    const waits = numbers(20).flatMap(() => [
      outcome(fn.run(endless(), { signal: stop.signal })),
      outcome(fn(endless(), { signal: stop.signal }).next()),
      outcome(fn.open({ signal: stop.signal }).recv()),
    ])
    await turns()
    assert.equal(fn.metrics.streamsOpen, 60)
    stop.abort(reason)
    for (const { error } of await within(LIMIT, Promise.all(waits), 'the waits')) {
      assert.deepEqual([error.name, error.code, error.cause], ['AbortError', 'VELO_ABORTED', reason])
    }
    await turns()
    assert.equal(fn.metrics.streamsOpen, 0)
    assert.equal(fn.metrics.closedBy.aborted, 60)
    assert.equal(returned, 40)
    assert.equal(getEventListeners(stop.signal, 'abort').length, 0)
  })
})

describe('runs do not touch each other', () => {
  test('state belongs to a stream', async () => {
    const count = streamFn(async function* count(events) {
      let n = 0
      for await (const event of events) yield [event, ++n]
    })
    assert.deepEqual(await count.run(['a', 'b']), [
      ['a', 1],
      ['b', 2],
    ])
    assert.deepEqual(await count.run(['c']), [['c', 1]])
    const [left, right] = await Promise.all([collect(count(['x', 'y'])), count.run(['z'])])
    assert.deepEqual(
      [left, right],
      [
        [
          ['x', 1],
          ['y', 2],
        ],
        [['z', 1]],
      ],
    )
  })

  test('what one call is given does not reach the next', async () => {
    const seen = []
    const fn = streamFn(async function* fn(events, ctx) {
      for await (const _ of events) seen.push([ctx.headers.user, ctx.signal.aborted, ctx.id])
      yield
    })
    const stop = new AbortController()
    const first = fn.open({ headers: { user: 'ann' }, id: 'one', signal: stop.signal })
    await first.send(1)
    stop.abort()
    const second = fn.open()
    await second.send(1)
    await second.close()
    await fn.run([1])
    assert.deepEqual(
      seen.map(([user]) => user),
      ['ann', undefined, undefined],
    )
    assert.ok(seen.slice(1).every(([, aborted, id]) => !aborted && id !== 'one'))
  })

  test('with() and pipe() change nothing they are called on', async () => {
    const options = { buffer: 4, name: 'mine' }
    const fn = streamFn(pass, options)
    options.buffer = 1
    const small = fn.with({ buffer: 1, name: 'small' })
    const longer = fn.pipe(async function* twice(events) {
      for await (const event of events) yield event * 2
    })
    assert.deepEqual([fn.name, small.name, longer.name], ['mine', 'small', 'mine|twice'])
    assert.deepEqual([await fn.run([1]), await longer.run([1]), await fn.run([1])], [[1], [2], [1]])
    const stream = fn.open()
    stream.end()
    await stream.closed
    assert.equal(small.metrics.streamsOpened, 0)
    assert.equal(fn.metrics.streamsOpened, 3)
  })

  test('results of a call can be read once; a second call starts anew', async () => {
    const results = echo([1, 2])
    assert.deepEqual(await collect(results), [1, 2])
    assert.deepEqual(await collect(results), [])
    assert.deepEqual(await collect(echo([1, 2])), [1, 2])
  })

  test('the async context inside a function is that of the call, and it does not leak out', async () => {
    const user = new AsyncLocalStorage()
    const fn = streamFn(async function* fn(events) {
      for await (const event of events) yield [event, user.getStore()]
    })
    const results = user.run('ann', () => fn(numbers(3)))
    const list = []
    for await (const result of results) {
      list.push(result)
      assert.equal(user.getStore(), undefined)
    }
    const stream = user.run('bob', () => fn.open())
    await user.run('eve', () => stream.send(3))
    list.push(await stream.recv())
    await stream.close()
    assert.deepEqual(list.at(-1), [3, 'bob'])
    assert.deepEqual(await user.run('cyd', () => fn.run([4])), [[4, 'cyd']])
    assert.deepEqual(list.slice(0, 3), [
      [0, 'ann'],
      [1, 'ann'],
      [2, 'ann'],
    ])
  })

  test('an option nobody knows is an error, not an option nobody reads', () => {
    for (const option of ['max_parallelism', 'concurrencyLimit', 'onError', 'bufferSize']) {
      assert.throws(() => streamFn(pass, { [option]: 2 }), { code: 'VELO_CONFIG', field: `streamFn(options).${option}` })
    }
    assert.throws(() => streamFn(pass, null), { code: 'VELO_CONFIG' })
    assert.throws(() => streamFn(pass, 5), { code: 'VELO_CONFIG' })
  })
})

noUnhandledRejections('rule 16')
