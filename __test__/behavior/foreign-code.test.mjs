// Foreign code throws, lies and comes back in: sources, their results and signals. No call of it leaves a wait unsettled, keeps a permit or harms a
// neighbor, and iterators are taken as ECMA-262 has them.

import assert from 'node:assert/strict'
import { Readable } from 'node:stream'
import { describe, test } from 'node:test'
import { streamFn } from 'velo-stream'
import { deferred, never, outcome, turns } from '../support/deferred.mjs'
import { describePlacements } from '../support/placements.mjs'
import { noUnhandledRejections } from '../support/unhandled.mjs'
import { within } from '../support/within.mjs'

const error = new Error('foreign')
const SOON = 5_000

async function* same(events) {
  for await (const event of events) yield event
}

async function* first(events) {
  for await (const event of events) {
    yield event
    return
  }
}

async function collect(iterable) {
  const results = []
  for await (const result of iterable) results.push(result)
  return results
}

/** The ways to pull a source. */
const pulled = {
  run: (fn, source) => fn.run(source),
  call: (fn, source) => collect(fn(source)),
  feed: (fn, source) => collect(fn.open().feed(source)),
  'run of three stages': (fn, source) => fn.pipe(same).pipe(same).run(source),
  'call of three stages': (fn, source) => collect(fn.pipe(same).pipe(same)(source)),
}

const kinds = { async: Symbol.asyncIterator, sync: Symbol.iterator }

/** `object` with the members of `more`, getters as such. */
const adorned = (object, more) => Object.defineProperties(object, Object.getOwnPropertyDescriptors(more))

/** A source of either kind that answers `next()` with what `results` holds, one after the other. */
function scripted(kind, results, more = {}) {
  const source = {
    pulls: 0,
    returns: 0,
    [kinds[kind]]() {
      return this
    },
    next() {
      const result = results[Math.min(this.pulls++, results.length - 1)]
      return kind === 'async' ? Promise.resolve(result) : result
    },
    return() {
      source.returns++
      const result = { value: undefined, done: true }
      return kind === 'async' ? Promise.resolve(result) : result
    },
  }
  return adorned(source, more)
}

const getter = (name) => ({
  value: 1,
  done: false,
  get [name]() {
    throw error
  },
})

describePlacements('a source', (place) => {
  for (const [way, pull] of Object.entries(pulled)) {
    for (const kind of Object.keys(kinds)) {
      describe(`${way} of ${kind === 'async' ? 'an async' : 'a sync'} source`, () => {
        for (const done of [1, 'yes', {}]) {
          test(`done: ${JSON.stringify(done)} is the end`, async () => {
            const fn = place(same)
            const source = scripted(kind, [{ value: 1, done: 0 }, { value: 2 }, { value: 9, done }])
            assert.deepEqual(await within(SOON, pull(fn, source)), [1, 2])
            assert.deepEqual([source.returns, fn.metrics.streamsOpen], [0, 0])
          })
        }

        for (const odd of [undefined, null, 5, 'text', true]) {
          test(`${String(odd)} as a result is a TypeError, and the source is not returned`, async () => {
            const fn = place(same)
            const source = scripted(kind, [{ value: 1, done: false }, odd])
            await assert.rejects(within(SOON, pull(fn, source)), TypeError)
            assert.deepEqual([source.returns, fn.metrics.streamsOpen], [0, 0])
          })
        }

        for (const name of ['done', 'value']) {
          test(`a result whose ${name} throws is a source that throws`, async () => {
            const fn = place(same)
            const source = scripted(kind, [{ value: 1, done: false }, getter(name)])
            assert.equal((await within(SOON, outcome(pull(fn, source)))).error, error)
            assert.deepEqual([source.returns, fn.metrics.streamsOpen], [0, 0])
          })
        }

        test('next() that throws at once', async () => {
          const fn = place(same)
          const source = scripted(kind, [], {
            next() {
              throw error
            },
          })
          assert.equal((await within(SOON, outcome(pull(fn, source)))).error, error)
          assert.deepEqual([source.returns, fn.metrics.streamsOpen], [0, 0])
        })

        test('return() that throws at once, or a return that cannot be read', async () => {
          for (const more of [
            {
              return() {
                throw error
              },
            },
            {
              get return() {
                throw error
              },
            },
          ]) {
            const fn = place(first)
            const source = scripted(kind, [{ value: 1, done: false }], more)
            const told = await within(SOON, outcome(pull(fn, source)))
            // Results of a feed and of a call were delivered before; `run` is told.
            if (way !== 'feed') assert.equal(told.error, error)
            assert.equal(fn.metrics.streamsOpen, 0)
          }
        })

        test('an iterator that cannot be made', async () => {
          const fn = place(same)
          const source = {
            [kinds[kind]]() {
              throw error
            },
          }
          const told = await within(SOON, outcome((async () => pull(fn, source))()))
          assert.equal(told.error, error)
          assert.equal(fn.metrics.streamsOpen, way === 'feed' ? fn.metrics.streamsOpen : 0)
        })
      })
    }

    describe(`${way} of a Readable`, () => {
      test('whose destroy() throws', async () => {
        const fn = place(first)
        const source = new Readable({ objectMode: true, read() {} })
        source.push(1)
        source.push(2)
        source.destroy = () => {
          throw error
        }
        const told = await within(SOON, outcome(pull(fn, source)))
        if (way !== 'feed') assert.equal(told.error, error)
        assert.equal(fn.metrics.streamsOpen, 0)
      })

      test('whose destroy() throws while it is silent, and the stream is aborted', async () => {
        const fn = place(same, { closeTimeout: 100 })
        const source = new Readable({ objectMode: true, read() {} })
        source.destroy = () => {
          throw error
        }
        const stop = new AbortController()
        const work = way === 'run' ? fn.run(source, { signal: stop.signal }) : collect(fn(source, { signal: stop.signal }))
        const told = outcome(work)
        await turns()
        stop.abort()
        assert.equal((await within(SOON, told)).error.code, 'VELO_ABORTED')
        await place.soon(() => assert.equal(fn.metrics.streamsOpen, 0))
      })
    })
  }

  describe('a sync source', () => {
    test('of a value whose then throws: that event is refused, the next ones come', async () => {
      const hostile = Object.defineProperty({}, 'then', {
        get() {
          throw error
        },
      })
      const fn = place(async function* (events) {
        for (;;) {
          try {
            const { value, done } = await events.next()
            if (done) return
            yield value
          } catch (caught) {
            yield caught
          }
        }
      })
      assert.deepEqual(await within(SOON, fn.run([1, hostile, 2])), [1, error, 2])
    })
  })
})

describe('a signal', () => {
  /** Something that passes for a signal. */
  const like = (more) => adorned({ aborted: false, addEventListener() {}, removeEventListener() {} }, more)

  test('that cannot be listened to: open and run refuse, and no permit is kept', async () => {
    const signal = like({
      addEventListener() {
        throw error
      },
    })
    const fn = streamFn(same, { maxConcurrent: 2 })
    for (let i = 0; i < 3; i++) {
      assert.throws(() => fn.open({ signal, id: 'the same' }), error)
      assert.equal((await within(SOON, outcome(fn.run([1], { signal })))).error, error)
    }
    assert.equal(fn.metrics.streamsOpen, 0)
    const stream = fn.open({ id: 'the same' })
    await stream.close()
  })

  test('that cannot be listened to by a send or a read that waits: they are refused, and the stream goes on', async () => {
    const signal = like({
      addEventListener() {
        throw error
      },
    })
    const gate = deferred()
    const fn = streamFn(
      async function* (events) {
        await gate.promise
        for await (const event of events) yield event
      },
      { buffer: 1 },
    )
    const stream = fn.open()
    await stream.send(1)
    const behind = [outcome(stream.send(2, { signal })), outcome(stream.recv({ signal }))]
    for (const one of behind) assert.equal((await within(SOON, one)).error, error)
    const third = stream.send(3)
    gate.resolve()
    assert.equal(await within(SOON, stream.recv()), 1)
    await within(SOON, third)
    assert.equal(await within(SOON, stream.recv()), 3)
    stream.end()
    assert.deepEqual(await within(SOON, stream.recvBatch(9)), [])
  })

  test('whose reason throws ends the stream all the same', async () => {
    const listeners = []
    const signal = like({
      addEventListener: (_name, listener) => void listeners.push(listener),
      get reason() {
        throw error
      },
    })
    const fn = streamFn(same)
    const stream = fn.open({ signal })
    const read = outcome(stream.recv())
    for (const listener of listeners) listener()
    assert.equal((await within(SOON, read)).error.code, 'VELO_ABORTED')
    assert.equal((await within(SOON, stream.closed)).reason, 'aborted')
  })
})

describe('iterators of ours', () => {
  test('next() after throw(e) is done, as with a generator', async () => {
    const fn = streamFn(same)
    const results = fn([1, 2, 3])
    assert.deepEqual(await results.next(), { value: 1, done: false })
    await assert.rejects(results.throw(error), error)
    assert.deepEqual(await within(SOON, results.next()), { value: undefined, done: true })
    assert.equal(fn.metrics.streamsOpen, 0)
  })

  test('return(promise) gives what it resolves to, and rejects as it does', async () => {
    const fn = streamFn(same)
    const made = {
      call: () => fn([1, 2]),
      stream: () => fn.open()[Symbol.asyncIterator](),
      feed: () => fn.open().feed([1, 2]),
    }
    for (const [name, make] of Object.entries(made)) {
      assert.deepEqual(await within(SOON, make().return(Promise.resolve(7))), { value: 7, done: true }, name)
      assert.equal((await within(SOON, outcome(make().return(Promise.reject(error))))).error, error, name)
    }
    let inner
    const asks = streamFn(async function* (events) {
      inner = [await events.return(Promise.resolve(7)), await outcome(events.return(Promise.reject(error)))]
    })
    await asks.run([1])
    assert.deepEqual(inner, [{ value: 7, done: true }, { error }])
  })

  test('what return() of a source gives must be an object, as in a for await loop', async () => {
    const source = scripted('async', [{ value: 1, done: false }], { return: async () => 5 })
    await assert.rejects(within(SOON, streamFn(first).run(source)), TypeError)
  })
})

test('a source that is silent for ever and cannot be returned: closing is bounded by closeTimeout', async () => {
  const fn = streamFn(same, { closeTimeout: 50 })
  const results = fn({ [Symbol.asyncIterator]: () => ({ next: () => never(), return: () => never() }) })
  const read = outcome(results.next())
  await turns()
  await within(SOON, results.return())
  assert.deepEqual(await within(SOON, read), { value: { value: undefined, done: true } })
})

noUnhandledRejections('foreign code')
