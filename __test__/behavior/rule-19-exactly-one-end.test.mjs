// Rule 19: `closed` resolves once, when the function has finished, with how it ended; the permit is free by then.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { AbortError, streamFn } from 'velo-stream'
import { deferred, isPending, never, outcome, turns, until } from '../support/deferred.mjs'
import { random } from '../support/random.mjs'
import { noUnhandledRejections } from '../support/unhandled.mjs'
import { within } from '../support/within.mjs'

const error = new Error('on purpose')
const options = { idleTimeout: 0, maxConcurrent: 1 }

async function* pass(events) {
  for await (const event of events) yield event
}

async function* failing(events) {
  for await (const event of events) {
    if (event === 'bad') throw error
    yield event
  }
}

async function* failingClosing(events) {
  try {
    yield* pass(events)
  } finally {
    // biome-ignore lint/correctness/noUnsafeFinally: the case under test
    throw error
  }
}

/** What `closed` said, and whether the permit was free at that moment. */
function watched(fn, stream) {
  const seen = []
  stream.closed.then((end) => seen.push([end, fn.metrics.streamsOpen]))
  return seen
}

const NONE = { events: 0, results: 0 }

describe('how it ended', () => {
  const ends = {
    'done, all read': [
      pass,
      {},
      async (stream) => {
        await stream.send(1)
        stream.end()
        await stream.recv()
      },
      { reason: 'done', dropped: NONE, refused: 0, detached: false },
    ],
    'done, with unread results': [
      pass,
      {},
      async (stream) => {
        await stream.sendBatch([1, 2, 3])
        stream.end()
      },
      { reason: 'done', dropped: NONE, refused: 0, detached: false },
    ],
    'done, by an early return': [
      async function* () {
        yield 1
      },
      {},
      (stream) => stream.sendBatch([1, 2, 3]),
      { reason: 'done', dropped: { events: 3, results: 0 }, refused: 0, detached: false },
    ],
    'closed before it started': [pass, {}, (stream) => stream.close(), { reason: 'closed', dropped: NONE, refused: 0, detached: false }],
    'closed while it waits for an event': [
      pass,
      {},
      async (stream) => {
        await stream.send(1)
        await stream.recv()
        await stream.close()
      },
      { reason: 'closed', dropped: NONE, refused: 0, detached: false },
    ],
    'closed with unread results': [
      pass,
      {},
      async (stream) => {
        await stream.sendBatch([1, 2, 3])
        await turns(4)
        await stream.close()
      },
      { reason: 'closed', dropped: { events: 0, results: 3 }, refused: 0, detached: false },
    ],
    'closed, and its finally yields': [
      async function* (events) {
        try {
          yield* pass(events)
        } finally {
          yield 'in finally'
        }
      },
      {},
      async (stream) => {
        await stream.send(1)
        await stream.recv()
        await stream.close()
      },
      { reason: 'closed', dropped: { events: 0, results: 1 }, refused: 0, detached: false },
    ],
    idle: [pass, { idleTimeout: 20 }, (stream) => outcome(stream.recv()), { reason: 'idle', dropped: NONE, refused: 0, detached: false }],
    aborted: [
      pass,
      {},
      async (stream) => {
        await stream.send(1)
        await stream.recv()
        stream.abort(error)
      },
      { reason: 'aborted', cause: error, dropped: NONE, refused: 0, detached: false },
    ],
    'aborted before it started': [
      pass,
      {},
      (stream) => stream.abort(error),
      { reason: 'aborted', cause: error, dropped: NONE, refused: 0, detached: false },
    ],
    'aborted without a reason': [
      pass,
      {},
      (stream) => stream.abort(),
      { reason: 'aborted', cause: undefined, dropped: NONE, refused: 0, detached: false },
    ],
    'aborted, and its finally throws': [
      failingClosing,
      {},
      async (stream) => {
        await stream.send(1)
        await stream.recv()
        stream.abort('first')
      },
      { reason: 'aborted', cause: 'first', dropped: NONE, refused: 0, detached: false },
    ],
    failed: [failing, {}, (stream) => stream.send('bad'), { reason: 'failed', error, dropped: NONE, refused: 0, detached: false }],
    'failed with events left': [
      failing,
      {},
      (stream) => stream.sendBatch([1, 'bad', 2, 3]),
      { reason: 'failed', error, dropped: { events: 2, results: 0 }, refused: 0, detached: false },
    ],
    'failed while closing': [
      failingClosing,
      {},
      async (stream) => {
        await stream.send(1)
        await stream.recv()
        await assert.rejects(stream.close(), (thrown) => thrown === error)
      },
      { reason: 'failed', error, dropped: NONE, refused: 0, detached: false },
    ],
    'failed at once': [
      async function* () {
        throw error
      },
      {},
      (stream) => outcome(stream.recv()),
      { reason: 'failed', error, dropped: NONE, refused: 0, detached: false },
    ],
    'failed while its input is over': [
      async function* (events) {
        for await (const _ of events);
        throw error
      },
      {},
      (stream) => stream.end(),
      { reason: 'failed', error, dropped: NONE, refused: 0, detached: false },
    ],
    'closed and detached': [
      async function* (events) {
        for await (const event of events) {
          await never()
          yield event
        }
      },
      { closeTimeout: 20 },
      async (stream) => {
        await stream.sendBatch([1, 2])
        await stream.close()
      },
      { reason: 'closed', dropped: { events: 1, results: 0 }, refused: 0, detached: true },
    ],
    'aborted and detached': [
      async function* (events) {
        for await (const event of events) {
          await never()
          yield event
        }
      },
      { closeTimeout: 20 },
      async (stream) => {
        await stream.sendBatch([1, 2])
        stream.abort(error)
      },
      { reason: 'aborted', cause: error, dropped: { events: 1, results: 0 }, refused: 0, detached: true },
    ],
  }
  for (const [name, [generator, more, act, expected]] of Object.entries(ends)) {
    test(`rule 19: ${name}`, async () => {
      const fn = streamFn(generator, { ...options, ...more })
      const stream = fn.open()
      const seen = watched(fn, stream)
      await within(3000, act(stream), name)
      const end = await within(3000, stream.closed, 'closed')
      await turns(2)
      assert.equal(seen.length, 1)
      assert.deepEqual(seen[0][0], end)
      assert.equal(seen[0][1], 0, 'the permit is free by then')
      assert.equal(stream.state, 'closed')
      if ('cause' in expected) {
        const { cause, ...rest } = expected
        const { error: aborted, ...found } = end
        assert.deepEqual(found, rest)
        assert.ok(aborted instanceof AbortError)
        assert.equal(aborted.code, 'VELO_ABORTED')
        assert.equal(aborted.cause, cause)
      } else {
        assert.deepEqual(end, expected)
        assert.equal(end.error, expected.error)
      }
      const { closedBy } = fn.metrics
      assert.deepEqual(closedBy, { done: 0, closed: 0, idle: 0, aborted: 0, failed: 0, [end.reason]: 1 })
      assert.deepEqual(await within(1000, stream.closed, 'closed, asked again'), end)
    })
  }

  for (const thrown of [undefined, null, 0, 'text', Symbol('thrown')]) {
    test(`rule 19: failed with ${String(thrown)}`, async () => {
      const fn = streamFn(async function* () {
        throw thrown
      }, options)
      const stream = fn.open()
      stream.send(1)
      const end = await within(1000, stream.closed, 'closed')
      assert.equal(end.reason, 'failed')
      assert.ok('error' in end)
      assert.equal(end.error, thrown)
    })
  }

  test('rule 19: closed tells the stage that failed', async () => {
    const named = (name, at) =>
      streamFn(
        async function* (events) {
          for await (const event of events) {
            if (event === at) throw error
            yield event
          }
        },
        { name, idleTimeout: 0 },
      )
    for (const [event, stage] of [
      ['x', 'first'],
      ['y', 'second'],
      ['z', 'third'],
    ]) {
      const stream = named('first', 'x').pipe(named('second', 'y')).pipe(named('third', 'z')).open()
      await within(1000, stream.send(event), 'send')
      const end = await within(1000, stream.closed, 'closed')
      assert.deepEqual([end.reason, end.stage, end.error], ['failed', stage, error])
    }
    const single = named('alone', 'x').open()
    await within(1000, single.send('x'), 'send')
    assert.equal((await within(1000, single.closed, 'closed')).reason, 'failed')
  })
})

describe('when', () => {
  for (const [name, leave] of Object.entries({
    close: (stream) => stream.close(),
    abort: (stream) => stream.abort(),
    end: (stream) => stream.end(),
    'close, then abort': (stream) => {
      stream.close()
      stream.abort()
    },
  })) {
    test(`rule 19: not before the function has finished (${name})`, async () => {
      const gate = deferred()
      const fn = streamFn(async function* (events) {
        try {
          yield* pass(events)
        } finally {
          await gate.promise
        }
      }, options)
      const stream = fn.open()
      await within(1000, stream.send(1), 'send')
      await within(1000, stream.recv(), 'recv')
      leave(stream)
      assert.ok(await isPending(stream.closed))
      assert.equal(stream.state, name === 'end' ? 'ending' : 'closing')
      assert.equal(fn.metrics.streamsOpen, 1)
      gate.resolve()
      await within(1000, stream.closed, 'closed')
      assert.equal(fn.metrics.streamsOpen, 0)
    })
  }

  test('rule 19: not before the source is given back, nor later than closeTimeout', async () => {
    const gate = deferred()
    let returned = false
    const source = {
      [Symbol.asyncIterator]: () => source,
      next: async () => ({ value: 1, done: false }),
      return: async () => {
        await gate.promise
        returned = true
        return { value: undefined, done: true }
      },
    }
    const fn = streamFn(async function* (events) {
      for await (const event of events) {
        yield event
        return
      }
    }, options)
    const running = fn.run(source)
    assert.ok(await isPending(running))
    gate.resolve()
    assert.deepEqual(await within(1000, running, 'run'), [1])
    assert.ok(returned)
  })

  test('rule 19: asked for long after the end, it is there', async () => {
    const stream = streamFn(pass, options).open()
    await within(1000, stream.close(), 'close')
    await turns(4)
    assert.equal((await within(1000, stream.closed, 'closed')).reason, 'closed')
  })

  test('rule 19: in a pipeline every stage counts: one that is stuck makes it detached', async () => {
    const gate = deferred()
    const stuck = streamFn(
      async function* (events) {
        for await (const event of events) {
          await gate.promise
          yield event
        }
      },
      { ...options, closeTimeout: 40 },
    )
    for (const fn of [stuck.pipe(pass), stuck.pipe(pass).pipe(pass)]) {
      const stream = fn.open()
      await within(1000, stream.send(1), 'send')
      await turns(2)
      const start = performance.now()
      await within(3000, stream.close(), 'close')
      assert.ok(performance.now() - start >= 40)
      const end = await within(1000, stream.closed, 'closed')
      assert.deepEqual([end.reason, end.detached], ['closed', true])
      assert.equal(fn.metrics.streamsOpen, 0)
    }
    gate.resolve()
    await turns(4)
  })
})

describe('the first end wins', () => {
  const pairs = {
    'close, then abort': [(stream) => void stream.close(), (stream) => stream.abort(), 'closed'],
    'abort, then close': [(stream) => stream.abort(), (stream) => void stream.close(), 'aborted'],
    'end, then close': [(stream) => stream.end(), (stream) => void stream.close(), 'closed'],
    'end, then abort': [(stream) => stream.end(), (stream) => stream.abort(), 'aborted'],
    'abort, then abort': [(stream) => stream.abort('first'), (stream) => stream.abort('second'), 'aborted'],
    'close, then end': [(stream) => void stream.close(), (stream) => stream.end(), 'closed'],
    'end, then end': [(stream) => stream.end(), (stream) => stream.end(), 'done'],
  }
  for (const [name, [first, second, reason]] of Object.entries(pairs)) {
    test(`rule 19: ${name}`, async () => {
      const fn = streamFn(pass, { ...options, buffer: 1 })
      const stream = fn.open()
      for (let i = 0; i < 6; i++) stream.send(i)
      await turns(4)
      const seen = watched(fn, stream)
      first(stream)
      second(stream)
      if (reason === 'done') {
        const results = []
        for (let left = true; left; ) {
          const read = await within(1000, outcome(stream.recv()), 'recv')
          if (read.error === undefined) results.push(read.value)
          else left = false
        }
        assert.ok(results.length > 0)
      }
      const end = await within(1000, stream.closed, 'closed')
      assert.equal(end.reason, reason)
      if (reason === 'aborted' && name === 'abort, then abort') assert.equal(end.error.cause, 'first')
      await turns(2)
      assert.equal(seen.length, 1)
      assert.equal(
        Object.values(fn.metrics.closedBy).reduce((sum, count) => sum + count),
        1,
      )
    })
  }

  test('rule 19: nothing that comes after the end changes it', async () => {
    const fn = streamFn(pass, options)
    const stream = fn.open()
    stream.send(1)
    stream.end()
    const end = await within(1000, stream.closed, 'closed')
    stream.abort(error)
    await within(1000, stream.close(), 'close')
    stream.end()
    await outcome(stream.send(1))
    assert.equal((await stream.closed).reason, 'done')
    assert.equal(end.reason, 'done')
    assert.deepEqual(fn.metrics.closedBy, { done: 1, closed: 0, idle: 0, aborted: 0, failed: 0 })
  })

  test('rule 19: three thousand streams under random ends: one end each, and the counts agree', async () => {
    const seed = 19
    const { below } = random(seed)
    const fn = streamFn(
      async function* (events) {
        for await (const event of events) {
          if (event % 9 === 8) throw error
          if (event % 9 === 7) return
          yield event
        }
      },
      { idleTimeout: 30, maxStall: 60, maxConcurrent: 100, queue: 10_000, buffer: 4 },
    )
    const reasons = { done: 0, closed: 0, idle: 0, aborted: 0, failed: 0 }
    let told = 0
    const act = [
      (stream) => stream.send(below(9)),
      (stream) => stream.sendBatch([1, 2, 3]),
      (stream) => outcome(stream.recv()),
      (stream) => stream.end(),
      (stream) => outcome(stream.close()),
      (stream) => stream.abort(),
      () => turns(1),
    ]
    await within(
      30_000,
      Promise.all(
        Array.from({ length: 3000 }, async () => {
          const stream = fn.open()
          const closed = stream.closed.then((end) => {
            told++
            reasons[end.reason]++
            const { eventsIn, eventsOut } = stream.metrics
            assert.ok(end.dropped.events <= eventsIn && end.dropped.results <= eventsOut)
          })
          for (let i = below(8); i > 0; i--) {
            const doing = act[below(act.length)](stream)
            if (below(2)) await Promise.race([outcome(Promise.resolve(doing)), stream.closed, turns(2)])
          }
          if (below(3)) stream.close().catch(() => {})
          await closed
        }),
      ),
      `three thousand streams (seed ${seed})`,
    )
    assert.equal(told, 3000)
    await until(1000, () => fn.metrics.streamsOpen === 0, 'the permits')
    const { closedBy, streamsOpened, streamsWaiting } = fn.metrics
    assert.equal(streamsWaiting, 0)
    assert.deepEqual(closedBy, reasons, `seed ${seed}`)
    assert.ok(streamsOpened <= 3000)
  })
})

noUnhandledRejections('rule 19')
