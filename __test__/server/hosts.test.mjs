// By which names a server may be asked: a page elsewhere may let its name lead here (DNS rebinding), and its browser takes the server for its own then.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { request } from 'node:http'
import { connect } from 'node:http2'
import { after, test } from 'node:test'
import { within } from '../support/within.mjs'
import { average, raw, serving, twice, webSocket } from './service.mjs'

/** What a GET is answered: its status and code. */
async function asked(port, path, headers, how = {}) {
  const answer = new Promise((resolve, reject) => {
    const req = request({ port, path, host: '127.0.0.1', headers, ...how }, (res) => {
      let text = ''
      res.setEncoding('utf8').on('data', (part) => (text += part))
      res.on('end', () => resolve([res.statusCode, /"code":"(\w+)"/.exec(text)?.[1]]))
    })
    req.on('error', reject).end()
  })
  return within(20_000, answer, path)
}

const REFUSED = [403, 'FORBIDDEN_HOST']
const ROUTES = ['/fn/average', '/metrics', '/admin/overview', '/dashboard/', '/', '/fn/nothing']
const functions = { average, twice }

for (const [name, hosts] of [
  ['on a loopback address by default', undefined],
  ["with hosts: ['localhost']", ['localhost']],
])
  test(`a page of another name reads nothing, ${name}`, async () => {
    const authorize = () => true
    const { port, url } = await serving({ functions, hosts, admin: { authorize }, dashboard: { authorize }, cors: '*', origins: '*' })
    for (const host of [
      `rebound.example:${port}`,
      'rebound.example',
      'localhost.rebound.example',
      '127.0.0.1.rebound.example',
      'localhost.',
    ])
      for (const more of [{}, { 'sec-fetch-site': 'same-origin' }, { accept: 'text/event-stream' }, { 'x-forwarded-for': '127.0.0.1' }])
        for (const path of ROUTES) assert.deepEqual(await asked(port, path, { host, ...more }), REFUSED, `${host} ${path}`)
    assert.equal(await webSocket(`${url}/fn/average`, { headers: { host: 'rebound.example' } }).opened(), 403)
    // Orchestrators ask by whatever name they know, and learn nothing else.
    for (const path of ['/healthz', '/readyz']) assert.equal((await asked(port, path, { host: 'pod.example' }))[0], 200)
    // A preflight is answered no more than any other request.
    assert.deepEqual(
      await asked(
        port,
        '/fn/average',
        { host: 'rebound.example', origin: 'http://a', 'access-control-request-method': 'POST' },
        { method: 'OPTIONS' },
      ),
      REFUSED,
    )
  })

test('clients that are no pages ask by the names of the machine and by addresses, as before', async () => {
  const { port, url } = await serving({ functions })
  for (const host of [`localhost:${port}`, `LOCALHOST:${port}`, `127.0.0.1:${port}`, `[::1]:${port}`, 'localhost', `10.1.2.3:${port}`])
    for (const path of ['/fn/average', '/metrics']) assert.equal((await asked(port, path, { host }))[0], 200, host)
  assert.equal(await webSocket(`${url}/fn/average`, { headers: { host: `localhost:${port}` } }).opened(), 'open')
  // HTTP/1.0 needs no name.
  assert.match(await raw(port, 'GET /metrics HTTP/1.0\r\n\r\n').closed(), /^HTTP\/1\.1 200 /)
})

test('a server that listens on all addresses has any name unless hosts says which', async () => {
  const { createServer } = await import('velo-stream/server')
  for (const [hosts, status] of [
    [undefined, 200],
    [['service.example'], 200],
    [['Service.Example'], 200],
    [['other.example'], 403],
  ]) {
    const server = createServer({ functions, hosts, grace: 0 })
    after(() => server.close())
    const { port } = await server.listen(0, '0.0.0.0')
    assert.equal((await asked(port, '/metrics', { host: `service.example:${port}` }))[0], status, String(hosts))
  }
})

test('over HTTP/2 it is the authority', async () => {
  const [key, cert] = ['key', 'cert'].map((name) => readFileSync(new URL(`tls/${name}.pem`, import.meta.url)))
  const { url, port } = await serving({ functions, tls: { key, cert }, http2: true })
  const client = connect(url, { ca: cert })
  after(() => client.destroy())
  const statusOf = (headers) => {
    const stream = client.request({ ':path': '/metrics', ...headers }).resume()
    return within(20_000, new Promise((resolve) => stream.once('response', (head) => resolve(head[':status']))), 'the answer')
  }
  assert.equal(await statusOf({}), 200)
  assert.equal(await statusOf({ ':authority': `localhost:${port}` }), 200)
  assert.equal(await statusOf({ ':authority': 'rebound.example' }), 403)
})

test('a page of the same site asks without its origin only where all may', async () => {
  const site = (value) => ({ 'sec-fetch-site': value })
  const { port } = await serving({ functions })
  for (const [value, status] of [
    ['same-site', 403],
    ['cross-site', 403],
    ['same-origin', 200],
    ['none', 200],
  ])
    assert.equal((await asked(port, '/fn/average', site(value)))[0], status, value)
  for (const more of [{ origins: '*' }, { cors: '*' }])
    assert.equal((await asked((await serving({ functions, ...more })).port, '/fn/average', site('same-site')))[0], 200)
  const some = await serving({ functions, origins: ['https://app.example'] })
  assert.equal((await asked(some.port, '/fn/average', site('same-site')))[0], 403)
})
