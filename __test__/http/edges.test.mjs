// What only an attacker or a tired proxy does: each of these once hung a request, a connection or the process.

import assert from 'node:assert/strict'
import http from 'node:http'
import { afterEach, describe, test } from 'node:test'
import { createGunzip, gzipSync } from 'node:zlib'
import Fastify from 'fastify'
import { streamFn } from 'velo-stream'
import velo from 'velo-stream/fastify'
import { eventsFrom, handler, respond, toResponse } from 'velo-stream/http'
import { deferred, until } from '../support/deferred.mjs'
import { noUnhandledRejections } from '../support/unhandled.mjs'
import { within } from '../support/within.mjs'
import { lines, parse, post, values, Wire } from './support/clients.mjs'
import { kinds, running, start } from './support/servers.mjs'
import { settled } from './support/settled.mjs'

const echo = streamFn(async function* echo(events) {
  for await (const event of events) yield event
})
const GET = 'GET / HTTP/1.1\r\nHost: test\r\n\r\n'
const HEAD = GET.replace('GET', 'HEAD')
const handled = (work) => running(http.createServer(work).listen(0, '127.0.0.1'))

afterEach(() => settled())

test('headers that cannot be sent, and statuses without a body, are refused when the handler is made', async () => {
  for (const headers of [{ 'x-a': 'b\r\nc: d' }, { 'x a': 'b' }, { 'x-a': undefined }, { 'x-a': ['b', 'c\n'] }, { '': 'a' }])
    assert.throws(() => handler(echo, { headers }), { code: 'VELO_CONFIG', message: /handler\(options\)\.headers\.[\s\S]*: expected/ })
  for (const status of [204, 205]) assert.throws(() => handler(echo, { status }), { field: 'handler(options).status' })
  await assert.rejects(toResponse(echo, new Request('http://test/'), { status: 204 }), { field: 'toResponse(options).status' })
})

test('a client that goes while its request waits behind another on the connection is seen, and leaves no listener', async () => {
  const started = deferred()
  const aborted = deferred()
  const quiet = streamFn(async function* quiet(_, ctx) {
    ctx.signal.addEventListener('abort', aborted.resolve)
    started.resolve()
    await aborted.promise
  })
  const serve = handler(quiet)
  const made = await handled((req, res) => (req.url === '/' ? serve(req, res) : res.flushHeaders()))
  const wire = new Wire(made.port).write(GET.replace('/', '/slow')).write(GET)
  await within(5000, started.promise, 'the function')
  wire.socket.destroy()
  await within(5000, aborted.promise, 'ctx.signal')
  await made.close()
})

test('pipelined requests put no listener each on their connection', async () => {
  const gate = deferred()
  const serve = handler(
    streamFn(async function* slow() {
      await gate.promise
      yield 1
    }),
  )
  let seen = 0
  const made = await handled((req, res) => {
    seen++
    return serve(req, res)
  })
  const wire = new Wire(made.port).write(GET.repeat(30))
  await until(5000, () => seen === 30, 'the requests')
  const [socket] = made.sockets
  assert.ok(socket.listenerCount('close') < 10, `${socket.listenerCount('close')} listeners`)
  gate.resolve()
  const answers = (count) => until(5000, () => wire.text.split('\r\n0\r\n\r\n').length > count, `${count} responses`)
  await answers(30)
  const before = socket.listenerCount('close')
  wire.write(GET)
  await answers(31)
  assert.equal(socket.listenerCount('close'), before)
  wire.socket.destroy()
  await made.close()
})

describe('HEAD', () => {
  for (const kind of kinds) {
    test(`${kind}: the head of a response, and no stream`, async () => {
      let opened = 0
      const endless = streamFn(async function* endless() {
        opened++
        for (;;) yield 1
      })
      const made = await start(kind, endless, {})
      for (const accept of ['application/x-ndjson', 'text/event-stream']) {
        const init = { method: 'HEAD', headers: { accept } }
        const response = await within(5000, fetch(made.url, init), 'the head')
        assert.equal(response.status, 200)
        assert.match(response.headers.get('content-type'), new RegExp(accept))
      }
      assert.equal(opened, 0)
      await made.close()
    })
  }

  test('respond closes its source', async () => {
    function* endless() {
      for (;;) yield 1
    }
    const made = await handled((_, res) => respond(res, endless()))
    const wire = new Wire(made.port).write(HEAD)
    await wire.until(/HTTP\/1\.1 200[\s\S]*ndjson[\s\S]*\r\n\r\n/)
    wire.socket.destroy()
    await made.close()
  })
})

test('a loop over eventsFrom that ends early, or fails, does not hold up the connection', async () => {
  for (const [body, options] of [
    ['1\n'.repeat(300_000), {}],
    [`${'x'.repeat(5000)}\n${'1\n'.repeat(300_000)}`, {}],
    [`1\n${' '.repeat(600_000)}\n`, { maxLine: 1000 }],
  ]) {
    const made = await handled(async (req, res) => {
      try {
        for await (const _ of eventsFrom(req, options)) break
      } catch {}
      res.end('answered')
    })
    const wire = new Wire(made.port).head({ length: body.length }).write(body).head({ length: 2 }).write('1\n')
    await wire.until(/answered[\s\S]*answered/)
    wire.socket.destroy()
    await made.close()
  }
})

test('a function without end whose client has gone holds up nothing but itself, and ends after graceMs', async () => {
  const ended = deferred()
  const endless = streamFn(async function* endless() {
    try {
      for (let number = 0; ; number++) yield number
    } finally {
      ended.resolve()
    }
  })
  const made = await start('node:http', endless, { onDisconnect: { graceMs: 50 } })
  const wire = new Wire(made.port).write(GET)
  await wire.until(/200 OK/)
  wire.socket.resetAndDestroy()
  await within(5000, ended.promise, 'the end')
  await made.close()
})

test('respond reads no more when the client is gone, whatever its source', async () => {
  const over = deferred()
  const endless = { [Symbol.asyncIterator]: () => ({ next: async () => ({ done: false, value: 'x'.repeat(1000) }) }) }
  const made = await handled((_, res) => respond(res, endless).then(over.resolve))
  const wire = new Wire(made.port).write(GET)
  await wire.until(/xxx/)
  wire.socket.resetAndDestroy()
  await within(5000, over.promise, 'the end')
  await made.close()
})

describe('a result that cannot be written', () => {
  const cases = { ndjson: {}, sse: { out: 'sse' }, resume: { out: 'sse', resume: true } }
  for (const [name, options] of Object.entries(cases)) {
    test(`${name}: those before it arrive, then the error`, async () => {
      const fn = streamFn(async function* fn() {
        yield* [1, 2, 10n, 3]
      })
      const made = await start('node:http', fn, { ...options, onDisconnect: { graceMs: 50 } })
      const response = await within(5000, fetch(made.url), 'the response')
      const text = await response.text()
      assert.equal(response.status, 200)
      if (name === 'ndjson') {
        assert.deepEqual(parse(text).slice(0, 2), [1, 2])
        assert.equal(parse(text)[2].error.code, 'FAILED')
      } else assert.match(text, /data: 1\n\n[\s\S]*data: 2\n\n[\s\S]*event: error\n/)
      assert.doesNotMatch(text, /3\n*$/)
      await made.close()
    })
  }

  test('the first: a status', async () => {
    const fn = streamFn(async function* fn() {
      yield 10n
    })
    for (const options of Object.values(cases)) {
      const response = await within(5000, toResponse(fn, new Request('http://test/'), options), 'the response')
      assert.equal(response.status, 500)
    }
  })
})

test('Fastify: a body that a preParsing hook has replaced is read in its place', async () => {
  const app = Fastify({ forceCloseConnections: true })
  await app.register(velo)
  app.addHook('preParsing', async (request, _, payload) => {
    const plain = createGunzip()
    plain.receivedEncodedLength = Number(request.headers['content-length'])
    delete request.headers['content-encoding']
    return payload.pipe(plain)
  })
  app.post('/', app.velo(echo))
  await app.listen({ host: '127.0.0.1', port: 0 })
  const url = `http://127.0.0.1:${app.server.address().port}/`
  const events = Array.from({ length: 50_000 }, (_, index) => index)
  const whole = await post(url, gzipSync(lines(events)), { headers: { 'content-encoding': 'gzip' } })
  assert.deepEqual(await values(whole), events)
  const broken = await post(url, 'nonsense', { headers: { 'content-encoding': 'gzip' } })
  assert.equal(broken.status, 400)
  await app.close()
})

test('what is kept of streams that are over has a bound, however large their results were', async () => {
  const large = streamFn(async function* large() {
    yield 'x'.repeat(4 << 20)
  })
  const ask = (headers = {}) => {
    const request = new Request('http://test/', { headers: { accept: 'text/event-stream', ...headers } })
    return within(5000, toResponse(large, request, { resume: true, onDisconnect: { graceMs: 20_000 } }), 'the response')
  }
  const ids = []
  for (let number = 0; number < 20; number++) {
    const response = await ask()
    await response.text()
    ids.push(response.headers.get('velo-stream'))
  }
  assert.equal((await ask({ 'last-event-id': `${ids.at(-1)}:1` })).status, 204)
  assert.equal((await ask({ 'last-event-id': `${ids[0]}:1` })).status, 410)
})

test('multipart: the name of a part has a bound', async () => {
  for (const file of ['', '; filename="x"']) {
    const body = `--b\r\nContent-Disposition: form-data; name="${'n'.repeat(5000)}"${file}\r\n\r\n1\r\n--b--\r\n`
    const request = new Request('http://test/', { method: 'POST', body, headers: { 'content-type': 'multipart/form-data; boundary=b' } })
    const response = await within(5000, toResponse(echo, request), 'the response')
    assert.equal(response.status, 413)
  }
})

noUnhandledRejections('rule 16')
