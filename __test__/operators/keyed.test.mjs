// keyed: one instance per key, and all the ways in which an instance ends.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { streamFn } from 'velo-stream'
import { keyed, map, window } from 'velo-stream/operators'
import { collect, virtualClock } from 'velo-stream/testing'
import { asyncSource } from '../support/counted.mjs'
import { deferred, isPending, outcome, turns, until } from '../support/deferred.mjs'
import { noUnhandledRejections } from '../support/unhandled.mjs'
import { within } from '../support/within.mjs'
import { handSource, upTo } from './support/hand.mjs'

const MS = 10_000

/** Each value with a running sum of its key. */
async function* sums(events) {
  let sum = 0
  for await (const { value } of events) yield (sum += value)
}

/** Only a last summary. */
async function* totals(events) {
  let count = 0
  for await (const _ of events) count++
  yield count
}

/** Takes one event, and is busy with it until the stream ends. */
async function* stuck(events, { signal }) {
  for await (const _ of events) await new Promise((resolve) => signal.addEventListener('abort', resolve))
}

/** What `sums` answers, by key. */
function expectedSums(events) {
  const groups = new Map()
  for (const { key, value } of events) {
    const group = groups.get(key) ?? []
    group.push((group.at(-1) ?? 0) + value)
    groups.set(key, group)
  }
  return groups
}

const byKey = (results) => {
  const groups = new Map()
  for (const { key, value } of results) groups.set(key, [...(groups.get(key) ?? []), value])
  return groups
}

const arbitraryEvents = fc.array(fc.record({ key: fc.integer({ min: 0, max: 9 }), value: fc.integer({ min: -5, max: 5 }) }), {
  maxLength: 120,
})

describe('keyed equals group-by', () => {
  for (const [name, fn] of Object.entries({ 'a generator function': sums, 'a stream function': streamFn(sums) })) {
    test(`${name}: results of each key in order, none lost, none doubled`, async () => {
      await fc.assert(
        fc.asyncProperty(
          arbitraryEvents,
          fc.integer({ min: 1, max: 4 }),
          fc.integer({ min: 1, max: 6 }),
          async (events, buffer, maxWaiting) => {
            const operator = keyed(fn, { by: 'key', buffer, maxWaiting })
            assert.deepEqual(byKey(await operator.run(events)), expectedSums(events))
            assert.deepEqual(byKey(await collect(operator(asyncSource(events)))), expectedSums(events))
          },
        ),
        { numRuns: 40 },
      )
    })
  }

  test('with fewer places than keys, every event is counted by exactly one instance', async () => {
    await fc.assert(
      fc.asyncProperty(arbitraryEvents, fc.integer({ min: 1, max: 4 }), async (events, maxKeys) => {
        const ended = []
        const operator = keyed(totals, { by: 'key', maxKeys, onEvict: (key, reason) => ended.push({ key, reason }) })
        const results = await operator.run(events)
        const counts = new Map()
        for (const { key, value } of results) counts.set(key, (counts.get(key) ?? 0) + value)
        assert.deepEqual(new Map([...expectedSums(events)].map(([key, group]) => [key, group.length])), counts)
        assert.equal(ended.length, results.length)
        assert.equal(operator.metrics.keysOpened, results.length)
        assert.equal(operator.metrics.keysOpen, 0)
      }),
      { numRuns: 60 },
    )
  })

  test('a slow key does not stop the others', async () => {
    const gate = deferred()
    const operator = keyed(
      async function* (events) {
        for await (const { key, value } of events) {
          if (key === 'slow') await gate.promise
          yield value
        }
      },
      { by: 'key' },
    )
    const results = operator([...upTo(4).map((value) => ({ key: 'slow', value })), ...upTo(40).map((value) => ({ key: 'fast', value }))])
    const fast = []
    while (fast.length < 40) fast.push((await within(MS, results.next(), 'a result of the fast key')).value)
    assert.deepEqual(
      fast,
      upTo(40).map((value) => ({ key: 'fast', value })),
    )
    gate.resolve()
    assert.deepEqual(
      (await within(MS, collect(results), 'the slow key')).map(({ value }) => value),
      upTo(4),
    )
  })

  test('a function of the event as key, keys of any kind', async () => {
    const one = {}
    const operator = keyed(totals, { by: (event) => event, allowUndefined: true })
    assert.deepEqual(await operator.run([one, NaN, one, NaN, undefined, 0, -0]), [
      { key: one, value: 2 },
      { key: NaN, value: 2 },
      { key: undefined, value: 1 },
      { key: 0, value: 2 },
    ])
  })

  test('a key that is undefined fails the stream, unless it is allowed', async () => {
    const clicks = [{ user: 'ann' }, { user: undefined }]
    const misspelled = keyed(totals, { by: 'usr' })
    const lacking = keyed(totals, { by: ({ user }) => user })
    for (const operator of [misspelled, lacking]) {
      const { error } = await within(10_000, outcome(operator.run(clicks)), 'run')
      assert.equal(error?.code, 'VELO_EVENT')
      assert.equal(error.field, 'keyed(options).by')
      assert.match(error.message, /undefined.*allowUndefined: true/)
    }
    const allowed = keyed(totals, { by: 'usr', allowUndefined: true })
    assert.deepEqual((await allowed.run(clicks)).length, 1)
  })

  test('a map inside takes no permit for each key', async () => {
    const inner = map((event) => event + 1)
    const results = await within(10_000, keyed(inner, { by: (event) => event }).run(upTo(3000)), 'run')
    assert.equal(results.length, 3000)
    assert.deepEqual([inner.metrics.streamsOpened, inner.metrics.done], [0, 3000])
  })

  test('another operator inside needs no permit of its own', async () => {
    const operator = keyed(
      window({ tumbling: 10, by: ({ value }) => value }, (events) => events.length),
      { by: 'key', maxKeys: 2000 },
    )
    const results = await operator.run(upTo(3000).map((i) => ({ key: i % 1500, value: 1 })))
    assert.equal(results.length, 1500)
    assert.ok(results.every(({ value }) => value === 2))
  })
})

describe('how instances end', () => {
  test('the least recently used makes room, ends cleanly, and its summary is delivered', async () => {
    const ended = []
    const operator = keyed(totals, { by: (event) => event, maxKeys: 2, onEvict: (key, reason) => ended.push(`${key} ${reason}`) })
    assert.deepEqual(await operator.run([...'abacba']), [
      { key: 'b', value: 1 },
      { key: 'a', value: 2 },
      { key: 'c', value: 1 },
      { key: 'b', value: 1 },
      { key: 'a', value: 1 },
    ])
    assert.deepEqual(ended, ['b lru', 'a lru', 'c lru', 'b end', 'a end'])
  })

  test('a new key waits until the one that makes room has finished', async () => {
    const gate = deferred()
    const started = []
    const operator = keyed(
      async function* (events) {
        for await (const event of events) started.push(event)
        if (started.at(-1) === 'a') await gate.promise
        yield 'over'
      },
      { by: (event) => event, maxKeys: 1 },
    )
    const results = collect(operator([...'ab']))
    await turns(8)
    assert.deepEqual(started, ['a'])
    assert.equal(operator.metrics.keysOpen, 1)
    gate.resolve()
    assert.equal((await within(MS, results, 'the end')).length, 2)
    assert.deepEqual(started, ['a', 'b'])
  })

  test('until: after this event, and what comes later gets a new instance', async () => {
    const ended = []
    const operator = keyed(totals, {
      by: 'key',
      until: (event, key) => event.last === true && key === 1,
      onEvict: (key, reason) => ended.push(`${key} ${reason}`),
    })
    const events = [{ key: 1 }, { key: 2 }, { key: 1, last: true }, { key: 1 }, { key: 2, last: true }, { key: 2 }]
    const results = await operator.run(events)
    assert.deepEqual(
      byKey(results),
      new Map([
        [1, [2, 1]],
        [2, [3]],
      ]),
    )
    assert.deepEqual(ended.sort(), ['1 end', '1 until', '2 end'])
  })

  test('a new instance of a key starts when the one before it has finished', async () => {
    const gate = deferred()
    let running = 0
    const operator = keyed(
      async function* (events) {
        assert.equal(++running, 1)
        let last
        for await (last of events) yield last
        if (last === 1) await gate.promise
        running--
        yield -last
      },
      { by: () => 'k', until: (event) => event === 1 || event === 2 },
    )
    const results = operator([1, 2, 3])
    assert.equal((await results.next()).value.value, 1)
    const next = results.next()
    assert.ok(await isPending(next))
    gate.resolve()
    assert.deepEqual(
      [(await within(MS, next, 'the summary')).value, ...(await collect(results))].map(({ value }) => value),
      [-1, 2, -2, 3, -3],
    )
  })

  test('a function that returns by itself: the events it did not take go to the next instance', async () => {
    const pair = async function* (events) {
      const taken = []
      for await (const event of events) if (taken.push(event) === 2) break
      yield taken
    }
    const ended = []
    const operator = keyed(pair, { by: () => 'k', onEvict: (_, reason) => ended.push(reason) })
    const results = await within(MS, operator.run(upTo(7)), 'pairs')
    assert.deepEqual(
      results.map(({ value }) => value),
      [[0, 1], [2, 3], [4, 5], [6]],
    )
    assert.deepEqual(ended, ['done', 'done', 'done', 'end'])
  })

  test('a function that never takes an event comes to an end', async () => {
    const operator = keyed(async function* () {}, { by: () => 'k' })
    assert.deepEqual(await within(MS, operator.run(upTo(50)), 'the end'), [])
  })

  test('idle: one timer for all keys, and the clock of each begins at its last event', async () => {
    const clock = virtualClock()
    const source = handSource()
    const ended = []
    const operator = keyed(totals, {
      by: (event) => event,
      idleTimeout: 100,
      clock,
      onEvict: (key, reason) => ended.push(`${key} ${reason} ${clock.now()}`),
    })
    const results = collect(operator(source))
    source.push('a')
    await clock.advance(60)
    source.push('b', 'c')
    await clock.advance(30)
    source.push('a')
    assert.equal(clock.pending, 1)
    await clock.advance(200)
    assert.deepEqual(ended, ['b idle 160', 'c idle 160', 'a idle 190'])
    assert.equal(clock.pending, 0)
    source.push('a')
    await turns()
    source.end()
    assert.deepEqual(
      (await within(MS, results, 'the end')).map(({ key, value }) => key + value),
      ['b1', 'c1', 'a2', 'a1'],
    )
    assert.equal(clock.pending, 0)
  })

  test('idle: a function that is busy is not idle, its time runs from its next wait on', async () => {
    const clock = virtualClock()
    const source = handSource()
    const gate = deferred()
    const ended = []
    const operator = keyed(
      async function* (events) {
        for await (const _ of events) await gate.promise
      },
      { by: (event) => event, idleTimeout: 100, clock, onEvict: (_, reason) => ended.push(`${reason} ${clock.now()}`) },
    )
    const results = collect(operator(source))
    source.push('a')
    await clock.advance(250)
    assert.deepEqual(ended, [])
    gate.resolve()
    await clock.advance(99)
    assert.deepEqual(ended, [])
    await clock.advance(1)
    assert.deepEqual(ended, ['idle 350'])
    source.end()
    await within(MS, results, 'the end')
  })

  test("idle: time in which the source is held back is nobody's silence", async () => {
    const clock = virtualClock()
    const gate = deferred()
    const ended = []
    const source = asyncSource([{ key: 'a' }, { key: 'slow' }, { key: 'slow' }, { key: 'slow' }, { key: 'a' }])
    const operator = keyed(
      async function* (events) {
        let count = 0
        for await (const { key } of events) {
          count++
          if (key === 'slow') await gate.promise
        }
        yield count
      },
      { by: 'key', idleTimeout: 100, clock, buffer: 1, onEvict: (key, reason) => ended.push(`${key} ${reason}`) },
    )
    const results = collect(operator(source))
    await clock.advance(1000)
    assert.deepEqual(ended, [])
    gate.resolve()
    assert.deepEqual(
      byKey(await within(MS, results, 'the end')),
      new Map([
        ['a', [2]],
        ['slow', [3]],
      ]),
    )
    assert.equal(clock.pending, 0)
  })
})

test('whatever ends instances, and when: no event is lost or doubled, order holds, one instance of a key at a time, never too many', async () => {
  const event = fc.record({ key: fc.nat(5), last: fc.boolean(), only: fc.boolean(), busy: fc.nat(6) })
  const bounds = fc.record({
    maxKeys: fc.integer({ min: 1, max: 4 }),
    buffer: fc.integer({ min: 1, max: 3 }),
    maxWaiting: fc.integer({ min: 1, max: 6 }),
  })
  await fc.assert(
    fc.asyncProperty(fc.array(event, { maxLength: 80 }), bounds, fc.boolean(), async (list, { maxKeys, buffer, maxWaiting }, stepwise) => {
      const events = list.map((one, id) => ({ ...one, id }))
      const clock = virtualClock()
      const running = new Set()
      let ended = 0
      const session = async function* (events) {
        let key
        let own
        for await (const event of events) {
          if (key === undefined) {
            key = event.key
            own = []
            assert.ok(!running.has(key), 'two instances of a key')
            running.add(key)
            assert.ok(running.size <= maxKeys, 'too many instances')
          }
          assert.equal(event.key, key)
          own.push(event.id)
          yield event.id
          for (let i = event.busy; i > 0; i--) await null
          if (event.busy === 6) await turns(1)
          if (event.only) break
        }
        running.delete(key)
        yield own
      }
      const operator = keyed(session, {
        by: 'key',
        maxKeys,
        buffer,
        maxWaiting,
        idleTimeout: 3,
        clock,
        until: ({ last }) => last,
        onEvict: () => ended++,
      })
      const source = handSource()
      const results = collect(operator(stepwise ? source : asyncSource(events)))
      let isDone = false
      results.finally(() => (isDone = true)).catch(() => {})
      if (stepwise) {
        for (const event of events) {
          source.push(event)
          if (event.id % 3 === 0) await clock.advance(event.busy)
        }
        source.end()
      }
      while (!isDone) await clock.advance(1)
      const groups = byKey(await within(MS, results, 'the end'))
      for (const [key, values] of groups) {
        const want = events.filter((event) => event.key === key).map(({ id }) => id)
        assert.deepEqual(values.filter(Number.isInteger), want)
        assert.deepEqual(values.filter(Array.isArray).flat(), want)
      }
      assert.equal([...groups.values()].flat().filter(Number.isInteger).length, events.length)
      assert.deepEqual([operator.metrics.keysOpen, operator.metrics.keysOpened, clock.pending], [0, ended, 0])
    }),
    { numRuns: 150 },
  )
})

describe('bounds', () => {
  test('a key whose buffer is full holds the source back', async () => {
    const source = asyncSource(upTo(100))
    const operator = keyed(stuck, { by: () => 'k', buffer: 3 })
    const stream = operator(source)
    void outcome(stream.next())
    await turns(20)
    // One with the function, three that wait, one that is held.
    assert.equal(source.pulls, 5)
    await within(MS, stream.return(), 'the end')
  })

  test('all keys together are bounded too', async () => {
    const source = asyncSource(upTo(1000))
    const operator = keyed(stuck, { by: (event) => event % 50, maxWaiting: 20 })
    const stream = operator(source)
    void outcome(stream.next())
    await turns(40)
    assert.equal(source.pulls, 50 + 20 + 1)
    await within(MS, stream.return(), 'the end')
  })

  test('unread results suspend the functions, and the source', async () => {
    const source = asyncSource(upTo(1000))
    let yielded = 0
    const operator = keyed(
      async function* (events) {
        for await (const event of events) {
          yielded++
          yield event
        }
      },
      { by: (event) => event % 10, maxWaiting: 5, buffer: 2 },
    )
    const stream = operator(source)
    await stream.next()
    await turns(40)
    assert.ok(yielded <= 1 + 5 + 10, `${yielded} results`)
    assert.ok(source.pulls < 60, `${source.pulls} pulls`)
    assert.equal((await within(MS, collect(stream), 'the rest')).length, 999)
  })
})

describe('errors and early exit', () => {
  const failing = async function* (events) {
    for await (const event of events) {
      if (event.error) throw event.error
      yield event.value
    }
  }

  test('what an instance throws is the very same object, after the results before it, and the others get return()', async () => {
    const error = new Error('mine')
    const finished = []
    const signals = []
    const operator = keyed(
      async function* (events, ctx) {
        signals.push(ctx.signal)
        try {
          yield* failing(events)
        } finally {
          finished.push(ctx.name)
        }
      },
      { by: 'key' },
    )
    const source = handSource()
    const stream = operator(source)
    source.push({ key: 1, value: 1 }, { key: 2, value: 2 }, { key: 3, error })
    assert.deepEqual((await stream.next()).value, { key: 1, value: 1 })
    assert.deepEqual((await stream.next()).value, { key: 2, value: 2 })
    assert.equal((await within(MS, outcome(stream.next()), 'the error')).error, error)
    assert.deepEqual(finished, ['keyed', 'keyed', 'keyed'])
    assert.ok(signals.every((signal) => signal.aborted && signal.reason === error))
    assert.equal(source.returns, 1)
    assert.deepEqual(await stream.next(), { value: undefined, done: true })
    assert.equal(operator.metrics.keysOpen, 0)
  })

  test('an error is told although another instance is stuck in an await of its own', async () => {
    const error = new Error('mine')
    const gate = deferred()
    const operator = keyed(
      async function* (events) {
        for await (const event of events) {
          if (event.error) throw event.error
          await gate.promise
        }
      },
      { by: 'key' },
    )
    const failed = operator.run([{ key: 1 }, { key: 2, error }])
    assert.equal((await within(MS, outcome(failed), 'the error')).error, error)
    gate.resolve()
  })

  test('errors of `by`, `until` and `onEvict` fail the stream untouched', async () => {
    const error = new Error('mine')
    const thrower = () => {
      throw error
    }
    for (const options of [{ by: thrower }, { by: (event) => event, until: thrower }, { by: (event) => event, onEvict: thrower }]) {
      assert.equal((await within(MS, outcome(keyed(totals, options).run([1, 2])), 'the error')).error, error)
    }
  })

  test('what the source throws is thrown into every instance, after the events before it; uncaught it reaches the caller', async () => {
    const error = new Error('source')
    const caught = []
    const catching = async function* (events) {
      try {
        for await (const { value } of events) yield value
      } catch (thrown) {
        caught.push(thrown)
        yield 'caught'
      }
    }
    const events = [
      { key: 1, value: 1 },
      { key: 2, value: 2 },
    ]
    const all = await within(MS, keyed(catching, { by: 'key' }).run(asyncSource(events, { fail: { error } })), 'the end')
    assert.deepEqual(caught, [error, error])
    assert.deepEqual(
      byKey(all),
      new Map([
        [1, [1, 'caught']],
        [2, [2, 'caught']],
      ]),
    )
    const results = []
    const failed = (async () => {
      for await (const result of keyed(sums, { by: 'key' })(asyncSource(events, { fail: { error } }))) results.push(result)
    })()
    assert.equal((await within(MS, outcome(failed), 'the error')).error, error)
    assert.equal(results.length, 2)
    assert.equal((await outcome(keyed(sums, { by: 'key' }).run(asyncSource([], { fail: { error } })))).error, error)
  })

  test('early exit: every instance gets return(), signals fire, the source is returned once, no timer is left', async () => {
    const clock = virtualClock()
    const finished = []
    const signals = []
    const source = asyncSource(upTo(100))
    const operator = keyed(
      async function* (events, ctx) {
        signals.push(ctx.signal)
        try {
          for await (const event of events) yield event
        } finally {
          await turns(1)
          finished.push(1)
        }
      },
      { by: (event) => event % 5, idleTimeout: 50, clock },
    )
    let seen = 0
    await within(
      MS,
      (async () => {
        for await (const _ of operator(source)) if (++seen === 10) break
      })(),
      'the loop',
    )
    assert.equal(finished.length, 5)
    assert.ok(signals.every((signal) => signal.aborted))
    assert.equal(source.returns, 1)
    assert.equal(clock.pending, 0)
    assert.equal(operator.metrics.keysOpen, 0)
  })

  test('abort: functions that wait for their signal are told, although the operator waits for them', async () => {
    const controller = new AbortController()
    const operator = keyed(
      async function* (events, { signal }) {
        for await (const _ of events) await new Promise((resolve) => signal.addEventListener('abort', resolve))
      },
      { by: (event) => event },
    )
    const stream = operator.open({ signal: controller.signal })
    await stream.sendBatch([1, 2, 3])
    await until(MS, () => operator.metrics.keysOpen === 3, 'three instances')
    const read = outcome(stream.recv())
    controller.abort(new Error('enough'))
    assert.equal((await within(MS, read, 'the abort')).error.name, 'AbortError')
    const end = await within(MS, stream.closed, 'the end')
    assert.equal(end.reason, 'aborted')
    assert.equal(end.detached, false)
    assert.equal(operator.metrics.keysOpen, 0)
  })

  test('a stream function inside is closed with the operator', async () => {
    const inner = streamFn(sums, { name: 'inner' })
    const stream = keyed(inner, { by: 'key' }).open()
    await stream.sendBatch(upTo(20).map((key) => ({ key, value: 1 })))
    await until(MS, () => inner.metrics.streamsOpen === 20, 'twenty streams')
    await within(MS, stream.close(), 'close()')
    assert.equal(inner.metrics.streamsOpen, 0)
    assert.equal(inner.metrics.streamsOpened, 20)
  })

  test('a thousand keys with one timer, over and over, leave none behind', async () => {
    const clock = virtualClock()
    const operator = keyed(totals, { by: (event) => event, idleTimeout: 10, clock })
    for (let i = 0; i < 5; i++) {
      const source = handSource()
      const results = collect(operator(source))
      source.push(...upTo(1000))
      await clock.advance(5)
      assert.equal(clock.pending, 1)
      await clock.advance(10)
      source.end()
      assert.equal((await within(MS, results, 'the end')).length, 1000)
      assert.equal(clock.pending, 0)
    }
    assert.deepEqual(operator.metrics.keysEnded, { idle: 5000, lru: 0, until: 0, end: 0, done: 0 })
  })
})

describe('definition', () => {
  test('bad options are refused by name', () => {
    const cases = {
      'keyed(options).by': { by: undefined },
      'keyed(options).maxKeys': { by: 'key', maxKeys: 0 },
      'keyed(options).idleTimeout': { by: 'key', idleTimeout: -1 },
      'keyed(options).until': { by: 'key', until: true },
      'keyed(options).onEvict': { by: 'key', onEvict: 1 },
      'keyed(options).buffer': { by: 'key', buffer: 1.5 },
      'keyed(options).maxWaiting': { by: 'key', maxWaiting: '1' },
      'keyed(options).clock.now': { by: 'key', clock: {} },
      'keyed(options).keys': { by: 'key', keys: 1 },
    }
    for (const [field, options] of Object.entries(cases)) assert.throws(() => keyed(sums, options), { code: 'VELO_CONFIG', field })
    assert.throws(() => keyed(() => {}, { by: 'key' }), { code: 'VELO_CONFIG', field: 'keyed(fn)' })
    assert.throws(() => keyed(sums), { code: 'VELO_CONFIG', field: 'keyed(options)' })
  })

  test('it is a stream function: piped, opened, copied with counts of its own', async () => {
    const operator = keyed(sums, { by: 'key' })
    const copy = operator.with({ name: 'sessions', buffer: 4 })
    const events = upTo(10).map((value) => ({ key: value % 2, value }))
    const piped = copy.pipe(async function* (results) {
      for await (const { key, value } of results) yield `${key}:${value}`
    })
    assert.equal((await piped.run(events)).length, 10)
    assert.equal(copy.name, 'sessions')
    assert.equal(copy.metrics.keysOpened, 2)
    assert.equal(operator.metrics.keysOpened, 0)
  })
})

describe('maxWaiting', () => {
  test('counts first events that instances have not asked for', async () => {
    const gate = deferred()
    async function* late(events) {
      await gate.promise
      for await (const event of events) yield event
    }
    const source = asyncSource(upTo(50))
    const running = keyed(late, { by: (n) => n, maxWaiting: 2 }).run(source)
    await turns(20)
    assert.ok(source.pulls <= 4, `${source.pulls} pulled`)
    gate.resolve()
    assert.equal((await within(MS, running, 'the results')).length, 50)
  })

  test('an event that is held goes to its instance as soon as that waits, whoever else is busy', async () => {
    const gates = new Map()
    const seen = []
    async function* gated(events) {
      for await (const { name } of events) {
        seen.push(name)
        const gate = deferred()
        gates.set(name, gate)
        await gate.promise
      }
    }
    const stream = keyed(gated, { by: 'key', maxWaiting: 1 }).open()
    await stream.sendBatch(['a1', 'b1', 'a2', 'b2'].map((name) => ({ key: name[0], name })))
    const reading = outcome(stream.recv())
    await until(MS, () => seen.length === 2, 'both at work')
    await turns()
    gates.get('b1').resolve()
    await until(MS, () => seen.includes('b2'), 'the event that was held')
    assert.ok(!seen.includes('a2'))
    for (const gate of gates.values()) gate.resolve()
    const leaving = stream.close()
    await until(MS, () => gates.size >= 3, 'the last gate')
    for (const gate of gates.values()) gate.resolve()
    await within(MS, leaving, 'close()')
    await reading
  })
})

noUnhandledRejections('keyed')
