// Rule 11: an error of the source is thrown into the function, which may catch it; the source is given back once, never after it ended.

import assert from 'node:assert/strict'
import { Readable } from 'node:stream'
import { ReadableStream } from 'node:stream/web'
import { describe, test } from 'node:test'
import { streamFn } from 'velo-stream'
import { asyncSource, numbers, syncSource } from '../support/counted.mjs'
import { deferred, isPending, never, outcome, turns, until } from '../support/deferred.mjs'
import { describePaths } from '../support/paths.mjs'
import { describePlacements } from '../support/placements.mjs'
import { noUnhandledRejections } from '../support/unhandled.mjs'
import { within } from '../support/within.mjs'

const DONE = { value: undefined, done: true }

async function* same(events) {
  for await (const event of events) yield event
}

async function* endless(events) {
  for await (const event of events) {
    if (event === 3) return
    yield event
  }
}

function* naturals() {
  for (let n = 0; ; n++) yield n
}

async function collect(iterable) {
  const results = []
  for await (const result of iterable) results.push(result)
  return results
}

/** A source that answers `next` and `return` as told, and counts. */
function scripted(next, giveBack) {
  const source = {
    pulls: 0,
    returns: 0,
    [Symbol.asyncIterator]() {
      return this
    },
    next() {
      return next(this.pulls++)
    },
    return() {
      this.returns++
      return giveBack()
    },
  }
  return source
}

const gives = async (n) => ({ value: n, done: false })
const returned = async () => DONE

describePaths(
  'a source that throws',
  (path, test) => {
    // A Readable must be destroyed with an Error.
    const errors = [new Error('of the source'), ...(path.noEmpty ? [] : [undefined, null, 0, '', 'text', Number.NaN])]

    test('rule 11: uncaught, it reaches the caller as it is, after the results before it', async () => {
      for (const error of errors) {
        const { results, failure, source, end } = await path.drive(path.define(same), numbers(30), { fail: { error } })
        assert.notEqual(failure, null, `nothing was thrown instead of ${String(error)}`)
        assert.ok(Object.is(failure.error, error), `${String(failure.error)} instead of ${String(error)}`)
        if (!path.whole && !path.noEmpty) assert.deepEqual(results, numbers(30))
        if (path.counts) assert.equal(source.returns, 0)
        if (path.live) {
          assert.equal(end.reason, 'failed')
          assert.ok(Object.is(end.error, error))
        }
      }
    })

    test('rule 11: the function may catch it, go on and end as it likes', async () => {
      for (const error of errors) {
        const caught = []
        const fn = path.define(async function* (events) {
          let count = 0
          try {
            for await (const _ of events) count++
          } catch (what) {
            caught.push(what)
          }
          yield { count }
          yield (await events.next()).done
        })
        const { results, failure, source, end } = await path.drive(fn, path.noEmpty ? [] : numbers(7), { fail: { error } })
        assert.equal(failure, null)
        assert.deepEqual(results, [{ count: path.noEmpty ? 0 : 7 }, true])
        assert.equal(caught.length, 1)
        assert.ok(Object.is(caught[0], error))
        if (path.counts) assert.equal(source.returns, 0)
        if (path.live) assert.equal(end.reason, 'done')
      }
    })

    test('rule 11: the function may answer with another error', async () => {
      const other = new Error('of the function')
      const fn = path.define(async function* (events) {
        try {
          for await (const event of events) yield event
        } catch {
          throw other
        }
      })
      const { failure } = await path.drive(fn, numbers(3), { fail: { error: new Error('of the source') } })
      assert.equal(failure?.error, other)
    })
  },
  { only: (path) => path.throws },
)

describePaths(
  'giving the source back',
  (path, test) => {
    test('rule 11: a source that finished is not returned', async () => {
      const { failure, source } = await path.drive(path.define(same), numbers(20))
      assert.equal(failure, null)
      await turns()
      assert.equal(source.returns, 0)
      assert.equal(source.finished, true)
    })

    test('rule 11: on early exit it is returned, once', async () => {
      const fn = path.define(
        async function* (events) {
          for await (const event of events) {
            yield event
            if (event === 4) break
          }
          yield 'after the break'
        },
        { buffer: 4 },
      )
      const { results, failure, source } = await path.drive(fn, naturals())
      assert.equal(failure, null)
      assert.deepEqual(results, [...numbers(5), 'after the break'])
      await turns()
      assert.equal(source.returns, 1)
    })

    test('rule 11: a function that never reads returns it too, once', async () => {
      const fn = path.define(async function* () {
        yield 'nothing read'
      })
      const { results, failure, source } = await path.drive(fn, naturals())
      assert.equal(failure, null)
      assert.deepEqual(results, ['nothing read'])
      await turns()
      assert.ok(source.returns <= 1, `${source.returns} returns`)
      // A source that nobody had opened need not be given back; one that was pulled must.
      if (source.pulls > 0) assert.equal(source.returns, 1)
    })
  },
  { only: (path) => path.counts },
)

describe('early exit of an async iterator', () => {
  test('rule 11: run() waits for source.return() before it resolves', async () => {
    const gate = deferred()
    const source = scripted(gives, () => gate.promise)
    const running = streamFn(endless).run(source)
    assert.ok(await isPending(running))
    assert.equal(source.returns, 1)
    gate.resolve(DONE)
    assert.deepEqual(await within(500, running, 'run'), [0, 1, 2])
    assert.equal(source.returns, 1)
  })

  test('rule 11: it waits no longer than closeTimeout', async () => {
    const source = scripted(gives, never)
    const fn = streamFn(endless, { closeTimeout: 40 })
    const started = performance.now()
    assert.deepEqual(await within(3000, fn.run(source), 'run'), [0, 1, 2])
    assert.ok(performance.now() - started >= 35)
    assert.equal(source.returns, 1)
    await until(500, () => fn.metrics.streamsOpen === 0, 'the end')
    assert.deepEqual(await within(3000, collect(fn(scripted(gives, never))), 'the call'), [0, 1, 2])
  })

  test('rule 11: while its own next() is pending, return() is called but not waited for', async () => {
    const source = scripted((n) => (n < 2 ? gives(n) : never()), never)
    const fn = streamFn(async function* (events) {
      yield (await events.next()).value
      yield (await events.next()).value
      events.next()
    })
    assert.deepEqual(await within(1000, fn.run(source), 'run'), [0, 1])
    assert.equal(source.returns, 1)
    assert.equal(fn.metrics.streamsOpen, 0)
  })

  test('rule 11: leaving a call while next() is pending does not wait for the source either', async () => {
    const source = scripted((n) => (n < 1 ? gives(n) : never()), never)
    const results = streamFn(same)(source)
    assert.equal((await within(500, results.next(), 'next')).value, 0)
    const read = results.next()
    await turns()
    assert.deepEqual(await within(500, results.return(), 'return'), DONE)
    assert.deepEqual(await within(500, read, 'the read'), DONE)
    assert.equal(source.returns, 1)
  })

  test('rule 11: break in the loop of a call returns it once, before the loop is left', async () => {
    const source = asyncSource(naturals())
    let finals = 0
    const fn = streamFn(async function* (events) {
      try {
        for await (const event of events) yield event
      } finally {
        finals++
      }
    })
    const loop = async () => {
      for await (const result of fn(source)) if (result === 3) break
    }
    await within(500, loop(), 'the loop')
    assert.equal(finals, 1)
    assert.equal(source.returns, 1)
    assert.equal(source.pulls, 4)
  })

  test('rule 11: a throw in the loop of a call returns it once', async () => {
    const source = asyncSource(naturals())
    const mine = new Error('mine')
    const loop = async () => {
      for await (const _ of streamFn(same)(source)) throw mine
    }
    assert.equal((await within(500, outcome(loop()), 'the loop')).error, mine)
    assert.equal(source.returns, 1)
  })

  test('rule 11: return() of events, called by hand more than once, returns it once', async () => {
    const source = asyncSource(naturals())
    const fn = streamFn(async function* (events) {
      yield (await events.next()).value
      yield await events.return('mine')
      yield await events.return()
      yield await events.next()
    })
    assert.deepEqual(await within(500, fn.run(source), 'run'), [0, { value: 'mine', done: true }, DONE, DONE])
    assert.equal(source.returns, 1)
  })

  test('rule 11: a source without return() can be left as well', async () => {
    let pulls = 0
    const source = { [Symbol.asyncIterator]: () => ({ next: async () => ({ value: pulls++, done: false }) }) }
    assert.deepEqual(await within(500, streamFn(endless).run(source), 'run'), [0, 1, 2])
    const sync = { [Symbol.iterator]: () => ({ next: () => ({ value: pulls++, done: false }) }) }
    pulls = 0
    assert.deepEqual(await within(500, streamFn(endless).run(sync), 'run'), [0, 1, 2])
  })

  test('rule 11: a source that fails to be given back hangs nothing and leaves no rejection', async () => {
    const error = new Error('in return()')
    const ways = [
      () => Promise.reject(error),
      () => {
        throw error
      },
    ]
    for (const giveBack of ways) {
      const got = await within(1000, outcome(streamFn(endless).run(scripted(gives, giveBack))), 'run')
      assert.ok('value' in got ? got.value.length === 3 : got.error === error)
      const thrown = new Error('of the function')
      const fn = streamFn(async function* (events) {
        await events.next()
        yield* []
        throw thrown
      })
      // What the function threw comes first.
      assert.equal((await within(1000, outcome(fn.run(scripted(gives, giveBack))), 'run')).error, thrown)
      assert.equal(fn.metrics.streamsOpen, 0)
    }
    await turns(8)
  })

  test('rule 11: next() that throws at once is a source that threw', async () => {
    const error = new Error('at once')
    const source = scripted((n) => {
      if (n === 2) throw error
      return gives(n)
    }, returned)
    assert.equal((await within(500, outcome(streamFn(same).run(source)), 'run')).error, error)
    assert.equal(source.returns, 0)
  })

  test('rule 11: an async source may answer next() without a promise', async () => {
    const source = scripted((n) => (n < 3 ? { value: n, done: false } : { value: 'ignored', done: true }), returned)
    assert.deepEqual(await within(500, streamFn(same).run(source), 'run'), [0, 1, 2])
    assert.equal(source.returns, 0)
  })

  test('rule 11: next() that answers no object is a TypeError in the function', async () => {
    for (const answer of [undefined, null, 5, 'text']) {
      const source = scripted(async () => answer, returned)
      const { error } = await within(500, outcome(streamFn(same).run(source)), `${answer}`)
      assert.ok(error instanceof TypeError, `${answer}: ${error}`)
    }
  })

  test('rule 11: a source that cannot be opened fails the run with its own error', async () => {
    const error = new Error('cannot be opened')
    const fail = () => {
      throw error
    }
    const fn = streamFn(same)
    for (const source of [{ [Symbol.asyncIterator]: fail }, { [Symbol.iterator]: fail }]) {
      assert.equal((await within(500, outcome(fn.run(source)), 'run')).error, error)
      assert.equal((await within(500, outcome(fn(source).next()), 'next')).error, error)
      const stream = fn.open()
      assert.equal((await within(500, outcome((async () => stream.feed(source).next())()), 'feed')).error, error)
      await within(500, outcome(stream.close()), 'close')
    }
    assert.equal(fn.metrics.streamsOpen, 0)
  })
})

describe('synchronous sources', () => {
  test('rule 11: promises in it are awaited', async () => {
    const thenable = Object.defineProperty({}, 'then', { value: (resolve) => resolve(3) })
    const events = [1, Promise.resolve(2), thenable, new Promise((resolve) => setImmediate(resolve, 4))]
    assert.deepEqual(await within(500, streamFn(same).run(events), 'run'), [1, 2, 3, 4])
    assert.deepEqual(await within(500, streamFn(same).run(new Set(events)), 'run'), [1, 2, 3, 4])
    assert.deepEqual(await within(500, collect(streamFn(same)(events)), 'the call'), [1, 2, 3, 4])
    assert.deepEqual(await within(500, collect(streamFn(same).open().feed(events)), 'feed'), [1, 2, 3, 4])
  })

  test('rule 11: a promise that rejects is thrown into the function at that pull', async () => {
    const error = new Error('second')
    const fn = streamFn(async function* (events) {
      try {
        for await (const event of events) yield event
      } catch (caught) {
        yield { caught }
      }
    })
    const rejecting = () => [1, Promise.reject(error)]
    assert.deepEqual(await within(500, fn.run(rejecting()), 'run'), [1, { caught: error }])
    assert.equal((await within(500, outcome(streamFn(same).run(rejecting())), 'run')).error, error)
  })

  test('rule 11: on early exit it is returned once, when it is done or threw it is not', async () => {
    const left = syncSource(naturals())
    assert.deepEqual(await within(500, streamFn(endless).run(left), 'run'), [0, 1, 2])
    assert.equal(left.returns, 1)
    const finished = syncSource(numbers(3))
    await within(500, streamFn(same).run(finished), 'run')
    assert.equal(finished.returns, 0)
    const failed = syncSource(numbers(3), { fail: { error: 'mine' } })
    assert.equal((await within(500, outcome(streamFn(same).run(failed)), 'run')).error, 'mine')
    assert.equal(failed.returns, 0)
  })

  test('rule 11: a generator as source runs its finally on early exit', async () => {
    const log = []
    function* source() {
      try {
        yield* naturals()
      } finally {
        log.push('finally')
      }
    }
    assert.deepEqual(await within(500, streamFn(endless).run(source()), 'run'), [0, 1, 2])
    assert.deepEqual(log, ['finally'])
    const loop = async () => {
      for await (const result of streamFn(same)(source())) if (result === 2) break
    }
    await within(500, loop(), 'the loop')
    assert.deepEqual(log, ['finally', 'finally'])
  })
})

/** Synchronous sources with a promise that rejects behind their first event; `log` counts what is asked of them. */
const rejecting = {
  generator(error, log) {
    return (function* () {
      try {
        yield 0
        log.pulls++
        yield Promise.reject(error)
        log.pulls++
        yield* naturals()
      } finally {
        log.returns++
      }
    })()
  },
  iterator(error, log) {
    const source = {
      [Symbol.iterator]: () => source,
      next: () => ({ value: log.pulls++ === 0 ? 0 : Promise.reject(error), done: false }),
      return() {
        log.returns++
        throw new Error('of return()')
      },
    }
    return source
  },
}

describePlacements('a promise in a synchronous source that rejects', (place) => {
  const uses = {
    run: (fn, source) => fn.run(source),
    call: (fn, source) => collect(fn(source)),
    feed: (fn, source) => collect(fn.open().feed(source)),
    'a checked run': (fn, source) => fn.with({ schema: anything }).run(source),
    'a pipeline': (fn, source) => fn.pipe(place(same)).run(source),
    'a local pipeline': (fn, source) => fn.pipe(same).run(source),
  }
  const catching = async function* (events) {
    let caught
    try {
      for await (const event of events) yield event
    } catch (error) {
      caught = error.message
    }
    for await (const event of events) yield event
    yield `caught ${caught}`
  }
  for (const [kind, make] of Object.entries(rejecting))
    for (const [use, go] of Object.entries(uses))
      test(`rule 11: it ends the source, which is returned once (${kind}, ${use})`, async () => {
        const error = new Error('no event')
        const thrown = { pulls: 0, returns: 0 }
        const { error: told } = await within(5000, outcome(go(place(same), make(error, thrown))), use)
        assert.equal(told, error)
        assert.equal(thrown.returns, 1)
        const caught = { pulls: 0, returns: 0 }
        assert.deepEqual(await within(5000, go(place(catching), make(error, caught)), use), [0, 'caught no event'])
        assert.equal(caught.returns, 1)
        assert.ok(caught.pulls <= 2, `${caught.pulls} pulls`)
      })
})

/** A schema that takes everything, later. */
const anything = { '~standard': { version: 1, vendor: 'test', validate: async (value) => ({ value }) } }

describe('Node and Web streams as sources', () => {
  test('rule 11: a Readable that was never pulled is destroyed, too', async () => {
    const ends = {
      run: (readable) => streamFn(async function* () {}).run(readable),
      call: (readable) => collect(streamFn(async function* () {})(readable)),
      throws: (readable) =>
        outcome(
          streamFn(async function* () {
            throw new Error('early')
          }).run(readable),
        ),
    }
    for (const [name, end] of Object.entries(ends)) {
      const readable = new Readable({ objectMode: true, read() {} })
      await within(1000, end(readable), name)
      await until(500, () => readable.destroyed, `the destruction (${name})`)
    }
  })

  test('rule 11: a Readable is destroyed on early exit, also while it is silent', async () => {
    const readable = new Readable({ objectMode: true, read() {} })
    readable.push(0)
    readable.push(1)
    const results = streamFn(same)(readable)
    assert.equal((await within(500, results.next(), 'next')).value, 0)
    assert.equal((await within(500, results.next(), 'next')).value, 1)
    const read = results.next()
    await turns()
    await within(1000, results.return(), 'return')
    assert.deepEqual(await within(500, read, 'the read'), DONE)
    await until(500, () => readable.destroyed, 'the destruction')
  })

  test('rule 11: the error of a Readable reaches the caller', async () => {
    const error = new Error('of the Readable')
    const readable = new Readable({ objectMode: true, read() {} })
    readable.push('one')
    const results = streamFn(same)(readable)
    assert.equal((await within(500, results.next(), 'next')).value, 'one')
    const read = outcome(results.next())
    await turns()
    readable.destroy(error)
    assert.equal((await within(500, read, 'the read')).error, error)
    assert.deepEqual(await within(500, results.next(), 'next'), DONE)
  })

  test('rule 11: a ReadableStream is cancelled on early exit, and its lock is given back', async () => {
    let cancelled = 0
    let n = 0
    const web = new ReadableStream({
      pull: (controller) => controller.enqueue(n++),
      cancel: () => {
        cancelled++
      },
    })
    assert.deepEqual(await within(500, streamFn(endless).run(web), 'run'), [0, 1, 2])
    assert.equal(cancelled, 1)
    assert.equal(web.locked, false)
  })

  test('rule 11: the error of a ReadableStream may be caught', async () => {
    const error = new Error('of the web')
    let n = 0
    const web = new ReadableStream({
      pull(controller) {
        if (n < 2) controller.enqueue(n++)
        else controller.error(error)
      },
    })
    const fn = streamFn(async function* (events) {
      try {
        for await (const event of events) yield event
      } catch (caught) {
        yield caught === error
      }
    })
    assert.deepEqual((await within(500, fn.run(web), 'run')).at(-1), true)
  })
})

describe('a source of a pipeline', () => {
  test('rule 11: any stage may catch its error, the first one first', async () => {
    const error = new Error('of the source')
    const log = []
    const passing = async function* (events) {
      try {
        for await (const event of events) yield event
      } catch (caught) {
        log.push(caught)
        throw caught
      }
    }
    const fn = streamFn(passing).pipe(async function* (events) {
      try {
        for await (const event of events) yield event
      } catch (caught) {
        yield { caught }
      }
    })
    const source = asyncSource(numbers(2), { fail: { error } })
    assert.deepEqual(await within(500, fn.run(source), 'run'), [0, 1, { caught: error }])
    assert.deepEqual(log, [error])
    assert.equal(source.returns, 0)
  })

  test('rule 11: the last stage returning early gives the source back, once', async () => {
    const source = asyncSource(naturals())
    const fn = streamFn(same).pipe(same).pipe(endless)
    assert.deepEqual(await within(500, fn.run(source), 'run'), [0, 1, 2])
    await turns()
    assert.equal(source.returns, 1)
  })
})

describe('feed()', () => {
  test('rule 11: the error comes after what was fed before it, also when it is buffered', async () => {
    const error = new Error('of the source')
    const seen = []
    const gate = deferred()
    const stream = streamFn(async function* (events) {
      await gate.promise
      try {
        for await (const event of events) seen.push(event)
      } catch (caught) {
        yield { caught }
      }
    }).open()
    const results = stream.feed(asyncSource(numbers(5), { fail: { error } }))
    await turns(10)
    gate.resolve()
    assert.deepEqual(await within(500, results.next(), 'next'), { value: { caught: error }, done: false })
    assert.deepEqual(seen, numbers(5))
    assert.deepEqual(await within(500, results.next(), 'next'), DONE)
    assert.equal((await within(500, stream.closed, 'closed')).reason, 'done')
  })

  test('rule 11: closing a fed stream gives a silent source back at once', async () => {
    const source = scripted((n) => (n < 1 ? gives(n) : never()), never)
    const stream = streamFn(same).open()
    const results = stream.feed(source)
    assert.equal((await within(500, results.next(), 'next')).value, 0)
    await within(500, stream.close(), 'close')
    await turns()
    assert.equal(source.returns, 1)
  })

  test('rule 11: aborting a fed stream gives the source back once', async () => {
    const source = asyncSource(naturals())
    const stream = streamFn(same, { buffer: 2 }).open()
    const results = stream.feed(source)
    await within(500, results.next(), 'next')
    stream.abort('why')
    assert.equal((await within(500, stream.closed, 'closed')).reason, 'aborted')
    await turns()
    assert.equal(source.returns, 1)
  })
})

noUnhandledRejections('rule 11')
