// What others ask for that is not theirs: pipelines of their own making, streams of other principals, pages of other sites, and the words of functions.

import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { join } from 'node:path'
import { test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { deferred } from '../support/deferred.mjs'
import { scratch } from '../support/pages.mjs'
import { within } from '../support/within.mjs'
import { average, ndjson, noStreams, post, raw, serving, twice, values, webSocket, who } from './service.mjs'

test('functions are joined by URL only where that is allowed; authorize gets their names, decoded', async () => {
  const functions = { average, admin: twice }
  const closed = await serving({ functions })
  for (const path of ['average|admin', '%61verage%7C%61dmin']) assert.equal((await post(`${closed.url}/fn/${path}`, '1\n')).status, 404)
  const asked = []
  const authorize = (_, { functions }) => {
    asked.push(functions)
    return functions.includes('admin') ? null : 'me'
  }
  const open = await serving({ functions, authorize, pipelines: true })
  assert.equal((await post(`${open.url}/fn/average|average`, '1\n')).status, 200)
  for (const path of ['admin', '%61dmin', 'average|%61dmin', 'average%7cadmin'])
    assert.equal((await post(`${open.url}/fn/${path}`, '1\n')).status, 401, path)
  assert.deepEqual(asked, [['average', 'average'], ['admin'], ['admin'], ['average', 'admin'], ['average', 'admin']])
  const named = await serving({ functions, authorize, pipelines: { both: ['average', 'admin'] } })
  assert.equal((await post(`${named.url}/fn/both`, '1\n')).status, 401)
})

test('metrics have no label that a client has made', async () => {
  const { url } = await serving({ functions: { one: average, two: twice }, pipelines: true })
  for (const path of ['one|two', 'two|one|two', 'nobody|one']) await post(`${url}/fn/${path}`, '1\n')
  const text = await (await within(20_000, fetch(`${url}/metrics`), '/metrics')).text()
  assert.doesNotMatch(text, /function="[^"]*(?:one\|two|two\|one|nobody)/)
})

test('only the principal who opened it gets the rest of a stream of server-sent events', async () => {
  const go = deferred()
  async function* telling() {
    yield 'mine'
    await go.promise
    yield 'secret'
  }
  const { url } = await serving({
    functions: { telling },
    authorize: ({ headers }) => headers.authorization,
    http: { out: 'sse', resume: true },
  })
  const opened = new AbortController()
  const first = await fetch(`${url}/fn/telling`, { headers: { authorization: 'a' }, signal: opened.signal })
  let said = ''
  for await (const chunk of first.body) if ((said += Buffer.from(chunk)).includes('mine')) break
  opened.abort()
  const [, id] = /id: (.*:1)\n/.exec(said)
  const back = (authorization) => fetch(`${url}/fn/telling`, { headers: { authorization, 'last-event-id': id } })
  assert.equal((await within(10_000, back('b'), 'the answer to another')).status, 410)
  go.resolve()
  const mine = await within(10_000, back('a'), 'the answer')
  assert.equal(mine.status, 200)
  assert.match(await mine.text(), /secret/)
})

/** A request with headers that fetch would not send. */
function asking(port, headers, method = 'POST') {
  return new Promise((resolve, reject) => {
    const req = request({ port, method, path: '/fn/twice', headers: { 'content-type': 'text/plain', ...headers } }, (res) => {
      res.resume()
      resolve(res.statusCode)
    })
    req.on('error', reject).end(method === 'POST' ? '1\n' : undefined)
  })
}

test('pages of other sites are refused, over HTTP as over WebSocket, unless they are allowed', async () => {
  const { port, url } = await serving({ functions: { twice } })
  const host = `localhost:${port}`
  assert.equal(await asking(port, {}), 200)
  assert.equal(await asking(port, { host, origin: `http://${host}` }), 200)
  assert.equal(await asking(port, { origin: 'http://evil.example' }), 403)
  assert.equal(await asking(port, { origin: 'null' }), 403)
  assert.equal(await asking(port, { 'sec-fetch-site': 'cross-site' }), 403)
  assert.equal(await asking(port, { 'sec-fetch-site': 'cross-site' }, 'GET'), 403)
  assert.equal(await asking(port, { 'sec-fetch-site': 'none' }), 200)
  // A name of the attacker's that leads here.
  const rebound = { host: 'evil.example', origin: 'http://evil.example' }
  assert.equal(await asking(port, rebound), 403)
  assert.equal(await webSocket(`${url}/fn/twice`, { headers: rebound }).opened(), 403)
  assert.equal(
    await webSocket(`${url.replace('127.0.0.1', 'localhost')}/fn/twice`, { headers: { origin: `http://${host}` } }).opened(),
    'open',
  )
  const named = await serving({ functions: { twice }, hosts: ['evil.example'] })
  assert.equal(await asking(named.port, rebound), 200)
  const allowed = await serving({ functions: { twice }, origins: ['http://evil.example'] })
  assert.equal(await asking(allowed.port, { origin: 'http://evil.example' }), 200)
})

test('what a function died of on its thread is not told', async () => {
  const file = join(scratch(), 'dying.mjs')
  writeFileSync(
    file,
    "export default async function* dying() { setImmediate(() => { throw new Error('the secret') }); await new Promise(() => {}) }\n",
  )
  const { url } = await serving({ functions: { dying: { fn: pathToFileURL(file), placement: 'worker' } } })
  const { status, text } = await post(`${url}/fn/dying`, '1\n')
  assert.equal(status, 503)
  assert.match(text, /VELO_WORKER_EXITED/)
  assert.doesNotMatch(text, /secret/)
})

test('none of them left a stream behind', async () => {
  const { url, port } = await serving({ functions: { who } })
  assert.deepEqual(values((await post(`${url}/fn/who`, ndjson([]))).text), [{ principal: null, agent: null }])
  assert.match(await raw(port, 'GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n').closed(), / 200 /)
  await noStreams()
})
