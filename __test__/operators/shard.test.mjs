// shard: what each mode guarantees, on this thread and on workers.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { runtime, streamFn } from 'velo-stream'
import { batch, filter, map, shard } from 'velo-stream/operators'
import { collect } from 'velo-stream/testing'
import { asyncSource } from '../support/counted.mjs'
import { deferred, outcome, turns } from '../support/deferred.mjs'
import { noUnhandledRejections } from '../support/unhandled.mjs'
import { within } from '../support/within.mjs'
import { handSource, upTo } from './support/hand.mjs'

const MS = 20_000
runtime.configure({ workers: 2 })

const onWorker = (name) => streamFn(new URL('./functions/sharded.mjs', import.meta.url), { placement: 'worker', export: name })

/** Gives results after some turns of the microtask queue, which differ from event to event. */
async function* uneven(events) {
  for await (const event of events) {
    for (let i = (Math.abs(event) * 7) % 5; i > 0; i--) await null
    yield event * 2
  }
}
/** A count of what this instance has seen of each key, and a number of its own. */
let instances = 0
async function* counted(events) {
  const instance = ++instances
  const counts = new Map()
  for await (const { key } of events) {
    counts.set(key, (counts.get(key) ?? 0) + 1)
    yield { key, count: counts.get(key), instance }
  }
}
async function* twice(events) {
  for await (const event of events) {
    yield event
    yield event
  }
}

describe('round robin, ordered', () => {
  for (const [name, fn] of Object.entries({ 'a generator function': uneven, 'a stream function': streamFn(uneven) })) {
    test(`${name}: equals the function of each event, in order`, async () => {
      await fc.assert(
        fc.asyncProperty(
          fc.array(fc.integer({ min: -50, max: 50 }), { maxLength: 60 }),
          fc.integer({ min: 1, max: 5 }),
          fc.integer({ min: 1, max: 4 }),
          async (events, shards, buffer) => {
            const operator = shard(fn, { shards, buffer })
            assert.deepEqual(
              await operator.run(events),
              events.map((event) => event * 2),
            )
            assert.deepEqual(
              await collect(operator(asyncSource(events))),
              events.map((event) => event * 2),
            )
          },
        ),
        { numRuns: 30 },
      )
    })
  }

  test('the events go round', async () => {
    const operator = shard(uneven, { shards: 3 })
    await operator.run(upTo(10))
    assert.deepEqual(operator.metrics.sharded, [4, 3, 3])
  })

  test('more or fewer results than events fail the stream with VELO_CONFIG', async () => {
    const few = async function* (events) {
      for await (const event of events) if (event % 2 === 0) yield event
    }
    const none = async function* (events) {
      for await (const _ of events);
    }
    const extra = async function* (events) {
      yield* uneven(events)
      yield 'summary'
    }
    const early = async function* (events) {
      for await (const event of events) return yield event
    }
    for (const fn of [twice, few, none, extra, early]) {
      for (const inner of [fn, streamFn(fn)]) {
        const { error } = await within(MS, outcome(shard(inner, { shards: 2 }).run(upTo(9))), `the error of ${fn.name}`)
        assert.equal(error?.code, 'VELO_CONFIG', fn.name)
        assert.match(error.message, /exactly one result for each event/)
      }
    }
  })

  test('a stream function that leaves events without a result does not stand still', async () => {
    const dropping = async function* (events) {
      for await (const event of events) if (event % 3 !== 0) yield event
    }
    const gathering = async function* (events) {
      let held = []
      for await (const event of events) {
        held.push(event)
        if (held.length < 8) continue
        yield* held
        held = []
      }
      yield* held
    }
    const stuck = {
      'drops events': shard(streamFn(dropping), { shards: 2, buffer: 4 }),
      'drops parts': shard(streamFn(dropping), { shards: 2, buffer: 4, split: (n) => [n, n], merge: ([n]) => n }),
      'drops events, unordered parts': shard(streamFn(dropping), {
        shards: 2,
        buffer: 4,
        ordered: false,
        split: (n) => [n, n],
        merge: ([n]) => n,
      }),
      'takes more at once than there is room for': shard(streamFn(gathering), { shards: 2, buffer: 4 }),
      'drops events on a thread': shard(onWorker('evens'), { shards: 2, buffer: 4 }),
    }
    // The source does not end: otherwise the end would tell.
    const source = () =>
      (async function* () {
        yield* upTo(200)
        await new Promise(() => {})
      })()
    await Promise.all(
      Object.entries(stuck).map(async ([name, operator]) => {
        const { error } = await within(MS, outcome(operator.run(source())), name)
        assert.equal(error?.code, 'VELO_CONFIG', name)
        assert.match(error.message, /exactly one result for each event.*has taken 4 events, gives nothing and waits for more/)
        assert.equal(operator.metrics.streamsOpen, 0)
      }),
    )
    const enough = shard(streamFn(gathering), { shards: 2, buffer: 8 })
    assert.deepEqual(await within(MS, enough.run(upTo(100)), 'with a larger buffer'), upTo(100))
  })

  test('a stream function that is slow, and a reader that is slow, are no standstill', async (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] })
    const gate = deferred()
    const slow = async function* (events) {
      for await (const event of events) {
        await gate.promise
        yield event
      }
    }
    const operator = shard(streamFn(slow), { shards: 2, buffer: 2 })
    const work = outcome(operator.run(upTo(20)))
    const idle = shard(streamFn(uneven), { shards: 2, buffer: 2 })(upTo(100))
    await idle.next()
    for (let second = 0; second < 20; second++) {
      await turns(50)
      t.mock.timers.tick(1_000)
    }
    t.mock.timers.reset()
    gate.resolve()
    assert.deepEqual((await within(MS, work, 'the rest')).value, upTo(20))
    assert.equal((await within(MS, collect(idle), 'the rest')).length, 99)
  })

  test('events under way are bounded, those that wait for their turn to go out too', async () => {
    const gate = deferred()
    const source = asyncSource(upTo(100))
    const first = async function* (events) {
      for await (const event of events) {
        if (event === 0) await gate.promise
        yield event
      }
    }
    const results = shard(first, { shards: 2, buffer: 3 })(source)
    const next = results.next()
    await turns(20)
    assert.ok(source.pulls <= 2 * 3 + 1, `${source.pulls} pulls`)
    gate.resolve()
    assert.equal((await within(MS, next, 'the first result')).value, 0)
    assert.deepEqual(await within(MS, collect(results), 'the rest'), upTo(100).slice(1))
  })
})

describe('round robin, as they come', () => {
  test('a permutation, with any number of results for an event', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: -50, max: 50 }), { maxLength: 60 }),
        fc.integer({ min: 1, max: 5 }),
        async (events, shards) => {
          const results = await shard(twice, { shards, ordered: false, buffer: 2 }).run(events)
          const sorted = (list) => [...list].sort((a, b) => a - b)
          assert.deepEqual(sorted(results), sorted([...events, ...events]))
        },
      ),
      { numRuns: 30 },
    )
  })

  test('an instance that is slow is left out while it has no room', async () => {
    const gate = deferred()
    const slowly = async function* (events) {
      for await (const event of events) {
        if (event === 0) await gate.promise
        yield event
      }
    }
    const results = shard(slowly, { shards: 2, ordered: false, buffer: 1 })(asyncSource(upTo(30)))
    const seen = []
    while (seen.length < 28) seen.push((await within(MS, results.next(), 'a result of the other')).value)
    assert.ok(!seen.includes(0))
    gate.resolve()
    seen.push(...(await within(MS, collect(results), 'the rest')))
    assert.deepEqual(
      seen.sort((a, b) => a - b),
      upTo(30),
    )
  })
})

describe('by key', () => {
  test('a key meets one instance, and its order is kept', async () => {
    const key = fc.oneof(fc.integer({ min: 0, max: 5 }), fc.constantFrom('a', 'b', '1', true, 3n))
    await fc.assert(
      fc.asyncProperty(fc.array(key, { maxLength: 80 }), fc.integer({ min: 1, max: 5 }), async (keys, shards) => {
        const results = await shard(counted, { shards, by: 'key', buffer: 2 }).run(keys.map((key) => ({ key })))
        assert.equal(results.length, keys.length)
        for (const key of new Set(keys)) {
          const own = results.filter((result) => result.key === key)
          assert.deepEqual(
            own.map(({ count }) => count),
            own.map((_, i) => i + 1),
          )
          assert.equal(new Set(own.map(({ instance }) => instance)).size, 1)
        }
      }),
      { numRuns: 40 },
    )
  })

  test('many keys reach all instances', async () => {
    const operator = shard(counted, { shards: 4, by: ({ key }) => key })
    await operator.run(upTo(400).map((key) => ({ key: `user ${key}` })))
    for (const count of operator.metrics.sharded) assert.ok(count > 40, operator.metrics.sharded.join())
  })

  test('a key that has no text fails the stream', async () => {
    const { error } = await outcome(shard(counted, { shards: 2, by: 'key' }).run([{ key: {} }]))
    assert.equal(error.code, 'VELO_EVENT')
  })

  test('an instance that returns by itself drops what comes, counted; when all have, the stream ends', async () => {
    const first = async function* (events) {
      for await (const event of events) return yield event
    }
    const source = handSource()
    const operator = shard(first, { shards: 1, by: (event) => event })
    const results = collect(operator(source))
    source.push(1)
    await turns()
    assert.deepEqual(await within(MS, results, 'the end'), [1])
    assert.equal(source.returns, 1)
  })
})

describe('in parts', () => {
  const split = (row, shards) =>
    upTo(Math.min(row.length, shards + 1)).map((i) => row.filter((_, at) => at % Math.min(row.length, shards + 1) === i))
  const sum = async function* (events) {
    for await (const part of events) yield part.reduce((total, n) => total + n, 0)
  }

  test('equals the function of the whole, in order, with more parts than shards or none', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(fc.integer({ min: 0, max: 99 }), { maxLength: 8 }), { maxLength: 30 }),
        fc.integer({ min: 1, max: 4 }),
        fc.boolean(),
        async (rows, shards, later) => {
          const add = (sums) => sums.reduce((total, n) => total + n, 0)
          const merge = later ? async (sums) => add(sums) : add
          const results = await shard(sum, { shards, split, merge, buffer: 2 }).run(rows)
          assert.deepEqual(results, rows.map(add))
        },
      ),
      { numRuns: 40 },
    )
  })

  test('part i goes to shard i, and so meets the state of its own place', async () => {
    const seen = async function* (events) {
      const own = []
      for await (const part of events) {
        own.push(part)
        yield own.join('')
      }
    }
    const operator = shard(seen, { shards: 3, split: (word) => [...word], merge: (parts, word) => `${word}: ${parts.join(' ')}` })
    assert.deepEqual(await operator.run(['abc', 'def']), ['abc: a b c', 'def: ad be cf'])
  })

  test('ordered: false gives results as they come', async () => {
    const gate = deferred()
    const slow = async function* (events) {
      for await (const event of events) {
        if (event === 0) await gate.promise
        yield event
      }
    }
    const split = (n) => (n === 0 ? [0, 9] : [])
    const results = shard(slow, { shards: 2, ordered: false, split, merge: (parts, n) => [n, ...parts] })([0, 1, 2])
    assert.deepEqual([(await results.next()).value, (await results.next()).value], [[1], [2]])
    gate.resolve()
    assert.deepEqual(await within(MS, collect(results), 'the slow one'), [[0, 0, 9]])
  })

  test('errors of split and merge fail the stream untouched', async () => {
    const error = new Error('mine')
    const thrower = () => {
      throw error
    }
    const rejecter = async () => thrower()
    for (const options of [
      { split: thrower, merge: String },
      { split: (n) => [n], merge: thrower },
      { split: (n) => [n], merge: rejecter },
    ]) {
      assert.equal((await within(MS, outcome(shard(uneven, { shards: 2, ...options }).run([1, 2])), 'the error')).error, error)
    }
    const { error: refused } = await outcome(shard(uneven, { shards: 2, split: () => 5, merge: String }).run([1]))
    assert.equal(refused.field, 'shard(options).split')
  })
})

describe('errors and early exit', () => {
  for (const options of [{}, { ordered: false }, { by: (event) => event }]) {
    test(`${JSON.stringify(options)}: an error is the very same object, the others get return(), the source is returned`, async () => {
      const error = new Error('mine')
      let finished = 0
      const failing = async function* (events) {
        try {
          for await (const event of events) {
            if (event === 5) throw error
            yield event
          }
        } finally {
          finished++
        }
      }
      for (const fn of [failing, streamFn(failing)]) {
        finished = 0
        const source = asyncSource(upTo(100))
        assert.equal((await within(MS, outcome(shard(fn, { shards: 3, ...options }).run(source)), 'the error')).error, error)
        assert.equal(finished, 3)
        assert.equal(source.returns, 1)
        if ('metrics' in fn) assert.equal(fn.metrics.streamsOpen, 0)
      }
    })

    test(`${JSON.stringify(options)}: early exit closes every instance`, async () => {
      const inner = streamFn(uneven)
      const source = asyncSource(upTo(100))
      let seen = 0
      for await (const _ of shard(inner, { shards: 3, ...options })(source)) if (++seen === 5) break
      assert.equal(inner.metrics.streamsOpened, 3)
      assert.equal(inner.metrics.streamsOpen, 0)
      assert.equal(source.returns, 1)
    })

    test(`${JSON.stringify(options)}: what the source throws reaches the caller after the results before it`, async () => {
      const error = new Error('source')
      const results = []
      const failed = (async () => {
        for await (const result of shard(uneven, { shards: 3, ...options })(asyncSource(upTo(7), { fail: { error } }))) results.push(result)
      })()
      assert.equal((await within(MS, outcome(failed), 'the error')).error, error)
      assert.equal(results.length, 7)
    })
  }
})

describe('on workers', () => {
  test('results come in order, from two threads', async () => {
    const results = await within(MS, shard(onWorker('placed'), { shards: 2 }).run(upTo(500)), 'all results')
    assert.deepEqual(
      results.map(({ event }) => event),
      upTo(500),
    )
    const threads = new Set(results.map(({ thread }) => thread))
    assert.equal(threads.size, 2)
    assert.ok(!threads.has(0))
  })

  test('by key, as they come, and in parts', async () => {
    const keys = upTo(200).map((n) => ({ key: n % 7 }))
    const counts = await within(MS, shard(onWorker('counted'), { shards: 2, by: 'key' }).run(keys), 'by key')
    for (let key = 0; key < 7; key++) {
      const own = counts.filter((result) => result.key === key).map(({ count }) => count)
      assert.ok(own.every((count, i) => i === 0 || count > own[i - 1]))
    }
    const loose = await within(MS, shard(onWorker('doubled'), { shards: 2, ordered: false }).run(upTo(200)), 'as they come')
    assert.deepEqual(
      loose.sort((a, b) => a - b),
      upTo(200).map((n) => n * 2),
    )
    const parts = shard(onWorker('doubled'), { shards: 2, split: (n) => [n, n + 1], merge: (all) => all.join() })
    assert.deepEqual(await within(MS, parts.run([1, 2]), 'in parts'), ['2,4', '4,6'])
  })

  test('an error arrives, and all streams are closed', async () => {
    const fn = onWorker('failing')
    const { error } = await within(MS, outcome(shard(fn, { shards: 2 }).run(asyncSource(upTo(100)))), 'the error')
    assert.ok(error instanceof RangeError)
    assert.equal(fn.metrics.streamsOpen, 0)
  })
})

test('bad options are refused by name', () => {
  const cases = {
    'shard(options).shards': { shards: 0 },
    'shard(options).buffer': { buffer: 0 },
    'shard(options).by': { by: {} },
    'shard(options).ordered': { by: 'key', ordered: true },
    'shard(options).split': { split: 1, merge: String },
    'shard(options).merge': { split: String, merge: 1 },
    'shard(options)': { split: String },
    'shard(options).parts': { parts: 1 },
  }
  for (const [field, options] of Object.entries(cases)) assert.throws(() => shard(uneven, options), { code: 'VELO_CONFIG', field })
  assert.throws(() => shard(uneven, { shards: 2000 }), { code: 'VELO_CONFIG', field: 'shard(options).shards' })
  assert.throws(() => shard(() => {}), { code: 'VELO_CONFIG', field: 'shard(fn)' })
})

test('in order, of operators that take events ahead of their results', async () => {
  const events = Array.from({ length: 60 }, (_, n) => n)
  const uneven = async (n) => {
    for (let i = n % 5; i > 0; i--) await null
    return n
  }
  for (const fn of [map(uneven, { concurrency: 4 }), batch((some) => some, { maxSize: 3 }), shard(map(uneven), { shards: 2 })]) {
    assert.deepEqual(await within(MS, shard(fn, { shards: 3 }).run(events), 'the results'), events)
  }
  const { error } = await within(
    MS,
    outcome(
      shard(
        filter((n) => n % 2),
        { shards: 2 },
      ).run(events),
    ),
    'the end',
  )
  assert.equal(error.code, 'VELO_CONFIG')
})

noUnhandledRejections('shard')
