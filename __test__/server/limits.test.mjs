// Who gets a stream: limits of the server, of a client and of a function, and who may ask at all.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { until } from '../support/deferred.mjs'
import { noUnhandledRejections } from '../support/unhandled.mjs'
import { holding, noStreams, post, posting, raw, serving, values, webSocket, who } from './service.mjs'

const code = ({ text }) => JSON.parse(text).error.code

test('maxPerClient: the next stream of an address gets 429, over HTTP and WebSocket; when one ends there is room', async () => {
  const { hold, began, letGo } = holding()
  const { url, port } = await serving({ functions: { hold }, maxPerClient: 1 })
  const first = posting(port, '/fn/hold')
  await began
  const second = await post(`${url}/fn/hold`, '')
  assert.deepEqual([second.status, code(second), second.headers.get('retry-after')], [429, 'VELO_OVERLOADED', '1'])
  assert.equal(await webSocket(`${url}/fn/hold`).opened(), 429)
  first.end()
  letGo()
  assert.equal((await first.ended()).text, '"began"\n"let go"\n')
  assert.equal((await post(`${url}/fn/hold`, '')).status, 200)
  const metrics = await (await fetch(`${url}/metrics`)).text()
  assert.match(metrics, /^velo_server_refused_total\{limit="client"\} 2$/m)
})

test('maxConcurrent of the server: 503; a WebSocket counts, and gives its place back', async () => {
  const { hold, began } = holding()
  const { url } = await serving({ functions: { hold }, maxConcurrent: 1 })
  const socket = webSocket(`${url}/fn/hold`)
  await socket.opened()
  socket.send(1)
  await began
  const refused = await post(`${url}/fn/hold`, '')
  assert.deepEqual([refused.status, code(refused), refused.headers.get('retry-after')], [503, 'VELO_OVERLOADED', '1'])
  socket.socket.close()
  await socket.closed()
  await noStreams()
  const health = await fetch(`${url}/healthz`)
  assert.equal(health.status, 200)
})

test('maxConcurrent of a function: 503 for it, the others are served', async () => {
  const { hold, began, letGo } = holding()
  const { url, port } = await serving({ functions: { hold: { fn: hold, maxConcurrent: 1 }, who } })
  const first = posting(port, '/fn/hold')
  await began
  const refused = await post(`${url}/fn/hold`, '')
  assert.deepEqual([refused.status, code(refused)], [503, 'VELO_OVERLOADED'])
  assert.equal((await post(`${url}/fn/who`, '')).status, 200)
  first.end()
  letGo()
  await first.ended()
})

test('a client that goes away gives its place back', async () => {
  const { hold, began, ended } = holding()
  const { url, port } = await serving({ functions: { hold, who }, maxPerClient: 1 })
  const first = posting(port, '/fn/hold')
  await began
  first.req.destroy()
  await ended
  await noStreams()
  assert.equal((await post(`${url}/fn/who`, '')).status, 200)
})

test('authorize says who asks: the function hears it, limits count it, nobody can claim it', async () => {
  const { hold, began, letGo } = holding()
  const authorize = async ({ headers }) => headers.authorization?.replace(/^Bearer (?!bad)/, '')
  const { url, port } = await serving({
    functions: { who, hold },
    maxPerClient: 1,
    authorize: async (req) => ((await authorize(req)) === 'Bearer bad' ? undefined : authorize(req)),
  })
  const as = (name) => ({ authorization: `Bearer ${name}`, 'velo-principal': 'root' })
  assert.deepEqual(values((await post(`${url}/fn/who`, '', as('ann'))).text), [{ principal: 'ann', agent: null }])
  const none = await post(`${url}/fn/who`, '')
  assert.deepEqual([none.status, code(none)], [401, 'UNAUTHORIZED'])
  const wrong = await post(`${url}/fn/who`, '', as('bad'))
  assert.deepEqual([wrong.status, code(wrong)], [403, 'FORBIDDEN'])
  assert.equal(await webSocket(`${url}/fn/who`).opened(), 401)
  const first = posting(port, '/fn/hold', { headers: as('ann') })
  await began
  assert.equal((await post(`${url}/fn/who`, '', as('ann'))).status, 429)
  assert.equal((await post(`${url}/fn/who`, '', as('bob'))).status, 200)
  const socket = webSocket(`${url}/fn/who`, { headers: as('bob') })
  assert.equal(await socket.opened(), 'open')
  socket.send(1)
  assert.deepEqual(await socket.count(1), [{ principal: 'bob', agent: null }])
  first.end()
  letGo()
  await first.ended()
  // Health is nobody's secret.
  assert.equal((await fetch(`${url}/readyz`)).status, 200)
})

test('without authorize nobody is anybody', async () => {
  const { url } = await serving({ functions: { who } })
  assert.deepEqual(values((await post(`${url}/fn/who`, '', { 'velo-principal': 'root' })).text), [{ principal: null, agent: null }])
})

test('an authorize that fails: 500, and the error is for onError', async () => {
  const broken = new Error('no directory')
  const seen = []
  const { url } = await serving({
    functions: { who },
    onError: (error) => seen.push(error),
    authorize() {
      throw broken
    },
  })
  const failed = await post(`${url}/fn/who`, '')
  assert.deepEqual([failed.status, code(failed)], [500, 'AUTHORIZE_FAILED'])
  assert.equal(await webSocket(`${url}/fn/who`).opened(), 500)
  assert.equal(seen[0], broken)
  assert.equal(seen[1], broken)
})

test('an authorize that answers no name: 500, for all of them would be one client', async () => {
  const seen = []
  const { url } = await serving({ functions: { who }, authorize: () => true, onError: (error) => seen.push(error) })
  assert.deepEqual(code(await post(`${url}/fn/who`, '')), 'AUTHORIZE_FAILED')
  assert.match(seen[0].message, /authorize: expected to answer a string, or something falsy, got true/)
})

test('a body that declares more than maxTotal is refused before it is sent, and starts no function', async () => {
  let started = 0
  async function* counts(events) {
    started++
    yield* events
  }
  const { port } = await serving({ functions: { counts: { fn: counts, http: { maxTotal: 100 } } } })
  const head = (more) => `POST /fn/counts HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-ndjson\r\n${more}\r\n\r\n`
  const text = await raw(port, head('Expect: 100-continue\r\nContent-Length: 101')).closed()
  assert.match(text, /^HTTP\/1\.1 413 [\s\S]*the body is larger than 100 bytes \(maxTotal\)/)
  assert.match(await raw(port, head('Content-Length: 101')).closed(), /^HTTP\/1\.1 413 /)
  assert.equal(started, 0)
  const fits = raw(port, head('Expect: 100-continue\r\nContent-Length: 2\r\nConnection: close'))
  await until(20_000, () => fits.said.text.includes('100 Continue'), 'the wish for the body')
  fits.socket.write('1\n')
  assert.match(await fits.closed(), /HTTP\/1\.1 200 /)
  assert.equal(started, 1)
})

test('maxConnections: one too many is closed at once', async () => {
  const { port } = await serving({ functions: { who }, maxConnections: 1 })
  const kept = raw(port, 'GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n')
  await until(20_000, () => kept.said.text.includes('ok\n'), 'the answer')
  assert.equal(await raw(port, 'GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n').closed(), '')
})

test('a request that is refused does not cost the connection, and its body is not waited for', async () => {
  const { port, url } = await serving({ functions: { who } })
  const upload = posting(port, '/fn/nobody')
  upload.write('1\n'.repeat(10_000))
  assert.equal((await upload.answered()).statusCode, 404)
  // It never ends its body: the connection is cut after a while.
  await upload.ended()
  assert.equal((await fetch(`${url}/healthz`)).status, 200)
})

test('origins: pages of the own host by default; a list, a function, or all', async () => {
  const opened = async (url, origin) => webSocket(`${url}/fn/who`, origin === undefined ? {} : { origin }).opened()
  const own = await serving({ functions: { who } })
  assert.equal(await opened(own.url), 'open')
  assert.equal(await opened(own.url, own.url), 'open')
  assert.equal(await opened(own.url, 'https://evil.example'), 403)
  assert.equal(await opened(own.url, 'null'), 403)
  const listed = await serving({ functions: { who }, origins: ['https://good.example'] })
  assert.equal(await opened(listed.url, 'https://good.example'), 'open')
  assert.equal(await opened(listed.url, listed.url), 403)
  const asked = await serving({ functions: { who }, origins: (origin, req) => origin.endsWith('.example') && req.url === '/fn/who' })
  assert.equal(await opened(asked.url, 'https://a.example'), 'open')
  assert.equal(await opened(asked.url, 'https://a.test'), 403)
  const later = await serving({ functions: { who }, origins: async (origin) => origin === 'https://a.example' })
  assert.equal(await opened(later.url, 'https://a.example'), 'open')
  assert.equal(await opened(later.url, 'https://a.test'), 403)
  const broken = new Error('no list')
  const seen = []
  const failing = await serving({
    functions: { who },
    onError: (error) => seen.push(error),
    origins() {
      throw broken
    },
  })
  assert.equal(await opened(failing.url, 'https://a.example'), 500)
  assert.equal(seen[0], broken)
  const all = await serving({ functions: { who }, origins: '*' })
  assert.equal(await opened(all.url, 'https://evil.example'), 'open')
})

test('WebSocket can be switched off; other protocols and paths are refused', async () => {
  const off = await serving({ functions: { who }, websocket: false })
  assert.equal(await webSocket(`${off.url}/fn/who`).opened(), 501)
  const on = await serving({ functions: { who }, websocket: true })
  assert.equal(await webSocket(`${on.url}/fn/nobody`).opened(), 404)
  assert.equal(await webSocket(`${on.url}/other`).opened(), 404)
})

noUnhandledRejections('limits')
