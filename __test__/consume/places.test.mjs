// What becomes of events for which there is no place at first.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { consume, streamFn } from 'velo-stream'
import { within } from '../support/within.mjs'
import { controlledSink, numbered } from './support.mjs'

const consumed = (fn, options) => within(10_000, consume(fn, options), 'consume')
const range = (count) => Array.from({ length: count }, (_, n) => n)

/** A source that puts an event aside after so many failures. */
const strict = (count, most) => {
  const failures = []
  return numbered(count, { failures, failed: async (event) => failures.push(event) >= most })
}

/** A function with one place. */
const narrowed = () =>
  streamFn(
    async function* narrow(events) {
      yield* events
    },
    { maxConcurrent: 1 },
  )

test('where there is no place for a while, no event is at fault: it is tried until there is', async () => {
  const narrow = narrowed()
  const other = narrow.open()
  const source = strict(5, 2)
  const sink = controlledSink()
  let refusals = 0
  const counting = streamFn(async function* counting(events) {
    for await (const event of events) {
      try {
        yield* await narrow.run([event])
      } catch (error) {
        // The place is free again after more refusals than an event may have.
        if (++refusals === 4) await other.close()
        throw error
      }
    }
  })
  assert.deepEqual(await consumed(counting, { source, sink }), { received: 5, acked: 5, results: 5, deadLettered: 0 })
  assert.deepEqual([refusals, source.failures, sink.accepted], [4, [], range(5)])
})

test('a function all of whose places are taken gets its events when one is free', async () => {
  const narrow = narrowed()
  const other = narrow.open()
  const source = strict(5, 1)
  const sink = controlledSink()
  const running = consumed(narrow, { source, sink })
  await source.turns(50)
  await other.close()
  assert.deepEqual(await running, { received: 5, acked: 5, results: 5, deadLettered: 0 })
  assert.deepEqual([source.failures, sink.accepted], [[], range(5)])
})

test('one that waits for a place is stopped at once, and with onError: stop it does not wait', async () => {
  const narrow = narrowed()
  const other = narrow.open()
  const source = strict(5, 1)
  const controller = new AbortController()
  const running = consumed(narrow, { source, signal: controller.signal })
  await source.turns(50)
  controller.abort()
  assert.deepEqual(await running, { received: 5, acked: 0, results: 0, deadLettered: 0 })
  await assert.rejects(consumed(narrow, { source: strict(5, 1), onError: 'stop' }), { code: 'VELO_OVERLOADED' })
  await other.close()
})
