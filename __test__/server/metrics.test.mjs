// `/metrics` is the text format of Prometheus: every line is read, and the numbers are those of what happened.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { request } from 'node:http'
import { test } from 'node:test'
import { streamFn } from 'velo-stream'
import { parsed } from '../support/exposition.mjs'
import { within } from '../support/within.mjs'
import { average, ndjson, post, serving, twice, webSocket } from './service.mjs'

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
  const name = 'function="counted by \\"quotes\\" \\\\",placement="local"'
  assert.equal(samples.get(`velo_streams_opened_total{${name}}`), 2)
  assert.equal(samples.get(`velo_streams_closed_total{${name},reason="done"}`), 2)
  assert.equal(samples.get(`velo_events_in_total{${name}}`), 4)
  assert.equal(samples.get(`velo_events_out_total{${name}}`), 4)
  assert.equal(samples.get('velo_streams_open{function="twice",placement="local"}'), 1)
  assert.equal(samples.get('velo_server_streams{}'), 1)
  assert.equal(samples.get('velo_server_draining{}'), 0)
  assert.equal(samples.get('velo_server_requests_total{function="counted",status="200"}'), 2)
  assert.equal(samples.get('velo_server_requests_total{function="-",status="404"}'), 1)
  assert.equal(samples.get('velo_server_requests_total{function="|",status="200"}'), 2)
  assert.equal(samples.get('velo_server_requests_total{function="twice",status="101"}'), 1)
  assert.ok(samples.get('velo_server_connections{}') >= 2)
  assert.ok(samples.get('process_resident_memory_bytes{}') > 1e6)
  assert.ok(Math.abs(samples.get('process_start_time_seconds{}') - (Date.now() / 1000 - process.uptime())) < 5)
  assert.equal(families.get('velo_latency_seconds'), 'histogram')
  socket.socket.close()
  await socket.closed()
  await server.close()
})

test('it can be left out', async () => {
  const { url } = await serving({ functions: { average }, metrics: false })
  assert.equal((await fetch(`${url}/metrics`)).status, 404)
})

test('it answers to those alone whom its authorize lets in, by a name of the server', async () => {
  const failed = []
  const authorize = ({ headers: { authorization } }) => {
    if (authorization === 'broken') throw new Error('no directory')
    return authorization === 'Bearer scraper' || (authorization === 'truthy' ? 'yes' : false)
  }
  const { url } = await serving({
    functions: { average },
    metrics: { authorize },
    authorize: () => null,
    onError: ({ message }) => failed.push(message),
  })
  const statusOf = async (authorization, more) => {
    // fetch() sends no other Host.
    const req = request(`${url}/metrics`, { headers: { ...(authorization && { authorization }), ...more } }).end()
    const [res] = await within(20_000, once(req, 'response'), 'the response')
    res.resume()
    return res.statusCode
  }
  assert.equal(await statusOf('Bearer scraper'), 200)
  assert.equal(await statusOf('Bearer scraper', { host: 'evil.example' }), 403)
  assert.equal(await statusOf(undefined), 401)
  for (const wrong of ['Bearer other', 'truthy']) assert.equal(await statusOf(wrong), 403)
  assert.equal(await statusOf('broken'), 500)
  assert.deepEqual(failed, ['no directory'])
  await assert.rejects(serving({ functions: { average }, metrics: { authorise: authorize } }), {
    code: 'VELO_CONFIG',
    message: /authorize/,
  })
  await assert.rejects(serving({ functions: { average }, metrics: { authorize: 7 } }), {
    code: 'VELO_CONFIG',
    field: 'createServer(options).metrics.authorize',
  })
})

test('a scraper that asks for OpenMetrics gets it', async () => {
  const { url } = await serving({ functions: { average } })
  const response = await fetch(`${url}/metrics`, { headers: { accept: 'application/openmetrics-text;version=1.0.0,text/plain;q=0.5' } })
  assert.equal(response.headers.get('content-type'), 'application/openmetrics-text; version=1.0.0; charset=utf-8')
  const { families, samples } = parsed(await response.text(), { openMetrics: true })
  assert.equal(families.get('velo_server_requests'), 'counter')
  assert.equal(samples.get('velo_server_draining{}'), 0)
})
