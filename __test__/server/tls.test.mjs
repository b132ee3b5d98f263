// TLS and HTTP/2, with a certificate made for these tests alone.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { connect } from 'node:http2'
import { request } from 'node:https'
import { after, describe, test } from 'node:test'
import { connect as connectTls } from 'node:tls'
import { within } from '../support/within.mjs'
import { average, holding, ndjson, noStreams, raw, serving, values, webSocket, who } from './service.mjs'

const [key, cert] = ['key', 'cert'].map((name) => readFileSync(new URL(`tls/${name}.pem`, import.meta.url)))
const tls = { key, cert }

function https(url, body) {
  return within(
    20_000,
    new Promise((resolve, reject) => {
      const req = request(url, { method: 'POST', ca: cert, agent: false, headers: { 'content-type': 'application/x-ndjson' } }, (res) => {
        let text = ''
        res.setEncoding('utf8').on('data', (part) => (text += part))
        res.on('end', () => resolve({ status: res.statusCode, text, version: res.httpVersion }))
        res.on('error', reject)
      })
      req.on('error', reject)
      req.end(body)
    }),
    url,
  )
}

/** A session and its requests; `post` leaves the body open where none is given. */
function session(url) {
  const client = connect(url, { ca: cert })
  client.on('error', () => undefined)
  after(() => client.destroy())
  const post = (path, body, headers = {}) => {
    const stream = client.request({ ':method': 'POST', ':path': path, 'content-type': 'application/x-ndjson', ...headers })
    const answer = { text: '' }
    stream.on('error', (error) => Object.assign(answer, { error }))
    stream.setEncoding('utf8').on('data', (part) => (answer.text += part))
    stream.on('response', (head) => Object.assign(answer, { status: head[':status'] }))
    const closed = new Promise((resolve) => stream.on('close', () => resolve(answer)))
    if (body !== undefined) stream.end(body)
    return { stream, answer, closed: () => within(20_000, closed, path) }
  }
  return { client, post }
}

describe('TLS', async () => {
  const { server, url, port } = await serving({ functions: { average }, tls, headersTimeout: 200 })

  test('HTTPS and a WebSocket over it', async () => {
    assert.match(url, /^https:/)
    assert.deepEqual(values((await https(`${url}/fn/average`, ndjson([1, 3]))).text), [1, 2])
    const socket = webSocket(url.replace('https', 'wss').concat('/fn/average'), { ca: cert })
    assert.equal(await socket.opened(), 'open')
    socket.send(4)
    assert.deepEqual(await socket.count(1), [4])
    socket.socket.close()
    await socket.closed()
  })

  test('a handshake that does not come, and one that is none', async () => {
    assert.equal(await raw(port).closed(), '')
    await raw(port, 'GET / HTTP/1.1\r\n\r\n').closed()
    assert.equal((await https(`${url}/fn/average`, '1\n')).status, 200)
  })

  test('it stops', async () => {
    await within(20_000, server.close(), 'close()')
    await noStreams()
  })
})

describe('HTTP/2', async () => {
  const { hold, began, letGo } = holding()
  const { server, url } = await serving({ functions: { average, hold, who }, tls, http2: true, grace: 60_000, maxPerClient: 50 })

  test('many streams on one connection, each with its own state', async () => {
    const { post, client } = session(url)
    const answers = await Promise.all(Array.from({ length: 40 }, (_, n) => post('/fn/average', ndjson([n, n + 2])).closed()))
    assert.deepEqual(
      answers.map(({ status, text }) => [status, values(text)]),
      Array.from({ length: 40 }, (_, n) => [200, [n, n + 1]]),
    )
    const told = await post('/fn/who', '', { 'x-agent': 'two' }).closed()
    assert.deepEqual(values(told.text), [{ principal: null, agent: 'two' }])
    assert.equal((await post('/fn/nobody', '').closed()).status, 404)
    client.close()
    await within(20_000, once(client, 'close'), 'the close of the session')
  })

  test('HTTP/1.1 and WebSocket beside it', async () => {
    const { version, text } = await https(`${url}/fn/average`, ndjson([5]))
    assert.deepEqual([version, values(text)], ['1.1', [5]])
    const socket = webSocket(url.replace('https', 'wss').concat('/fn/average'), { ca: cert })
    assert.equal(await socket.opened(), 'open')
    socket.socket.close()
    await socket.closed()
  })

  test('a client that cancels one stream aborts that one', async () => {
    const { post } = session(url)
    const cancelled = post('/fn/average')
    cancelled.stream.write('1\n')
    await within(20_000, once(cancelled.stream, 'data'), 'the first result')
    cancelled.stream.close(8)
    await cancelled.closed()
    await noStreams()
    assert.equal((await post('/fn/average', '2\n').closed()).text, '2\n')
  })

  test('a body that does not come is cut off, the others on the connection go on', async () => {
    const patience = await serving({ functions: { average: { fn: average, idleTimeout: 0 } }, tls, http2: true, bodyTimeout: 150 })
    const { post } = session(patience.url)
    const silent = post('/fn/average')
    const { error, status } = await silent.closed()
    assert.ok(error !== undefined || status === undefined)
    assert.equal((await post('/fn/average', '3\n').closed()).text, '3\n')
    await patience.server.close()
  })

  test('it stops: streams under way finish, sessions are closed', async () => {
    const { post, client } = session(url)
    const gone = once(client, 'close')
    const request = post('/fn/hold')
    await began
    const idle = session(url)
    await within(20_000, once(idle.client, 'connect'), 'the other session')
    const closing = server.close()
    letGo()
    request.stream.end('7\n')
    assert.equal((await request.closed()).text, '"began"\n"let go"\n7\n')
    await within(20_000, closing, 'close()')
    await within(20_000, gone, 'the close of the session')
    await noStreams()
  })
})

test('a connection beside HTTP/2 that never asks is closed after headersTimeout, whatever it speaks', async () => {
  const { port } = await serving({ functions: { average }, tls, http2: true, headersTimeout: 150 })
  for (const [protocol, bytes] of [
    ['http/1.1', ''],
    ['http/1.1', 'GET /healthz HTTP/1.1\r\nHost'],
    ['h2', ''],
    ['h2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
  ]) {
    const socket = connectTls({ port, host: '127.0.0.1', ca: cert, servername: 'localhost', ALPNProtocols: [protocol] })
    socket.on('error', () => undefined).resume()
    const closed = once(socket, 'close')
    socket.write(bytes)
    await within(20_000, closed, `the close of ${protocol} after ${JSON.stringify(bytes)}`)
  }
})

test('a connection over TLS that never asks is closed after headersTimeout without HTTP/2, too', async () => {
  const { port } = await serving({ functions: { average }, tls, headersTimeout: 150 })
  for (const ALPNProtocols of [['http/1.1'], undefined]) {
    const socket = connectTls({ port, host: '127.0.0.1', ca: cert, servername: 'localhost', ALPNProtocols })
    socket.on('error', () => undefined).resume()
    await within(20_000, once(socket, 'close'), `the close with ${ALPNProtocols}`)
  }
})
