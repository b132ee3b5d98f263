// What is refused, and with which words: options, functions, sources, arguments of calls.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { runtime, streamFn, VeloError } from 'velo-stream'
import { collect } from 'velo-stream/testing'
import { describePlacements } from '../support/placements.mjs'
import { noUnhandledRejections } from '../support/unhandled.mjs'
import { within } from '../support/within.mjs'

async function* same(events) {
  for await (const event of events) yield event
}

/** VELO_CONFIG that names the field, what was expected, and the value. */
function refuses(field, value, pattern = /expected .+, got /) {
  return (error) => {
    assert.ok(error instanceof VeloError)
    assert.equal(error.code, 'VELO_CONFIG')
    assert.equal(error.retryable, false)
    assert.equal(error.field, field)
    assert.ok(error.message.startsWith(`${field}: `), error.message)
    assert.match(error.message, pattern)
    if (typeof value === 'number') assert.ok(error.message.includes(`${value} (number)`), error.message)
    return true
  }
}

describe('options of a stream function', () => {
  const wrong = {
    name: ['', 1, null, {}],
    buffer: [0, -1, 1.5, NaN, Infinity, '256', null, 1_048_577, 2n],
    idleTimeout: [-1, NaN, Infinity, '30', null, 2 ** 31],
    maxDuration: [-1, NaN, '1', {}],
    closeTimeout: [0, -5, NaN, '5000', true],
    maxConcurrent: [0, -1, 1.5, NaN, '10', null],
    queue: [-1, 0.5, NaN, '1', null],
    maxStall: [-1, NaN, 'x'],
    placement: ['remote', 1, null],
    schema: [1, {}, { '~standard': {} }, null, () => true],
  }
  for (const [name, values] of Object.entries(wrong)) {
    for (const value of values) {
      test(`${name}: ${typeof value === 'bigint' ? `${value}n` : JSON.stringify(value)} (${typeof value}) is refused when the function is defined`, () => {
        assert.throws(() => streamFn(same, { [name]: value }), refuses(`streamFn(options).${name}`, value))
        assert.throws(() => streamFn(same).with({ [name]: value }), refuses(`with(options).${name}`, value))
      })
    }
  }

  test('an unknown name is refused, and the known ones are listed', () => {
    assert.throws(() => streamFn(same, { bufffer: 1 }), refuses('streamFn(options).bufffer', 1, /one of name, buffer, .*schema/))
    assert.throws(() => streamFn(same).with({ timeout: 1 }), refuses('with(options).timeout', 1))
    assert.throws(() => streamFn(same).open({ priority: 1 }), refuses('open(options).priority', 1))
  })

  test('options of run, a call, send and recv are checked too', async () => {
    const fn = streamFn(same)
    const stream = fn.open()
    const name = (field) => ({ code: 'VELO_CONFIG', field, message: /unknown option 'sigal' \(did you mean 'signal'\?\)/ })
    await assert.rejects(fn.run([1], { sigal: 1 }), name('run(source, options).sigal'))
    await assert.rejects(fn.run([1], { signal: undefined, sigal: 1 }), name('run(source, options).sigal'))
    await assert.rejects(stream.send(1, { sigal: 1 }), name('send(event, options).sigal'))
    await assert.rejects(stream.recv({ sigal: 1 }), name('recv(options).sigal'))
    await assert.rejects(stream.recv({ timeot: 1 }), { message: /did you mean 'timeout'\?/ })
    assert.throws(() => fn([1], { sigal: 1 }), name('fn(source, options).sigal'))
    assert.throws(() => fn([1], { timeout: 1 }), { field: 'fn(source, options).timeout' })
    // What pipeline() of Node.js adds beside its signal is not refused.
    const { signal } = new AbortController()
    assert.throws(() => fn([1], { signal, sigal: 1 }), name('fn(source, options).sigal'))
    assert.deepEqual(await collect(fn([1], { signal, objectMode: true })), [1])
    assert.equal(fn.metrics.streamsOpen, 1)
    await stream.close()
  })

  test('a stream function is no generator function, and that of another copy is named as that', () => {
    const fn = streamFn(same, { name: 'mine' })
    assert.throws(() => streamFn(fn), { code: 'VELO_CONFIG', field: 'streamFn(fn)', message: /got mine, a stream function already/ })
    const foreign = Object.assign(function foreign() {}, { open() {}, run() {}, pipe() {} })
    for (const call of [() => streamFn(foreign), () => fn.pipe(foreign)])
      assert.throws(call, {
        code: 'VELO_CONFIG',
        message: /got foreign, a stream function of another copy of velo-stream, which is loaded twice/,
      })
  })

  test('options that are no object are refused', () => {
    for (const options of [null, 1, 'x', []]) assert.throws(() => streamFn(same, options), refuses('streamFn(options)', options))
  })

  test('undefined counts as left out, and the smallest values are taken', async () => {
    const fn = streamFn(same, {
      name: undefined,
      buffer: 1,
      idleTimeout: 0,
      maxDuration: 0,
      closeTimeout: 1,
      maxConcurrent: 1,
      queue: 0,
      maxStall: 0,
      placement: 'local',
    })
    assert.equal(fn.name, 'same')
    assert.deepEqual(await fn.run([1, 2]), [1, 2])
  })
})

describe('what is no stream function', () => {
  const things = {
    undefined: undefined,
    null: null,
    number: 1,
    object: {},
    'plain function': () => {},
    'async function': async () => {},
    'sync generator function': function* () {},
    'async generator, already called': same([]),
    class: class {},
  }
  for (const [kind, thing] of Object.entries(things)) {
    test(`${kind}: refused by streamFn and by pipe`, () => {
      assert.throws(() => streamFn(thing), refuses('streamFn(fn)', thing, /an async generator function/))
      assert.throws(() => streamFn(same).pipe(thing), refuses('pipe(next)', thing, /an async generator function/))
    })
  }

  test('a bound async generator function is one', async () => {
    assert.deepEqual(await streamFn(same.bind(null)).run([1]), [1])
  })
})

describePlacements('what is no source', (place) => {
  for (const source of [undefined, null, 5, true, {}, () => {}, Symbol('x'), { next() {} }]) {
    test(`${String(typeof source === 'object' ? JSON.stringify(source) : String(source))}: refused by run, call and feed`, async () => {
      const fn = place(same)
      await assert.rejects(within(500, fn.run(source), 'run'), refuses('run(source)', source))
      assert.throws(() => fn(source), refuses('fn(source)', source))
      const stream = fn.open()
      assert.throws(() => stream.feed(source), refuses('feed(source)', source))
      await stream.close()
      assert.equal(fn.metrics.streamsOpen, 0)
    })
  }
})

describePlacements('arguments of calls', (place) => {
  test('signals, ids, headers, batches and timeouts are checked', async () => {
    const fn = place(same)
    for (const signal of [null, 1, {}, 'x']) {
      assert.throws(() => fn.open({ signal }), refuses('open(options).signal', signal))
      assert.throws(() => fn([], { signal }), refuses('fn(source, options).signal', signal))
      await assert.rejects(fn.run([], { signal }), refuses('run(source, options).signal', signal))
    }
    assert.throws(() => fn.open({ id: '' }), refuses('open(options).id', ''))
    assert.throws(() => fn.open({ id: 7 }), refuses('open(options).id', 7))
    for (const [id, message] of [
      ['half \ud800', /well-formed Unicode/],
      ['i'.repeat(65_537), /at most 65536 bytes in UTF-8, got 65537/],
      ['\u00fc'.repeat(32_769), /got 65538/],
    ])
      assert.throws(() => fn.open({ id }), { code: 'VELO_CONFIG', field: 'open(options).id', message })
    for (const id of ['i'.repeat(65_536), '\u00fc'.repeat(32_768)]) fn.open({ id }).abort()
    assert.throws(() => fn.open({ headers: 7 }), refuses('open(options).headers', 7))
    const stream = fn.open()
    for (const max of [0, -1, 1.5, '1', undefined]) await assert.rejects(stream.recvBatch(max), refuses('recvBatch(max)', max))
    for (const timeout of [-1, NaN, 'x', null]) await assert.rejects(stream.recv({ timeout }), refuses('recv(options).timeout', timeout))
    await assert.rejects(stream.sendBatch('abc'), refuses('sendBatch(events)', 'abc'))
    await assert.rejects(stream.send(1, { signal: 5 }), refuses('send(event, options).signal', 5))
    assert.equal(stream.metrics.eventsIn, 0)
    await stream.close()
  })
})

describe('arguments of the runtime', () => {
  test('runtime.configure and runtime.drain are checked', () => {
    for (const maxConcurrent of [-1, 1.5, '5', null]) {
      assert.throws(() => runtime.configure({ maxConcurrent }), refuses('runtime.configure(options).maxConcurrent', maxConcurrent))
    }
    assert.throws(() => runtime.configure({ threads: 1 }), refuses('runtime.configure(options).threads', 1))
    assert.throws(() => runtime.drain({ deadline: -1 }), refuses('runtime.drain(options).deadline', -1))
    assert.throws(() => runtime.drain({ timeout: 1 }), refuses('runtime.drain(options).timeout', 1))
  })
})

noUnhandledRejections('options')
