// The main thread stays responsive while its worker threads compute. A process of its own.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { output } from '../support/child.mjs'
import { prelude } from './functions/prelude.mjs'

const RESOLUTION = 5
const SECONDS = 4
/** Other programs on the machine only add to a delay: the best of so many measurements counts. */
const TRIES = 3

describe('the event loop of the main thread', () => {
  test('p99 of its delay is under 20 ms while two workers compute at full load', { timeout: 120_000 }, async () => {
    let best = Number.POSITIVE_INFINITY
    for (let i = 0; i < TRIES && best >= 20; i++) best = Math.min(best, await measure())
    assert.ok(best < 20, `${best} ms`)
  })
})

/** p99 of the delay, ms. */
async function measure() {
  const printed = await output(
    `import { monitorEventLoopDelay } from 'node:perf_hooks'
      ${prelude}
      runtime.configure({ workers: 2 })
      await runtime.warm()
      const order = { do: 'compute', ms: 1 }
      const fn = obey({ buffer: 64 })
      const streams = Array.from({ length: 8 }, () => fn.open())
      for (const stream of streams) await ask(stream, order)
      const before = runtime.snapshot().eventsOut
      runtime.snapshot()
      const began = performance.now()
      const histogram = monitorEventLoopDelay({ resolution: ${RESOLUTION} })
      histogram.enable()
      let busy = []
      await Promise.all(streams.map(async (stream) => {
        const sending = (async () => { while (performance.now() - began < ${SECONDS * 1000}) await stream.send(order).then(() => turns(1)); stream.end() })()
        for await (const _ of stream) if (performance.now() - began < ${SECONDS * 900}) busy = runtime.snapshot().workers.map((worker) => worker.busy)
        await sending
      }))
      histogram.disable()
      const ms = (name) => name / 1e6 - ${RESOLUTION}
      console.log(JSON.stringify({
        p50: ms(histogram.percentile(50)), p99: ms(histogram.percentile(99)), max: ms(histogram.max), samples: histogram.count, busy,
        threads: new Set(streams.map((stream) => stream.metrics.thread)).size, events: runtime.snapshot().eventsOut - before,
      }))`,
    { ms: 40_000 },
  )
  const { p99, samples, busy, threads, events } = JSON.parse(printed)
  assert.equal(threads, 2)
  assert.ok(samples > 100, `${samples} samples`)
  assert.ok(
    busy.every((part) => part > 0.8),
    `the workers were at ${busy}`,
  )
  assert.ok(events > SECONDS * 100, `${events} events`)
  return p99
}
