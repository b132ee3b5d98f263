// Rule 7: close() ends a stream for good: waits settle, what is buffered is dropped and counted, `finally` runs.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { ClosedError, streamFn } from 'velo-stream'
import { asyncSource, numbers } from '../support/counted.mjs'
import { deferred, isPending, never, outcome, turns, until } from '../support/deferred.mjs'
import { noUnhandledRejections } from '../support/unhandled.mjs'
import { within } from '../support/within.mjs'

async function* same(events) {
  for await (const event of events) yield event
}

const DONE = { value: undefined, done: true }

/** A stream function that logs how it ended. `options.buffer` 1 suspends it at a yield after two events that nobody reads. */
function logged(log, options) {
  return streamFn(async function* (events) {
    try {
      for await (const event of events) yield event
      log.push('saw the end')
    } catch (error) {
      log.push(error)
      throw error
    } finally {
      log.push('finally')
    }
  }, options)
}

/** Opens a stream that is suspended at a yield. */
async function suspended(fn) {
  const stream = fn.open()
  for (let i = 0; i < 2; i++) await within(500, stream.send(i), `send ${i}`)
  await turns()
  return stream
}

describe('waits at close()', () => {
  test('rule 7: reads that wait end at once, also while the function is stuck', async () => {
    for (const stuck of [false, true]) {
      const gate = deferred()
      const stream = streamFn(async function* (events) {
        await events.next()
        if (stuck) await gate.promise
        yield* events
      }).open()
      await within(500, stream.send(1), 'send')
      const reads = [stream.recv(), stream.recvBatch(5), stream.recv()].map(outcome)
      await turns()
      const closing = stream.close()
      const [one, batch, two] = await within(500, Promise.all(reads), 'the reads')
      for (const { error } of [one, two]) {
        assert.ok(error instanceof ClosedError)
        assert.equal(error.code, 'VELO_CLOSED')
        assert.equal(error.reason, 'closed')
        assert.equal(error.streamId, stream.id)
      }
      assert.deepEqual(batch, { value: [] })
      gate.resolve()
      await within(500, closing, 'close')
    }
  })

  test('rule 7: an iterator that waits is done', async () => {
    const stream = streamFn(same).open()
    const iterator = stream[Symbol.asyncIterator]()
    const reads = [iterator.next(), iterator.next()]
    await turns()
    const closing = stream.close()
    assert.deepEqual(await within(500, Promise.all(reads), 'the reads'), [DONE, DONE])
    await within(500, closing, 'close')
    assert.deepEqual(await within(500, iterator.next(), 'a later next'), DONE)
  })

  test('rule 7: sends that wait reject with VELO_CLOSED and are not delivered', async () => {
    const seen = []
    const gate = deferred()
    const stream = streamFn(
      async function* (events) {
        for await (const event of events) {
          seen.push(event)
          await gate.promise
        }
        yield 'summary'
      },
      { buffer: 1 },
    ).open()
    const sends = numbers(5).map((n) => outcome(stream.send(n)))
    await turns()
    const closing = stream.close()
    const all = await within(500, Promise.all(sends), 'the sends')
    assert.deepEqual(
      all.map(({ error }) => error?.code),
      [undefined, undefined, 'VELO_CLOSED', 'VELO_CLOSED', 'VELO_CLOSED'],
    )
    for (const { error } of all.slice(2)) assert.ok(error instanceof ClosedError)
    gate.resolve()
    await within(500, closing, 'close')
    assert.deepEqual(seen, [0])
    assert.deepEqual((await stream.closed).dropped, { events: 1, results: 1 })
  })

  test('rule 7: a recv with a timeout, a signal or none ends alike', async () => {
    const stream = streamFn(same).open()
    const controller = new AbortController()
    const reads = [stream.recv({ timeout: 60_000 }), stream.recv({ signal: controller.signal })].map(outcome)
    await within(500, stream.close(), 'close')
    for (const { error } of await within(500, Promise.all(reads), 'the reads')) assert.equal(error.code, 'VELO_CLOSED')
    controller.abort()
  })
})

describe('the function at close()', () => {
  test('rule 7: one that waits for an event sees the end, and the code after its loop runs', async () => {
    const log = []
    const stream = logged(log).open()
    await within(500, stream.send(1), 'send')
    assert.equal(await within(500, stream.recv(), 'recv'), 1)
    await within(500, stream.close(), 'close')
    assert.deepEqual(log, ['saw the end', 'finally'])
    const end = await stream.closed
    assert.deepEqual(end, { reason: 'closed', dropped: { events: 0, results: 0 }, refused: 0, detached: false })
  })

  test('rule 7: one suspended at a yield gets return(), and only its finally runs', async () => {
    const log = []
    const stream = await suspended(logged(log, { buffer: 1 }))
    await within(500, stream.close(), 'close')
    assert.deepEqual(log, ['finally'])
    assert.equal((await stream.closed).reason, 'closed')
  })

  test('rule 7: buffered events do not reach it', async () => {
    const seen = []
    const gate = deferred()
    const stream = streamFn(async function* (events) {
      for await (const event of events) {
        seen.push(event)
        await gate.promise
      }
      yield* []
    }).open()
    await within(500, stream.sendBatch(numbers(10)), 'the batch')
    await turns()
    const closing = stream.close()
    gate.resolve()
    await within(500, closing, 'close')
    assert.deepEqual(seen, [0])
    assert.deepEqual((await stream.closed).dropped, { events: 9, results: 0 })
  })

  test('rule 7: ctx.signal fires at once, so that what it guards stops', async () => {
    let signal
    const stopped = deferred()
    const stream = streamFn(async function* (events, ctx) {
      signal = ctx.signal
      await events.next()
      await new Promise((resolve) => ctx.signal.addEventListener('abort', resolve, { once: true }))
      stopped.resolve()
      yield 'never read'
    }).open()
    await within(500, stream.send(1), 'send')
    await turns()
    assert.equal(signal.aborted, false)
    const closing = stream.close()
    assert.equal(signal.aborted, true)
    await within(500, stopped.promise, 'the guarded wait')
    await within(500, closing, 'close')
    const end = await stream.closed
    assert.equal(end.detached, false)
    assert.deepEqual(end.dropped, { events: 0, results: 1 })
  })

  test('rule 7: a signal that is asked for only after close() has fired', async () => {
    const gate = deferred()
    let aborted
    const stream = streamFn(async function* (events, ctx) {
      await events.next()
      await gate.promise
      aborted = ctx.signal.aborted
      yield* []
    }).open()
    await within(500, stream.send(1), 'send')
    await turns()
    const closing = stream.close()
    gate.resolve()
    await within(500, closing, 'close')
    assert.equal(aborted, true)
  })

  test('rule 7: a read of its input after close() sees the end', async () => {
    const gate = deferred()
    const got = []
    const stream = streamFn(async function* (events) {
      await events.next()
      await gate.promise
      for (let i = 0; i < 3; i++) got.push(await events.next())
      yield* []
    }).open()
    await within(500, stream.sendBatch([1, 2, 3]), 'the batch')
    await turns()
    const closing = stream.close()
    gate.resolve()
    await within(500, closing, 'close')
    assert.deepEqual(got, [DONE, DONE, DONE])
  })

  test('rule 7: every next() that waits sees the end', async () => {
    let got
    const stream = streamFn(async function* (events) {
      got = await Promise.all([events.next(), events.next(), events.next()])
      yield* []
    }).open()
    await within(500, stream.send(1), 'send')
    await turns()
    await within(500, stream.close(), 'close')
    assert.deepEqual(got, [{ value: 1, done: false }, DONE, DONE])
  })

  test('rule 7: close() waits for an asynchronous finally', async () => {
    const gate = deferred()
    let finished = false
    const stream = streamFn(async function* (events) {
      try {
        yield* events
      } finally {
        await gate.promise
        finished = true
      }
    }).open()
    await within(500, stream.send(1), 'send')
    assert.equal(await within(500, stream.recv(), 'recv'), 1)
    const closing = stream.close()
    assert.ok(await isPending(closing))
    assert.equal(stream.state, 'closing')
    assert.equal(finished, false)
    gate.resolve()
    await within(500, closing, 'close')
    assert.equal(finished, true)
    assert.equal(stream.state, 'closed')
  })

  test('rule 7: results yielded during return() are dropped and counted, and it runs to its end', async () => {
    const log = []
    const fn = streamFn(
      async function* (events) {
        try {
          for await (const event of events) yield event
        } finally {
          for (let i = 0; i < 200; i++) {
            log.push(i)
            yield i
          }
        }
      },
      { buffer: 1 },
    )
    const stream = await suspended(fn)
    const before = stream.metrics.eventsOut
    await within(1000, stream.close(), 'close')
    assert.deepEqual(log, numbers(200))
    // 200 in `finally`, and the one at whose `yield` it was suspended.
    assert.equal(stream.metrics.eventsOut, before + 201)
    const end = await stream.closed
    assert.equal(end.dropped.results, before + 201)
    assert.equal(end.detached, false)
  })

  test('rule 7: it may await its input during return(), and sees the end', async () => {
    const log = []
    const fn = streamFn(
      async function* (events) {
        try {
          yield 'one'
          yield 'two'
          yield 'three'
        } finally {
          log.push(await events.next())
        }
      },
      { buffer: 1 },
    )
    const stream = fn.open()
    await within(500, stream.send(1), 'send')
    await turns()
    await within(1000, stream.close(), 'close')
    assert.deepEqual(log, [DONE])
  })
})

describe('what close() itself says', () => {
  test('rule 7: it is idempotent', async () => {
    const log = []
    const stream = logged(log).open()
    await within(500, stream.send(1), 'send')
    await within(500, Promise.all([stream.close(), stream.close(), stream[Symbol.asyncDispose]()]), 'the closes')
    await within(500, stream.close(), 'a later close')
    stream.end()
    stream.abort(new Error('too late'))
    assert.equal(log.filter((entry) => entry === 'finally').length, 1)
    const end = await stream.closed
    assert.equal(end.reason, 'closed')
    assert.equal(end.error, undefined)
    assert.equal(stream.state, 'closed')
  })

  for (const [name, open] of [
    ['while it waited for an event', async (fn) => fn.open()],
    ['during return()', suspended],
  ]) {
    test(`rule 7: an error thrown ${name} rejects that close once, reason failed`, async () => {
      const error = new Error('in finally')
      const fn = streamFn(
        async function* (events) {
          try {
            for await (const event of events) yield event
          } finally {
            await null
            await Promise.reject(error)
          }
        },
        { buffer: 1 },
      )
      const stream = await open(fn)
      if (stream.metrics.eventsIn === 0) {
        await within(500, stream.send(1), 'send')
        await within(500, stream.recv(), 'recv')
      }
      assert.equal((await within(500, outcome(stream.close()), 'close')).error, error)
      const end = await within(500, stream.closed, 'closed')
      assert.equal(end.reason, 'failed')
      assert.equal(end.error, error)
      assert.equal(end.detached, false)
      assert.deepEqual(await within(500, outcome(stream.close()), 'a later close'), { value: undefined })
    })
  }

  test('rule 7: a falsy error thrown while closing rejects it too', async () => {
    for (const error of [undefined, null, 0, '']) {
      const stream = streamFn(async function* (events) {
        for await (const event of events) yield event
        throw error
      }).open()
      await within(500, stream.send(1), 'send')
      const got = await within(500, outcome(stream.close()), 'close')
      assert.ok('error' in got, `${error}`)
      assert.ok(Object.is(got.error, error), `${error}`)
      assert.equal((await stream.closed).reason, 'failed')
    }
  })

  test('rule 7: an error while closing that nobody handles does not crash the process', async () => {
    const stream = streamFn(async function* (events) {
      for await (const event of events) yield event
      throw new Error('nobody handles this')
    }).open()
    await within(500, stream.send(1), 'send')
    stream.close()
    assert.equal((await within(500, stream.closed, 'closed')).reason, 'failed')
    await turns(8)
  })

  test('rule 7: a function that never settles is detached after closeTimeout', async () => {
    const fn = streamFn(
      async function* (events) {
        await events.next()
        await never()
        yield 'never'
      },
      { closeTimeout: 60 },
    )
    const stream = fn.open()
    await within(500, stream.send(1), 'send')
    await turns()
    const started = performance.now()
    await within(2000, stream.close(), 'close')
    const took = performance.now() - started
    assert.ok(took >= 55, `${took} ms`)
    const end = await within(100, stream.closed, 'closed')
    assert.deepEqual(end, { reason: 'closed', dropped: { events: 0, results: 0 }, refused: 0, detached: true })
    assert.equal(stream.state, 'closed')
    assert.equal(fn.metrics.streamsOpen, 0)
    assert.equal(fn.metrics.streamsDetached, 1)
  })

  test('rule 7: a function that yields for ever in its finally is detached, and timers go on meanwhile', async (t) => {
    let stop = false
    t.after(() => {
      stop = true
    })
    const fn = streamFn(
      async function* (events) {
        try {
          for await (const event of events) yield event
        } finally {
          while (!stop) yield 'more'
        }
      },
      { closeTimeout: 80, buffer: 1 },
    )
    const stream = await suspended(fn)
    let ticks = 0
    const ticking = setInterval(() => ticks++, 5)
    await within(3000, stream.close(), 'close')
    clearInterval(ticking)
    const end = await stream.closed
    assert.equal(end.detached, true)
    assert.ok(ticks >= 1, `${ticks} ticks`)
    assert.ok(end.dropped.results > 0)
    stop = true
    await until(5000, () => fn.metrics.streamsDetached === 0, 'the end of the function')
  })

  test('rule 7: the waits of the core in a detached function still end', async () => {
    const gate = deferred()
    const got = deferred()
    const stream = streamFn(
      async function* (events) {
        await events.next()
        await gate.promise
        got.resolve(await events.next())
        yield* []
      },
      { closeTimeout: 20 },
    ).open()
    await within(500, stream.send(1), 'send')
    await turns()
    await within(2000, stream.close(), 'close')
    assert.equal((await stream.closed).detached, true)
    gate.resolve()
    assert.deepEqual(await within(500, got.promise, 'the read of the detached one'), DONE)
  })
})

describe('ways to close', () => {
  test('rule 7: break closes, and the finally of the function has run when the loop is left', async () => {
    const log = []
    const stream = logged(log).open()
    await within(500, stream.sendBatch([1, 2, 3]), 'the batch')
    for await (const result of stream) if (result === 2) break
    assert.ok(log.includes('finally'))
    const end = await within(100, stream.closed, 'closed')
    assert.equal(end.reason, 'closed')
    assert.deepEqual(end.dropped, { events: 0, results: 1 })
  })

  test('rule 7: a loop that throws closes, and its own error arrives', async () => {
    const log = []
    const stream = logged(log).open()
    await within(500, stream.send(1), 'send')
    const mine = new Error('in my loop')
    await assert.rejects(async () => {
      for await (const _ of stream) throw mine
    }, mine)
    assert.ok(log.includes('finally'))
    assert.equal((await stream.closed).reason, 'closed')
  })

  test('rule 7: return() of the iterator closes and answers its value, also while next() waits', async () => {
    const stream = streamFn(same).open()
    const iterator = stream[Symbol.asyncIterator]()
    const read = iterator.next()
    await turns()
    const returned = iterator.return('mine')
    assert.deepEqual(await within(500, read, 'the read'), DONE)
    assert.deepEqual(await within(500, returned, 'return'), { value: 'mine', done: true })
    assert.equal((await stream.closed).reason, 'closed')
  })

  test('rule 7: Symbol.asyncDispose closes', async () => {
    const log = []
    const stream = logged(log).open()
    await within(500, stream.send(1), 'send')
    await within(500, stream[Symbol.asyncDispose](), 'dispose')
    assert.equal(stream.state, 'closed')
    assert.ok(log.includes('finally'))
  })

  test('rule 7: return() of the call form ends a pending next() at once, and the function with it', async () => {
    const log = []
    const source = {
      returns: 0,
      [Symbol.asyncIterator]() {
        return this
      },
      next: never,
      async return() {
        this.returns++
        return DONE
      },
    }
    const results = logged(log)(source)
    const read = results.next()
    await turns()
    const returned = results.return('mine')
    assert.deepEqual(await within(500, read, 'the read'), DONE)
    assert.deepEqual(await within(500, returned, 'return'), { value: 'mine', done: true })
    assert.deepEqual(log, ['saw the end', 'finally'])
    assert.equal(source.returns, 1)
  })

  test('rule 7: leaving the loop of a feed closes the stream and gives the source back', async () => {
    const log = []
    const source = asyncSource(numbers(1000))
    const stream = logged(log, { buffer: 4 }).open()
    for await (const result of stream.feed(source)) if (result === 5) break
    assert.ok(log.includes('finally'))
    assert.equal((await within(500, stream.closed, 'closed')).reason, 'closed')
    await turns()
    assert.equal(source.returns, 1)
    assert.ok(source.pulls < 30)
  })

  test('rule 7: close() from inside the function, not awaited, ends it', async () => {
    const log = []
    const stream = streamFn(async function* (events) {
      try {
        for await (const event of events) {
          if (event === 'close') stream.close()
          else yield event
        }
        log.push('saw the end')
      } finally {
        log.push('finally')
      }
    }).open()
    await within(500, stream.sendBatch(['a', 'close', 'b']), 'the batch')
    const end = await within(1000, stream.closed, 'closed')
    assert.equal(end.reason, 'closed')
    assert.equal(end.detached, false)
    assert.deepEqual(end.dropped, { events: 1, results: 1 })
    assert.deepEqual(log, ['saw the end', 'finally'])
  })

  test('rule 7: close() awaited inside the function gives up after closeTimeout, not never', async () => {
    const after = deferred()
    const fn = streamFn(
      async function* (events) {
        await events.next()
        await stream.close()
        after.resolve()
        yield 'late'
      },
      { closeTimeout: 40 },
    )
    const stream = fn.open()
    await within(500, stream.send(1), 'send')
    const end = await within(2000, stream.closed, 'closed')
    assert.equal(end.reason, 'closed')
    assert.equal(end.detached, true)
    await within(500, after.promise, 'the code after close()')
  })

  test('rule 7: a function that waits to send to its own full input is freed by close()', async () => {
    const refused = deferred()
    const stream = streamFn(
      async function* (events) {
        await events.next()
        for (let i = 0; i < 3; i++) await stream.send(i).catch(refused.resolve)
        yield* events
      },
      { buffer: 1 },
    ).open()
    await within(500, stream.send('first'), 'send')
    await turns()
    assert.equal(stream.metrics.eventsIn, 2)
    await within(500, stream.close(), 'close')
    assert.equal((await within(500, refused.promise, 'the refusal')).code, 'VELO_CLOSED')
    const end = await stream.closed
    assert.deepEqual(end, { reason: 'closed', dropped: { events: 1, results: 0 }, refused: 0, detached: false })
  })

  test('rule 7: close() in a listener of ctx.signal does no harm', async () => {
    const stream = streamFn(async function* (events, ctx) {
      ctx.signal.addEventListener('abort', () => {
        stream.close()
        stream.abort()
        stream.end()
      })
      for await (const event of events) yield event
    }).open()
    await within(500, stream.send(1), 'send')
    await turns()
    await within(500, stream.close(), 'close')
    assert.equal((await stream.closed).reason, 'closed')
  })

  test('rule 7: close() while ending drops what is left', async () => {
    const stream = await suspended(streamFn(same, { buffer: 1 }))
    const { eventsIn } = stream.metrics
    stream.end()
    assert.equal(stream.state, 'ending')
    await within(500, stream.close(), 'close')
    const end = await stream.closed
    assert.equal(end.reason, 'closed')
    assert.equal(end.dropped.events + end.dropped.results, eventsIn)
    assert.equal((await outcome(stream.recv())).error.code, 'VELO_CLOSED')
  })

  test('rule 7: close() after the end resolves, drops unread results and counts them', async () => {
    const stream = streamFn(same).open()
    await within(500, stream.sendBatch([1, 2, 3]), 'the batch')
    stream.end()
    assert.equal((await within(500, stream.closed, 'closed')).reason, 'done')
    assert.equal(await within(500, stream.recv(), 'recv'), 1)
    await within(500, stream.close(), 'close')
    const end = await stream.closed
    assert.equal(end.reason, 'done')
    assert.deepEqual(end.dropped, { events: 0, results: 2 })
    assert.equal((await within(500, outcome(stream.recv()), 'recv')).error.code, 'VELO_CLOSED')
    await within(500, stream.close(), 'a later close')
    assert.deepEqual((await stream.closed).dropped, { events: 0, results: 2 })
  })

  test('rule 7: close() of a stream that waits for a permit leaves the line', async () => {
    let starts = 0
    const fn = streamFn(
      async function* (events) {
        starts++
        for await (const event of events) yield event
      },
      { maxConcurrent: 1, queue: 2 },
    )
    const [first, second, third] = [fn.open(), fn.open(), fn.open()]
    assert.deepEqual([second.state, third.state], ['waiting', 'waiting'])
    assert.throws(() => fn.open(), { code: 'VELO_OVERLOADED' })
    const waits = [second.send(1), second.recv()].map(outcome)
    await within(500, second.close(), 'close')
    assert.equal(second.state, 'closed')
    assert.deepEqual(await within(500, second.closed, 'closed'), {
      reason: 'closed',
      dropped: { events: 0, results: 0 },
      refused: 0,
      detached: false,
    })
    for (const { error } of await within(500, Promise.all(waits), 'the waits')) assert.equal(error.code, 'VELO_CLOSED')
    const fourth = fn.open()
    assert.equal(fourth.state, 'waiting')
    const sent = third.send('third')
    await within(500, first.close(), 'close')
    assert.equal(await within(500, third.recv(), 'recv'), 'third')
    await within(500, sent, 'send')
    await third.close()
    await fourth.close()
    assert.equal(starts, 1)
    assert.equal(fn.metrics.streamsWaiting, 0)
    assert.equal(fn.metrics.streamsOpen, 0)
  })
})

describe('close() of a pipeline', () => {
  const stage = (name, log) =>
    async function* (events) {
      try {
        for await (const event of events) yield event
        log.push(`${name} saw the end`)
      } finally {
        log.push(`${name} finally`)
      }
    }

  test('rule 7: every stage runs its finally, wherever it waits', async () => {
    for (const unread of [0, 1, 2, 5]) {
      const log = []
      const fn = streamFn(stage('one', log), { buffer: 1 }).pipe(stage('two', log)).pipe(stage('three', log))
      const stream = fn.open()
      for (let i = 0; i < unread; i++) await Promise.race([stream.send(i).catch(() => {}), turns()])
      if (unread === 0) {
        await within(500, stream.send('x'), 'send')
        assert.equal(await within(500, stream.recv(), 'recv'), 'x')
      }
      await turns()
      await within(500, stream.close(), 'close')
      const finals = log.filter((entry) => entry.endsWith('finally')).sort()
      assert.deepEqual(finals, ['one finally', 'three finally', 'two finally'], `${unread} unread`)
      assert.equal((await stream.closed).detached, false)
    }
  })

  test('rule 7: a stage stuck in its own await does not keep the others from ending', async () => {
    const log = []
    const fn = streamFn(stage('one', log), { closeTimeout: 40 })
      .pipe(async function* (events) {
        for await (const event of events) {
          await never()
          yield event
        }
      })
      .pipe(stage('three', log))
    const stream = fn.open()
    await within(500, stream.send(1), 'send')
    await turns()
    await within(2000, stream.close(), 'close')
    assert.equal((await stream.closed).detached, true)
    await turns()
    assert.ok(log.includes('three finally'), `${log}`)
  })

  test('rule 7: an error that a stage throws while closing rejects the close', async () => {
    const error = new Error('in the middle')
    const fn = streamFn(same)
      .pipe(async function* (events) {
        for await (const event of events) yield event
        throw error
      })
      .pipe(same)
    const stream = fn.open()
    await within(500, stream.send(1), 'send')
    assert.equal(await within(500, stream.recv(), 'recv'), 1)
    assert.equal((await within(500, outcome(stream.close()), 'close')).error, error)
    assert.equal((await stream.closed).reason, 'failed')
  })

  test('rule 7: ctx.signal of every stage fires', async () => {
    const signals = []
    const watcher = async function* (events, ctx) {
      signals.push(ctx.signal)
      for await (const event of events) yield event
    }
    const stream = streamFn(watcher).pipe(watcher).pipe(watcher).open()
    await within(500, stream.send(1), 'send')
    await within(500, stream.recv(), 'recv')
    const closing = stream.close()
    assert.deepEqual(
      signals.map((signal) => signal.aborted),
      [true, true, true],
    )
    await within(500, closing, 'close')
  })
})

describe('after close()', () => {
  test('rule 7: everything says that it is closed', async () => {
    const stream = streamFn(same).open()
    await within(500, stream.send(1), 'send')
    await within(500, stream.close(), 'close')
    for (const call of [stream.send(2), stream.sendBatch([2]), stream.recv()]) {
      const { error } = await within(500, outcome(call), 'a call')
      assert.ok(error instanceof ClosedError)
      assert.equal(error.code, 'VELO_CLOSED')
      assert.equal(error.reason, 'closed')
      assert.equal(error.retryable, false)
    }
    assert.equal(stream.trySend(2), false)
    assert.deepEqual(await within(500, stream.recvBatch(2), 'recvBatch'), [])
    assert.deepEqual(await within(500, stream[Symbol.asyncIterator]().next(), 'next'), DONE)
    assert.equal(stream.metrics.eventsIn, 1)
  })
})

noUnhandledRejections('rule 7')
