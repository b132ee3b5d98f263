// Who may see the dashboard and what it answers: this machine alone unless `authorize` says more, aborts with a token of the page only, and headers that let the page run nothing but itself.

import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { test } from 'node:test'
import { dashboard } from 'velo-stream/dashboard'
import { ask, codeOf, listening, served, waiting } from './support.mjs'

const tokenOf = async (url) => /name="velo-token" content="([^"]*)"/.exec((await ask(`${url}/dashboard/`)).text)[1]

test('the page and its files: nothing is loaded from elsewhere, nothing runs inline', async () => {
  const { url } = await served()
  const moved = await ask(`${url}/dashboard`)
  assert.deepEqual([moved.status, new URL(moved.headers.location, `${url}/dashboard`).pathname], [308, '/dashboard/'])
  const { status, headers, text } = await ask(`${url}/dashboard/`)
  assert.deepEqual([status, headers['cache-control'], headers['x-frame-options']], [200, 'no-store', 'DENY'])
  assert.match(headers['content-security-policy'], /^default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'/)
  assert.doesNotMatch(headers['content-security-policy'], /unsafe|https?:|\*/)
  assert.doesNotMatch(text, /https?:|<style|style=|\son\w+=|<script(?![^>]* src=)/)
  const names = [...text.matchAll(/(?:href|src)="(page-[^"]+)" integrity="sha256-/g)].map(([, name]) => name)
  assert.equal(names.length, 2)
  for (const name of names) {
    const file = await ask(`${url}/dashboard/${name}`)
    assert.deepEqual([file.status, file.headers['x-content-type-options']], [200, 'nosniff'])
    assert.match(file.headers['cache-control'], /^private, .*immutable/)
    assert.doesNotMatch(file.text, /sourceMappingURL/)
    const again = await ask(`${url}/dashboard/${name}`, { headers: { 'if-none-match': file.headers.etag } })
    assert.deepEqual([again.status, again.text], [304, ''])
  }
})

test('this machine alone may look: no proxy, no other name, no other page', async () => {
  const { url, port } = await served({ readOnly: false })
  const picture = `${url}/dashboard/picture`
  for (const host of [`localhost:${port}`, `127.0.0.1:${port}`]) assert.equal((await ask(picture, { headers: { host } })).status, 200)
  for (const headers of [
    { host: `evil.example:${port}` },
    { 'x-forwarded-for': '127.0.0.1' },
    { forwarded: 'for=127.0.0.1' },
    { via: '1.1 p' },
  ]) {
    assert.deepEqual(await codeOf(picture, { headers }), [403, 'FORBIDDEN'], JSON.stringify(headers))
  }
  for (const headers of [
    { 'sec-fetch-site': 'cross-site' },
    { 'sec-fetch-site': 'same-site' },
    { origin: 'http://evil.example' },
    { origin: 'null' },
  ]) {
    assert.deepEqual(await codeOf(picture, { headers }), [403, 'FORBIDDEN_ORIGIN'], JSON.stringify(headers))
  }
})

test('the address of the socket decides, whatever the headers say', async () => {
  const answer = dashboard()
  const { url } = await listening(
    createServer((req, res) => {
      // As a client on another machine would come.
      Object.defineProperty(req.socket, 'remoteAddress', { value: '203.0.113.7', configurable: true })
      return answer(req, res)
    }).listen(0, '127.0.0.1'),
  )
  for (const path of ['', '/', '/picture', '/feed', '/streams/x'])
    assert.deepEqual(await codeOf(`${url}/dashboard${path}`), [403, 'FORBIDDEN'], path)
})

test('authorize decides alone, and only true lets in', async () => {
  const errors = []
  const authorize = async ({ headers: { authorization } }) => {
    if (authorization === 'broken') throw new Error('no directory')
    return authorization === 'mine' || (authorization === 'truthy' ? 1 : false)
  }
  const { url } = await served({ authorize, onError: ({ message }) => errors.push(message) })
  const as = (authorization) => codeOf(`${url}/dashboard/`, { headers: { authorization, host: 'ops.example', via: '1.1 proxy' } })
  assert.deepEqual(await codeOf(`${url}/dashboard/`), [401, 'UNAUTHORIZED'])
  assert.deepEqual(await as('theirs'), [403, 'FORBIDDEN'])
  assert.deepEqual(await as('truthy'), [403, 'FORBIDDEN'])
  assert.deepEqual(await as('broken'), [500, 'AUTHORIZE_FAILED'])
  assert.deepEqual(errors, ['no directory'])
  assert.deepEqual(await as('mine'), [200, undefined])
})

test('a stream is aborted with the token of the page, and not otherwise', async () => {
  const [stream] = waiting(1, 'to-abort')
  const { url } = await served({ readOnly: false })
  const abort = `${url}/dashboard/streams/to-abort-0/abort`
  const token = await tokenOf(url)
  const post = (headers) => codeOf(abort, { method: 'POST', headers })
  assert.deepEqual(await post({}), [403, 'TOKEN'])
  assert.deepEqual(await post({ 'x-velo-token': `${token.slice(1)}x` }), [403, 'TOKEN'])
  assert.deepEqual(await post({ 'x-velo-token': token, origin: 'http://evil.example' }), [403, 'FORBIDDEN_ORIGIN'])
  assert.deepEqual(await codeOf(abort), [405, 'METHOD_NOT_ALLOWED'])
  assert.deepEqual(await post({ 'x-velo-token': token, origin: url }), [200, undefined])
  assert.equal((await stream.closed).reason, 'aborted')
  assert.deepEqual(await post({ 'x-velo-token': token }), [404, 'NO_STREAM'])
})

test('read-only, the default: the page has no token, and nothing can be aborted', async () => {
  const [stream] = waiting(1, 'kept')
  const { url } = await served()
  const other = await served({ readOnly: false })
  assert.equal(await tokenOf(url), '')
  const token = await tokenOf(other.url)
  for (const headers of [{}, { 'x-velo-token': token }, { 'x-velo-token': '' }])
    assert.deepEqual(await codeOf(`${url}/dashboard/streams/kept-0/abort`, { method: 'POST', headers }), [403, 'READ_ONLY'])
  assert.notEqual(stream.state, 'closed')
})

test('what is asked is checked before there is a stream', async () => {
  const { url } = await served()
  const wrong = [
    'limit=301',
    'limit=-1',
    'limit=1e9',
    'offset=x',
    'sort=size',
    'order=up',
    'waitingFor=godot',
    'nope=1',
    `search=${'x'.repeat(201)}`,
  ]
  for (const path of ['picture', 'feed']) {
    for (const query of wrong) assert.deepEqual(await codeOf(`${url}/dashboard/${path}?${query}`), [400, 'VELO_CONFIG'], query)
  }
  assert.deepEqual(await codeOf(`${url}/dashboard/picture?search=${'x'.repeat(5000)}`), [414, 'URI_TOO_LONG'])
  assert.deepEqual(await codeOf(`${url}/dashboard/picture`, { method: 'POST' }), [405, 'METHOD_NOT_ALLOWED'])
  assert.deepEqual(await codeOf(`${url}/dashboard/../etc/passwd`), [404, 'NOT_FOUND'])
  assert.deepEqual(await codeOf(`${url}/elsewhere`), [404, 'NOT_FOUND'])
})

test('a picture has the window, the order and the detail that were asked for', async () => {
  waiting(20, 'window')
  const { url } = await served()
  const { text } = await ask(`${url}/dashboard/picture?search=window-&sort=id&order=desc&offset=2&limit=3&stream=window-7`)
  const { list, offset, detail, overview } = JSON.parse(text)
  assert.deepEqual([list.matching, offset, list.streams.map(({ id }) => id)], [20, 2, ['window-7', 'window-6', 'window-5']])
  assert.equal(detail.stream.id, 'window-7')
  assert.equal(overview.process.pid, process.pid)
})

test('wrong options are named', () => {
  const refused = (options, field) => assert.throws(() => dashboard(options), { code: 'VELO_CONFIG', field: `dashboard(options).${field}` })
  refused({ authorize: true }, 'authorize')
  refused({ readOnly: 'no' }, 'readOnly')
  refused({ onError: 1 }, 'onError')
  refused({ token: 'x' }, 'token')
  for (const base of ['', '/', 'x', '/x/', '/a b', '/"><script>', 1]) refused({ base }, 'base')
})
