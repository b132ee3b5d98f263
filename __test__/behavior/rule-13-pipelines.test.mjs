// Rule 13 in pipelines over several threads: no stage that works is idle time, wherever it runs, and the clock starts when the last of them asks for its next event.

import assert from 'node:assert/strict'
import { after, describe, test } from 'node:test'
import { runtime } from 'velo-stream'
import { virtualClock } from 'velo-stream/testing'
import { assertDue, watch } from '../support/clock.mjs'
import { never, until } from '../support/deferred.mjs'
import { afterIdle } from '../support/idle.mjs'
import { pipelineOf, pipelines } from '../support/mixed-pipelines.mjs'
import { noUnhandledRejections } from '../support/unhandled.mjs'
import { within } from '../support/within.mjs'
import { Flag, flags, raise, raised } from '../workers/functions/flags.mjs'

const MS = 30_000
const IDLE = 200
runtime.configure({ workers: 3 })
after(() => runtime.configure({ workers: {} }))

/** One event, and then silence. */
function source() {
  let given = false
  const silent = {
    [Symbol.asyncIterator]: () => silent,
    next: () => (given ? never() : Promise.resolve({ value: 1, done: !(given = true) })),
    return: async () => ({ value: undefined, done: true }),
  }
  return silent
}

async function read(results) {
  try {
    for await (const _ of results);
  } catch (error) {
    assert.equal(error.code, 'VELO_IDLE')
  }
}

/** How a pipeline is used; settles when it has ended, which only its idle timeout can do. */
const uses = {
  async open(fn) {
    const stream = fn.open()
    await stream.send(1)
    await read(stream)
    assert.equal((await stream.closed).reason, 'idle')
  },
  feed: (fn) => read(fn.open().feed(source())),
  run: (fn) => assert.rejects(fn.run(source()), { code: 'VELO_IDLE' }),
  call: (fn) => read(fn(source())),
}

describe('pipelines over several threads', () => {
  for (const [use, start] of Object.entries(uses))
    test(`rule 13: no stage that works is idle, and the clock starts when it asks for its next event (${use})`, async () => {
      const rows = []
      const streams = pipelines().map((pipeline) => {
        const row = flags()
        rows.push(row)
        const stream = { what: pipeline.what, row, ended: false, passed: () => 0 }
        stream.end = start(pipelineOf(pipeline, { context: () => row, idleTimeout: IDLE })).then(() => {
          stream.ended = true
          assertDue(stream.passed(), IDLE, `idleness of ${stream.what}`)
        })
        stream.end.catch(() => {})
        return stream
      })
      try {
        await within(MS, Promise.all(rows.map((row) => raised(row, Flag.Begun))), 'the work of each')
        await afterIdle(4 * IDLE)
        assert.deepEqual(
          streams.filter(({ ended }) => ended).map(({ what }) => what),
          [],
        )
        for (const stream of streams) {
          stream.passed = watch()
          raise(stream.row, Flag.Go)
        }
        for (const { end, what } of streams) await within(MS, end, `the end of ${what}`)
      } finally {
        for (const row of rows) raise(row, Flag.Go)
      }
    })
})

describe('pipelines over several threads with a clock of their own', () => {
  test('rule 13: it is never early', async () => {
    const clock = virtualClock()
    for (const pipeline of pipelines().filter(({ places }) => places.length === 2)) {
      const row = flags()
      const stream = pipelineOf(pipeline, { context: () => row, idleTimeout: IDLE, clock }).open()
      try {
        await stream.send(1)
        await within(MS, raised(row, Flag.Begun), 'its work')
        for (let passed = 0; passed < 4 * IDLE; passed += IDLE / 4) await clock.advance(IDLE / 4)
        assert.equal(stream.state, 'open', pipeline.what)
        // What travels between the threads takes real time, which this clock does not know: it stands still until the pipeline waits for an event, and counts from there.
        const isWorking = () => runtime.inspect().some(({ id, waitingFor }) => id === stream.id && waitingFor !== 'event')
        const released = clock.now()
        let waitsSince = released
        raise(row, Flag.Go)
        do {
          if (isWorking()) {
            await until(MS, () => !isWorking(), `${pipeline.what} waits for an event`)
            waitsSince = clock.now()
          }
          await clock.advance(IDLE / 4)
        } while (stream.state === 'open')
        const [work, wait] = [clock.now() - released, clock.now() - waitsSince]
        assert.ok(work >= IDLE && wait <= 3 * IDLE, `${pipeline.what}: ${work} ms after its work, ${wait} ms after it began to wait`)
        await read(stream)
        assert.equal((await stream.closed).reason, 'idle')
      } finally {
        raise(row, Flag.Go)
      }
    }
  })
})

noUnhandledRejections('rule 13 in pipelines')
