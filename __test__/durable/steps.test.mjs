// Rule 30 and `ctx.run`: which steps are refused, what `key` does, and what becomes of stored outcomes that nothing calls for.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { streamFn } from 'velo-stream'
import { durable } from 'velo-stream/durable'
import { noUnhandledRejections } from '../support/unhandled.mjs'
import { within } from '../support/within.mjs'
import { MemoryJournal, newShelf } from './support/memory-journal.mjs'
import * as functions from './support/step-functions.mjs'

const MODULE = new URL('./support/step-functions.mjs', import.meta.url)
const LONG = 30_000
const over = (shelf, options) => durable(new MemoryJournal({ shelf }), options)

for (const placement of ['local', 'worker'])
  for (const isDurable of [true, false])
    describe(`steps (${placement}, ${isDurable ? 'durable' : 'without a journal'})`, () => {
      const make = (name) => {
        const options = isDurable ? { durable: over(newShelf()) } : {}
        return placement === 'local'
          ? streamFn(functions[name], { name, ...options })
          : streamFn(MODULE, { name, placement, export: name, ...options })
      }

      test('one inside another is refused with the names of both; one after it is not', async () => {
        const [[nested, later]] = await within(LONG, make('nesting').run(['x']))
        assert.match(nested, /^VELO_CONFIG .*ctx\.run\('helper'\).*step 'outer'/)
        assert.equal(later, 'x')
      })

      test('a lone step behind other work, and steps with a key, are never refused', async () => {
        const results = await within(LONG, make('unordered').run([[undefined], ['a', 'b', 'c']]))
        assert.deepEqual(results, [
          ['late', 'other'],
          ['a', 'b', 'c', 'other'],
        ])
      })

      if (isDurable)
        test('two of one name whose order nothing fixes are refused, and the message asks for a key', async () => {
          const [ended] = await within(LONG, make('unordered').run([[undefined, undefined]]))
          assert.equal(ended.filter((one) => /^VELO_CHECKPOINT .*'late'.*\{ key \}/.test(one)).length, 1)
        })
    })

test('a key that is no text is refused', async () => {
  const fn = streamFn(async function* (events, ctx) {
    for await (const key of events) yield await ctx.run('a', () => 1, { key }).catch(({ code, field }) => `${code} ${field}`)
  })
  assert.deepEqual(await fn.run(['', 7, 'k']), [
    'VELO_CONFIG ctx.run(name, fn, options).key',
    'VELO_CONFIG ctx.run(name, fn, options).key',
    1,
  ])
})

test('rule 30: a step with a key keeps its outcome whatever the order of the calls is', async () => {
  const shelf = newShelf()
  let calls = 0
  const asking = (keys) =>
    async function* asking(events, ctx) {
      for await (const _ of events)
        yield Object.fromEntries(await Promise.all(keys.map(async (key) => [key, await ctx.run('a', () => `${key}${++calls}`, { key })])))
    }
  const first = streamFn(asking(['x', 'y', 'y']), { durable: over(shelf) }).open({ id: 'a' })
  await first.send(1)
  const given = await within(LONG, first.recv())
  await first.close()
  const second = streamFn(asking(['y', 'y', 'x']), { durable: over(shelf) }).open({ id: 'a' })
  assert.deepEqual(await within(LONG, second.recv()), given)
  assert.equal(calls, 3)
  await second.close()
})

/** A stream that has stored the outcome of a step before its second event. */
async function withStep(shelf) {
  const stream = streamFn(
    async function* changed(events, ctx) {
      for await (const event of events) yield event === 1 ? await ctx.run('gone', () => event) : event
    },
    { durable: over(shelf) },
  ).open({ id: 'a' })
  for (const event of [1, 2]) {
    await stream.send(event)
    assert.equal(await within(LONG, stream.recv()), event)
  }
  await stream.close()
}

const without = (options) =>
  streamFn(
    async function* changed(events, _ctx) {
      for await (const event of events) yield event
    },
    { closeTimeout: 200, ...options },
  ).open({ id: 'a' })

test('rule 30: a stored outcome whose step is not called any more ends in VELO_CHECKPOINT, and the stream is kept', async () => {
  const shelf = newShelf()
  await withStep(shelf)
  const stream = without({ durable: over(shelf) })
  const end = await within(LONG, stream.closed)
  assert.equal(end.reason, 'failed')
  assert.equal(end.error.code, 'VELO_CHECKPOINT')
  assert.match(end.error.message, /ctx\.run\('gone'\)/)
  assert.equal(shelf.streams.size, 1)
})

test("with onDivergence 'warn' it is skipped", async () => {
  const shelf = newShelf()
  await withStep(shelf)
  const warned = new Promise((resolve) => process.once('warning', resolve))
  const stream = without({ durable: over(shelf, { onDivergence: 'warn' }) })
  assert.match((await within(LONG, warned)).message, /ctx\.run\('gone'\)/)
  await stream.send(3)
  const results = []
  while (results.at(-1) !== 3) results.push(await within(LONG, stream.recv()))
  await stream.close()
})

test('the async context of the caller holds behind every yield, event and step', async () => {
  const { AsyncLocalStorage } = await import('node:async_hooks')
  const als = new AsyncLocalStorage()
  const fn = streamFn(
    async function* seen(events, ctx) {
      for await (const event of events) {
        const held = [als.getStore()]
        const step = ctx.run('a', () => als.getStore())
        yield [...held, event]
        held.push(als.getStore(), await step, als.getStore())
        yield held
      }
    },
    { durable: over(newShelf()) },
  )
  const results = await als.run('mine', () => within(LONG, fn.run([1, 2])))
  assert.deepEqual(results, [
    ['mine', 1],
    ['mine', 'mine', 'mine', 'mine'],
    ['mine', 2],
    ['mine', 'mine', 'mine', 'mine'],
  ])
})

noUnhandledRejections('rule 30')
