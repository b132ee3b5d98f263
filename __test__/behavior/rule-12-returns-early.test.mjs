// Rule 12: when the function returns early the source is no longer pulled, waiting sends are refused, and what was yielded stays readable.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { ClosedError, streamFn } from 'velo-stream'
import { asyncSource, numbers } from '../support/counted.mjs'
import { deferred, isPending, never, outcome, turns } from '../support/deferred.mjs'
import { describePaths } from '../support/paths.mjs'
import { noUnhandledRejections } from '../support/unhandled.mjs'
import { within } from '../support/within.mjs'

const DONE = { value: undefined, done: true }

async function* same(events) {
  for await (const event of events) yield event
}

/** Takes `count` events, then returns. */
const take = (count) =>
  async function* (events) {
    let taken = 0
    for await (const event of events) {
      yield event
      if (++taken === count) return
    }
  }

function* naturals() {
  for (let n = 0; ; n++) yield n
}

describePaths('a function that returns early, on every path', (path, test) => {
  const many = () => (path.endless ? naturals() : numbers(5000))

  test('rule 12: what it yielded arrives, and nothing else', async () => {
    for (const count of [1, 2, 7]) {
      const fn = path.define(take(count), { buffer: 4 })
      const { results, failure, source, end } = await path.drive(fn, many())
      assert.equal(failure, null)
      assert.deepEqual(results, numbers(count))
      await turns()
      if (path.counts) {
        assert.equal(source.returns, 1)
        assert.ok(source.pulls <= count + 4 + 5 + path.stages * 5, `${source.pulls} pulled`)
        const { pulls } = source
        await turns(10)
        assert.equal(source.pulls, pulls)
      }
      if (path.live) {
        assert.equal(end.reason, 'done')
        assert.equal(end.error, undefined)
        assert.equal(end.detached, false)
        assert.equal(end.dropped.results, 0)
      }
      assert.equal(fn.metrics.closedBy.done, 1)
      assert.equal(fn.metrics.streamsOpen, 0)
    }
  })

  test('rule 12: it may return without reading anything', async () => {
    const fn = path.define(async function* () {
      yield 'one'
      yield 'two'
    })
    const { results, failure } = await path.drive(fn, many())
    assert.equal(failure, null)
    assert.deepEqual(results, ['one', 'two'])
  })

  test('rule 12: it may return without yielding anything', async () => {
    const fn = path.define(async function* (events) {
      await events.next()
    })
    const { results, failure } = await path.drive(fn, many())
    assert.equal(failure, null)
    assert.deepEqual(results, [])
  })

  test('rule 12: the value it returns is no result', async () => {
    for (const value of ['ignored', Promise.resolve('ignored'), new Error('ignored'), { value: 1, done: false }]) {
      const fn = path.define(async function* (events) {
        yield (await events.next()).value
        return value
      })
      const { results, failure } = await path.drive(fn, numbers(3))
      assert.equal(failure, null)
      assert.deepEqual(results, [0])
    }
  })

  test('rule 12: it may leave its loop and go on yielding', async () => {
    const fn = path.define(async function* (events) {
      for await (const event of events) if (event === 2) break
      for (let i = 0; i < 300; i++) yield i
      yield (await events.next()).done
    })
    const { results, failure } = await path.drive(fn, many())
    assert.equal(failure, null)
    assert.deepEqual(results, [...numbers(300), true])
  })

  if (path.live && !path.source) {
    test('rule 12: the sender is told with VELO_CLOSED, and its accepted events are in the books', async () => {
      const fn = path.define(take(3), { buffer: 2 })
      const { sent, sendFailure, stream, end } = await path.drive(fn, naturals())
      assert.ok(sendFailure.error instanceof ClosedError)
      assert.equal(sendFailure.error.code, 'VELO_CLOSED')
      assert.equal(sendFailure.error.cause, undefined)
      assert.equal(stream.metrics.eventsIn, sent)
      if (path.stages === 1) assert.equal(end.dropped.events, sent - 3)
    })
  }
})

describe('a live stream whose function returns early', () => {
  test('rule 12: sends that wait reject with VELO_CLOSED, later ones too', async () => {
    const gate = deferred()
    const stream = streamFn(
      async function* (events) {
        yield (await events.next()).value
        await gate.promise
      },
      { buffer: 2 },
    ).open()
    const sends = numbers(6).map((n) => outcome(stream.send(n)))
    const batch = outcome(stream.sendBatch([6, 7]))
    assert.equal(await within(500, stream.recv(), 'recv'), 0)
    await turns()
    gate.resolve()
    const all = await within(500, Promise.all(sends), 'the sends')
    assert.deepEqual(
      all.map(({ error }) => error?.code),
      [undefined, undefined, undefined, 'VELO_CLOSED', 'VELO_CLOSED', 'VELO_CLOSED'],
    )
    const { error } = await within(500, batch, 'the batch')
    assert.equal(error.code, 'VELO_CLOSED')
    assert.equal(error.accepted, 0)
    const end = await within(500, stream.closed, 'closed')
    assert.deepEqual(end, { reason: 'done', dropped: { events: 2, results: 0 }, refused: 0, detached: false })
    for (const later of [stream.send(1), stream.sendBatch([1])]) {
      const { error: refusal } = await within(500, outcome(later), 'a later send')
      assert.ok(refusal instanceof ClosedError)
      assert.equal(refusal.code, 'VELO_CLOSED')
      assert.equal(refusal.reason, 'done')
      assert.equal(refusal.cause, undefined)
    }
    assert.equal(stream.trySend(1), false)
    stream.end()
    assert.equal((await stream.closed).reason, 'done')
  })

  test('rule 12: results that were yielded stay readable, then it is over', async () => {
    const stream = streamFn(take(3)).open()
    await within(500, stream.sendBatch(numbers(10)), 'the batch')
    const end = await within(500, stream.closed, 'closed')
    assert.equal(stream.state, 'closed')
    assert.deepEqual(end.dropped, { events: 7, results: 0 })
    assert.deepEqual(await within(500, stream.recvBatch(2), 'recvBatch'), [0, 1])
    const iterator = stream[Symbol.asyncIterator]()
    assert.deepEqual(await within(500, iterator.next(), 'next'), { value: 2, done: false })
    assert.deepEqual(await within(500, iterator.next(), 'next'), DONE)
  })

  test('rule 12: reads that wait end with it', async () => {
    const gate = deferred()
    const stream = streamFn(async function* () {
      await gate.promise
    }).open()
    const reads = [stream.recv(), stream.recvBatch(2), stream.recv()].map(outcome)
    await turns()
    gate.resolve()
    const [one, batch, two] = await within(500, Promise.all(reads), 'the reads')
    assert.equal(one.error.code, 'VELO_CLOSED')
    assert.equal(one.error.reason, 'done')
    assert.deepEqual(batch, { value: [] })
    assert.equal(two.error.code, 'VELO_CLOSED')
  })

  test('rule 12: it is not over before its finally is', async () => {
    const gate = deferred()
    const stream = streamFn(async function* (events) {
      try {
        yield (await events.next()).value
        return
      } finally {
        await gate.promise
      }
    }).open()
    await within(500, stream.send(1), 'send')
    assert.equal(await within(500, stream.recv(), 'recv'), 1)
    assert.ok(await isPending(stream.closed))
    assert.equal(stream.state, 'open')
    gate.resolve()
    assert.equal((await within(500, stream.closed, 'closed')).reason, 'done')
  })

  test('rule 12: once it has left its loop, waiting sends are refused even while it goes on', async () => {
    const gate = deferred()
    const stream = streamFn(
      async function* (events) {
        for await (const _ of events) break
        await gate.promise
        yield 'summary'
      },
      { buffer: 1 },
    ).open()
    const sends = numbers(4).map((n) => outcome(stream.send(n)))
    await turns()
    gate.resolve()
    assert.equal(await within(500, stream.recv(), 'recv'), 'summary')
    const all = await within(500, Promise.all(sends), 'the sends')
    assert.ok(all.filter(({ error }) => error?.code === 'VELO_CLOSED').length >= 2)
    const end = await within(500, stream.closed, 'closed')
    assert.equal(end.reason, 'done')
    assert.equal(stream.metrics.eventsIn, 1 + end.dropped.events)
  })

  test('rule 12: one that stops reading and goes on gives the source of a feed back at once', async () => {
    for (const silent of [false, true]) {
      const gate = deferred()
      const fn = streamFn(async function* (events) {
        for await (const event of events) {
          yield event
          break
        }
        await gate.promise
        yield 'goes on'
      })
      const returned = deferred()
      async function* source() {
        try {
          for (;;) {
            yield 1
            if (silent) await never()
          }
        } finally {
          returned.resolve()
        }
      }
      const iterator = source()
      const given = {
        [Symbol.asyncIterator]: () => ({
          next: () => iterator.next(),
          return() {
            returned.resolve()
            return iterator.return()
          },
        }),
      }
      const results = fn.open().feed(given)
      assert.equal((await within(500, results.next(), 'next')).value, 1)
      const next = results.next()
      await within(500, returned.promise, `the source is given back, silent: ${silent}`)
      gate.resolve()
      assert.equal((await within(500, next, 'next')).value, 'goes on')
      assert.equal((await within(500, results.next(), 'next')).done, true)
    }
  })

  test('rule 12: a feed ends with it, also while its source is silent', async () => {
    let returns = 0
    const source = {
      n: 0,
      [Symbol.asyncIterator]() {
        return this
      },
      next() {
        return this.n < 2 ? Promise.resolve({ value: this.n++, done: false }) : never()
      },
      return() {
        returns++
        return never()
      },
    }
    const gate = deferred()
    const stream = streamFn(async function* (events) {
      yield (await events.next()).value
      yield (await events.next()).value
      await gate.promise
    }).open()
    const results = stream.feed(source)
    assert.equal((await within(500, results.next(), 'next')).value, 0)
    assert.equal((await within(500, results.next(), 'next')).value, 1)
    const last = results.next()
    await turns()
    gate.resolve()
    assert.deepEqual(await within(500, last, 'the last read'), DONE)
    assert.equal((await within(500, stream.closed, 'closed')).reason, 'done')
    await turns()
    assert.equal(returns, 1)
  })

  test('rule 12: closed resolves once, with one object', async () => {
    const stream = streamFn(take(1)).open()
    const [one, two] = [stream.closed, stream.closed]
    await within(500, stream.send(1), 'send')
    const end = await within(500, one, 'closed')
    assert.equal(await within(500, two, 'closed'), end)
    assert.equal(await within(500, stream.closed, 'closed'), end)
  })
})

describe('a pipeline of which a stage returns early', () => {
  /** Three stages; the one at `index` takes two events and returns. All say when they finish. */
  const three = (index, log) => {
    const stage = (n) =>
      async function* (events) {
        let taken = 0
        try {
          for await (const event of events) {
            yield event
            if (n === index && ++taken === 2) return
          }
          log.push(`${n} saw the end`)
          yield `${n} flushes`
        } finally {
          log.push(`${n} finally`)
        }
      }
    return streamFn(stage(0), { buffer: 4 }).pipe(stage(1)).pipe(stage(2))
  }

  for (const index of [0, 1, 2]) {
    test(`rule 12: stage ${index} returning early gives the earlier ones return(), and the later ones the end`, async () => {
      const later = [0, 1, 2].filter((n) => n > index)
      const expected = [0, 1, ...later.map((n) => `${n} flushes`)]
      const ways = {
        'run()': (fn, source) => fn.run(source),
        'a call': async (fn, source) => {
          const results = []
          for await (const result of fn(source)) results.push(result)
          return results
        },
        'feed()': async (fn, source) => {
          const results = []
          for await (const result of fn.open().feed(source)) results.push(result)
          return results
        },
      }
      for (const [name, way] of Object.entries(ways)) {
        const log = []
        const source = asyncSource(naturals())
        const results = await within(1000, way(three(index, log), source), name)
        assert.deepEqual(results, expected, name)
        await turns()
        assert.equal(source.returns, 1, name)
        const finals = log.filter((entry) => entry.endsWith('finally')).sort()
        assert.deepEqual(finals, ['0 finally', '1 finally', '2 finally'], name)
        assert.deepEqual(
          log.filter((entry) => entry.endsWith('the end')),
          later.map((n) => `${n} saw the end`),
          name,
        )
      }
    })
  }

  test('rule 12: an earlier stage that is stuck when a later one returns does not hold the results back', async () => {
    const fn = streamFn(
      async function* (events) {
        let count = 0
        for await (const event of events) {
          if (++count === 3) await never()
          yield event
        }
      },
      { closeTimeout: 40 },
    ).pipe(take(2))
    const results = fn(asyncSource(naturals()))
    assert.equal((await within(500, results.next(), 'next')).value, 0)
    assert.equal((await within(500, results.next(), 'next')).value, 1)
    assert.deepEqual(await within(2000, results.next(), 'the end'), DONE)
    assert.deepEqual(await within(2000, outcome(fn.run(asyncSource(numbers(9)))), 'run'), { value: [0, 1] })
  })

  test('rule 12: a stage before that throws when it is given back is told to the caller or to nobody, but never twice', async () => {
    const error = new Error('in finally')
    const fn = streamFn(async function* (events) {
      try {
        for await (const event of events) yield event
      } finally {
        await Promise.reject(error)
      }
    }).pipe(take(2))
    const got = await within(1000, outcome(fn.run(asyncSource(naturals()))), 'run')
    if ('error' in got) assert.equal(got.error, error)
    else assert.deepEqual(got.value, [0, 1])
    await turns(8)
  })

  test('rule 12: a live pipeline is over when its head returns', async () => {
    const stream = streamFn(take(2)).pipe(same).open()
    const sending = outcome(stream.sendBatch(numbers(2000)))
    const results = []
    for (let i = 0; i < 2; i++) results.push(await within(500, stream.recv(), 'recv'))
    assert.deepEqual(results, [0, 1])
    assert.equal((await within(500, sending, 'the batch')).error.code, 'VELO_CLOSED')
    const end = await within(500, stream.closed, 'closed')
    assert.equal(end.reason, 'done')
    assert.equal(end.stage, undefined)
  })
})

noUnhandledRejections('rule 12')
