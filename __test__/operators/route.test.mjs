// route: which function gets an event, and what becomes of those that none wants.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { streamFn } from 'velo-stream'
import { route } from 'velo-stream/operators'
import { collect } from 'velo-stream/testing'
import { asyncSource } from '../support/counted.mjs'
import { deferred, outcome, turns } from '../support/deferred.mjs'
import { noUnhandledRejections } from '../support/unhandled.mjs'
import { within } from '../support/within.mjs'
import { handSource, upTo } from './support/hand.mjs'

const MS = 10_000

async function* counts(events) {
  let count = 0
  for await (const _ of events) yield ++count
}
async function* passes(events) {
  for await (const event of events) yield event
}
/** Takes one event, and is busy with it until the stream ends. */
async function* stuck(events, { signal }) {
  for await (const _ of events) await new Promise((resolve) => signal.addEventListener('abort', resolve))
}

const valuesOf = (results, name) => results.filter((result) => result.route === name).map(({ value }) => value)

test('each route sees its events in order, and none is lost', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.record({ to: fc.constantFrom('a', 'b', 'c'), n: fc.nat() }), { maxLength: 60 }),
      fc.integer({ min: 1, max: 5 }),
      async (events, buffer) => {
        const operator = route('to', { a: passes, b: streamFn(passes), c: counts }, { buffer })
        const results = await operator.run(events)
        for (const name of ['a', 'b'])
          assert.deepEqual(
            valuesOf(results, name),
            events.filter(({ to }) => to === name),
          )
        assert.deepEqual(
          valuesOf(results, 'c'),
          upTo(events.filter(({ to }) => to === 'c').length).map((n) => n + 1),
        )
      },
    ),
    { numRuns: 50 },
  )
})

describe('events that no route is named for', () => {
  const routes = { even: passes, odd: counts }
  const selector = (event) => (event === 99 ? 'toString' : event % 2 === 0 ? 'even' : 'odd')

  test("'fail', the default: VELO_EVENT that names the routes", async () => {
    const { error } = await outcome(route(selector, routes).run([2, 99]))
    assert.equal(error.code, 'VELO_EVENT')
    assert.match(error.message, /expected one of even, odd, got toString \(string\)/)
  })

  test("'drop': counted", async () => {
    const operator = route(selector, routes, { otherwise: 'drop' })
    assert.deepEqual(await operator.run([2, 99, 3]), [
      { route: 'even', value: 2 },
      { route: 'odd', value: 1 },
    ])
    assert.equal(operator.metrics.unrouted, 1)
    assert.deepEqual(operator.metrics.routed, { even: 1, odd: 1 })
  })

  test('a route of their own', async () => {
    const operator = route(selector, routes, { otherwise: { route: 'even' } })
    assert.deepEqual(valuesOf(await operator.run([2, 99, 3]), 'even'), [2, 99])
  })
})

test('a slow route stops the others only when its buffer is full', async () => {
  const gate = deferred()
  const slow = async function* (events) {
    for await (const event of events) {
      await gate.promise
      yield event.n
    }
  }
  const source = asyncSource([...upTo(3), ...upTo(20)].map((n, i) => ({ to: i < 3 ? 'slow' : 'fast', n })))
  const results = route('to', { slow, fast: passes }, { buffer: 2 })(source)
  for (let n = 0; n < 20; n++) assert.deepEqual((await within(MS, results.next(), 'a fast result')).value.value.n, n)
  gate.resolve()
  assert.deepEqual(valuesOf(await within(MS, collect(results), 'the slow route'), 'slow'), [0, 1, 2])
})

test('a route holds the source back with `buffer` events that wait', async () => {
  const source = asyncSource(upTo(50))
  const stream = route(() => 'one', { one: stuck }, { buffer: 3 })(source)
  void outcome(stream.next())
  await turns(10)
  assert.equal(source.pulls, 1 + 3 + 1)
  await within(MS, stream.return(), 'return()')
})

test('a function that returns early takes no more; once all have, the stream ends and the source is returned', async () => {
  const first = async function* (events) {
    for await (const event of events) return yield event
  }
  const source = handSource()
  const operator = route((event) => (event < 10 ? 'low' : 'high'), { low: first, high: first })
  const results = collect(operator(source))
  source.push(1)
  await turns()
  source.push(2)
  await turns()
  source.push(11)
  assert.deepEqual(await within(MS, results, 'the end'), [
    { route: 'low', value: 1 },
    { route: 'high', value: 11 },
  ])
  assert.equal(operator.metrics.unrouted, 1)
  assert.equal(source.returns, 1)
})

test('an error is the very same object, and the other routes get return()', async () => {
  const error = new Error('mine')
  let finished = false
  const patient = async function* (events) {
    try {
      yield* passes(events)
    } finally {
      finished = true
    }
  }
  const failing = async function* (events) {
    for await (const _ of events) throw error
  }
  const inner = streamFn(patient)
  const operator = route((event) => event, { a: patient, b: inner, c: failing })
  const source = handSource()
  const results = operator(source)
  source.push('a', 'b')
  await results.next()
  await results.next()
  source.push('c')
  assert.equal((await within(MS, outcome(results.next()), 'the error')).error, error)
  assert.ok(finished)
  assert.equal(inner.metrics.streamsOpen, 0)
  assert.equal(source.returns, 1)
})

test('bad arguments are refused by name', () => {
  assert.throws(() => route('to', {}), { code: 'VELO_CONFIG', field: 'route(routes)' })
  assert.throws(() => route('to', { a: 1 }), { code: 'VELO_CONFIG', field: 'route(routes).a' })
  assert.throws(() => route(null, { a: passes }), { code: 'VELO_CONFIG', field: 'route(selector)' })
  assert.throws(() => route('to', { a: passes }, { otherwise: { route: 'b' } }), { code: 'VELO_CONFIG', field: 'route(options).otherwise' })
  assert.throws(() => route('to', { a: passes }, { buffer: 0 }), { code: 'VELO_CONFIG', field: 'route(options).buffer' })
  assert.throws(() => route('to', { a: passes }, { limit: 0 }), { code: 'VELO_CONFIG', field: 'route(options).limit' })
})

noUnhandledRejections('route')
