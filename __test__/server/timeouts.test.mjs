// Clients that hold a connection and send nothing, or a byte now and then.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { afterIdle } from '../support/idle.mjs'
import { noUnhandledRejections } from '../support/unhandled.mjs'
import { within } from '../support/within.mjs'
import { average, noStreams, posting, raw, serving } from './service.mjs'

const post = (path, more = '') =>
  `POST ${path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-ndjson\r\nContent-Length: 1000\r\n${more}`

/** A byte each so often, until the server has had enough. */
async function trickle({ socket, closed }, byte) {
  const timer = setInterval(() => socket.write(byte), 20)
  const text = await closed()
  clearInterval(timer)
  return text
}

test('a head that does not come, comes half, or comes a byte at a time', async () => {
  const { port } = await serving({ functions: { average }, headersTimeout: 200 })
  const [silent, half, slow] = await Promise.all([
    raw(port).closed(),
    raw(port, 'POST /fn/average HT').closed(),
    trickle(raw(port, 'POST /fn/average HTTP/1.1\r\nX-Long: '), 'a'),
  ])
  for (const text of [silent, half, slow]) assert.match(text, /^(HTTP\/1\.1 408 |$)/)
})

test('a connection without a next request is closed', async () => {
  const { port } = await serving({ functions: { average }, keepAliveTimeout: 100 })
  assert.match(await raw(port, 'GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n').closed(), /^HTTP\/1\.1 200 /)
})

test('a body that does not come: 408, and the function is aborted', async () => {
  const { port, url } = await serving({ functions: { average: { fn: average, idleTimeout: 0 } }, bodyTimeout: 150 })
  assert.match(await raw(port, post('/fn/average', '\r\n')).closed(), /^HTTP\/1\.1 408 /)
  await noStreams()
  const metrics = await within(20_000, fetch(`${url}/metrics`), '/metrics')
  assert.match(await metrics.text(), /^velo_server_requests_total\{function="average",status="408"\} 1$/m)
})

test('the same on a connection that has had an answer before', async () => {
  const { port } = await serving({ functions: { average: { fn: average, idleTimeout: 0 } }, bodyTimeout: 150 })
  const text = await raw(port, `GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n${post('/fn/average', '\r\n')}`).closed()
  assert.match(text, /^HTTP\/1\.1 200 [\s\S]*ok\nHTTP\/1\.1 408 /)
})

test('a body that stops in the middle: the answer that has begun is cut, not finished', async () => {
  const { port } = await serving({ functions: { average: { fn: average, idleTimeout: 0 } }, bodyTimeout: 150 })
  const text = await raw(port, `${post('/fn/average', '\r\n')}1\n2\n`).closed()
  assert.match(text, /^HTTP\/1\.1 200 [\s\S]*1\.5\n/)
  assert.ok(!text.endsWith('0\r\n\r\n'), text)
  await noStreams()
})

test('a body that trickles without an event gets 408 after the idle timeout that the function sets', async () => {
  const { port } = await serving({ functions: { average: { fn: average, idleTimeout: 200 } } })
  const text = await trickle(raw(port, post('/fn/average', '\r\n')), '1')
  assert.match(text, /^HTTP\/1\.1 408 [\s\S]*VELO_IDLE/)
  await noStreams()
})

test('half an upload is never answered as a whole one', async () => {
  async function* sum(events) {
    let total = 0
    for await (const event of events) total += event
    yield { total }
  }
  const { port } = await serving({ functions: { sum: { fn: sum, idleTimeout: 100 }, average: { fn: average, idleTimeout: 100 } } })
  const half = await raw(port, `${post('/fn/sum', '\r\n')}1\n2\n3\n`).closed()
  // The summary that the function yields has begun the answer: its last line is the error.
  assert.match(half, /^HTTP\/1\.1 (408|200) [\s\S]*VELO_IDLE/)
  const begun = await raw(port, `${post('/fn/average', '\r\n')}1\n2\n3\n`).closed()
  assert.match(begun, /^HTTP\/1\.1 200 [\s\S]*2\n[\s\S]*\{"error":\{"code":"VELO_IDLE"/)
  await noStreams()
})

test('a client that waits for results is no idler', async () => {
  const bodyTimeout = 800
  let waiting = true
  async function* ticking(events) {
    for (let i = 0; waiting; i++) {
      await afterIdle(bodyTimeout / 8)
      yield i
    }
    for await (const event of events) yield event
  }
  const { port } = await serving({
    functions: { ticking: { fn: ticking, idleTimeout: 0 }, silent: { fn: average, idleTimeout: 0 } },
    bodyTimeout,
  })
  const client = posting(port, '/fn/ticking')
  await client.until('0\n')
  // One that gets no results begins later and is cut off earlier.
  assert.match(await raw(port, post('/fn/silent', '\r\n')).closed(), /^HTTP\/1\.1 408 /)
  waiting = false
  client.end('"last"\n')
  const { text, complete } = await client.ended()
  assert.deepEqual([text.endsWith('"last"\n'), complete], [true, true])
})

test('a slow function is not the fault of the client', async () => {
  let taken = 0
  async function* slow(events) {
    // Its pause is as long as a client may be silent: one that sends nothing begins and is cut off.
    for await (const _ of events)
      if (++taken % 1000 === 0) assert.match(await raw(port, post('/fn/silent', '\r\n')).closed(), /^HTTP\/1\.1 408 /)
    yield taken
  }
  const { port } = await serving({ functions: { slow, silent: { fn: average, idleTimeout: 0 } }, bodyTimeout: 200 })
  const client = posting(port, '/fn/slow')
  client.end(`${'x'.repeat(100).replace(/^x|x$/g, '"')}\n`.repeat(4000))
  const { text } = await within(20_000, client.ended())
  assert.equal(text, '4000\n')
})

test('a bad request and a reset connection harm nobody', async () => {
  const { port, url } = await serving({ functions: { average } })
  assert.match(await raw(port, 'nonsense\r\n\r\n').closed(), /^HTTP\/1\.1 400 /)
  const socket = raw(port, 'GET /fn/average HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n')
  socket.socket.resetAndDestroy()
  assert.match(
    await raw(port, 'GET /fn/average HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n').closed(),
    /^HTTP\/1\.1 400 /,
  )
  assert.equal((await fetch(`${url}/healthz`)).status, 200)
  await noStreams()
})

noUnhandledRejections('timeouts')
