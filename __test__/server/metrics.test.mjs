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
  const { url, server } = await serving({ functions: { counted, twice, again: twice }, pipelines: true })
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

test('functions of one name are one row, added up by the runtime, and its name may be anything', async () => {
  const name = 'two\nlines'
  const copies = Array.from({ length: 3 }, () => streamFn(copy, { name }))
  for (const [index, fn] of copies.entries()) await fn.run(Array.from({ length: 10 * (index + 1) }, (_, i) => i))
  const stream = copies[0].open()
  const server = { connections: 0, streams: 0, refused: { server: 0, client: 0 }, draining: false, requests: new Map() }
  const { samples } = parsed(exposition(runtime.snapshot(), server))
  assert.equal(samples.get('velo_streams_open{function="two\\nlines"}'), 1)
  assert.equal(samples.get('velo_events_in_total{function="two\\nlines"}'), 60)
  assert.equal(samples.get('velo_streams_closed_total{function="two\\nlines",reason="done"}'), 3)
  assert.equal(samples.get('velo_latency_seconds_count{function="two\\nlines"}'), 3)
  await stream.close()
  const neverTimed = streamFn(copy, { name: 'never timed' })
  await neverTimed.open().close()
  const after = parsed(exposition(runtime.snapshot(), server)).samples
  assert.equal(after.has('velo_processing_seconds_count{function="never timed"}'), false)
})

async function* copy(events) {
  yield* events
}

test('the numbers of journals', () => {
  const commitLatency = { p50: 1000, p95: 2000, p99: 4000, samples: 9 }
  const counts = {
    streams: 1,
    bytes: 2,
    fileBytes: 3,
    events: 4,
    commits: 5,
    syncs: 6,
    writtenBytes: 7,
    queuedBytes: 8,
    replays: 9,
    replayedEvents: 10,
    refused: 11,
  }
  const unused = { path: '/b', ...counts, commitLatency: { p50: Number.NaN, p95: Number.NaN, p99: Number.NaN, samples: 0 } }
  const server = { connections: 0, streams: 0, refused: { server: 0, client: 0 }, draining: false, requests: new Map() }
  const snapshot = { ...runtime.snapshot(), journals: [{ path: '/a "b"', ...counts, commitLatency }, unused] }
  const { families, samples } = parsed(exposition(snapshot, server))
  const label = 'journal="/a \\"b\\""'
  const seen = [...families.keys()].filter((name) => name.startsWith('velo_journal_') && !name.endsWith('seconds'))
  assert.deepEqual(
    seen.map((name) => samples.get(`${name}{${label}}`)).sort((a, b) => a - b),
    Object.values(counts),
  )
  assert.equal(families.get('velo_journal_syncs_total'), 'counter')
  assert.equal(samples.get(`velo_journal_commit_seconds{${label},quantile="0.99"}`), 0.004)
  assert.equal(samples.get('velo_journal_commit_seconds{journal="/b",quantile="0.5"}'), undefined)
})
