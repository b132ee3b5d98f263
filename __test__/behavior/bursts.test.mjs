// Thousands of timers that are due at once: none waits for another try of the one before it. No time is measured: the thread is busy until all are
// due, and then all of them must be there in the same turn.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { streamFn } from 'velo-stream'
import { turns, until } from '../support/deferred.mjs'
import { noUnhandledRejections } from '../support/unhandled.mjs'
import { within } from '../support/within.mjs'

const MANY = 3_000
const DUE = 50

async function* same(events) {
  for await (const event of events) yield event
}

function busy(ms) {
  const end = performance.now() + ms
  while (performance.now() < end);
}

/** Runs `start(many, settled)`, whose timers are due meanwhile; answers how many had settled a few turns after the first one. */
async function settledAtOnce(start) {
  let count = 0
  const all = Promise.all(start(() => count++))
  busy(DUE + 500)
  await until(10_000, () => count > 0, 'the first one')
  await turns(2)
  const atOnce = count
  await within(20_000, all, 'the last one')
  return atOnce
}

test('rule 13: reads whose timeouts are due at once all get them at once', async () => {
  const fn = streamFn(same, { idleTimeout: 0, maxConcurrent: MANY })
  const streams = Array.from({ length: MANY }, () => fn.open())
  const atOnce = await settledAtOnce((settled) => streams.map((stream) => stream.recv({ timeout: DUE }).catch(settled)))
  assert.equal(atOnce, MANY)
  await within(10_000, Promise.all(streams.map((stream) => stream.close())), 'close')
})

test('rule 14: streams whose maxDuration is due at once are all aborted at once', async () => {
  const fn = streamFn(same, { idleTimeout: 0, maxDuration: DUE, maxConcurrent: MANY })
  const atOnce = await settledAtOnce((settled) => Array.from({ length: MANY }, () => fn.open().closed.then(settled)))
  assert.equal(atOnce, MANY)
  assert.equal(fn.metrics.closedBy.aborted, MANY)
})

test('rule 13: streams that fall idle at once all say their summaries, each once', async () => {
  const fn = streamFn(
    async function* (events) {
      for await (const _ of events);
      yield 'summary'
    },
    { idleTimeout: DUE, maxConcurrent: MANY },
  )
  let summaries = 0
  const reads = (settled) =>
    Array.from({ length: MANY }, () =>
      fn
        .open()
        .recv()
        .then((result) => settled((summaries += result === 'summary'))),
    )
  await settledAtOnce(reads)
  assert.equal(summaries, MANY)
})

noUnhandledRejections('bursts')
