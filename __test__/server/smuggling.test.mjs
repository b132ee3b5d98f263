// Requests that wish for another protocol, or that hide one request in another: each is what its bytes say, once, and nothing is read twice.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { connect } from 'node:tls'
import { until } from '../support/deferred.mjs'
import { pem } from '../support/pem.mjs'
import { within } from '../support/within.mjs'
import { average, noStreams, raw, serving, twice, who } from './service.mjs'

const { port } = await serving({ functions: { average, twice, who } })
const answers = (text) => [...text.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => Number(status))
const WISH = 'Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA\r\n'
const head = (path, more) => `POST ${path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-ndjson\r\n${more}\r\n`

test('a wish for HTTP/2 is passed over on every request of a connection, also with a body', async () => {
  const client = raw(port)
  // One after the other: behind a wish the parser of Node.js passes over what came with it.
  for (const value of [1, 2, 3]) {
    client.socket.write(`${head('/fn/twice', `${WISH}Content-Length: 2\r\n`)}${value}\n`)
    await until(20_000, () => client.said.text.endsWith(`\r\n${value * 2}\n\r\n0\r\n\r\n`), `the answer to ${value}`)
  }
  client.socket.write(`${head('/fn/twice', `${WISH}Transfer-Encoding: chunked\r\n`)}2\r\n4\n\r\n0\r\n\r\n`)
  await until(20_000, () => client.said.text.endsWith('\r\n8\n\r\n0\r\n\r\n'), 'the answer to a body in chunks')
  client.socket.write('GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n')
  assert.deepEqual(answers(await client.closed()), [200, 200, 200, 200, 200])
  await noStreams()
})

test('a length behind a thousand headers is a length', async () => {
  const hidden = 'GET /fn/who HTTP/1.1\r\nHost: localhost\r\nX-Agent: smuggled\r\n\r\n'
  for (const wish of ['', WISH]) {
    const many = 'a:b\r\n'.repeat(1500)
    const text = await raw(
      port,
      `${head('/fn/average', `${wish}${many}Content-Length: ${hidden.length}\r\nConnection: close\r\n`)}${hidden}`,
    ).closed()
    assert.equal(answers(text).length, 1, text)
    assert.doesNotMatch(text, /smuggled/)
  }
  await noStreams()
})

test('a handshake with a body is refused, and what comes behind it is no request', async () => {
  const upgrade =
    'GET /fn/average HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n'
  for (const body of ['Content-Length: 5\r\n\r\nGET /', 'Transfer-Encoding: chunked\r\n\r\n5\r\nGET /\r\n0\r\n\r\n'])
    assert.deepEqual(answers(await raw(port, upgrade + body).closed()), [400])
})

test('two lengths, a length beside chunks, and a line that is folded are refused', async () => {
  for (const more of [
    'Content-Length: 2\r\nContent-Length: 3\r\n',
    'Content-Length: 2\r\nTransfer-Encoding: chunked\r\n',
    'Transfer-Encoding: chunked, identity\r\n',
    'Content-Length: 2\r\nX: a\r\n Content-Length: 3\r\n',
  ]) {
    const text = await raw(port, `${head('/fn/average', `${more}Connection: close\r\n`)}1\n`).closed()
    assert.ok(answers(text).length <= 1 && !text.includes('200 OK\r\n\r\n'), `${more}${text}`)
  }
  await noStreams()
})

test('the same with TLS, HTTP/1.1 beside HTTP/2', async () => {
  const secure = await serving({ functions: { twice }, tls: { key: pem('key'), cert: pem('cert') }, http2: true })
  const socket = connect({ port: secure.port, host: '127.0.0.1', ca: pem('cert'), servername: 'localhost', ALPNProtocols: ['http/1.1'] })
  let text = ''
  socket.setEncoding('utf8').on('data', (more) => (text += more))
  const closed = new Promise((resolve) => socket.on('close', resolve))
  socket.write(`${head('/fn/twice', `${WISH}Content-Length: 2\r\n`)}1\n`)
  await until(20_000, () => text.endsWith('0\r\n\r\n'), 'the first answer')
  socket.write(`${head('/fn/twice', 'Connection: close\r\nContent-Length: 2\r\n')}2\n`)
  await within(20_000, closed, 'the close')
  assert.deepEqual(answers(text), [200, 200])
})

test('no request is put together anew', () => {
  const source = readFileSync(new URL('../../js/server/listen/other-protocol.ts', import.meta.url), 'utf8')
  assert.doesNotMatch(source, /unshift|rawHeaders/)
})
