// The matrix of placements: a test written once against a `place` runs with its functions on the test's thread and on worker threads.
//
//   describePlacements('sends', (place) => {
//     test('...', async () => {
//       const gate = place.gate()
//       const fn = place(async function* (events) { await gate.promise; yield* pass(events) }, { buffer: 2 }, { gate, pass })
//
// On a worker the text of the generator becomes a module. So everything it takes from its test is named in the third argument: values (copied),
// functions (their text), gates, probes and callbacks (the same on both threads). VELO_TEST_PLACEMENTS=local,worker chooses placements.

import assert from 'node:assert/strict'
import { after, before, describe } from 'node:test'
import { runtime, streamFn } from 'velo-stream'
import { closeBridge, ping } from './bridge.mjs'
import { turns } from './deferred.mjs'
import { callback, gate, probe } from './gates.mjs'
import { self, writeModule } from './placed-module.mjs'
import { within } from './within.mjs'

/** More than one, so that the stages of a pipeline run on different ones. */
const WORKERS = 2
/** How long a test waits for what comes from a worker, ms. */
const SOON = 2_000

async function* pass(events) {
  for await (const event of events) yield event
}

const local = Object.assign((fn, options) => streamFn(fn, options), {
  placement: 'local',
  worker: false,
  settled: turns,
  async soon(check, count = 4) {
    await turns(count)
    await check()
  },
  same: (actual, expected) => assert.equal(actual, expected),
})

const worker = Object.assign(
  (fn, options, captures = {}) =>
    streamFn(writeModule(fn, options, captures), { name: fn.name || 'stream', ...options, placement: 'worker' }),
  {
    placement: 'worker',
    worker: true,
    async settled(count = 4) {
      for (let i = 0; i < count; i++) {
        await turns(1)
        await ping()
      }
    },
    async soon(check) {
      const deadline = Date.now() + SOON
      for (;;) {
        await worker.settled(1)
        try {
          return await check()
        } catch (error) {
          if (Date.now() > deadline) throw error
        }
      }
    },
    same(actual, expected) {
      assert.deepEqual(actual, expected)
      if (typeof expected !== 'object' || expected === null) return
      assert.notEqual(actual, expected, 'it is a copy')
      if (expected instanceof Error) assert.equal(actual.stack, expected.stack)
    },
  },
)

/**
 * What both placements offer beside `place(fn, options, captures)`, which makes a stream function:
 *
 * - `placement`, and `worker`: whether it is that one
 * - `gate()`, `probe()`, `callback(fn)`, `self`: what may stand among the captures, see gates.mjs and placed-module.mjs
 * - `settled(count)`: whatever was under way has had its turns, on all threads
 * - `isPending(promise)`: it has not settled when whatever was under way has had its turns
 * - `soon(check, count)`: `check()` passes: after `count` turns here, and as soon as it can on a worker
 * - `same(actual, expected)`: what comes out of the function is the very object that went in here, and a faithful copy on a worker
 */
const shared = {
  gate,
  probe,
  callback,
  self,
  async isPending(promise, count = 4) {
    let pending = true
    const settle = () => {
      pending = false
    }
    promise.then(settle, settle)
    await this.settled(count)
    return pending
  },
}

const chosen = (process.env.VELO_TEST_PLACEMENTS ?? 'local,worker').split(',')
const places = [local, worker].filter(({ placement }) => chosen.includes(placement)).map((place) => Object.assign(place, shared))
assert.ok(places.length > 0, 'VELO_TEST_PLACEMENTS names a placement')

let warmed

/** Workers run, and each has said hello: from then on `settled` reaches all of them. */
async function warm() {
  runtime.configure({ workers: WORKERS })
  await runtime.warm()
  const echo = worker(pass, { name: 'warm-up' })
  const streams = Array.from({ length: WORKERS }, () => echo.open())
  for (const stream of streams) await stream.send(1)
  for (const stream of streams) await stream.recv()
  await Promise.all(streams.map((stream) => stream.close()))
}

/** Runs the same tests on every placement: `body(place)` registers them. */
export function describePlacements(name, body) {
  for (const place of places) {
    describe(`${name} (${place.placement})`, () => {
      if (place.worker) before(() => within(10_000, (warmed ??= warm()), 'the first worker streams'))
      body(place)
    })
  }
}

after(closeBridge)
