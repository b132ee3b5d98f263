// The dashboard as an option of the server: off unless asked for, beside the routes of the server, out of reach of other pages, and no reason to stay when the server stops.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { connect } from 'node:http2'
import { test } from 'node:test'
import { createServer } from 'velo-stream/server'
import { ask, codeOf, opened } from '../dashboard/support.mjs'
import { leftover } from '../support/leftovers.mjs'
import { within } from '../support/within.mjs'
import { average, holding, post, serving, webSocket } from './service.mjs'

const functions = { average }

test('it is not there unless it is asked for', async () => {
  for (const dashboard of [undefined, false]) {
    const { url } = await serving({ functions, dashboard })
    assert.deepEqual(await codeOf(`${url}/dashboard/`), [404, 'NOT_FOUND'])
  }
})

test('true: the page under /dashboard, to this machine, of what the server runs; it aborts nothing', async () => {
  const { hold, began, letGo } = holding()
  const { url, port } = await serving({ functions: { hold, average }, dashboard: true })
  const socket = webSocket(`${url}/fn/hold`)
  await within(30_000, began, 'the stream began')
  assert.equal((await ask(`${url}/dashboard`)).status, 308)
  const page = await ask(`${url}/dashboard/`)
  assert.match(page.text, /<title>velo-stream<\/title>/)
  assert.match(page.text, /name="velo-token" content=""/)
  const { first, req } = await opened(`${url}/dashboard`, 'search=hold')
  const [seen] = JSON.parse(first.slice(6, first.indexOf('\n'))).list.streams
  assert.equal(seen.function, 'hold')
  req.destroy()
  const abort = `${url}/dashboard/streams/${encodeURIComponent(seen.id)}/abort`
  assert.deepEqual(await codeOf(abort, { method: 'POST' }), [403, 'READ_ONLY'])
  assert.deepEqual(await codeOf(`${url}/dashboard/`, { headers: { host: `elsewhere.example:${port}` } }), [403, 'FORBIDDEN_HOST'])
  assert.deepEqual(await codeOf(`${url}/dashboards`), [404, 'NOT_FOUND'])
  assert.equal((await ask(`${url}/healthz`)).text, 'ok\n')
  assert.equal((await post(`${url}/fn/average`, '2\n4\n')).text, '2\n3\n')
  letGo()
  socket.socket.close()
})

test('its options: a base, who may look, and the abort of a stream', async () => {
  const { hold, began, ended } = holding()
  const authorize = ({ headers }) => headers.authorization === 'mine'
  const { url } = await serving({
    functions: { hold },
    dashboard: { base: '/ops/board', authorize, challenge: 'Basic realm="ops"', readOnly: false },
  })
  webSocket(`${url}/fn/hold`)
  await within(30_000, began, 'the stream began')
  for (const headers of [{}, { authorization: 'theirs' }, { cookie: 'a=b' }]) {
    const refused = await ask(`${url}/ops/board/`, { headers })
    assert.deepEqual([refused.status, refused.headers['www-authenticate']], [401, 'Basic realm="ops"'])
  }
  const headers = { authorization: 'mine' }
  const page = await ask(`${url}/ops/board/`, { headers })
  const [, token] = /name="velo-token" content="([^"]+)"/.exec(page.text)
  const { list } = JSON.parse((await ask(`${url}/ops/board/picture?search=hold`, { headers })).text)
  const abort = `${url}/ops/board/streams/${encodeURIComponent(list.streams[0].id)}/abort`
  assert.deepEqual(await codeOf(abort, { method: 'POST', headers }), [403, 'TOKEN'])
  assert.deepEqual(await codeOf(abort, { method: 'POST', headers: { ...headers, 'x-velo-token': token } }), [200, undefined])
  await within(30_000, ended, 'the function ended')
})

test('pages of other origins read nothing of it, whatever cors says', async () => {
  const { url } = await serving({ functions, cors: '*', origins: '*', dashboard: true })
  const origin = 'https://elsewhere.example'
  const page = await ask(`${url}/dashboard/`, { headers: { origin } })
  assert.equal(page.headers['access-control-allow-origin'], undefined)
  const headers = { origin, 'access-control-request-method': 'POST' }
  const preflight = await ask(`${url}/dashboard/picture`, { method: 'OPTIONS', headers })
  assert.deepEqual([preflight.status, preflight.headers['access-control-allow-origin']], [405, undefined])
  assert.deepEqual(await codeOf(`${url}/dashboard/picture`, { headers: { origin } }), [403, 'FORBIDDEN_ORIGIN'])
})

test('a page that stays open keeps no server from its end', async () => {
  const { server, url } = await serving({ functions, dashboard: true })
  const { res } = await opened(`${url}/dashboard`)
  // It is cut.
  res.on('error', () => {})
  const gone = new Promise((resolve) => res.on('close', resolve))
  await within(30_000, server.close(), 'the server closes')
  await within(30_000, gone, 'the feed is over')
})

test('over HTTP/2', async () => {
  const pem = (name) => readFileSync(new URL(`tls/${name}.pem`, import.meta.url))
  const { port } = await serving({ functions, dashboard: true, tls: { key: pem('key'), cert: pem('cert') }, http2: true })
  const session = connect(`https://localhost:${port}`, { ca: pem('cert'), rejectUnauthorized: false })
  leftover(() => session.destroy())
  const asked = session.request({ ':path': '/dashboard/feed?limit=1' })
  const [head] = await within(30_000, once(asked, 'response'), 'the feed answers')
  const [first] = await within(30_000, once(asked.setEncoding('utf8'), 'data'), 'the first picture')
  assert.deepEqual([head[':status'], first.slice(0, 17)], [200, 'data: {"overview"'])
  asked.close()
})

test('wrong options are named', () => {
  const refused = (dashboard, field) => assert.throws(() => createServer({ functions, dashboard }), { code: 'VELO_CONFIG', field })
  for (const wrong of ['/dashboard', null, 1]) refused(wrong, 'createServer(options).dashboard')
  for (const base of ['/fn', '/fn/board', '/admin', '/metrics', '/healthz', '/readyz/x'])
    refused({ base }, 'createServer(options).dashboard.base')
  refused({ base: 'board' }, 'dashboard(options).base')
  refused({ challenge: 'a\nb' }, 'dashboard(options).challenge')
  refused({ token: 'x' }, 'dashboard(options).token')
})
