// `/admin`: off unless asked for, for this machine or whom `authorize` lets in, for no web page; what it shows, and the abort of a stream.

import assert from 'node:assert/strict'
import { request } from 'node:http'
import { test } from 'node:test'
import { createServer } from 'velo-stream/server'
import { deferred } from '../support/deferred.mjs'
import { within } from '../support/within.mjs'
import { average, holding, serving, webSocket } from './service.mjs'

/** One request: `{ status, body }`. */
function ask(url, { method = 'GET', headers = {} } = {}) {
  const answered = new Promise((resolve, reject) => {
    const req = request(url, { method, headers, agent: false }, (res) => {
      let text = ''
      res.setEncoding('utf8').on('data', (part) => (text += part))
      res.on('end', () => resolve({ status: res.statusCode, headers: res.headers, body: JSON.parse(text) }))
    })
    req.on('error', reject)
    req.end()
  })
  return within(30_000, answered, `${method} ${url}`)
}

const codeOf = async (url, options) => {
  const { status, body } = await ask(url, options)
  return [status, body.error?.code]
}

test('it is not there unless it is asked for', async () => {
  for (const admin of [undefined, false]) {
    const { url } = await serving({ functions: { average }, admin })
    assert.deepEqual(await codeOf(`${url}/admin/streams`), [404, 'NOT_FOUND'])
  }
})

test('it shows what runs, and aborts nothing where it only reads', async () => {
  const { hold, began, letGo } = holding()
  const { url } = await serving({ functions: { hold }, admin: true })
  const socket = webSocket(`${url}/fn/hold`, { headers: { authorization: 'Bearer of-mine' } })
  await within(30_000, began, 'the stream began')
  const list = await ask(`${url}/admin/streams?search=hold`)
  const [seen] = list.body.streams
  assert.deepEqual([list.status, list.headers['cache-control'], seen.function], [200, 'no-store', 'hold'])
  assert.equal(seen.headers.authorization, '[redacted]')
  const detail = await ask(`${url}/admin/streams/${encodeURIComponent(seen.id)}`)
  assert.equal(detail.body.stream.id, seen.id)
  const { body } = await ask(`${url}/admin/overview`)
  assert.equal(body.process.pid, process.pid)
  assert.equal(body.functions.find(({ name }) => name === 'hold').streamsOpen, 1)
  const abort = `${url}/admin/streams/${encodeURIComponent(seen.id)}/abort`
  assert.deepEqual(await codeOf(abort, { method: 'POST' }), [403, 'READ_ONLY'])
  assert.deepEqual(await codeOf(`${url}/admin`), [404, 'NOT_FOUND'])
  assert.deepEqual(await codeOf(`${url}/administration`), [404, 'NOT_FOUND'])
  assert.deepEqual(await codeOf(`${url}/admin/streams?sort=size`), [400, 'VELO_CONFIG'])
  letGo()
  socket.socket.close()
})

test('a stream is aborted where that is allowed, and its client is told', async () => {
  const { hold, began, ended } = holding()
  const { url } = await serving({ functions: { hold }, admin: { readOnly: false } })
  const socket = webSocket(`${url}/fn/hold`)
  await within(30_000, began, 'the stream began')
  const { body } = await ask(`${url}/admin/streams?search=hold`)
  const abort = `${url}/admin/streams/${encodeURIComponent(body.streams[0].id)}/abort`
  assert.deepEqual(await codeOf(abort, { method: 'GET' }), [405, 'METHOD_NOT_ALLOWED'])
  assert.equal((await ask(abort, { method: 'POST' })).body.aborted, body.streams[0].id)
  await within(30_000, ended, 'the function ended')
  assert.deepEqual(await codeOf(abort, { method: 'POST' }), [404, 'NO_STREAM'])
  socket.socket.close()
})

test('no page, no other name and no proxy gets in without leave', async () => {
  const { url, port } = await serving({ functions: { average }, admin: { readOnly: false }, origins: '*', cors: '*' })
  const streams = `${url}/admin/streams`
  for (const headers of [
    { origin: 'https://evil.example' },
    { origin: url },
    { 'sec-fetch-site': 'cross-site' },
    { 'sec-fetch-site': 'same-origin' },
  ]) {
    assert.deepEqual(await codeOf(streams, { headers }), [403, 'FORBIDDEN_ORIGIN'], JSON.stringify(headers))
    assert.deepEqual(await codeOf(`${streams}/x/abort`, { method: 'POST', headers }), [403, 'FORBIDDEN_ORIGIN'])
  }
  for (const headers of [
    { 'x-forwarded-for': '203.0.113.7' },
    { via: '1.1 proxy' },
    { 'x-forwarded-host': 'localhost' },
    { 'cf-connecting-ip': '1.2.3.4' },
  ])
    assert.deepEqual(await codeOf(streams, { headers }), [403, 'FORBIDDEN'], JSON.stringify(headers))
  for (const headers of [{ host: `evil.example:${port}` }, { host: '[' }])
    assert.deepEqual(await codeOf(streams, { headers }), [403, 'FORBIDDEN_HOST'], JSON.stringify(headers))
  // An address leads nowhere else, but it is no name of this machine for itself.
  assert.deepEqual(await codeOf(streams, { headers: { host: '203.0.113.7' } }), [403, 'FORBIDDEN'])
  for (const host of [`localhost:${port}`, `127.0.0.1:${port}`]) assert.equal((await ask(streams, { headers: { host } })).status, 200)
  assert.equal((await ask(streams, { headers: { 'sec-fetch-site': 'none' } })).status, 200)
})

test('authorize decides, by every name of the server', async () => {
  const failed = deferred()
  const authorize = ({ headers }) => {
    if (headers.authorization === 'broken') throw new Error('no directory')
    return headers.authorization === 'Bearer of-mine' || (headers.authorization === 'truthy' ? 'yes' : false)
  }
  const { url } = await serving({
    functions: { average },
    admin: { authorize },
    hosts: ['ops.example'],
    onError: (error) => failed.resolve(error),
  })
  const streams = `${url}/admin/streams`
  const as = (authorization) => codeOf(streams, { headers: { authorization, host: 'ops.example' } })
  assert.deepEqual(await codeOf(streams), [401, 'UNAUTHORIZED'])
  assert.deepEqual(await as('Bearer of-theirs'), [403, 'FORBIDDEN'])
  assert.deepEqual(await as('truthy'), [403, 'FORBIDDEN'])
  assert.deepEqual(await as('broken'), [500, 'AUTHORIZE_FAILED'])
  assert.equal((await within(30_000, failed.promise, 'the error is told')).message, 'no directory')
  assert.deepEqual(await as('Bearer of-mine'), [200, undefined])
})

test('wrong options are named', () => {
  const refused = (admin, field) =>
    assert.throws(() => createServer({ functions: { average }, admin }), { code: 'VELO_CONFIG', field: `createServer(options).${field}` })
  refused('yes', 'admin')
  refused(null, 'admin')
  refused({ authorize: 'me' }, 'admin.authorize')
  refused({ readOnly: 1 }, 'admin.readOnly')
  refused({ token: 'x' }, 'admin.token')
})
