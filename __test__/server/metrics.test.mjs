// `/metrics` is the text format of Prometheus: every line is read, and the numbers are those of what happened.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { runtime, streamFn } from 'velo-stream'
import { exposition } from '../../target/js/server/metrics.js'
import { average, ndjson, post, serving, twice, webSocket } from './service.mjs'

/** `{ families, samples }`; throws for a line that the format does not have, a family that comes twice, or a sample twice. */
function parsed(text) {
  assert.ok(text.endsWith('\n'))
  const families = new Map()
  const samples = new Map()
  let family
  for (const line of text.slice(0, -1).split('\n')) {
    const help = /^# HELP ([a-z_]+) (\S.*\.)$/.exec(line)
    const type = /^# TYPE ([a-z_]+) (gauge|counter|summary)$/.exec(line)
    const sample = /^([a-z_]+)(?:\{((?:[a-z]+="(?:[^"\\\n]|\\[\\"n])*",?)+)\})? (NaN|-?\d+(?:\.\d+)?(?:e[+-]?\d+)?)$/.exec(line)
    if (help) {
      assert.ok(!families.has(help[1]), line)
      family = help[1]
    } else if (type) {
      assert.equal(type[1], family)
      families.set(family, type[2])
    } else {
      assert.ok(sample, line)
      assert.ok(sample[1] === family || sample[1] === `${family}_count`, line)
      const id = `${sample[1]}{${sample[2] ?? ''}}`
      assert.ok(!samples.has(id), `twice: ${id}`)
      samples.set(id, Number(sample[3]))
    }
  }
  return { families, samples }
}

test('the numbers of functions, of the server and of the process', async () => {
  const counted = streamFn(average, { name: 'counted by "quotes" \\' })
  const { url, server } = await serving({ functions: { counted, twice, again: twice } })
  await post(`${url}/fn/counted`, ndjson([1, 2, 3]))
  await post(`${url}/fn/counted`, ndjson([1]))
  await post(`${url}/fn/nobody`, '')
  await post(`${url}/fn/twice|again`, '')
  await post(`${url}/fn/again|twice`, '')
  const socket = webSocket(`${url}/fn/twice`)
  await socket.opened()
  socket.send(1)
  await socket.count(1)
  const response = await fetch(`${url}/metrics`)
  assert.equal(response.headers.get('content-type'), 'text/plain; version=0.0.4; charset=utf-8')
  const { families, samples } = parsed(await response.text())
  const name = 'function="counted by \\"quotes\\" \\\\"'
  assert.equal(samples.get(`velo_streams_opened_total{${name}}`), 2)
  assert.equal(samples.get(`velo_streams_closed_total{${name},reason="done"}`), 2)
  assert.equal(samples.get(`velo_events_in_total{${name}}`), 4)
  assert.equal(samples.get(`velo_events_out_total{${name}}`), 4)
  assert.equal(samples.get('velo_streams_open{function="twice"}'), 1)
  assert.equal(samples.get('velo_server_streams{}'), 1)
  assert.equal(samples.get('velo_server_draining{}'), 0)
  assert.equal(samples.get('velo_server_requests_total{function="counted",status="200"}'), 2)
  assert.equal(samples.get('velo_server_requests_total{function="-",status="404"}'), 1)
  assert.equal(samples.get('velo_server_requests_total{function="|",status="200"}'), 2)
  assert.equal(samples.get('velo_server_requests_total{function="twice",status="101"}'), 1)
  assert.ok(samples.get('velo_server_connections{}') >= 2)
  assert.ok(samples.get('process_resident_memory_bytes{}') > 1e6)
  assert.ok(Math.abs(samples.get('process_start_time_seconds{}') - (Date.now() / 1000 - process.uptime())) < 5)
  assert.equal(families.get('velo_latency_seconds'), 'summary')
  socket.socket.close()
  await socket.closed()
  await server.close()
})

test('it can be left out', async () => {
  const { url } = await serving({ functions: { average }, metrics: false })
  assert.equal((await fetch(`${url}/metrics`)).status, 404)
})

test('functions of one name are one row: counts are added, quantiles are of the one with more samples', () => {
  const row = (n) => ({
    name: 'two\nlines',
    streamsOpen: n,
    streamsWaiting: 0,
    streamsDetached: 0,
    streamsOpened: n,
    streamsRefused: 0,
    closedBy: { done: n, closed: 0, idle: 0, aborted: 0, failed: 0 },
    eventsIn: 10 * n,
    eventsOut: 0,
    dropped: { events: n, results: 0 },
    overruns: 0,
    lateErrors: 0,
    latency: { p50: 1000 * n, p95: 2000 * n, p99: 3000 * n, samples: n },
    processing: { p50: Number.NaN, p95: Number.NaN, p99: Number.NaN, samples: 0 },
  })
  const server = { connections: 0, streams: 0, refused: { server: 0, client: 0 }, draining: false, requests: new Map() }
  const { samples } = parsed(exposition({ ...runtime.snapshot(), functions: [row(1), row(3), row(2)] }, server))
  assert.equal(samples.get('velo_streams_open{function="two\\nlines"}'), 6)
  assert.equal(samples.get('velo_events_in_total{function="two\\nlines"}'), 60)
  assert.equal(samples.get('velo_streams_closed_total{function="two\\nlines",reason="done"}'), 6)
  assert.equal(samples.get('velo_events_dropped_total{function="two\\nlines"}'), 6)
  assert.equal(samples.get('velo_latency_seconds{function="two\\nlines",quantile="0.5"}'), 0.003)
  assert.equal(samples.get('velo_latency_seconds_count{function="two\\nlines"}'), 3)
  assert.equal(samples.has('velo_processing_seconds_count{function="two\\nlines"}'), false)
})
