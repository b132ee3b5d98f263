// Rule 14: limits. Per function and per process, refused by an OverloadedError or made to wait in line; what waits has no clock running, and every
// kind of end gives its permit back.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { ClosedError, OverloadedError, runtime, streamFn } from 'velo-stream'
import { output } from '../support/child.mjs'
import { assertDue, watch } from '../support/clock.mjs'
import { deferred, isPending, outcome, turns } from '../support/deferred.mjs'
import { noUnhandledRejections } from '../support/unhandled.mjs'
import { within } from '../support/within.mjs'

async function* pass(events) {
  for await (const event of events) yield event
}

const isOverloaded = (error) => error instanceof OverloadedError && error.code === 'VELO_OVERLOADED' && error.retryable === true

/** Resolves once `ms` have passed on a timer of the library. */
async function after(ms) {
  const stream = streamFn(pass, { idleTimeout: 0 }).open()
  await assert.rejects(within(10_000, stream.recv({ timeout: ms }), 'the control read'), { code: 'VELO_TIMEOUT' })
  await stream.close()
}

describe('a full function', () => {
  test('rule 14: open() throws at once, and is counted', () => {
    const fn = streamFn(pass, { maxConcurrent: 2 })
    const open = [fn.open(), fn.open()]
    assert.throws(() => fn.open(), isOverloaded)
    assert.throws(() => fn.open(), isOverloaded)
    const { streamsOpen, streamsWaiting, streamsOpened, streamsRefused } = fn.metrics
    assert.deepEqual(
      { streamsOpen, streamsWaiting, streamsOpened, streamsRefused },
      { streamsOpen: 2, streamsWaiting: 0, streamsOpened: 2, streamsRefused: 2 },
    )
    return Promise.all(open.map((stream) => stream.close()))
  })

  test('rule 14: run() and the first next() of a call reject', async () => {
    const fn = streamFn(pass, { maxConcurrent: 1 })
    const stream = fn.open()
    await assert.rejects(within(2000, fn.run([1]), 'run'), isOverloaded)
    const results = fn([1])
    await assert.rejects(within(2000, results.next(), 'next'), isOverloaded)
    await within(2000, stream.close(), 'close')
    assert.deepEqual(await within(2000, fn.run([1]), 'run'), [1])
  })

  test('rule 14: a refusal leaves the source alone', async () => {
    const fn = streamFn(pass, { maxConcurrent: 1 })
    const stream = fn.open()
    const touched = []
    const source = {
      [Symbol.asyncIterator]() {
        touched.push('opened')
        return this
      },
      async next() {
        touched.push('pulled')
        return { value: undefined, done: true }
      },
    }
    await assert.rejects(within(2000, fn.run(source), 'run'), isOverloaded)
    await assert.rejects(within(2000, fn(source).next(), 'next'), isOverloaded)
    assert.deepEqual(touched, [])
    await within(2000, stream.close(), 'close')
  })

  test('rule 14: the limit is that of each function', async () => {
    const first = streamFn(pass, { maxConcurrent: 1 })
    const second = streamFn(pass, { maxConcurrent: 1 })
    const streams = [first.open(), second.open()]
    assert.throws(() => first.open(), isOverloaded)
    assert.throws(() => second.open(), isOverloaded)
    await within(2000, Promise.all(streams.map((stream) => stream.close())), 'close')
  })

  test('rule 14: .with() has limits of its own', async () => {
    const first = streamFn(pass, { maxConcurrent: 1 })
    const second = first.with({ buffer: 8 })
    const third = first.with({ maxConcurrent: 2 })
    const streams = [first.open(), second.open(), third.open(), third.open()]
    for (const fn of [first, second, third]) assert.throws(() => fn.open(), isOverloaded)
    await within(2000, Promise.all(streams.map((stream) => stream.close())), 'close')
  })

  test('rule 14: a pipeline takes one permit, its own', async () => {
    const first = streamFn(pass, { maxConcurrent: 1 })
    const second = streamFn(pass, { maxConcurrent: 1 })
    const pipeline = first.pipe(second).pipe(pass)
    const before = runtime.snapshot().streamsOpen
    const piped = pipeline.open()
    assert.equal(runtime.snapshot().streamsOpen, before + 1)
    assert.throws(() => pipeline.open(), isOverloaded)
    const streams = [first.open(), second.open()]
    assert.equal(
      await within(
        2000,
        piped.send(1).then(() => piped.recv()),
        'the pipeline',
      ),
      1,
    )
    await within(2000, Promise.all([piped, ...streams].map((stream) => stream.close())), 'close')
    assert.equal(runtime.snapshot().streamsOpen, before)
  })

  test('rule 14: the default limit is 1000', async () => {
    const fn = streamFn(pass)
    const streams = Array.from({ length: 1000 }, () => fn.open())
    assert.throws(() => fn.open(), isOverloaded)
    await within(10_000, Promise.all(streams.map((stream) => stream.close())), 'close')
    assert.equal(fn.metrics.streamsOpen, 0)
  })
})

describe('the line', () => {
  /** One stream that holds the only permit, and `count` behind it. */
  function line(count, options = {}) {
    const fn = streamFn(pass, { maxConcurrent: 1, queue: 100, ...options })
    return [fn, fn.open(), ...Array.from({ length: count }, () => fn.open())]
  }

  test('rule 14: beyond the limit a stream waits; sends and reads wait; it is admitted when a permit comes back', async () => {
    const [fn, first, second] = line(1)
    assert.equal(first.state, 'open')
    assert.equal(second.state, 'waiting')
    assert.equal(second.trySend('too early'), false)
    const sends = [second.send(1), second.sendBatch([2, 3]), second.send(4)]
    const reads = [second.recv(), second.recv()]
    assert.ok(await isPending(Promise.race([...sends, ...reads])))
    assert.equal(fn.metrics.streamsWaiting, 1)
    assert.equal(second.metrics.eventsIn, 0)
    await within(2000, first.close(), 'close')
    assert.deepEqual(await within(2000, Promise.all(reads), 'the reads'), [1, 2])
    await within(2000, Promise.all(sends), 'the sends')
    assert.equal(second.state, 'open')
    assert.equal(fn.metrics.streamsWaiting, 0)
    second.end()
    assert.deepEqual(await within(2000, second.recvBatch(10), 'recvBatch'), [3, 4])
    assert.equal((await within(2000, second.closed, 'closed')).reason, 'done')
  })

  test('rule 14: first come, first served', async () => {
    const [, first, ...waiting] = line(20)
    const admitted = []
    const reads = waiting.map((stream, i) => {
      stream.send(i)
      return stream.recv().then((value) => {
        admitted.push(value)
        return stream.close()
      })
    })
    await turns(2)
    assert.deepEqual(admitted, [])
    await within(2000, first.close(), 'close')
    await within(5000, Promise.all(reads), 'all of the line')
    assert.deepEqual(
      admitted,
      waiting.map((_, i) => i),
    )
  })

  test('rule 14: with more than one permit back, as many are admitted', async () => {
    const fn = streamFn(pass, { maxConcurrent: 3, queue: 10 })
    const open = [fn.open(), fn.open(), fn.open()]
    const waiting = [fn.open(), fn.open(), fn.open(), fn.open()]
    await within(2000, Promise.all(open.slice(0, 2).map((stream) => stream.close())), 'close')
    await turns(4)
    assert.deepEqual(
      waiting.map((stream) => stream.state),
      ['open', 'open', 'waiting', 'waiting'],
    )
    await within(2000, Promise.all([...open, ...waiting].map((stream) => stream.close())), 'close')
    assert.equal(fn.metrics.streamsOpen, 0)
    assert.equal(fn.metrics.streamsWaiting, 0)
  })

  test('rule 14: nobody overtakes the line', async () => {
    const [fn, first, second] = line(1)
    const closing = first.close()
    const third = fn.open()
    await within(2000, closing, 'close')
    await turns(4)
    assert.equal(second.state, 'open')
    assert.equal(third.state, 'waiting')
    await within(2000, Promise.all([second.close(), third.close()]), 'close')
  })

  test('rule 14: close() leaves the line', async () => {
    const [fn, first, second, third] = line(2)
    const sending = second.send(1)
    const reading = second.recv()
    const next = second.recvBatch(5)
    const closing = second.close()
    assert.equal(second.state, 'closed')
    await assert.rejects(within(1000, sending, 'send'), (error) => error instanceof ClosedError && error.code === 'VELO_CLOSED')
    await assert.rejects(within(1000, reading, 'recv'), (error) => error instanceof ClosedError && error.code === 'VELO_CLOSED')
    assert.deepEqual(await within(1000, next, 'recvBatch'), [])
    await within(1000, closing, 'close')
    assert.deepEqual(await within(1000, second.closed, 'closed'), {
      reason: 'closed',
      dropped: { events: 0, results: 0 },
      refused: 0,
      detached: false,
    })
    assert.equal(fn.metrics.streamsWaiting, 1)
    await within(2000, first.close(), 'close')
    await within(2000, third.send(1), 'the one behind it')
    await within(2000, third.close(), 'close')
  })

  for (const how of ['abort()', 'the signal']) {
    test(`rule 14: ${how} leaves the line`, async () => {
      const [fn, first] = line(0)
      const controller = new AbortController()
      const second = fn.open({ signal: controller.signal })
      const third = fn.open()
      assert.equal(second.state, 'waiting')
      const waits = [second.send(1), second.recv(), second.recvBatch(5)]
      const reason = new Error('no patience')
      if (how === 'abort()') second.abort(reason)
      else controller.abort(reason)
      assert.equal(second.state, 'closed')
      for (const wait of waits) {
        await assert.rejects(
          within(1000, wait, 'a wait'),
          (error) => error.name === 'AbortError' && error.code === 'VELO_ABORTED' && error.cause === reason,
        )
      }
      const end = await within(1000, second.closed, 'closed')
      assert.equal(end.reason, 'aborted')
      assert.equal(end.error.cause, reason)
      await within(2000, first.close(), 'close')
      await within(2000, third.send(1), 'the one behind it')
      await within(2000, third.close(), 'close')
    })
  }

  test('rule 14: the function of a stream that left the line never ran', async () => {
    let started = 0
    const fn = streamFn(
      async function* (events) {
        started++
        yield* events
      },
      { maxConcurrent: 1, queue: 5 },
    )
    const first = fn.open()
    const waiting = [fn.open(), fn.open()]
    for (const stream of waiting) stream.send(1)
    await within(1000, waiting[0].close(), 'close')
    waiting[1].abort()
    await within(1000, first.close(), 'close')
    await turns(4)
    assert.equal(started, 0)
  })

  test('rule 14: a full line throws', async () => {
    const [fn, first, ...waiting] = line(3, { queue: 3 })
    assert.throws(() => fn.open(), isOverloaded)
    assert.equal(fn.metrics.streamsRefused, 1)
    await within(1000, waiting[1].close(), 'close')
    const late = fn.open()
    assert.equal(late.state, 'waiting')
    assert.throws(() => fn.open(), isOverloaded)
    await within(2000, Promise.all([first, ...waiting, late].map((stream) => stream.close())), 'close')
  })

  test('rule 14: end() in line is kept until admission', async () => {
    const [, first, second] = line(1)
    const sending = outcome(second.send(1))
    second.end()
    await turns(2)
    assert.equal(second.state, 'waiting')
    await assert.rejects(within(1000, second.send(2), 'send'), { code: 'VELO_ENDED' })
    await within(2000, first.close(), 'close')
    const end = await within(2000, second.closed, 'closed')
    assert.equal(end.reason, 'done')
    const sent = await within(1000, sending, 'the send')
    // As everywhere, a send that still waits when the input ends is told so, and what was accepted is delivered.
    if (sent.error === undefined) assert.equal(await within(1000, second.recv(), 'recv'), 1)
    else assert.equal(sent.error.code, 'VELO_ENDED')
  })

  test('rule 14: at most max(buffer, 16) sends wait in line with it', async () => {
    const [, first, second] = line(1, { buffer: 20 })
    const sends = Array.from({ length: 20 }, (_, i) => outcome(second.send(i)))
    await assert.rejects(within(1000, second.send('too many'), 'send'), { code: 'VELO_OVERRUN' })
    await within(2000, first.close(), 'close')
    for (const { error } of await within(2000, Promise.all(sends), 'the sends')) assert.equal(error, undefined)
    for (let i = 0; i < 20; i++) assert.equal(await within(1000, second.recv(), 'recv'), i)
    await within(1000, second.close(), 'close')
  })

  test('rule 14: a send in line leaves by its own signal, and a read by its own timeout', async () => {
    const [, first, second] = line(1)
    const controller = new AbortController()
    const sending = second.send(1, { signal: controller.signal })
    const passed = watch()
    await assert.rejects(within(5000, second.recv({ timeout: 30 }), 'recv'), { code: 'VELO_TIMEOUT' })
    assertDue(passed(), 30, 'the timeout of a read')
    controller.abort()
    await assert.rejects(within(1000, sending, 'send'), { code: 'VELO_ABORTED' })
    assert.equal(second.state, 'waiting')
    await within(1000, Promise.all([first.close(), second.close()]), 'close')
  })

  test('rule 14: run() waits in line, and its signal leaves it', async () => {
    const [fn, first] = line(0)
    const controller = new AbortController()
    const runs = [fn.run([1, 2]), fn.run([3], { signal: controller.signal }), fn.run([4])]
    assert.ok(await isPending(Promise.race(runs)))
    controller.abort('no')
    await assert.rejects(within(1000, runs[1], 'run'), { code: 'VELO_ABORTED' })
    await within(1000, first.close(), 'close')
    assert.deepEqual(await within(2000, runs[0], 'run'), [1, 2])
    assert.deepEqual(await within(2000, runs[2], 'run'), [4])
  })

  test('rule 14: a call waits in line, and return() leaves it', async () => {
    const [fn, first] = line(0)
    const left = fn([1, 2])
    const stayed = fn([3])
    const pending = [left.next(), stayed.next()]
    assert.ok(await isPending(Promise.race(pending)))
    await within(1000, left.return(), 'return')
    assert.deepEqual(await within(1000, pending[0], 'next'), { value: undefined, done: true })
    await within(1000, first.close(), 'close')
    assert.deepEqual(await within(1000, pending[1], 'next'), { value: 3, done: false })
    assert.equal((await within(1000, stayed.next(), 'next')).done, true)
    assert.equal(fn.metrics.streamsOpen, 0)
  })

  test('rule 14: an id is taken while its stream waits, and free when it leaves', async () => {
    const [fn, first] = line(0)
    const second = fn.open({ id: 'rule-14-waits' })
    assert.throws(() => fn.open({ id: 'rule-14-waits' }), { code: 'VELO_CONFIG' })
    await within(1000, second.close(), 'close')
    const third = fn.open({ id: 'rule-14-waits' })
    await within(1000, Promise.all([first.close(), third.close()]), 'close')
  })
})

describe('clocks start at admission', () => {
  test('rule 14: idleTimeout', async () => {
    const go = deferred()
    const holder = streamFn(
      async function* (events) {
        for await (const event of events) {
          await go.promise
          yield event
        }
      },
      { maxConcurrent: 1, queue: 1, idleTimeout: 60 },
    )
    const first = holder.open()
    await within(1000, first.send(1), 'send')
    const second = holder.open()
    const reading = second.recv()
    await after(200)
    assert.equal(second.state, 'waiting')
    const passed = watch()
    const closing = first.close()
    go.resolve()
    await within(2000, closing, 'close')
    await assert.rejects(within(10_000, reading, 'recv'), { code: 'VELO_CLOSED' })
    assertDue(passed(), 60, 'idleness')
    assert.equal((await second.closed).reason, 'idle')
  })

  test('rule 14: maxDuration', async () => {
    const fn = streamFn(pass, { maxConcurrent: 1, queue: 1, idleTimeout: 0, maxDuration: 100 })
    const passed = watch()
    const first = fn.open()
    const second = fn.open()
    assert.equal((await within(10_000, first.closed, 'the one before it')).reason, 'aborted')
    const end = await within(10_000, second.closed, 'closed')
    assert.equal(end.reason, 'aborted')
    assert.equal(end.error.cause.code, 'VELO_TIMEOUT')
    // Each has its 100 ms; with a clock that started at open() both would end together.
    assertDue(passed(), 200, 'maxDuration twice')
  })

  test('rule 14: durationMs', async () => {
    const fn = streamFn(pass, { maxConcurrent: 1, queue: 1, idleTimeout: 0 })
    const first = fn.open()
    const second = fn.open()
    await after(150)
    await within(1000, first.close(), 'close')
    await within(1000, second.send(1), 'send')
    assert.ok(second.metrics.durationMs < 100, `${second.metrics.durationMs}`)
    await within(1000, second.close(), 'close')
    assert.ok(second.metrics.durationMs < 100, `${second.metrics.durationMs}`)
  })
})

describe('the process-wide limit', () => {
  const counted = `
    import { OverloadedError, runtime, streamFn } from 'velo-stream'
    async function* pass(events) { for await (const event of events) yield event }
    const refused = (open) => { try { open(); return 'open' } catch (error) { return error instanceof OverloadedError ? error.code : String(error) } }
    const say = (...words) => console.log(words.join(' '))
  `

  test('rule 14: it is off by default, holds over all functions, and 0 lifts it', async () => {
    const printed = await output(`${counted}
      const [a, b, c] = [streamFn(pass), streamFn(pass), streamFn(pass)]
      const many = Array.from({ length: 900 }, () => a.open())
      await Promise.all(many.map((stream) => stream.close()))
      runtime.configure({ maxConcurrent: 2 })
      const streams = [a.open(), b.open()]
      say(refused(() => c.open()), refused(() => a.open()))
      await c.run([1]).catch((error) => say(error.code))
      await streams[0].close()
      say((await c.run([1])).join())
      runtime.configure({ maxConcurrent: 0 })
      say(refused(() => c.open()), refused(() => c.open()))
      say(runtime.snapshot().streamsRefused)`)
    assert.equal(printed, ['VELO_OVERLOADED VELO_OVERLOADED', 'VELO_OVERLOADED', '1', 'open open', '3'].join('\n'))
  })

  test('rule 14: a function with a line waits for the process too', async () => {
    const printed = await output(`${counted}
      const [a, b] = [streamFn(pass), streamFn(pass, { queue: 2 })]
      runtime.configure({ maxConcurrent: 1 })
      const first = a.open()
      const second = b.open()
      const third = b.open()
      say(second.state, third.state, refused(() => b.open()), refused(() => a.open()))
      await first.close()
      await second.send(1)
      say(await second.recv(), second.state, third.state)
      await second.close()
      await third.send(2)
      say(await third.recv(), third.state)
      await third.close()
      say(runtime.snapshot().streamsOpen, runtime.snapshot().streamsWaiting)`)
    assert.equal(printed, ['waiting waiting VELO_OVERLOADED VELO_OVERLOADED', '1 open waiting', '2 open', '0 0'].join('\n'))
  })

  test('rule 14: raising it admits who waits', async () => {
    const printed = await output(`${counted}
      const fn = streamFn(pass, { queue: 10 })
      runtime.configure({ maxConcurrent: 1 })
      const streams = Array.from({ length: 4 }, () => fn.open())
      const sends = streams.map((stream, i) => stream.send(i))
      say(streams.map((stream) => stream.state).join())
      runtime.configure({ maxConcurrent: 3 })
      await sends[2]
      say(streams.map((stream) => stream.state).join())
      runtime.configure({ maxConcurrent: 0 })
      await sends[3]
      say(streams.map((stream) => stream.state).join())`)
    assert.equal(printed, ['open,waiting,waiting,waiting', 'open,open,open,waiting', 'open,open,open,open'].join('\n'))
  })

  test('rule 14: lowering it ends nothing', async () => {
    const printed = await output(`${counted}
      const fn = streamFn(pass)
      const streams = Array.from({ length: 4 }, () => fn.open())
      runtime.configure({ maxConcurrent: 2 })
      for (const stream of streams) { await stream.send(1); await stream.recv() }
      say(streams.map((stream) => stream.state).join())
      await streams[0].close()
      await streams[1].close()
      say(refused(() => fn.open()))
      await streams[2].close()
      say(refused(() => fn.open()))`)
    assert.equal(printed, ['open,open,open,open', 'VELO_OVERLOADED', 'open'].join('\n'))
  })
})

describe('every kind of end gives the permit back', () => {
  const error = new Error('on purpose')
  let gate = deferred()
  const stuck = async function* (events) {
    for await (const event of events) {
      await gate.promise
      yield event
    }
  }
  const open = (fn, options) => fn.open(options)
  const ends = {
    done: [pass, {}, (fn) => void open(fn).end()],
    closed: [pass, {}, (fn) => open(fn).close()],
    'closed while it works': [
      stuck,
      { closeTimeout: 20 },
      async (fn) => {
        const stream = fn.open()
        await stream.send(1)
        await stream.close()
      },
    ],
    idle: [pass, { idleTimeout: 20 }, (fn) => outcome(open(fn).recv())],
    aborted: [pass, {}, (fn) => open(fn).abort(error)],
    'aborted by its signal': [
      pass,
      {},
      (fn) => {
        const controller = new AbortController()
        open(fn, { signal: controller.signal })
        controller.abort()
      },
    ],
    'aborted before it opened': [pass, {}, (fn) => void open(fn, { signal: AbortSignal.abort() })],
    maxDuration: [pass, { maxDuration: 20 }, (fn) => open(fn).closed],
    maxStall: [
      pass,
      { maxStall: 20 },
      async (fn) => {
        const stream = fn.open()
        await stream.send(1)
        await stream.closed
      },
    ],
    'a throw': [
      async function* () {
        throw error
      },
      {},
      (fn) => outcome(open(fn).recv()),
    ],
    'a throw in finally': [
      async function* (events) {
        try {
          yield* pass(events)
        } finally {
          // biome-ignore lint/correctness/noUnsafeFinally: the case under test
          throw error
        }
      },
      {},
      async (fn) => {
        const stream = fn.open()
        await stream.send(1)
        await outcome(stream.close())
      },
    ],
    'an early return': [
      async function* () {
        yield 1
      },
      {},
      (fn) => outcome(open(fn).recv()),
    ],
    'run()': [pass, {}, (fn) => fn.run([1, 2, 3])],
    'a run() that fails': [
      pass,
      {},
      (fn) =>
        outcome(
          fn.run(
            (function* () {
              throw error
            })(),
          ),
        ),
    ],
    'an aborted run()': [
      stuck,
      { closeTimeout: 20 },
      (fn) => {
        const controller = new AbortController()
        const running = outcome(fn.run([1], { signal: controller.signal }))
        controller.abort()
        return running
      },
    ],
    'a call that ends': [
      pass,
      {},
      async (fn) => {
        for await (const _ of fn([1, 2]));
      },
    ],
    'a call that is left': [
      pass,
      {},
      async (fn) => {
        for await (const _ of fn([1, 2])) break
      },
    ],
    'a feed that ends': [
      pass,
      {},
      async (fn) => {
        for await (const _ of fn.open().feed([1, 2]));
      },
    ],
    'a feed that is left': [
      pass,
      {},
      async (fn) => {
        for await (const _ of fn.open().feed([1, 2])) break
      },
    ],
  }
  for (const [name, [generator, options, end]] of Object.entries(ends)) {
    for (const stages of [1, 2]) {
      test(`rule 14: ${name}${stages === 2 ? ', in a pipeline' : ''}`, async () => {
        const one = streamFn(generator, { maxConcurrent: 1, idleTimeout: 0, ...options })
        const fn = stages === 1 ? one : one.pipe(pass)
        for (let round = 0; round < 3; round++) {
          await within(5000, end(fn), name)
          const passed = watch()
          while (fn.metrics.streamsOpen > 0 && passed() < 5000) await turns(1)
          assert.equal(fn.metrics.streamsOpen, 0)
          gate.resolve()
          gate = deferred()
          while (fn.metrics.streamsDetached > 0 && passed() < 5000) await turns(1)
          assert.equal(fn.metrics.streamsDetached, 0)
        }
        assert.equal(fn.metrics.streamsOpened, 3)
      })
    }
  }

  test('rule 14: with a line behind them, all of them let the next one in', async () => {
    const fn = streamFn(
      async function* (events) {
        for await (const event of events) {
          if (event === 'throw') throw error
          if (event === 'return') return
          yield event
        }
      },
      { maxConcurrent: 1, queue: 10, idleTimeout: 0 },
    )
    const streams = Array.from({ length: 7 }, () => fn.open())
    const steps = [
      (stream) => stream.close(),
      (stream) => stream.abort(error),
      (stream) => stream.send('throw'),
      (stream) => stream.send('return'),
      (stream) => stream.end(),
      (stream) => stream[Symbol.asyncIterator]().return(),
      (stream) => stream.toDuplex().destroy(),
    ]
    for (const [i, stream] of streams.entries()) {
      await within(2000, stream.send(i), `stream ${i} is admitted`)
      assert.equal(stream.state, 'open')
      if (i < 6) assert.equal(streams[i + 1].state, 'waiting')
      await within(2000, steps[i](stream), `step ${i}`)
      await within(2000, stream.closed, `stream ${i} ends`)
    }
    assert.equal(fn.metrics.streamsOpen, 0)
  })
})

noUnhandledRejections('rule 14')
