// Clients that are gone where no event of Node.js tells it: while it is found out who asks, and behind another response. No place may stay taken.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { connect as connectHttp2, createServer as createHttp2 } from 'node:http2'
import { after, test } from 'node:test'
import { Connections } from '../../target/js/server/listen/connections.js'
import { deferred, until } from '../support/deferred.mjs'
import { within } from '../support/within.mjs'
import { holding, noStreams, post, posting, raw, serving, twice, values, webSocket, who } from './service.mjs'

const pem = (name) => readFileSync(new URL(`./tls/${name}.pem`, import.meta.url))
const tls = { key: pem('key'), cert: pem('cert') }

for (const http2 of [true, false]) {
  test(`a client that goes while authorize asks keeps no place, ${http2 ? 'HTTP/2' : 'HTTP/1.1'}`, async () => {
    const [asked, go, told] = [deferred(), deferred(), deferred()]
    const authorize = async ({ headers }) => {
      if (headers.authorization === 'second') return 'me'
      asked.resolve()
      await go.promise
      setImmediate(told.resolve)
      return 'me'
    }
    const { server, port, url } = await serving({
      functions: { who },
      authorize,
      maxPerClient: 1,
      grace: 60_000,
      ...(http2 ? { tls, http2 } : {}),
    })
    let again
    if (http2) {
      const leaver = connectHttp2(url, { ca: tls.cert })
      leaver.on('error', () => undefined)
      leaver.request({ ':method': 'POST', ':path': '/fn/who', 'content-type': 'application/x-ndjson' }).on('error', () => undefined)
      await within(20_000, asked.promise, 'authorize')
      leaver.destroy()
      again = connectHttp2(url, { ca: tls.cert })
    } else {
      const leaver = raw(
        port,
        'POST /fn/who HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-ndjson\r\nContent-Length: 9\r\n\r\n',
      )
      await within(20_000, asked.promise, 'authorize')
      leaver.socket.resetAndDestroy()
      await leaver.closed()
    }
    await until(20_000, () => server.address !== undefined, 'the server')
    if (http2) {
      // An answer on another connection: the end of the first one has been seen by then.
      const health = again.request({ ':path': '/healthz' })
      await within(20_000, once(health.resume(), 'end'), '/healthz')
    } else await post(`${url}/healthz`, '')
    go.resolve()
    await within(20_000, told.promise, 'the answer of authorize')
    if (http2) {
      const request = again.request({
        ':method': 'POST',
        ':path': '/fn/who',
        authorization: 'second',
        'content-type': 'application/x-ndjson',
      })
      request.end()
      const [headers] = await within(20_000, once(request, 'response'), 'the second answer')
      request.resume()
      assert.equal(headers[':status'], 200)
      again.close()
    } else assert.equal((await post(`${url}/fn/who`, '', { authorization: 'second' })).status, 200)
    await within(20_000, server.close(), 'close(), which waits for nobody')
    await noStreams()
  })
}

test('requests behind another on a connection that breaks: aborted, and their places are free', async () => {
  const began = deferred()
  const ended = []
  async function* hold(_events, { signal }) {
    try {
      yield 'began'
      began.resolve()
      await new Promise((resolve) => signal.addEventListener('abort', resolve))
    } finally {
      ended.push(signal.aborted)
    }
  }
  const { server, port, url } = await serving({ functions: { hold, who }, maxPerClient: 3, grace: 60_000 })
  const one = (name) => `POST /fn/${name} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-ndjson\r\nContent-Length: 0\r\n\r\n`
  const broken = raw(port, one('hold') + one('who') + one('hold'))
  await within(20_000, began.promise, 'the first function')
  const full = await within(20_000, fetch(`${url}/metrics`), '/metrics')
  assert.match(await full.text(), /^velo_server_streams 3$/m)
  broken.socket.resetAndDestroy()
  await until(20_000, () => ended.length === 2, 'both functions are over')
  assert.deepEqual(ended, [true, true])
  await noStreams()
  for (let n = 0; n < 3; n++) assert.equal((await post(`${url}/fn/who`, '')).status, 200)
  const free = await within(20_000, fetch(`${url}/metrics`), '/metrics')
  assert.match(await free.text(), /^velo_server_streams 0$/m)
  await within(20_000, server.close(), 'close(), which waits for nobody')
})

test('who wishes for another protocol than WebSocket gets the answer in HTTP/1.1', async () => {
  const { port, url, server } = await serving({ functions: { who } })
  const head = (more) => `POST /fn/who HTTP/1.1\r\nHost: localhost\r\nX-Agent: java\r\nContent-Type: application/x-ndjson\r\n${more}\r\n`
  const wish = 'Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA\r\n'
  const client = raw(port, `${head(`${wish}Content-Length: 4\r\n`)}1\n2\n`)
  await until(20_000, () => client.said.text.includes('"java"'), 'the first answer')
  assert.match(client.said.text, /^HTTP\/1\.1 200 /)
  client.socket.write(head('Connection: close\r\nContent-Length: 0\r\n'))
  assert.equal((await client.closed()).match(/HTTP\/1\.1 200 /g).length, 2)
  // WebSocket goes on working beside it, and a body in parts arrives.
  const chunked = raw(port, head(`${wish}Transfer-Encoding: chunked\r\n`))
  chunked.socket.write('2\r\n1\n\r\n')
  chunked.socket.write('0\r\n\r\n')
  await until(20_000, () => chunked.said.text.includes('"java"'), 'the answer to a body in parts')
  chunked.socket.destroy()
  const socket = webSocket(`${url}/fn/who`)
  assert.equal(await socket.opened(), 'open')
  assert.deepEqual(await socket.count(1), values('{"principal":null,"agent":null}'))
  await within(20_000, server.close(), 'close()')
  await noStreams()
})

test('a connection of HTTP/2 is closed for idleness also after a request that was quiet for longer', async () => {
  const connections = new Connections()
  const server = createHttp2((_req, res) => {
    const { session } = res.stream
    // It has been looked at once while it was busy.
    session.once('timeout', () => res.end('late'))
  })
  after(() => server.close())
  server.on('session', (session) => connections.addSession(session, 50, 10_000))
  await new Promise((resolve) => server.listen(0, resolve))
  const client = connectHttp2(`http://127.0.0.1:${server.address().port}`)
  after(() => client.destroy())
  const closed = once(client, 'close')
  const request = client.request({ ':path': '/' })
  await within(20_000, once(request.setEncoding('utf8').resume(), 'end'), 'the late answer')
  await within(20_000, closed, 'the close of the idle connection')
})

test('a stream that outlives its connection keeps its place, and its client may come back to it', async () => {
  const { url } = await serving({ functions: { twice }, maxPerClient: 1, websocket: { onDisconnect: { graceMs: 60_000 } } })
  const first = webSocket(`${url}/fn/twice`)
  const [hello] = await first.count(1)
  first.send(1)
  assert.deepEqual((await first.count(2))[1], 2)
  first.socket.terminate()
  await first.closed()
  assert.equal(await webSocket(`${url}/fn/twice`).opened(), 429)
  const back = webSocket(`${url}/fn/twice?resume=${hello.velo.token}&last=1`)
  await back.count(1)
  back.send(2)
  assert.deepEqual((await back.count(2))[1], 4)
  assert.equal(await webSocket(`${url}/fn/twice`).opened(), 429)
  back.socket.close(1000)
  await back.closed()
  await noStreams()
  const next = webSocket(`${url}/fn/twice`)
  assert.equal(await next.opened(), 'open')
  next.socket.close(1000)
  await next.closed()
})

test('one that has ended meanwhile keeps it as well, until its client has what it left', async () => {
  const ended = deferred()
  async function* large(events) {
    try {
      for await (const event of events) {
        for (let i = 0; i < 3; i++) yield `${event}${'x'.repeat(1 << 20)}`
        return
      }
    } finally {
      ended.resolve()
    }
  }
  const { url } = await serving({ functions: { large }, maxPerClient: 1, websocket: { onDisconnect: { graceMs: 60_000 } } })
  const first = webSocket(`${url}/fn/large`)
  const [hello] = await first.count(1)
  first.socket.pause()
  first.send('go')
  await within(20_000, ended.promise, 'the end of the function')
  first.socket.terminate()
  await first.closed()
  await noStreams()
  assert.equal(await webSocket(`${url}/fn/large`).opened(), 429)
  const back = webSocket(`${url}/fn/large?resume=${hello.velo.token}&last=0`)
  assert.equal((await back.count(4)).length, 4)
  assert.equal((await back.closed()).code, 1000)
  const next = webSocket(`${url}/fn/large`)
  assert.equal(await next.opened(), 'open')
  next.socket.close(1000)
  await next.closed()
})

test('who only says to come back meets the limits of everybody', async () => {
  const { hold, began, letGo } = holding()
  const { port, url } = await serving({ functions: { hold, twice }, maxPerClient: 1, http: { onDisconnect: 'finish' } })
  const leaver = posting(port, '/fn/hold')
  await began
  leaver.req.destroy()
  for (const asks of [{}, { 'last-event-id': 'x:1' }, { 'last-event-id': '%:1' }])
    assert.equal((await post(`${url}/fn/twice`, '1\n', asks)).status, 429)
  assert.equal((await post(`${url}/fn/twice?resume=x&last=0`, '1\n')).status, 429)
  letGo()
  await noStreams()
  const free = async () => {
    while ((await post(`${url}/fn/twice`, '1\n')).status !== 200);
  }
  await within(20_000, free(), 'a place')
})
