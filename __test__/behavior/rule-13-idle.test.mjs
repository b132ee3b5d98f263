// Rule 13: idleness ends the input of live streams and of the head of a pipeline, counts only while the function waits for an event, never comes early, and
// is discarded when an event came first. Pulled sources only when asked for. `maxStall` aborts a stream whose output nobody reads.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { AbortError, streamFn, TimeoutError } from 'velo-stream'
import { output } from '../support/child.mjs'
import { assertDue, busy, watch } from '../support/clock.mjs'
import { deferred, isPending, never, outcome, turns } from '../support/deferred.mjs'
import { afterIdle } from '../support/idle.mjs'
import { noUnhandledRejections } from '../support/unhandled.mjs'
import { within } from '../support/within.mjs'

const SUMMARY = 'summary'

/** Passes events on, and says SUMMARY at the end of its input. */
async function* summarize(events) {
  for await (const event of events) yield event
  yield SUMMARY
}

/** Gives `events`, then falls silent. Counts `returns`. */
function silentSource(events) {
  const waiting = [...events]
  const source = {
    returns: 0,
    pulls: 0,
    [Symbol.asyncIterator]: () => source,
    next: () => {
      source.pulls++
      return waiting.length > 0 ? Promise.resolve({ value: waiting.shift(), done: false }) : never()
    },
    return: async () => {
      source.returns++
      return { value: undefined, done: true }
    },
  }
  return source
}

/** Rejects like a pulled stream whose source fell silent. */
const isIdle = (error) =>
  error instanceof TimeoutError && error.code === 'VELO_IDLE' && error.retryable === true && typeof error.streamId === 'string'

describe('live streams', () => {
  // Half a minute: it starts with the file, and the last test of this group awaits it.
  const byDefault = output(
    `import { streamFn } from 'velo-stream'
    const fn = streamFn(async function* (events) { for await (const e of events) yield e; yield 'summary' })
    const start = performance.now()
    const stream = fn.open()
    console.log(await stream.recv(), performance.now() - start >= 30000, (await stream.closed).reason)`,
    { ms: 60_000 },
  )
  byDefault.catch(() => {})

  test('rule 13: silence ends the input, a last summary may be yielded, the reason is idle', async () => {
    const stream = streamFn(summarize, { idleTimeout: 60 }).open()
    await within(2000, stream.send(1), 'send')
    assert.equal(await within(2000, stream.recv(), 'recv'), 1)
    const passed = watch()
    assert.equal(await within(10_000, stream.recv(), 'the summary'), SUMMARY)
    // Waiting began when the result was taken, at the latest.
    assert.ok(passed() < 5000)
    await assert.rejects(within(2000, stream.recv(), 'recv'), { code: 'VELO_CLOSED' })
    const end = await within(2000, stream.closed, 'closed')
    assert.deepEqual(end, { reason: 'idle', dropped: { events: 0, results: 0 }, refused: 0, detached: false })
  })

  test('rule 13: the input is closed as by end() while the function goes on', async () => {
    const go = deferred()
    const fn = streamFn(
      async function* (events) {
        for await (const event of events) yield event
        await go.promise
        yield SUMMARY
      },
      { idleTimeout: 30 },
    )
    const stream = fn.open()
    const reading = stream.recv()
    while (stream.state === 'open') await turns(1)
    assert.equal(stream.state, 'ending')
    await assert.rejects(within(2000, stream.send(1), 'send'), { code: 'VELO_ENDED' })
    assert.equal(stream.trySend(1), false)
    go.resolve()
    assert.equal(await within(2000, reading, 'the summary'), SUMMARY)
    assert.equal((await within(2000, stream.closed, 'closed')).reason, 'idle')
  })

  for (const idleTimeout of [20, 35.5, 70, 130]) {
    test(`rule 13: it is never early (${idleTimeout} ms, twenty streams)`, async () => {
      const fn = streamFn(summarize, { idleTimeout })
      const times = await within(
        15_000,
        Promise.all(
          Array.from({ length: 20 }, async () => {
            const stream = fn.open()
            const passed = watch()
            await stream.send(1)
            await stream.recv()
            assert.equal((await stream.closed).reason, 'idle')
            return passed()
          }),
        ),
        'twenty streams',
      )
      for (const passed of times) assertDue(passed, idleTimeout, 'idleness')
    })
  }

  test('rule 13: it is never early when the first event comes right after the opening', async () => {
    const fn = streamFn(summarize, { idleTimeout: 70 })
    const once = async () => {
      const stream = fn.open()
      busy(1.5)
      const passed = watch()
      await stream.send(1)
      await stream.recv()
      assert.equal((await stream.closed).reason, 'idle')
      assertDue(passed(), 70, 'idleness')
    }
    for (let round = 0; round < 20; round++) await within(15_000, once(), 'a stream')
  })

  test('rule 13: every event starts the clock anew', async () => {
    const idleTimeout = 300
    const stream = streamFn(summarize, { idleTimeout }).open()
    let last = watch()
    for (let i = 0; i < 6; i++) {
      await afterIdle(idleTimeout / 5)
      last = watch()
      await within(2000, stream.send(i), 'send')
      assert.equal(await within(2000, stream.recv(), 'recv'), i)
    }
    await within(10_000, stream.closed, 'closed')
    assertDue(last(), idleTimeout, 'idleness after the last event')
  })

  test('rule 13: it does not count while the function works', async () => {
    const go = deferred()
    const fn = streamFn(
      async function* (events) {
        for await (const event of events) {
          await go.promise
          yield event
        }
      },
      { idleTimeout: 25 },
    )
    const stream = fn.open()
    await within(2000, stream.send('slow'), 'send')
    const reading = stream.recv()
    await afterIdle(150)
    assert.equal(stream.state, 'open')
    const waits = watch()
    go.resolve()
    assert.equal(await within(2000, reading, 'recv'), 'slow')
    assert.equal((await within(10_000, stream.closed, 'closed')).reason, 'idle')
    assertDue(waits(), 25, 'idleness after the work')
  })

  test('rule 13: it does not count while the function is suspended at a full output', async () => {
    const stream = streamFn(summarize, { idleTimeout: 25, buffer: 1 }).open()
    const sends = [1, 2, 3, 4, 5, 6].map((event) => stream.send(event))
    await afterIdle(150)
    assert.equal(stream.state, 'open')
    for (const event of [1, 2, 3, 4, 5, 6]) assert.equal(await within(2000, stream.recv(), 'recv'), event)
    await within(2000, Promise.all(sends), 'the sends')
    assert.equal(await within(10_000, stream.recv(), 'the summary'), SUMMARY)
    assert.equal((await within(2000, stream.closed, 'closed')).reason, 'idle')
  })

  test('rule 13: it does not count while a send is under way', async () => {
    const go = deferred()
    const late = { '~standard': { version: 1, vendor: 'test', validate: (value) => go.promise.then(() => ({ value })) } }
    const stream = streamFn(summarize, { idleTimeout: 25, schema: late }).open()
    const reading = stream.recv() // the function waits for an event
    const sending = stream.send('checked for long')
    await afterIdle(150)
    assert.equal(stream.state, 'open')
    go.resolve()
    await within(2000, sending, 'send')
    assert.equal(await within(2000, reading, 'recv'), 'checked for long')
    assert.equal((await within(10_000, stream.closed, 'closed')).reason, 'idle')
  })

  test('rule 13: its clock starts when a send that was under way leaves', async () => {
    const stuck = { '~standard': { version: 1, vendor: 'test', validate: () => never() } }
    const stream = streamFn(summarize, { idleTimeout: 50, schema: stuck }).open()
    const reading = stream.recv()
    const controller = new AbortController()
    const sending = stream.send('never checked', { signal: controller.signal })
    await afterIdle(100)
    assert.equal(stream.state, 'open')
    const passed = watch()
    controller.abort()
    await assert.rejects(within(2000, sending, 'send'), { name: 'AbortError' })
    assert.equal(await within(10_000, reading, 'the summary'), SUMMARY)
    assertDue(passed(), 50, 'idleness')
  })

  test('rule 13: a verdict is discarded when an event came first', async () => {
    const stream = streamFn(summarize, { idleTimeout: 150 }).open()
    for (let i = 0; i < 5; i++) {
      await within(2000, stream.send(i), 'send')
      assert.equal(await within(2000, stream.recv(), 'recv'), i)
      await turns(1)
      busy(220) // the timer speaks meanwhile; nobody has heard it yet
      assert.equal(stream.trySend('in time'), true)
      assert.equal(await within(2000, stream.recv(), 'recv'), 'in time')
      await turns(4)
      assert.equal(stream.state, 'open')
    }
    await within(2000, stream.close(), 'close')
  })

  test('rule 13: a verdict on a stream that is gone does not touch its successor', async () => {
    const fn = streamFn(summarize, { idleTimeout: 150, maxConcurrent: 1 })
    for (let i = 0; i < 5; i++) {
      const first = fn.open()
      await within(2000, first.send(i), 'send')
      await within(2000, first.recv(), 'recv')
      await turns(1)
      busy(220)
      await within(2000, first.close(), 'close')
      const second = fn.with({ idleTimeout: 0 }).open() // microtasks only since the thread was busy
      assert.equal(second.trySend('second'), true)
      await turns(8)
      assert.equal(second.state, 'open')
      assert.equal(await within(2000, second.recv(), 'recv'), 'second')
      await within(2000, second.close(), 'close')
      assert.equal((await first.closed).reason, 'closed')
    }
  })

  test('rule 13: a stream that never started counts as waiting', async () => {
    const starts = []
    const fn = streamFn(
      async function* (events) {
        starts.push('started')
        for await (const event of events) yield event
        yield SUMMARY
      },
      { idleTimeout: 50 },
    )
    const passed = watch()
    const stream = fn.open()
    const end = await within(10_000, stream.closed, 'closed')
    assertDue(passed(), 50, 'idleness')
    assert.equal(end.reason, 'idle')
    assert.deepEqual(starts, ['started'])
    assert.equal(await within(2000, stream.recv(), 'the summary'), SUMMARY)
  })

  test('rule 13: 0 switches it off', async () => {
    const stream = streamFn(summarize, { idleTimeout: 0 }).open()
    await within(2000, stream.send(1), 'send')
    await within(2000, stream.recv(), 'recv')
    await afterIdle(200)
    assert.equal(stream.state, 'open')
    await within(2000, stream.close(), 'close')
  })

  test('rule 13: the function may go on after the summary for as long as it likes', async () => {
    const go = deferred()
    const fn = streamFn(
      async function* (events) {
        for await (const event of events) yield event
        await go.promise
        yield SUMMARY
      },
      { idleTimeout: 25 },
    )
    const stream = fn.open()
    const reading = stream.recv()
    await afterIdle(150)
    assert.equal(stream.state, 'ending')
    go.resolve()
    assert.equal(await within(2000, reading, 'the summary'), SUMMARY)
  })

  test('rule 13: an error thrown after idleness is a failure', async () => {
    const error = new Error('in the summary')
    const fn = streamFn(
      async function* (events) {
        for await (const _ of events);
        throw error
      },
      { idleTimeout: 25 },
    )
    const stream = fn.open()
    await assert.rejects(within(10_000, stream.recv(), 'recv'), (thrown) => thrown === error)
    const end = await within(2000, stream.closed, 'closed')
    assert.equal(end.reason, 'failed')
    assert.equal(end.error, error)
  })

  test('rule 13: the default is 30 s', { timeout: 70_000 }, async () => {
    assert.equal(await byDefault, 'summary true idle')
  })
})

describe('the head of a pipeline', () => {
  test('rule 13: silence ends the input of the first stage, and each stage may say a summary', async () => {
    const pipeline = streamFn(summarize, { idleTimeout: 60 }).pipe(async function* (events) {
      for await (const event of events) yield `<${event}>`
      yield 'the end'
    })
    const passed = watch()
    const stream = pipeline.open()
    await within(2000, stream.send(1), 'send')
    const results = []
    await within(
      10_000,
      (async () => {
        for await (const result of stream) results.push(result)
      })(),
      'the results',
    )
    assertDue(passed(), 60, 'idleness')
    assert.deepEqual(results, ['<1>', '<summary>', 'the end'])
    assert.equal((await stream.closed).reason, 'idle')
  })

  test('rule 13: it does not count while a later stage works', async () => {
    const go = deferred()
    const pipeline = streamFn(summarize, { idleTimeout: 25 }).pipe(async function* (events) {
      for await (const event of events) {
        await go.promise
        yield event
      }
    })
    const stream = pipeline.open()
    await within(2000, stream.send(1), 'send')
    const reading = stream.recv()
    await turns(4)
    // The first stage waits for nothing: nobody has asked it for more.
    await afterIdle(150)
    assert.equal(stream.state, 'open')
    go.resolve()
    assert.equal(await within(2000, reading, 'recv'), 1)
    assert.equal((await within(10_000, stream.closed, 'closed')).reason, 'idle')
  })

  test('rule 13: the idleTimeout of a later stage does not count', async () => {
    const later = streamFn(summarize, { idleTimeout: 20 })
    const stream = streamFn(summarize, { idleTimeout: 0 }).pipe(later).open()
    await within(2000, stream.send(1), 'send')
    assert.equal(await within(2000, stream.recv(), 'recv'), 1)
    await afterIdle(150)
    assert.equal(stream.state, 'open')
    await within(2000, stream.close(), 'close')
  })
})

const pulledPaths = {
  run: (fn, source) =>
    fn.run(source).then(
      (results) => ({ results }),
      (error) => ({ error }),
    ),
  call: (fn, source) => collect(fn(source)),
  feed: (fn, source) => collect(fn.open().feed(source)),
}

async function collect(iterable) {
  const results = []
  try {
    for await (const result of iterable) results.push(result)
    return { results }
  } catch (error) {
    return { results, error }
  }
}

describe('pulled sources', () => {
  for (const [name, drive] of Object.entries(pulledPaths)) {
    test(`rule 13: when set, a silent source is returned once, the summary comes, then VELO_IDLE (${name})`, async () => {
      const seen = []
      const fn = streamFn(
        async function* (events) {
          for await (const event of events) {
            seen.push(event)
            yield event
          }
          seen.push('end')
          yield SUMMARY
        },
        { idleTimeout: 60 },
      )
      const source = silentSource([1, 2])
      const passed = watch()
      const { results, error } = await within(10_000, drive(fn, source), name)
      assertDue(passed(), 60, 'idleness')
      assert.ok(isIdle(error), `${error}`)
      assert.deepEqual(seen, [1, 2, 'end'])
      if (name !== 'run') assert.deepEqual(results, [1, 2, SUMMARY])
      assert.equal(source.returns, 1)
      assert.equal(fn.metrics.closedBy.idle, 1)
    })

    test(`rule 13: a source that never gave anything is idle too (${name})`, async () => {
      const source = silentSource([])
      const passed = watch()
      const { results, error } = await within(10_000, drive(streamFn(summarize, { idleTimeout: 40 }), source), name)
      assertDue(passed(), 40, 'idleness')
      assert.ok(isIdle(error), `${error}`)
      if (name !== 'run') assert.deepEqual(results, [SUMMARY])
      assert.equal(source.returns, 1)
    })

    test(`rule 13: a source whose return() does not settle holds nothing up (${name})`, async () => {
      const source = silentSource([1])
      source.return = () => {
        source.returns++
        return never()
      }
      const { error } = await within(3000, drive(streamFn(summarize, { idleTimeout: 30 }), source), name)
      assert.ok(isIdle(error), `${error}`)
      assert.equal(source.returns, 1)
    })

    test(`rule 13: it does not count while the function works (${name})`, async () => {
      const go = deferred()
      const fn = streamFn(
        async function* (events) {
          for await (const event of events) {
            await go.promise
            yield event
          }
        },
        { idleTimeout: 25 },
      )
      const driven = drive(
        fn,
        (async function* () {
          yield 1
          yield 2
        })(),
      )
      await afterIdle(150)
      go.resolve()
      assert.deepEqual(await within(5000, driven, name), { results: [1, 2] })
      assert.equal(fn.metrics.closedBy.done, 1)
    })

    test(`rule 13: a source slower than nothing but quicker than the timeout goes through (${name})`, async () => {
      const fn = streamFn(summarize, { idleTimeout: 1000 })
      const slow = async function* () {
        for (let i = 0; i < 5; i++) {
          await afterIdle(10)
          yield i
        }
      }
      assert.deepEqual(await within(8000, drive(fn, slow()), name), { results: [0, 1, 2, 3, 4, SUMMARY] })
    })

    test(`rule 13: without it a source may be silent for ever: no timer of ours is pending (${name})`, async () => {
      // Rule 18 makes it visible: a wait that one of our timers can settle would keep the process alive.
      const drives = { run: 'fn.run(source)', call: 'fn(source).next()', feed: 'fn.open().feed(source).next()' }
      const printed = await output(
        `import { streamFn } from 'velo-stream'
        const fn = streamFn(async function* (events) { for await (const e of events) yield e; yield 'summary' })
        const source = { [Symbol.asyncIterator]: () => source, next: () => new Promise(() => {}) }
        ${drives[name]}.then(() => console.log('settled'), (error) => console.log(error.code))`,
        { ms: 15_000 },
      )
      assert.equal(printed, '')
    })
  }
})

describe('maxStall', () => {
  const isStall = (error) =>
    error instanceof AbortError &&
    error.code === 'VELO_ABORTED' &&
    error.cause instanceof TimeoutError &&
    error.cause.code === 'VELO_TIMEOUT'

  test('rule 13: a stream whose results nobody reads is aborted with a TimeoutError, never early', async () => {
    const stream = streamFn(summarize, { maxStall: 60, idleTimeout: 0 }).open()
    const passed = watch()
    await within(2000, stream.send(1), 'send')
    await within(2000, stream.send(2), 'send')
    const end = await within(10_000, stream.closed, 'closed')
    assertDue(passed(), 60, 'maxStall')
    assert.equal(end.reason, 'aborted')
    assert.ok(isStall(end.error), `${end.error}`)
    assert.deepEqual(end.dropped, { events: 0, results: 2 })
    await assert.rejects(within(2000, stream.recv(), 'recv'), isStall)
  })

  test('rule 13: a send that waits behind a stalled output gets the abort', async () => {
    const stream = streamFn(summarize, { maxStall: 60, idleTimeout: 0, buffer: 1 }).open()
    const sends = [1, 2, 3, 4, 5].map((event) => outcome(stream.send(event)))
    const outcomes = await within(10_000, Promise.all(sends), 'the sends')
    assert.ok(isStall(outcomes.at(-1).error), `${outcomes.at(-1).error}`)
  })

  test('rule 13: every read starts the clock anew', async () => {
    const maxStall = 300
    const stream = streamFn(summarize, { maxStall, idleTimeout: 0 }).open()
    await within(2000, stream.sendBatch([1, 2, 3, 4, 5, 6, 7]), 'sendBatch')
    let last = watch()
    for (let i = 1; i <= 6; i++) {
      await afterIdle(maxStall / 5)
      last = watch()
      assert.equal(await within(2000, stream.recv(), 'recv'), i)
    }
    const end = await within(10_000, stream.closed, 'closed')
    assertDue(last(), maxStall, 'maxStall after the last read')
    assert.ok(isStall(end.error))
    assert.deepEqual(end.dropped, { events: 0, results: 1 })
  })

  test('rule 13: a read in time discards its verdict', async () => {
    const stream = streamFn(summarize, { maxStall: 150, idleTimeout: 0 }).open()
    for (let i = 0; i < 5; i++) {
      await within(2000, stream.sendBatch([i, 'next']), 'sendBatch')
      await turns(2)
      busy(220)
      assert.equal(await within(2000, stream.recv(), 'recv'), i)
      assert.equal(await within(2000, stream.recv(), 'recv'), 'next')
      await turns(4)
      assert.equal(stream.state, 'open')
    }
    await within(2000, stream.close(), 'close')
  })

  test('rule 13: nothing unread is no stall, nor is a waiting reader', async () => {
    const fn = streamFn(summarize, { maxStall: 25, idleTimeout: 0 })
    const quiet = fn.open()
    const read = fn.open()
    const reading = read.recv()
    await afterIdle(150)
    assert.equal(quiet.state, 'open')
    assert.equal(read.state, 'open')
    assert.ok(await isPending(reading))
    await within(2000, read.send(1), 'send')
    assert.equal(await within(2000, reading, 'recv'), 1)
    await within(2000, Promise.all([quiet.close(), read.close()]), 'close')
  })

  test('rule 13: it is off by default', async () => {
    const stream = streamFn(summarize, { idleTimeout: 0 }).open()
    await within(2000, stream.send(1), 'send')
    await afterIdle(150)
    assert.equal(stream.state, 'open')
    assert.equal(await within(2000, stream.recv(), 'recv'), 1)
    await within(2000, stream.close(), 'close')
  })
})

noUnhandledRejections('rule 13')
