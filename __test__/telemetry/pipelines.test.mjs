// What `runtime.inspect` and the report of stuck functions say of pipelines over several threads: which stage works, wherever it runs, and that it is stuck.

import assert from 'node:assert/strict'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { readFileSync } from 'node:fs'
import { after, test } from 'node:test'
import { runtime } from 'velo-stream'
import { until } from '../support/deferred.mjs'
import { pipelineOf, pipelines } from '../support/mixed-pipelines.mjs'
import { within } from '../support/within.mjs'
import { Flag, flags, raise, raised } from '../workers/functions/flags.mjs'

const MS = 30_000
const CHANNEL = 'velo:stream:stuck'
const told = []
const listener = (message) => told.push(message)
subscribe(CHANNEL, listener)
runtime.configure({ workers: 3 })
after(() => {
  unsubscribe(CHANNEL, listener)
  runtime.configure({ stuckAfter: 10_000, workers: {} })
})

const HELD_AT = readFileSync(new URL('../workers/functions/holds.mjs', import.meta.url), 'utf8')
  .split('\n')
  .findIndex((line) => line.includes('await raised'))

// No more than are located at once.
const all = pipelines().filter(({ name, places }) => name === 'holds' && places.length <= 3)

/** Starts each pipeline with one event, calls `check` while one of its stages works, and lets it go on. */
async function whileWorking(start, check) {
  const rows = []
  const ends = []
  try {
    for (const [number, pipeline] of all.entries()) {
      const row = flags()
      rows.push(row)
      ends.push(start(pipelineOf(pipeline, { context: () => row, name: `pipeline ${number}`, idleTimeout: 0 })))
    }
    await within(MS, Promise.all(rows.map((row) => raised(row, Flag.Begun))), 'the work of each')
    await check(rows)
  } finally {
    for (const row of rows) raise(row, Flag.Go)
  }
  for (const end of ends) await within(MS, end(), 'an end')
}

const starts = {
  open(fn) {
    const stream = fn.open()
    const sent = stream.send(1)
    return async () => {
      await sent
      await stream.close()
    }
  },
  run(fn) {
    const results = fn.run([1])
    return async () => assert.deepEqual(await results, [1])
  },
}

for (const [use, start] of Object.entries(starts)) {
  test(`inspect names the stage that works, and an event when all of them wait (${use})`, () =>
    whileWorking(start, async (rows) => {
      const seen = () => runtime.inspect().filter((stream) => stream.function.startsWith('pipeline '))
      const wrong = (check) =>
        seen()
          .filter((stream) => !check(stream))
          .map((stream) => `${all[Number(stream.function.split(' ')[1])].what}: ${stream.waitingFor} at ${stream.stage}`)
      assert.equal(seen().length, all.length)
      // Which stage works may be unknown where several of them run on one thread.
      const works = ({ waitingFor, stage }) => waitingFor === 'user code' && (stage === 'holds' || stage === undefined)
      await until(MS, () => wrong(works).length === 0, 'all of them work').catch((error) =>
        assert.fail(`${error.message}: ${wrong(works)}`),
      )
      if (use === 'run') return
      for (const row of rows) raise(row, Flag.Go)
      const waits = ({ waitingFor }) => waitingFor === 'event'
      await until(MS, () => wrong(waits).length === 0, 'all of them wait')
    }))

  test(`a stage that hangs is reported as stuck, with the place where it stands (${use})`, () => {
    told.length = 0
    runtime.configure({ stuckAfter: 100 })
    return whileWorking(start, async () => {
      const known = () => new Set(told.map((message) => message.function))
      await until(MS, () => known().size === all.length, 'the reports')
      for (const message of told) {
        const { what, places, working } = all[Number(message.function.split(' ')[1])]
        if (message.stage !== undefined) assert.equal(message.stage, 'holds', what)
        // Of several stages on one worker thread, the last one is looked at.
        if (places[working] === 'local' || places[working + 1] !== 'worker')
          assert.match(message.at?.[0] ?? '', new RegExp(`holds\\.mjs:${HELD_AT + 1}:`), `${what}: ${JSON.stringify(message)}`)
      }
    })
  })
}
