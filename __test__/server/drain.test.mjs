// How a server stops: readiness first, then nobody is let in, what is open is told and may go on, then it is aborted; no socket is left.

import assert from 'node:assert/strict'
import { Agent } from 'node:http'
import { test } from 'node:test'
import { streamFn } from 'velo-stream'
import { createServer } from 'velo-stream/server'
import { deferred, isPending, until } from '../support/deferred.mjs'
import { noUnhandledRejections } from '../support/unhandled.mjs'
import { within } from '../support/within.mjs'
import { average, holding, ndjson, noStreams, post, posting, raw, serving, values, webSocket } from './service.mjs'

/** Reads server-sent events as they come. */
async function events(url) {
  const response = await fetch(url, { headers: { accept: 'text/event-stream' } })
  const said = { text: '', over: false }
  const ended = (async () => {
    try {
      for await (const chunk of response.body.pipeThrough(new TextDecoderStream())) said.text += chunk
    } catch (error) {
      said.error = error
    }
    said.over = true
    return said
  })()
  return { said, ended: () => within(20_000, ended, `the end of the events of ${url}`) }
}

test('a request that ends by itself gets its grace; the server is closed when it is done, not later', async () => {
  const { hold, began, letGo } = holding()
  const { server, port } = await serving({ functions: { hold, average }, grace: 60_000 })
  const client = posting(port, '/fn/hold')
  await began
  const closing = server.close()
  assert.equal(server.draining, true)
  client.write('1\n')
  letGo()
  client.end('2\n')
  assert.deepEqual(await client.ended(), { status: 200, text: '"began"\n"let go"\n1\n2\n', complete: true })
  await within(20_000, closing, 'close()')
  await within(1000, server.closed, 'closed')
  await assert.rejects(fetch(`http://127.0.0.1:${port}/healthz`))
})

test('readiness first: for readyDelay /readyz says 503 while streams are still let in', async () => {
  const { server, url } = await serving({ functions: { average }, readyDelay: 60_000 })
  const closing = server.close()
  assert.equal((await fetch(`${url}/readyz`)).status, 503)
  assert.equal((await fetch(`${url}/healthz`)).status, 200)
  assert.match(await (await fetch(`${url}/metrics`)).text(), /^velo_server_draining 1$/m)
  assert.deepEqual(values((await post(`${url}/fn/average`, ndjson([1, 3]))).text), [1, 2])
  assert.equal(await isPending(closing), true)
  server.close({ grace: 0 })
  await within(20_000, closing, 'close()')
})

test('a connection that is kept gets 503 for its next stream', async () => {
  const { hold, began, letGo } = holding()
  const { server, port } = await serving({ functions: { hold, average }, grace: 60_000 })
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  // The second request is on the same connection, behind the one that keeps it busy.
  const first = posting(port, '/fn/hold', { agent })
  const second = posting(port, '/fn/average', { agent })
  second.end('1\n')
  await began
  const closing = server.close()
  first.end()
  letGo()
  assert.equal((await first.ended()).complete, true)
  // Either it is told, or its connection was closed before it was heard.
  const answer = await second.ended()
  assert.ok(answer.error !== undefined || answer.status === 503, JSON.stringify(answer))
  await within(20_000, closing, 'close()')
  agent.destroy()
})

test('connections without a request are closed at once', async () => {
  const { server, port } = await serving({ functions: { average }, grace: 60_000, keepAliveTimeout: 60_000 })
  const fresh = raw(port)
  const kept = raw(port, 'GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n')
  await until(20_000, () => kept.said.text.includes('ok\n'), 'the answer')
  const half = raw(port, 'POST /fn/average HT')
  await until(20_000, () => half.socket.bytesWritten > 0 && half.socket.readyState === 'open', 'the connection')
  await within(20_000, server.close(), 'close()')
  await Promise.all([fresh.closed(), kept.closed(), half.closed()])
})

test('server-sent events are told; at the deadline they end with an error event', async () => {
  const { hold, began } = holding()
  const { server, url } = await serving({ functions: { hold }, grace: 150 })
  const client = await events(`${url}/fn/hold`)
  await began
  await within(20_000, server.close(), 'close()')
  const { text } = await client.ended()
  assert.match(text, /^event: draining$/m)
  assert.ok(text.indexOf('event: draining') < text.indexOf('event: error'), text)
  assert.match(text, /VELO_DRAINING/)
  await noStreams()
})

test('a WebSocket: its function finishes, its results go out, then it is closed with 1001', async () => {
  const summed = streamFn(async function* summed(events) {
    let total = 0
    for await (const event of events) yield (total += event)
    yield { total }
  })
  const { server, url } = await serving({ functions: { summed }, grace: 60_000 })
  const client = webSocket(`${url}/fn/summed`)
  await client.opened()
  client.send(1)
  client.send(2)
  await client.count(2)
  const closing = server.close()
  const { code } = await client.closed()
  assert.equal(code, 1001)
  assert.deepEqual(client.messages, [1, 3, { total: 3 }])
  await within(20_000, closing, 'close()')
})

test('at the deadline what is open is aborted: HTTP is cut, a WebSocket closed with 1001', async () => {
  const [web, sock] = [holding(), holding()]
  const { server, url, port } = await serving({ functions: { web: web.hold, sock: sock.hold }, grace: 100 })
  const client = posting(port, '/fn/web')
  const socket = webSocket(`${url}/fn/sock`)
  await socket.opened()
  socket.send(1)
  await Promise.all([web.began, sock.began])
  await within(20_000, server.close(), 'close()')
  const { text } = await client.ended()
  assert.match(text, /VELO_DRAINING/)
  assert.equal((await socket.closed()).code, 1001)
  await Promise.all([web.ended, sock.ended])
  await noStreams()
})

test('a second close may shorten the grace', async () => {
  const { hold, began } = holding()
  const { server, port } = await serving({ functions: { hold }, grace: 60_000 })
  const client = posting(port, '/fn/hold')
  await began
  const closing = server.close()
  assert.equal(server.close(), closing)
  assert.equal(server.close({ grace: 0 }), closing)
  await within(20_000, closing, 'close()')
  assert.equal((await client.ended()).text.includes('let go'), false)
  assert.throws(() => server.close({ grace: -1 }), { code: 'VELO_CONFIG' })
})

test('a stream that its client left to finish is waited for', async () => {
  const began = deferred()
  const go = deferred()
  let finished = false
  async function* bill() {
    yield 1
    began.resolve()
    await go.promise
    finished = true
  }
  const { server, port } = await serving({ functions: { bill }, grace: 60_000, http: { onDisconnect: 'finish' } })
  const client = posting(port, '/fn/bill')
  client.end()
  await began.promise
  client.req.destroy()
  const closing = server.close()
  assert.equal(await isPending(closing, 20), true)
  go.resolve()
  await within(20_000, closing, 'close()')
  assert.equal(finished, true)
})

test('a client that reads nothing and one that never ends cannot keep the server', async () => {
  async function* flood() {
    for (;;) yield 'x'.repeat(10_000)
  }
  const { server, port } = await serving({ functions: { flood }, grace: 100 })
  const client = raw(port, 'POST /fn/flood HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n')
  await until(20_000, () => client.said.text.includes('xxx'), 'results')
  client.socket.pause()
  await within(20_000, server.close(), 'close()')
  client.socket.resume()
  await client.closed()
  await noStreams()
})

test('two servers in one process: closing one leaves the other alone', async () => {
  const [one, other] = await Promise.all([serving({ functions: { average } }), serving({ functions: { average } })])
  await one.server.close()
  assert.deepEqual(values((await post(`${other.url}/fn/average`, ndjson([5]))).text), [5])
})

test('signals are heard only on request, and no listener is left', async () => {
  const listeners = () => process.listenerCount('SIGTERM') + process.listenerCount('SIGINT')
  const before = listeners()
  const quiet = createServer({ functions: { average } })
  await quiet.listen()
  assert.equal(listeners(), before)
  await quiet.close()
  const hearing = createServer({ functions: { average }, signals: true })
  await hearing.listen()
  assert.equal(listeners(), before + 2)
  process.emit('SIGTERM')
  await within(20_000, hearing.closed, 'closed')
  assert.equal(listeners(), before)
})

noUnhandledRejections('drain')
