// Foreign code throws, lies and comes back in: sources, expansions and callbacks of operators. No call of it leaves a wait unsettled or keeps a permit, and
// iterators are taken, and given, as ECMA-262 has them.

import assert from 'node:assert/strict'
import { Readable } from 'node:stream'
import { describe, test } from 'node:test'
import { streamFn } from 'velo-stream'
import { batch, broadcast, filter, flatMap, keyed, map, merge, route, scan, shard, take, tap, window, zip } from 'velo-stream/operators'
import { collect, controlledSource, slowConsumer } from 'velo-stream/testing'
import { deferred, outcome } from '../support/deferred.mjs'
import { noUnhandledRejections } from '../support/unhandled.mjs'
import { within } from '../support/within.mjs'

const error = new Error('foreign')
const SOON = 5_000
const kinds = { async: Symbol.asyncIterator, sync: Symbol.iterator }

/** Throws. */
const fails = () => {
  throw error
}
/** An object that throws where its member `name` is read. */
const hostile = (name, more = {}) => Object.defineProperty({ ...more }, name, { get: fails })

/** `object` with the members of `more`, getters as such. */
const adorned = (object, more) => Object.defineProperties(object, Object.getOwnPropertyDescriptors(more))

/** A source of either kind that answers `next()` with what `results` holds, one after the other. */
function scripted(kind, results, more = {}) {
  const give = (result) => (kind === 'async' ? Promise.resolve(result) : result)
  const source = {
    pulls: 0,
    returns: 0,
    [kinds[kind]]: () => source,
    next: () => give(results[Math.min(source.pulls++, results.length - 1)]),
    return() {
      source.returns++
      return give({ value: undefined, done: true })
    },
  }
  return adorned(source, more)
}

/** All that an operator makes of a source, and the first of it. */
const readers = {
  merge: { readsAhead: true, all: (source) => collect(merge(source)), first: (source) => left(merge(source)) },
  zip: { all: async (source) => (await collect(zip(source))).flat(), first: (source) => left(zip(source)) },
  broadcast: {
    readsAhead: true,
    all: (source) => collect(broadcast(source).subscribe()),
    first: (source) => left(broadcast(source).subscribe()),
  },
  flatMap: {
    all: (source) => flatMap(() => source).run([0]),
    first: (source) =>
      flatMap(() => source)
        .pipe(take(1))
        .run([0]),
  },
  'flatMap, called': {
    all: (source) => collect(flatMap(() => source)([0])),
    first: (source) => collect(flatMap(() => source).pipe(take(1))([0])),
  },
  'flatMap of two calls': {
    all: (source) => flatMap(() => source, { concurrency: 2 }).run([0]),
    first: (source) =>
      flatMap(() => source, { concurrency: 2 })
        .pipe(take(1))
        .run([0]),
  },
}

/** Reads one result and leaves. */
async function left(iterator) {
  await iterator.next()
  await iterator.return()
}

for (const [way, { all, first, readsAhead = false }] of Object.entries(readers)) {
  for (const kind of Object.keys(kinds)) {
    describe(`${way} of ${kind === 'async' ? 'an async' : 'a sync'} source`, () => {
      const one = { value: 1, done: false }
      for (const done of [1, 'yes', {}]) {
        test(`done: ${JSON.stringify(done)} is the end`, async () => {
          const source = scripted(kind, [{ value: 1, done: 0 }, { value: 2 }, { value: 9, done }])
          assert.deepEqual(await within(SOON, all(source)), [1, 2])
          assert.equal(source.returns, 0)
        })
      }

      for (const odd of [undefined, null, 5, 'text', true]) {
        test(`${String(odd)} as a result is a TypeError, and the source is not returned`, async () => {
          const source = scripted(kind, [one, odd])
          await assert.rejects(within(SOON, all(source)), TypeError)
          assert.equal(source.returns, 0)
        })
      }

      for (const name of ['done', 'value']) {
        test(`a result whose ${name} throws is a source that throws`, async () => {
          const source = scripted(kind, [one, hostile(name, name === 'value' ? { done: false } : { value: 1 })])
          assert.equal((await within(SOON, outcome(all(source)))).error, error)
          assert.equal(source.returns, 0)
        })
      }

      test('value is read once', async () => {
        let reads = 0
        const result = {
          done: false,
          get value() {
            return ++reads
          },
        }
        assert.deepEqual(await within(SOON, all(scripted(kind, [result, { done: true }]))), [1])
      })

      test('next() that throws at once', async () => {
        const source = scripted(kind, [], { next: fails })
        assert.equal((await within(SOON, outcome(all(source)))).error, error)
        assert.equal(source.returns, 0)
      })

      const faults = { 'return() that throws at once': { return: fails }, 'a return that cannot be read': adorned({}, hostile('return')) }
      for (const [what, more] of Object.entries(faults)) {
        test(`${what} is told to whoever leaves`, async () => {
          const source = scripted(kind, [one], more)
          assert.equal((await within(SOON, outcome(first(source)))).error, error)
        })
      }

      test('return() must give an object, and is called once', async () => {
        const odd = scripted(kind, [one], { return: () => (kind === 'async' ? Promise.resolve(5) : 5) })
        // What is behind a next() that has not settled is not waited for.
        if (readsAhead) await within(SOON, first(odd))
        else await assert.rejects(within(SOON, first(odd)), TypeError)
        const source = scripted(kind, [one])
        await within(SOON, first(source))
        assert.equal(source.returns, 1)
      })

      test('an iterator that cannot be made', async () => {
        assert.equal((await within(SOON, outcome((async () => all({ [kinds[kind]]: fails }))()))).error, error)
      })
    })
  }
}

describe('several sources', () => {
  const many = { merge, zip }
  for (const [name, of] of Object.entries(many)) {
    test(`${name}: a source whose result cannot be read gives the others back`, async () => {
      const other = scripted('async', [{ value: 1, done: false }])
      const told = await within(SOON, outcome(collect(of(scripted('async', [hostile('done')]), other))))
      assert.equal(told.error, error)
      assert.equal(other.returns, 1)
    })

    test(`${name}: a Readable whose destroy() throws is told to whoever leaves`, async () => {
      const source = new Readable({ objectMode: true, read() {} })
      source.destroy = fails
      const iterator = of(source, [1])
      void outcome(iterator.next())
      assert.equal((await within(SOON, outcome(iterator.return()))).error, error)
      assert.deepEqual(await within(SOON, iterator.next()), { value: undefined, done: true })
    })
  }

  test('a value of a sync source whose then cannot be read ends that source, which is given back', async () => {
    for (const [name, of] of Object.entries(many)) {
      const source = scripted('sync', [{ value: hostile('then'), done: false }])
      const told = await within(SOON, outcome(collect(of(source, [1]))))
      assert.equal(told.error, error, name)
      assert.equal(source.returns, 1, name)
    }
  })
})

/** Runs over three events; the stream must fail with the very error and give its permit back. */
async function failsWith(fn, events = [1, 2, 3]) {
  for (const work of [fn.run(events), collect(fn(events)), collect(fn.open().feed(events))])
    assert.equal((await within(SOON, outcome(work))).error, error)
  assert.equal(fn.metrics.streamsOpen, 0)
}

async function* same(events) {
  for await (const event of events) yield event
}

describe('callbacks', () => {
  const thenable = () => hostile('then')
  // biome-ignore lint/suspicious/noThenProperty: the case under test
  const throwing = () => ({ then: fails })
  const rejecting = async () => {
    throw error
  }
  const several = { concurrency: 2 }
  for (const [what, give] of Object.entries({
    'a then that cannot be read': thenable,
    'a then that throws': throwing,
    'a rejection': rejecting,
  })) {
    const operators = {
      map: map(give),
      'map of two calls': map(give, several),
      filter: filter(give),
      'filter of two calls': filter(give, several),
      tap: tap(give),
      flatMap: flatMap(give),
      'flatMap of two calls': flatMap(give, several),
      scan: scan(give, 0),
      batch: batch(give),
      'batch of two calls': batch(give, { maxSize: 1, ...several }),
      'onError of map': map(fails, { onError: give }),
      'onError of flatMap': flatMap(
        function* () {
          yield* fails()
        },
        { onError: give },
      ),
      'retryOn of map': map(fails, { retry: { attempts: 2, retryOn: give } }),
      'aggregate of window': window({ tumbling: 1, by: (event) => event }, give),
      'merge of shard': shard(same, { shards: 2, split: (event) => [event], merge: give }),
      'onEvict of keyed': keyed(same, { by: (event) => event, until: () => true, onEvict: give }),
      'onLate of window': window({ tumbling: 1, by: (event) => -event, onLate: give }),
    }
    for (const [name, operator] of Object.entries(operators)) test(`${name}: ${what}`, () => failsWith(operator))
  }

  test('a clock that throws fails the stream', async () => {
    const clock = { now: () => 0, setTimeout: fails, clearTimeout() {} }
    await failsWith(map(() => new Promise(() => {}), { timeout: 5, clock }))
    await failsWith(map(rejecting, { retry: { attempts: 2, backoff: 5 }, clock }))
    await failsWith(batch(same, { maxWait: 5, clock }))
    await failsWith(window({ tumbling: 5, clock }))
    await failsWith(keyed(same, { by: (event) => event, idleTimeout: 5, clock }))
  })
})

describe('verdicts that are promises', () => {
  test('retryOn is awaited', async () => {
    let calls = 0
    const operator = map(
      () => {
        calls++
        throw error
      },
      { retry: { attempts: 5, backoff: 0, retryOn: async (_, attempt) => attempt < 3 } },
    )
    assert.equal((await within(SOON, outcome(operator.run([1])))).error, error)
    assert.equal(calls, 3)
  })

  test('retryOn that takes its time ends with the stream', async () => {
    const asked = deferred()
    const never = new Promise(() => {})
    const operator = map(fails, {
      retry: {
        attempts: 2,
        retryOn() {
          asked.resolve()
          return never
        },
      },
    })
    const stop = new AbortController()
    const work = outcome(operator.run([1], { signal: stop.signal }))
    await within(SOON, asked.promise)
    stop.abort()
    assert.equal((await within(SOON, work)).error.code, 'VELO_ABORTED')
    assert.equal(operator.metrics.underWay, 0)
  })

  for (const [option, options] of Object.entries({
    by: { by: async (event) => event },
    until: { by: (event) => event, until: async () => false },
  })) {
    test(`keyed refuses a promise of ${option}`, async () => {
      const operator = keyed(same, options)
      const told = await within(SOON, outcome(operator.run([1])))
      assert.equal(told.error?.code, 'VELO_CONFIG')
      assert.equal(told.error.field, `keyed(options).${option}`)
      assert.match(told.error.message, /Promise/)
    })
  }
})

describe('iterators of ours', () => {
  const made = {
    merge: () => merge([1, 2]),
    zip: () => zip([1, 2]),
    broadcast: () => broadcast([1, 2]).subscribe(),
    controlledSource: () => controlledSource(),
  }

  test('return(promise) gives what it resolves to, and rejects as it does', async () => {
    for (const [name, make] of Object.entries(made)) {
      assert.deepEqual(await within(SOON, make().return(Promise.resolve(7))), { value: 7, done: true }, name)
      assert.equal((await within(SOON, outcome(make().return(Promise.reject(error))))).error, error, name)
    }
  })

  test('next() after throw(e) is done', async () => {
    for (const [name, make] of Object.entries(made)) {
      const iterator = make()
      assert.equal((await within(SOON, outcome(iterator.throw(error)))).error, error, name)
      assert.deepEqual(await within(SOON, iterator.next()), { value: undefined, done: true }, name)
    }
  })

  test('the events of inner functions: return(promise) is awaited', async () => {
    let told
    async function* asks(events) {
      told = [await events.return(Promise.resolve(7)), await outcome(events.return(Promise.reject(error)))]
    }
    const operators = [
      keyed(asks, { by: (event) => event }),
      route(() => 'one', { one: asks }),
      shard(asks, { shards: 1, by: (event) => event }),
      keyed(map(Number).pipe(asks), { by: (event) => event }),
    ]
    for (const operator of operators) {
      told = undefined
      await within(SOON, operator.run([1]))
      assert.deepEqual(told, [{ value: 7, done: true }, { error }])
    }
  })

  test('slowConsumer takes any truthy done for the end', async () => {
    const consumer = slowConsumer(scripted('async', [{ value: 1 }, { value: 2, done: 1 }]))
    assert.deepEqual([await consumer.take(), await consumer.take(), consumer.ended], [1, undefined, true])
  })
})

test('a stream function inside an operator whose events are left gives its permit back', async () => {
  const inner = streamFn(same)
  const operator = keyed(inner, { by: (event) => event, onEvict: fails, until: () => true })
  assert.equal((await within(SOON, outcome(operator.run([1])))).error, error)
  assert.equal(inner.metrics.streamsOpen, 0)
})

noUnhandledRejections('foreign code in operators')
