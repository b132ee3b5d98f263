// Promises among what the functions of a user return are awaited in every operator, in order; a
// rejection is what a throw is, and none is left unhandled.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { streamFn } from 'velo-stream'
import * as operators from 'velo-stream/operators'
import { deferred, outcome } from '../support/deferred.mjs'
import { noUnhandledRejections } from '../support/unhandled.mjs'
import { within } from '../support/within.mjs'

const { batch, filter, flatMap, keyed, map, progress, route, scan, shard, tap, window } = operators
const soon = (promise) => within(10_000, promise, 'the outcome')

const relay = new URL('../workers/functions/lingers.mjs', import.meta.url)
const onWorker = streamFn(relay, { placement: 'worker', export: 'passes', idleTimeout: 0 })
const local = streamFn(async function* local(events) {
  yield* events
})

/** Resolves after some turns, by its value: in the wrong order unless each promise is awaited. */
async function later(value, turns = 5 - (value % 5)) {
  for (let n = 0; n < turns; n++) await turn()
  return value
}

const failure = new Error('mine')
const broken = async (turns = 0) => {
  await later(0, turns)
  throw failure
}

/** Ways to run an operator with others around it; each returns the results of the operator. */
const surroundings = {
  alone: (fn, events) => fn.run(events),
  'over an asynchronous source': (fn, events) => fn.run(asynchronous(events)),
  'read one by one': async (fn, events) => {
    const results = []
    for await (const result of fn(events)) results.push(result)
    return results
  },
  'opened, read after all was sent': async (fn, events) => {
    const stream = fn.open()
    for (const event of events) await stream.send(event)
    stream.end()
    const results = []
    for await (const result of stream) results.push(result)
    return results
  },
  'before a worker stage': (fn, events) => fn.pipe(onWorker).run(events),
  'behind a worker stage': (fn, events) => onWorker.pipe(fn).run(events),
  'before a local generator': (fn, events) => fn.pipe(local).run(events),
  'in a fused chain': (fn, events) =>
    map((event) => event)
      .pipe(fn)
      .pipe(tap(() => {}))
      .pipe(filter(() => true))
      .run(events),
}

async function* asynchronous(events) {
  yield* events
}

/** What holds values and promises. An array and a Set hold all promises from the beginning. */
const containers = {
  array: (makers) => makers.map((make) => make()),
  Set: (makers) => new Set(makers.map((make) => make())),
  *generator(makers) {
    for (const make of makers) yield make()
  },
  'asynchronous iterator by hand': (makers) => {
    const values = containers.generator(makers)
    return { [Symbol.asyncIterator]: () => ({ next: async () => values.next() }) }
  },
  async *'asynchronous generator'(makers) {
    for (const make of makers) yield make()
  },
}

const flat = { default: {}, concurrent: { concurrency: 3 }, unordered: { concurrency: 3, ordered: false } }

for (const [name, run] of Object.entries(surroundings)) {
  describe(name, () => {
    for (const [kind, contain] of Object.entries(containers)) {
      for (const [way, options] of Object.entries(flat)) {
        test(`flatMap, ${kind}, ${way}`, async () => {
          const fn = flatMap((n) => contain([() => n, () => later(n + 1), () => later(n + 2)]), options)
          const results = await soon(run(fn, [10, 20, 30]))
          if (options.ordered === false) results.sort()
          assert.deepEqual(results, [10, 11, 12, 20, 21, 22, 30, 31, 32])
          assert.deepEqual([fn.metrics.done, fn.metrics.failed], [3, 0])
        })
      }

      test(`flatMap, ${kind}: a rejection is a throw`, async () => {
        const make = (n) => contain(n === 20 ? [() => n, () => broken(2), () => later(21), broken] : [() => n, () => later(n + 1)])
        const events = [10, 20, 30]
        const failing = flatMap(make)
        assert.equal((await soon(outcome(run(failing, events)))).error.message, 'mine')
        assert.equal(failing.metrics.failed, 1)
        const skipping = flatMap(make, { onError: 'skip' })
        assert.deepEqual(await soon(run(skipping, events)), [10, 11, 20, 30, 31])
        assert.deepEqual([skipping.metrics.done, skipping.metrics.skipped], [2, 1])
        const heard = []
        const onError = (error, event) => {
          heard.push([error, event])
          return contain([() => later(event + 7), () => event + 8])
        }
        const handling = flatMap(make, { onError, concurrency: 2 })
        assert.deepEqual(await soon(run(handling, events)), [10, 11, 20, 27, 28, 30, 31])
        assert.deepEqual(heard, [[failure, 20]])
      })
    }

    test('batch', async () => {
      const fn = batch((ns) => [...ns.map((n) => later(n)), 7], { maxSize: 2 })
      assert.deepEqual(await soon(run(fn, [1, 2, 3])), [1, 2, 7, 3, 7])
      const promised = batch(async (ns) => ns.map((n) => later(n)), { maxSize: 2, concurrency: 2 })
      assert.deepEqual(await soon(run(promised, [1, 2, 3])), [1, 2, 3])
    })

    test('batch: a rejection is a throw, and is retried', async () => {
      const make = (ns) => ns.map((n) => (n === 2 ? broken(n) : later(n)))
      const options = { maxSize: 2 }
      assert.equal((await soon(outcome(run(batch(make, options), [1, 2, 3])))).error.message, 'mine')
      assert.deepEqual(await soon(run(batch(make, { ...options, onError: 'skipBatch' }), [1, 2, 3])), [3])
      assert.deepEqual(await soon(run(batch(make, { ...options, onError: 'skipItem' }), [1, 2, 3])), [1, 3])
      const onError = (_, ns) => ns.map((n) => later(-n, 1))
      assert.deepEqual(await soon(run(batch(make, { ...options, onError }), [1, 2, 3])), [-1, -2, 3])
      let calls = 0
      const third = batch((ns) => (++calls < 3 ? [later(1), broken()] : ns.map((n) => later(n))), {
        maxSize: 3,
        retry: { attempts: 3, backoff: 0 },
      })
      assert.deepEqual(await soon(run(third, [1, 2, 3])), [1, 2, 3])
    })

    test('map, filter and tap', async () => {
      assert.deepEqual(await soon(run(map(later), [1, 2, 3])), [1, 2, 3])
      assert.deepEqual(
        await soon(
          run(
            filter((n) => later(n % 2)),
            [1, 2, 3],
          ),
        ),
        [1, 3],
      )
      assert.deepEqual(await soon(run(tap(later), [1, 2, 3])), [1, 2, 3])
      for (const fn of [map, filter, tap]) {
        for (const options of [{}, { concurrency: 2 }]) {
          const { error } = await soon(
            outcome(
              run(
                fn(() => broken(), options),
                [1, 2, 3],
              ),
            ),
          )
          assert.equal(error.message, 'mine')
          assert.equal(
            (
              await soon(
                run(
                  fn((n) => (n === 2 ? broken() : n), { ...options, onError: 'skip' }),
                  [1, 2, 3],
                ),
              )
            ).length,
            2,
          )
        }
      }
    })

    test('scan, its first state included', async () => {
      const add = (state, n) => later(state + n)
      assert.deepEqual(await soon(run(scan(add, 0), [1, 2, 3])), [1, 3, 6])
      assert.deepEqual(
        await soon(
          run(
            scan(add, () => later(10)),
            [1, 2, 3],
          ),
        ),
        [11, 13, 16],
      )
      assert.deepEqual(
        await soon(
          run(
            scan((state, n) => state + n, later(10)),
            [1, 2, 3],
          ),
        ),
        [11, 13, 16],
      )
      assert.equal(
        (
          await soon(
            outcome(
              run(
                scan(add, () => broken()),
                [1],
              ),
            ),
          )
        ).error.message,
        'mine',
      )
      assert.equal(
        (
          await soon(
            outcome(
              run(
                scan(() => broken(), 0),
                [1],
              ),
            ),
          )
        ).error.message,
        'mine',
      )
    })

    test('progress', async () => {
      const heard = []
      const report = progress(
        async ({ done, ended }) => {
          await later(0, 3)
          heard.push(ended ? 'ended' : done)
        },
        { interval: 0 },
      )
      assert.deepEqual(await soon(run(report, [1, 2, 3])), [1, 2, 3])
      assert.deepEqual(heard, [1, 2, 3, 'ended'])
      for (const at of [false, true]) {
        const failing = progress(({ ended }) => (ended === at ? broken() : undefined), { interval: 0 })
        assert.equal((await soon(outcome(run(failing, [1])))).error.message, 'mine')
      }
    })
  })
}

describe('what flatMap reads', () => {
  test('is closed when one of its promises rejects', async () => {
    let closed = 0
    const fn = flatMap(
      function* () {
        try {
          yield broken()
        } finally {
          closed++
          // biome-ignore lint/correctness/noUnsafeFinally: what it throws must not replace the rejection.
          throw new Error('while it is closed')
        }
      },
      { onError: 'skip' },
    )
    assert.deepEqual(await soon(fn.run([1, 2])), [])
    assert.equal(closed, 2)
  })

  test('is left while a promise is awaited', async () => {
    let closed = 0
    const asked = deferred()
    const fn = flatMap(function* () {
      try {
        yield new Promise(asked.resolve)
      } finally {
        closed++
      }
    })
    const stream = fn.open()
    await soon(stream.send(1))
    const reading = outcome(stream.recv())
    await soon(asked.promise)
    await soon(stream.close())
    assert.equal((await soon(reading)).error.code, 'VELO_CLOSED')
    assert.equal(closed, 1)
  })

  test('may be dropped with promises in it that reject', async () => {
    const stream = flatMap(() => [1, broken(1), broken(3)], { concurrency: 2 }).open()
    await soon(stream.sendBatch([1, 2]))
    assert.equal(await soon(stream.recv()), 1)
    await soon(stream.close())
    await later(0, 5)
  })

  test('may hold thenables, whose then() is called once, when their turn comes', async () => {
    const calls = []
    const lazy = (n) => ({
      // biome-ignore lint/suspicious/noThenProperty: that is what is tested.
      then(resolve) {
        calls.push(n)
        resolve(n)
      },
    })
    assert.deepEqual(await soon(flatMap(() => [lazy(1), lazy(2)]).run([0])), [1, 2])
    assert.deepEqual(await soon(batch(() => [lazy(3), lazy(4)]).run([0])), [3, 4])
    assert.deepEqual(calls, [1, 2, 3, 4])
  })
})

describe('a promise where none is taken is refused, and its rejection is handled', () => {
  const refusing = {
    'keyed by': () => keyed(local, { by: () => broken() }),
    'keyed until': () => keyed(local, { by: () => 1, until: () => broken() }),
    'route selector': () => route(() => broken(), { local }),
    'shard by': () => shard(local, { shards: 2, by: () => broken() }),
    'shard split': () => shard(local, { shards: 2, split: () => broken(), merge: (parts) => parts }),
    'window by': () => window({ tumbling: 10, by: () => broken() }),
  }
  for (const [name, make] of Object.entries(refusing)) {
    test(name, async () => {
      const { error } = await soon(outcome(make().run([1])))
      assert.match(error.code, /VELO_(CONFIG|EVENT)/)
      assert.match(error.message, /Promise|got object/)
    })
  }

  test('a listener that window and keyed await', async () => {
    for (const fn of [window({ tumbling: 10, by: () => 1 }, () => broken()), keyed(local, { by: () => 1, onEvict: () => broken() })])
      assert.equal((await soon(outcome(fn.run([1])))).error, failure)
  })
})

noUnhandledRejections('promises')
