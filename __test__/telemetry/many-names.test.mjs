// Functions without end: a scrape stays small and quick whatever their number, those that have their own samples keep them when they are collected, and nothing is lost.

import '../support/shared-native.mjs'
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { streamFn } from 'velo-stream'
import { metricsText } from 'velo-stream/telemetry'
import { parsed } from '../support/exposition.mjs'
import { native } from '../support/native.mjs'

const COUNT = 20_000

async function* copy(events) {
  for await (const event of events) yield event
}

/** `velo_events_in_total` by name. */
const counted = () =>
  new Map(
    [...parsed(metricsText()).samples]
      .filter(([id]) => id.startsWith('velo_events_in_total{'))
      .map(([id, value]) => [/function="([^"]*)"/.exec(id)[1], value]),
  )
const sum = (counts) => [...counts.values()].reduce((all, one) => all + one, 0)

test('what crosses is bounded, what was told apart stays so, and the sums are right', async () => {
  const kept = []
  for (let ordinal = 0; ordinal < COUNT; ordinal++) {
    const fn = streamFn(copy, { name: `many ${ordinal}` })
    kept.push(fn)
    await fn.run([1])
  }
  const { measures } = native
  let crossed = 0
  native.measures = (...asked) => {
    const answer = measures(...asked)
    crossed = answer.functions.length
    return answer
  }
  const before = counted()
  native.measures = measures
  assert.ok(crossed <= 102, `${crossed} functions crossed the border`)
  assert.equal(before.size, 101)
  assert.equal(before.get('other'), COUNT - 100)
  kept.length = 0
  for (let round = 0; round < 5; round++) {
    globalThis.gc()
    await turn()
  }
  for (let ordinal = 0; ordinal < 300; ordinal++) await streamFn(copy, { name: `later ${ordinal}` }).run([1])
  const after = counted()
  assert.deepEqual([...after.keys()].sort(), [...before.keys()].sort())
  for (const [name, count] of after) assert.equal(count, name === 'other' ? before.get('other') + 300 : before.get(name), name)
  assert.equal(sum(after), COUNT + 300)
})
