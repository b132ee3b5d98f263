// runtime.configure({ log }) with hostile loggers: whatever they do, no stream suffers, no rejection floats, and it is told once.

import assert from 'node:assert/strict'
import { tracingChannel } from 'node:diagnostics_channel'
import { after, test } from 'node:test'
import { runtime, streamFn } from 'velo-stream'
import { turns } from '../support/deferred.mjs'
import { describePlacements } from '../support/placements.mjs'
import { within } from '../support/within.mjs'

after(() => runtime.configure({ log: null }))

const LEVELS = ['error', 'warn', 'info', 'debug']
const all = (method) => Object.fromEntries(LEVELS.map((level) => [level, method]))
const throws = (error) => () => {
  throw error
}
const thenable = (then) => Object.defineProperty({}, 'then', then)
const loggers = {
  'throws an error': () => all(throws(new Error('disk full'))),
  'throws what cannot be shown': () => all(throws(Object.create(null))),
  'throws nothing at all': () => all(throws(undefined)),
  rejects: () => all(async () => throws(new Error('disk full'))()),
  'answers what is nearly a promise, and fails': () => all(() => thenable({ value: (_done, failed) => failed(new Error('disk full')) })),
  'answers a then that throws': () => all(() => thenable({ get: throws(new Error('disk full')) })),
  'loses its methods': () => {
    const log = all(() => {})
    setImmediate(() => Object.assign(log, all(5)))
    return log
  },
  'changes what it gets': () =>
    all((fields) => {
      for (const name of Object.keys(fields)) delete fields[name]
      Object.assign(fields.dropped ?? {}, { events: 99 })
      throw new Error('disk full')
    }),
}

describePlacements('hostile loggers', (place) => {
  for (const [name, make] of Object.entries(loggers)) {
    test(`streams go on as ever: one that ${name}`, async () => {
      const [warnings, rejections] = [[], []]
      const onWarning = (warning) => warnings.push(warning)
      const onRejection = (error) => rejections.push(error)
      process.on('warning', onWarning).on('unhandledRejection', onRejection)
      runtime.configure({ log: make() })
      await turns(1)
      const fn = place(
        async function* odd(events) {
          for await (const event of events) {
            if (event < 0) throw new Error('negative')
            yield event
          }
        },
        { name: 'odd' },
      )
      for (let round = 0; round < 3; round++) assert.deepEqual(await fn.run([1, 2]), [1, 2])
      await assert.rejects(fn.run([-1]), /negative/)
      const stream = fn.open()
      await stream.send(1)
      await stream.recv()
      stream.abort(new Error('enough'))
      const end = await within(30_000, stream.closed, 'the end')
      assert.deepEqual([end.reason, end.dropped], ['aborted', { events: 0, results: 0 }])
      await turns(4)
      process.off('warning', onWarning).off('unhandledRejection', onRejection)
      assert.deepEqual(rejections, [])
      assert.equal(warnings.filter(({ code }) => code === 'velo:log-failed').length, 1, 'it is told once')
    })
  }
})

test('what is thrown may be anything: it has its line, and its stream its end', async () => {
  const trap = () => {
    throw new Error('trap')
  }
  const lines = []
  const add = ({ code, err }) => void lines.push([code, err])
  for (const bad of [
    new Proxy({}, { get: trap, getPrototypeOf: trap }),
    null,
    undefined,
    0,
    Object.create(null),
    { cause: null },
    Symbol('s'),
  ]) {
    runtime.configure({ log: { error: add, info: add } })
    lines.length = 0
    const failing = streamFn(async function* failing() {
      throw bad
    })
    await failing.run([1]).then(
      () => assert.fail('it fails'),
      (error) => assert.ok(Object.is(error, bad)),
    )
    const stream = failing.open()
    stream.abort(bad)
    const { reason, error } = await within(30_000, stream.closed, 'the end')
    assert.equal(reason, 'aborted')
    assert.equal(lines.length, 2)
    assert.ok(lines[0][0] === 'velo:stream-failed' && Object.is(lines[0][1], bad))
    assert.ok(lines[1][0] === 'VELO_ABORTED' && lines[1][1] === error)
  }
  runtime.configure({ log: null })
})

test('a logger that works with the stream it is told of finds it whole', async () => {
  const seen = []
  const log = {
    debug({ code, stream }) {
      seen.push([code, runtime.inspect().some(({ id }) => id === stream)])
    },
  }
  runtime.configure({ log })
  const copy = streamFn(async function* copy(events) {
    yield* events
  })
  const stream = copy.open({ id: 'looked-at' })
  await stream.send(1)
  assert.equal(await stream.recv(), 1)
  await stream.close()
  assert.deepEqual(seen, [
    ['velo:stream-opened', true],
    ['velo:stream-closed', false],
  ])
})

test('so does a subscriber of the tracing channel', async () => {
  const seen = []
  const { start } = tracingChannel('velo:stream')
  const look = ({ id }) => seen.push(runtime.inspect().some((stream) => stream.id === id))
  start.subscribe(look)
  const copy = streamFn(async function* copy(events) {
    yield* events
  })
  await copy.run([1])
  for await (const _ of copy([1]));
  await copy.open().close()
  start.unsubscribe(look)
  assert.deepEqual(seen, [true, true, true])
})

test('a logger that aborts the stream of its line ends it as any abort', async () => {
  let controller
  const log = {
    debug({ code }) {
      if (code === 'velo:stream-opened') controller.abort(new Error('enough'))
    },
  }
  runtime.configure({ log })
  const copy = streamFn(async function* copy(events) {
    yield* events
  })
  const signal = () => (controller = new AbortController()).signal
  await assert.rejects(within(30_000, copy.run([1], { signal: signal() }), 'the run'), { code: 'VELO_ABORTED' })
  assert.equal((await within(30_000, copy.open({ signal: signal() }).closed, 'the end')).reason, 'aborted')
  await assert.rejects(within(30_000, copy([1], { signal: signal() })[Symbol.asyncIterator]().next(), 'the call'), { code: 'VELO_ABORTED' })
  runtime.configure({ log: null })
})

test('a logger that opens a stream for its line, and one that ends the log, do no harm', async () => {
  const copy = streamFn(async function* copy(events) {
    yield* events
  })
  let depth = 0
  const log = {
    debug() {
      if (++depth > 3) return
      void copy.run([1])
    },
    error() {
      runtime.configure({ log: null })
    },
  }
  runtime.configure({ log })
  assert.deepEqual(await copy.run([1, 2]), [1, 2])
  const failing = streamFn(async function* failing() {
    throw new Error('no')
  })
  await assert.rejects(failing.run([1]), /no/)
  await turns(4)
  const lines = depth
  await copy.run([1])
  assert.equal(depth, lines)
})
