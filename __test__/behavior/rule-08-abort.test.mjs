// Rule 8: abort(reason), a signal and maxDuration settle every wait at once; a function that cannot be reached is detached.

import assert from 'node:assert/strict'
import { getEventListeners } from 'node:events'
import { Readable } from 'node:stream'
import { describe, test } from 'node:test'
import { AbortError, OverloadedError, runtime, streamFn, TimeoutError, VeloError } from 'velo-stream'
import { asyncSource, numbers } from '../support/counted.mjs'
import { deferred, never, outcome, turns, until } from '../support/deferred.mjs'
import { noUnhandledRejections } from '../support/unhandled.mjs'
import { within } from '../support/within.mjs'

const DONE = { value: undefined, done: true }

async function* same(events) {
  for await (const event of events) yield event
}

/** Checks an AbortError: what it is, and that its cause is the very reason. */
function isAbort(error, reason, what) {
  assert.ok(error instanceof AbortError, `${what}: ${error}`)
  assert.ok(error instanceof VeloError, what)
  assert.equal(error.name, 'AbortError', what)
  assert.equal(error.code, 'VELO_ABORTED', what)
  assert.equal(error.retryable, false, what)
  assert.ok(Object.is(error.cause, reason), `${what}: cause`)
}

/** A stream function that takes one event and never comes back, but for `gate`. */
function stuck(options, gate = deferred()) {
  const fn = streamFn(
    async function* (events) {
      await events.next()
      await gate.promise
      yield 'late one'
      yield 'late two'
    },
    { closeTimeout: 30, ...options },
  )
  return { fn, gate }
}

async function openStuck(fn) {
  const stream = fn.open()
  await within(500, stream.send(1), 'send')
  await turns()
  return stream
}

const reasons = [new Error('a reason'), undefined, null, 0, '', false, 'text', { any: 'object' }]

describe('waits at abort()', () => {
  for (const isStuck of [false, true]) {
    test(`rule 8: every wait settles at once with AbortError${isStuck ? ', also while the function is stuck' : ''}`, async () => {
      const gate = deferred()
      const stream = streamFn(
        async function* (events) {
          await events.next()
          if (isStuck) await gate.promise
          await events.next()
          yield* events
        },
        { buffer: 1 },
      ).open()
      const reason = new Error('enough')
      await within(500, stream.send(0), 'send')
      await turns()
      const reads = [stream.recv(), stream.recvBatch(4), stream.recv({ timeout: 60_000 })].map(outcome)
      await turns()
      stream.abort(reason)
      for (const [n, { error }] of (await within(500, Promise.all(reads), 'the reads')).entries()) isAbort(error, reason, `read ${n}`)
      gate.resolve()
      assert.equal((await within(1000, stream.closed, 'closed')).reason, 'aborted')
    })
  }

  test('rule 8: sends that wait settle at once with AbortError', async () => {
    const { fn, gate } = stuck({ buffer: 1 })
    const stream = await openStuck(fn)
    const sends = [stream.send(2), stream.send(3), stream.sendBatch([4, 5]), stream.send(6, { signal: new AbortController().signal })].map(
      outcome,
    )
    await turns()
    const reason = { why: 'enough' }
    stream.abort(reason)
    const [buffered, ...waiting] = await within(500, Promise.all(sends), 'the sends')
    assert.deepEqual(buffered, { value: undefined })
    for (const { error } of waiting) isAbort(error, reason, 'a send')
    gate.resolve()
    const end = await within(1000, stream.closed, 'closed')
    assert.equal(end.dropped.events, 1)
  })

  test('rule 8: an iterator that waits rejects once, then it is done', async () => {
    const stream = streamFn(same).open()
    const iterator = stream[Symbol.asyncIterator]()
    const read = outcome(iterator.next())
    await turns()
    stream.abort('why')
    isAbort((await within(500, read, 'the read')).error, 'why', 'the read')
    assert.deepEqual(await within(500, iterator.next(), 'the next read'), DONE)
    assert.deepEqual(await within(500, iterator.next(), 'the next read'), DONE)
  })

  test('rule 8: without a wait, the next read throws it once', async () => {
    const reads = {
      recv: [(stream) => stream.recv(), async (stream) => assert.equal((await outcome(stream.recv())).error.code, 'VELO_CLOSED')],
      recvBatch: [(stream) => stream.recvBatch(3), async (stream) => assert.deepEqual(await stream.recvBatch(3), [])],
      next: [
        (stream) => stream[Symbol.asyncIterator]().next(),
        async (stream) => assert.deepEqual(await stream[Symbol.asyncIterator]().next(), DONE),
      ],
    }
    for (const [name, [read, then]] of Object.entries(reads)) {
      const stream = streamFn(same).open()
      await within(500, stream.sendBatch([1, 2]), 'the batch')
      await turns()
      stream.abort('why')
      await within(500, stream.closed, 'closed')
      isAbort((await within(500, outcome(read(stream)), name)).error, 'why', name)
      await within(500, then(stream), `then ${name}`)
    }
  })

  for (const reason of reasons) {
    test(`rule 8: the cause is the very reason, ${typeof reason} ${String(reason)}`, async () => {
      const stream = streamFn(same).open()
      const read = outcome(stream.recv())
      stream.abort(reason)
      isAbort((await within(500, read, 'recv')).error, reason, 'recv')
      const end = await within(500, stream.closed, 'closed')
      isAbort(end.error, reason, 'closed')
    })
  }

  test('rule 8: abort() without a reason aborts too, and the second abort changes nothing', async () => {
    const stream = streamFn(same).open()
    await within(500, stream.send(1), 'send')
    stream.abort()
    stream.abort('second')
    stream.end()
    const end = await within(500, stream.closed, 'closed')
    assert.equal(end.reason, 'aborted')
    assert.equal(end.error.cause, undefined)
    await within(500, stream.close(), 'close')
    assert.equal((await stream.closed).reason, 'aborted')
  })

  test('rule 8: abort() after the end changes nothing', async () => {
    const stream = streamFn(same).open()
    stream.end()
    assert.equal((await within(500, stream.closed, 'closed')).reason, 'done')
    stream.abort(new Error('too late'))
    const end = await stream.closed
    assert.equal(end.reason, 'done')
    assert.equal(end.error, undefined)
    assert.equal((await outcome(stream.recv())).error.code, 'VELO_CLOSED')
  })
})

describe('the function at abort()', () => {
  test('rule 8: one that waits for an event gets AbortError, and may clean up', async () => {
    const log = []
    const reason = new Error('why')
    const stream = streamFn(async function* (events) {
      try {
        for await (const event of events) yield event
        log.push('not here')
      } catch (error) {
        isAbort(error, reason, 'inside')
        log.push('caught')
        throw error
      } finally {
        log.push('finally')
      }
    }).open()
    await within(500, stream.send(1), 'send')
    assert.equal(await within(500, stream.recv(), 'recv'), 1)
    stream.abort(reason)
    const end = await within(500, stream.closed, 'closed')
    assert.equal(end.reason, 'aborted')
    isAbort(end.error, reason, 'closed')
    assert.deepEqual(log, ['caught', 'finally'])
    assert.equal(end.detached, false)
  })

  test('rule 8: one that is elsewhere gets AbortError at its next read, then the end', async () => {
    const gate = deferred()
    const got = []
    const stream = streamFn(async function* (events) {
      await events.next()
      await gate.promise
      got.push(await outcome(events.next()), await outcome(events.next()))
      yield* []
    }).open()
    await within(500, stream.sendBatch([1, 2, 3]), 'the batch')
    await turns()
    stream.abort('why')
    gate.resolve()
    const end = await within(500, stream.closed, 'closed')
    isAbort(got[0].error, 'why', 'the first read')
    assert.deepEqual(got[1], { value: DONE })
    assert.deepEqual(end.dropped, { events: 2, results: 0 })
  })

  test('rule 8: one suspended at a yield gets return(), not an error', async () => {
    const log = []
    const stream = streamFn(
      async function* () {
        try {
          yield 1
          yield 2
          yield 3
          log.push('not here')
        } catch {
          log.push('nor here')
        } finally {
          log.push('finally')
        }
      },
      { buffer: 1 },
    ).open()
    await within(500, stream.send(1), 'send')
    await turns()
    stream.abort()
    assert.equal((await within(500, stream.closed, 'closed')).reason, 'aborted')
    assert.deepEqual(log, ['finally'])
  })

  test('rule 8: ctx.signal fires at once', async () => {
    let signal
    const stream = streamFn(async function* (events, ctx) {
      signal = ctx.signal
      await events.next()
      await new Promise((_, reject) => ctx.signal.addEventListener('abort', () => reject(ctx.signal.reason)))
      yield 'never'
    }).open()
    await within(500, stream.send(1), 'send')
    await turns()
    assert.equal(signal.aborted, false)
    stream.abort(new Error('why'))
    assert.equal(signal.aborted, true)
    const end = await within(500, stream.closed, 'closed')
    assert.equal(end.reason, 'aborted')
    assert.equal(end.detached, false)
  })

  test('rule 8: what it yields or throws afterwards changes nothing', async () => {
    for (const last of ['yields', 'throws', 'returns']) {
      const stream = streamFn(async function* (events) {
        try {
          for await (const event of events) yield event
        } catch {
          if (last === 'yields') yield 'a summary'
          if (last === 'throws') throw new Error('another error')
        }
      }).open()
      await within(500, stream.send(1), 'send')
      assert.equal(await within(500, stream.recv(), 'recv'), 1)
      stream.abort('why')
      const end = await within(500, stream.closed, 'closed')
      assert.equal(end.reason, 'aborted', last)
      isAbort(end.error, 'why', last)
      assert.deepEqual(end.dropped, { events: 0, results: last === 'yields' ? 1 : 0 }, last)
    }
  })

  test('rule 8: buffered events and results are dropped and counted', async () => {
    const stream = streamFn(same, { buffer: 4 }).open()
    const sending = outcome(stream.sendBatch(numbers(50)))
    await turns()
    const { eventsIn, eventsOut } = stream.metrics
    assert.equal(eventsOut, 4)
    stream.abort()
    const { error } = await within(500, sending, 'the batch')
    assert.equal(error.accepted, eventsIn)
    const end = await within(500, stream.closed, 'closed')
    assert.equal(end.dropped.results, eventsOut + 1) // and the one at whose `yield` it was suspended
    assert.equal(end.dropped.events, 4)
  })

  test('rule 8: abort() from inside the function ends it', async () => {
    const log = []
    const stream = streamFn(async function* (events) {
      try {
        for await (const event of events) {
          if (event === 'abort') stream.abort('from inside')
          else yield event
        }
      } catch (error) {
        log.push(error)
      } finally {
        log.push('finally')
      }
    }).open()
    await within(500, stream.sendBatch(['a', 'abort', 'b']), 'the batch')
    const end = await within(500, stream.closed, 'closed')
    assert.equal(end.reason, 'aborted')
    isAbort(log[0], 'from inside', 'inside')
    assert.equal(log[1], 'finally')
  })

  test('rule 8: close() while it is aborting waits for the function', async () => {
    const gate = deferred()
    const stream = streamFn(async function* (events) {
      try {
        yield* events
      } finally {
        await gate.promise
      }
    }).open()
    await within(500, stream.send(1), 'send')
    await within(500, stream.recv(), 'recv')
    stream.abort('why')
    let closed = false
    const closing = stream.close().then(() => {
      closed = true
    })
    await turns()
    assert.equal(closed, false)
    gate.resolve()
    await within(500, closing, 'close')
    assert.equal((await stream.closed).reason, 'aborted')
  })
})

describe('signals', () => {
  test('rule 8: the signal of open() aborts the stream with its reason', async () => {
    for (const reason of [new Error('why'), 'text', null]) {
      const controller = new AbortController()
      const stream = streamFn(same).open({ signal: controller.signal })
      await within(500, stream.send(1), 'send')
      await within(500, stream.recv(), 'recv')
      const read = outcome(stream.recv())
      controller.abort(reason)
      isAbort((await within(500, read, 'recv')).error, reason, 'recv')
      assert.equal((await within(500, stream.closed, 'closed')).reason, 'aborted')
      assert.equal(getEventListeners(controller.signal, 'abort').length, 0)
    }
  })

  test('rule 8: the signal of run() rejects it at once, and gives the source back', async () => {
    const controller = new AbortController()
    const log = []
    const source = asyncSource(
      (function* () {
        for (let n = 0; ; n++) yield n
      })(),
    )
    const fn = streamFn(async function* (events) {
      try {
        for await (const event of events) {
          if (event === 5) controller.abort('why')
          await new Promise(setImmediate)
          yield event
        }
      } finally {
        log.push('finally')
      }
    })
    const { error } = await within(1000, outcome(fn.run(source, { signal: controller.signal })), 'run')
    isAbort(error, 'why', 'run')
    await until(1000, () => fn.metrics.streamsOpen === 0, 'the end')
    assert.deepEqual(log, ['finally'])
    assert.equal(source.returns, 1)
    assert.equal(fn.metrics.closedBy.aborted, 1)
  })

  test('rule 8: the signal of run() does not wait for a source that is silent', async () => {
    const controller = new AbortController()
    const source = {
      returns: 0,
      [Symbol.asyncIterator]() {
        return this
      },
      next: never,
      return() {
        this.returns++
        return never()
      },
    }
    const fn = streamFn(same)
    const running = outcome(fn.run(source, { signal: controller.signal }))
    await turns()
    controller.abort('why')
    isAbort((await within(500, running, 'run')).error, 'why', 'run')
    await until(500, () => fn.metrics.streamsOpen === 0, 'the end')
    assert.equal(source.returns, 1)
  })

  test('rule 8: the signal of run() destroys a Readable that is silent', async () => {
    const controller = new AbortController()
    const readable = new Readable({ objectMode: true, read() {} })
    const fn = streamFn(same)
    const running = outcome(fn.run(readable, { signal: controller.signal }))
    await turns()
    controller.abort('why')
    isAbort((await within(500, running, 'run')).error, 'why', 'run')
    await until(500, () => readable.destroyed, 'the destruction')
    await until(500, () => fn.metrics.streamsOpen === 0, 'the end')
  })

  test('rule 8: the signal of a call rejects the read that waits, then it is done', async () => {
    const controller = new AbortController()
    const source = asyncSource(numbers(100))
    const results = streamFn(same)(source, { signal: controller.signal })
    assert.deepEqual(await within(500, results.next(), 'next'), { value: 0, done: false })
    controller.abort('why')
    isAbort((await within(500, outcome(results.next()), 'next')).error, 'why', 'next')
    assert.deepEqual(await within(500, results.next(), 'next'), DONE)
    await turns()
    assert.equal(source.returns, 1)
    const silent = streamFn(same)({ [Symbol.asyncIterator]: () => ({ next: never }) }, { signal: AbortSignal.timeout(10) })
    const { error } = await within(2000, outcome(silent.next()), 'a silent source')
    assert.equal(error.name, 'AbortError')
    assert.equal(error.cause.name, 'TimeoutError')
  })

  test('rule 8: throw() of the call form aborts with that error and rejects with it', async () => {
    const log = []
    const source = asyncSource(numbers(100))
    const results = streamFn(async function* (events) {
      try {
        yield* events
      } finally {
        log.push('finally')
      }
    })(source)
    await within(500, results.next(), 'next')
    const mine = new Error('mine')
    assert.equal((await within(500, outcome(results.throw(mine)), 'throw')).error, mine)
    await turns()
    assert.deepEqual(log, ['finally'])
    assert.equal(source.returns, 1)
  })

  test('rule 8: a signal leaves no listener behind, however many streams it served', async () => {
    const { signal } = new AbortController()
    const warnings = []
    const warned = (warning) => warnings.push(warning)
    process.on('warning', warned)
    const fn = streamFn(same)
    const open = numbers(50).map(() => fn.open({ signal }))
    for (let i = 0; i < 1000; i++) {
      await fn.run([i], { signal })
      const stream = fn.open({ signal })
      stream.trySend(1)
      await stream.recv({ signal })
      await stream.send(2, { signal })
      await stream.close()
    }
    for await (const result of fn([1, 2, 3], { signal })) assert.ok(result)
    await Promise.all(open.map((stream) => stream.close()))
    await turns()
    assert.equal(getEventListeners(signal, 'abort').length, 0)
    assert.deepEqual(warnings, [])
    process.off('warning', warned)
  })

  test('rule 8: abort() of a stream that waits for a permit leaves the line', async () => {
    const fn = streamFn(same, { maxConcurrent: 1, queue: 2 })
    const controller = new AbortController()
    const first = fn.open()
    const second = fn.open({ signal: controller.signal })
    const third = fn.open()
    const waits = [second.send(1), second.recv()].map(outcome)
    controller.abort('why')
    for (const { error } of await within(500, Promise.all(waits), 'the waits')) isAbort(error, 'why', 'a wait')
    assert.equal((await within(500, second.closed, 'closed')).reason, 'aborted')
    assert.equal(second.state, 'closed')
    assert.equal(third.state, 'waiting')
    await first.close()
    await within(500, third.send('third'), 'send')
    assert.equal(await within(500, third.recv(), 'recv'), 'third')
    await third.close()
    assert.equal(fn.metrics.streamsWaiting, 0)
  })

  test('rule 8: abort() while a schema still looks at an event rejects its send', async () => {
    const gate = deferred()
    const schema = { '~standard': { version: 1, vendor: 'test', validate: () => gate.promise } }
    const stream = streamFn(same, { schema }).open()
    const send = outcome(stream.send(1))
    await turns()
    stream.abort('why')
    isAbort((await within(500, send, 'send')).error, 'why', 'send')
    gate.resolve({ value: 1 })
    await within(500, stream.closed, 'closed')
    await turns()
    assert.equal(stream.metrics.eventsIn, 0)
  })
})

describe('maxDuration', () => {
  const isTimeout = (error, what) => {
    assert.ok(error instanceof AbortError, `${what}: ${error}`)
    assert.ok(error.cause instanceof TimeoutError, what)
    assert.equal(error.cause.code, 'VELO_TIMEOUT', what)
    assert.equal(error.cause.name, 'TimeoutError', what)
  }

  test('rule 8: maxDuration aborts a live stream with a TimeoutError as cause', async () => {
    const started = performance.now()
    const stream = streamFn(same, { maxDuration: 30 }).open()
    const { error } = await within(3000, outcome(stream.recv()), 'recv')
    isTimeout(error, 'recv')
    assert.ok(performance.now() - started >= 25)
    const end = await within(500, stream.closed, 'closed')
    assert.equal(end.reason, 'aborted')
    isTimeout(end.error, 'closed')
  })

  test('rule 8: maxDuration aborts run() and the call form', async () => {
    const fn = streamFn(same, { maxDuration: 30 })
    const silent = { [Symbol.asyncIterator]: () => ({ next: never }) }
    isTimeout((await within(3000, outcome(fn.run(silent)), 'run')).error, 'run')
    isTimeout((await within(3000, outcome(fn(silent).next()), 'next')).error, 'next')
  })

  test('rule 8: maxDuration counts from the admission, not from open()', async () => {
    const fn = streamFn(same, { maxDuration: 60, maxConcurrent: 1, queue: 1 })
    const first = fn.open()
    const second = fn.open()
    assert.equal((await within(3000, first.closed, 'the first')).reason, 'aborted')
    await until(1000, () => second.state === 'open', 'the admission')
    await within(500, second.send('alive'), 'send')
    assert.equal(await within(500, second.recv(), 'recv'), 'alive')
    await second.close()
    assert.equal((await second.closed).reason, 'closed')
  })
})

describe('detached', () => {
  test('rule 8: a stuck function is detached: closed resolves, the permit is free, it is counted', async () => {
    const { fn, gate } = stuck({ maxConcurrent: 1 })
    const before = runtime.snapshot().streamsDetached
    const stream = await openStuck(fn)
    assert.throws(() => fn.open(), OverloadedError)
    stream.abort('why')
    const end = await within(2000, stream.closed, 'closed')
    assert.equal(end.reason, 'aborted')
    assert.equal(end.detached, true)
    isAbort(end.error, 'why', 'closed')
    assert.equal(fn.metrics.streamsOpen, 0)
    assert.equal(fn.metrics.streamsDetached, 1)
    assert.equal(runtime.snapshot().streamsDetached, before + 1)
    gate.resolve()
    await until(1000, () => fn.metrics.streamsDetached === 0, 'the end of the function')
    assert.equal(runtime.snapshot().streamsDetached, before)
    await fn.open().close()
  })

  test('rule 8: what a detached function yields is discarded and counted', async () => {
    const { fn, gate } = stuck()
    const stream = await openStuck(fn)
    stream.abort()
    const end = await within(2000, stream.closed, 'closed')
    assert.deepEqual(end.dropped, { events: 0, results: 0 })
    isAbort((await outcome(stream.recv())).error, undefined, 'recv')
    gate.resolve()
    await until(1000, () => fn.metrics.streamsDetached === 0, 'the end of the function')
    assert.ok(fn.metrics.dropped.results >= 1)
    assert.equal((await outcome(stream.recv())).error.code, 'VELO_CLOSED')
    assert.deepEqual(await within(500, stream.recvBatch(9), 'recvBatch'), [])
  })

  test('rule 8: the books of the function balance after a detached one has ended', async () => {
    const { fn, gate } = stuck()
    const stream = await openStuck(fn)
    stream.abort()
    await within(2000, stream.closed, 'closed')
    gate.resolve()
    await until(1000, () => fn.metrics.streamsDetached === 0, 'the end of the function')
    const { eventsIn, eventsOut, dropped } = fn.metrics
    assert.equal(eventsIn, 1)
    assert.equal(eventsOut, dropped.results)
  })

  test('rule 8: what a detached function throws is discarded', async () => {
    const { fn, gate } = stuck()
    const stream = await openStuck(fn)
    await within(2000, stream.close(), 'close')
    assert.equal((await stream.closed).detached, true)
    gate.reject(new Error('much too late'))
    await until(1000, () => fn.metrics.streamsDetached === 0, 'the end of the function')
    await turns(8)
    const end = await stream.closed
    assert.equal(end.reason, 'closed')
    assert.equal(end.error, undefined)
    assert.equal((await outcome(stream.recv())).error.code, 'VELO_CLOSED')
  })

  test('rule 8: at most maxConcurrent are detached; beyond that open() is refused', async () => {
    const { fn, gate } = stuck({ maxConcurrent: 2 })
    for (let i = 0; i < 2; i++) {
      const stream = await openStuck(fn)
      stream.abort()
      assert.equal((await within(2000, stream.closed, 'closed')).detached, true)
    }
    assert.equal(fn.metrics.streamsDetached, 2)
    assert.equal(fn.metrics.streamsOpen, 0)
    assert.throws(() => fn.open(), OverloadedError)
    assert.ok((await outcome(fn.run([1]))).error instanceof OverloadedError)
    assert.ok((await outcome(fn([1]).next())).error instanceof OverloadedError)
    gate.resolve()
    await until(1000, () => fn.metrics.streamsDetached === 0, 'the end of the functions')
    await fn.open().close()
  })

  test('rule 8: a stuck run() and a stuck call are detached too', async () => {
    const controller = new AbortController()
    const { fn, gate } = stuck()
    const running = outcome(fn.run([1], { signal: controller.signal }))
    const reading = outcome(fn([1], { signal: controller.signal }).next())
    await turns()
    controller.abort('why')
    isAbort((await within(500, running, 'run')).error, 'why', 'run')
    isAbort((await within(500, reading, 'next')).error, 'why', 'next')
    await until(2000, () => fn.metrics.streamsDetached === 2, 'both detached')
    assert.equal(fn.metrics.streamsOpen, 0)
    gate.resolve()
    await until(1000, () => fn.metrics.streamsDetached === 0, 'the end of the functions')
  })

  test('rule 8: a function that yields for ever after an abort is detached without starving timers', async (t) => {
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
      { closeTimeout: 60, buffer: 1 },
    )
    const stream = fn.open()
    for (let i = 0; i < 2; i++) stream.send(i)
    await turns()
    let ticks = 0
    const ticking = setInterval(() => ticks++, 5)
    t.after(() => clearInterval(ticking))
    stream.abort()
    const end = await within(3000, stream.closed, 'closed')
    assert.equal(end.detached, true)
    const before = ticks
    assert.ok(before >= 1, `${before} ticks`)
    await until(5000, () => ticks > before + 2, 'more ticks')
    stop = true
    await until(1000, () => fn.metrics.streamsDetached === 0, 'the end of the function')
  })

  test('rule 8: a stuck stage of a pipeline is detached, the others run their finally', async () => {
    const gate = deferred()
    const log = []
    const stage = (name) =>
      async function* (events) {
        try {
          for await (const event of events) yield event
        } finally {
          log.push(name)
        }
      }
    const fn = streamFn(stage('one'), { closeTimeout: 40 })
      .pipe(async function* (events) {
        for await (const event of events) {
          await gate.promise
          yield event
        }
      })
      .pipe(stage('three'))
    const stream = fn.open()
    const read = outcome(stream.recv())
    await within(500, stream.send(1), 'send')
    await turns()
    stream.abort('why')
    isAbort((await within(500, read, 'recv')).error, 'why', 'recv')
    assert.equal((await within(2000, stream.closed, 'closed')).detached, true)
    await turns()
    assert.ok(log.includes('three'), `${log}`)
    gate.resolve()
    await until(1000, () => fn.metrics.streamsDetached === 0, 'the end of the stage')
    assert.ok(log.includes('one'), `${log}`)
  })
})

noUnhandledRejections('rule 8')
