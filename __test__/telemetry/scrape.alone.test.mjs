// What a scrape costs where 10 000 streams are open.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { streamFn } from 'velo-stream'
import { metricsText } from 'velo-stream/telemetry'
import { median } from '../../bench/node/harness.mjs'
import { until } from '../support/deferred.mjs'
import { parsed } from '../support/exposition.mjs'

async function* copy(events) {
  for await (const event of events) yield event
}

test('a scrape with 10 000 open streams takes less than 1 ms', async () => {
  const fn = streamFn(copy, { name: 'crowd', maxConcurrent: 10_000 })
  const streams = Array.from({ length: 10_000 }, () => fn.open())
  for (const stream of streams) await stream.send(1)
  await until(5000, () => fn.metrics.eventsOut === 10_000, 'the results')
  const { samples } = parsed(metricsText())
  assert.equal(samples.get('velo_streams_open{function="crowd",placement="local"}'), 10_000)
  assert.equal(samples.get('velo_results_buffered{function="crowd",placement="local"}'), 10_000)
  const times = []
  for (let round = 0; round < 200; round++) {
    const start = performance.now()
    metricsText()
    times.push(performance.now() - start)
  }
  assert.ok(median(times) < 1, `${median(times)} ms`)
  await Promise.all(streams.map((stream) => stream.close()))
})
