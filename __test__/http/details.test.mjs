// The rest of what is promised: options, the life signs of server-sent events, schemas, HTTP/2, the halves, and what the plug-in leaves alone.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import http from 'node:http'
import http2 from 'node:http2'
import { afterEach, describe, test } from 'node:test'
import express from 'express'
import Fastify from 'fastify'
import { streamFn } from 'velo-stream'
import velo from 'velo-stream/fastify'
import { eventsFrom, handler, respond, toResponse } from 'velo-stream/http'
import { z } from 'zod'
import { output } from '../support/child.mjs'
import { deferred } from '../support/deferred.mjs'
import { noUnhandledRejections } from '../support/unhandled.mjs'
import { within } from '../support/within.mjs'
import { post, values, Wire } from './support/clients.mjs'
import { running, start } from './support/servers.mjs'
import { settled } from './support/settled.mjs'

const echo = streamFn(async function* echo(events) {
  for await (const event of events) yield event
})

afterEach(() => settled())

describe('options', () => {
  const refused = [
    [
      { maxline: 1 },
      /handler\(options\)\.maxline: unknown option 'maxline' \(did you mean 'maxLine'\?\), expected one of in, maxLine, .*, got 1 \(number\)/,
    ],
    [{ in: 'xml' }, /handler\(options\)\.in: expected 'auto' or 'ndjson' or .*, got 'xml' \(string\)/],
    [{ maxLine: 0 }, /handler\(options\)\.maxLine: expected an integer from 1 up, got 0 \(number\)/],
    [{ onDisconnect: 'stay' }, /handler\(options\)\.onDisconnect: expected 'abort', 'finish' or \{ graceMs \}, got 'stay'/],
    [{ onDisconnect: { graceMs: -1 } }, /handler\(options\)\.onDisconnect\.graceMs: expected ms from 0/],
    [{ resume: true, onDisconnect: 'finish' }, /handler\(options\)\.onDisconnect: expected \{ graceMs \} beside resume/],
    [{ resume: { buffer: 0 } }, /handler\(options\)\.resume\.buffer: expected an integer from 1 up/],
    [{ resume: true, out: 'ndjson' }, /handler\(options\)\.out: expected 'sse' beside resume/],
    [{ status: 404 }, /handler\(options\)\.status: expected an integer from 200 to 299/],
    [{ heartbeat: Number.NaN }, /handler\(options\)\.heartbeat: expected ms from 0/],
    [{ draining: {} }, /handler\(options\)\.draining: expected an AbortSignal/],
    [{ id: 'x' }, /handler\(options\)\.id: expected a function/],
  ]

  test('are checked when the handler is made', () => {
    for (const [options, message] of refused) {
      assert.throws(() => handler(echo, options), { name: 'VeloError', code: 'VELO_CONFIG', message })
    }
    assert.throws(() => handler(() => {}), { code: 'VELO_CONFIG', message: /handler\(fn\): expected a stream function/ })
    assert.throws(() => eventsFrom(new Request('http://test/'), { out: 'sse' }), { code: 'VELO_CONFIG', field: 'eventsFrom(options).out' })
  })

  test('toResponse and respond reject', async () => {
    await assert.rejects(toResponse(echo, new Request('http://test/'), { maxLine: -1 }), { field: 'toResponse(options).maxLine' })
    await assert.rejects(respond({}, [], { maxStall: -1 }), { field: 'respond(options).maxStall' })
  })

  test('openOptions: an id and headers of your own, also made for each request', async () => {
    const told = streamFn(async function* told(_, ctx) {
      yield [ctx.id, ctx.headers.user]
    })
    const made = await start('node:http', told, { openOptions: (req) => ({ id: `user ${req.url}`, headers: { user: 'ann' } }) })
    const response = await post(`${made.url}7`, '')
    assert.deepEqual(await values(response), [['user /7', 'ann']])
    assert.equal(response.headers.get('velo-stream'), 'user%20%2F7')
    await made.close()
  })

  test('a name that is no header value is none in the header', async () => {
    for (const name of ['Z\u00e4hler \u20ac', 'a\nb: c', '\ud800', '\u65e5\u672c']) {
      const made = await start('node:http', echo.with({ name }), { resume: true })
      for (const accept of ['application/x-ndjson', 'text/event-stream']) {
        const response = await post(made.url, '1\n', { headers: { accept } })
        assert.equal(response.status, 200)
        await response.text()
      }
      await made.close()
    }
  })

  test('events of your own, from the query for example; what they throw comes into the function', async () => {
    const caught = streamFn(async function* caught(events) {
      try {
        for await (const event of events) yield event
      } catch (error) {
        yield error.message
      }
    })
    const events = function* (req) {
      yield new URL(req.url, 'http://test').searchParams.get('q')
      throw new Error('the source')
    }
    const made = await start('node:http', caught, { events })
    assert.deepEqual(await values(await within(5000, fetch(`${made.url}?q=hello`), 'the response')), ['hello', 'the source'])
    await made.close()
  })
})

describe('schemas', () => {
  const numbers = streamFn(
    async function* numbers(events) {
      for await (const event of events) yield event
    },
    { schema: z.number() },
  )

  test('an event that the schema refuses is 422', async () => {
    const made = await start('node:http', numbers)
    const response = await post(made.url, '1\n"two"\n3\n')
    assert.equal(response.status, 422)
    assert.equal((await response.json()).error.code, 'VELO_EVENT')
    await made.close()
  })

  test("onMalformed: 'skip' leaves it out", async () => {
    const made = await start('node:http', numbers, { onMalformed: 'skip' })
    assert.deepEqual(await values(await post(made.url, '"zero"\n1\nnonsense\n"two"\n"three"\n4\n{}')), [1, 4])
    await made.close()
  })
})

describe('errors of the function', () => {
  const failing = (properties) =>
    streamFn(async function* failing() {
      throw Object.assign(new Error('no such order'), properties)
    })

  test('status and expose are read as frameworks read them', async () => {
    for (const [properties, options, status, message] of [
      [{}, {}, 500, 'the function failed'],
      [{}, { expose: true }, 500, 'no such order'],
      [{ status: 404, expose: true }, {}, 404, 'no such order'],
      [{ statusCode: 409 }, {}, 409, 'the function failed'],
      [{ status: 200 }, {}, 500, 'the function failed'],
    ]) {
      const response = await toResponse(failing(properties), new Request('http://test/'), options)
      assert.deepEqual([response.status, (await response.json()).error.message], [status, message])
    }
  })

  test('onError gets the very same error', async () => {
    const mine = { not: 'an error' }
    const fn = streamFn(async function* fn() {
      throw mine
    })
    const errors = []
    await toResponse(fn, new Request('http://test/'), { onError: (error) => errors.push(error) })
    assert.deepEqual(errors, [mine])
    assert.equal(errors[0], mine)
  })

  test('a process that drains answers 503', async () => {
    const text = await output(`
      import { runtime, streamFn } from 'velo-stream'
      import { toResponse } from 'velo-stream/http'
      await runtime.drain()
      const response = await toResponse(streamFn(async function* () {}), new Request('http://test/'))
      console.log(response.status, (await response.json()).error.code)`)
    assert.equal(text, '503 VELO_DRAINING')
  })
})

describe('server-sent events while nothing happens', () => {
  test('the head comes soon, then comments; draining is told once; the connection ends when the function does', async () => {
    const gate = deferred()
    const draining = new AbortController()
    const quiet = streamFn(async function* quiet() {
      await gate.promise
      yield 'late'
    })
    const made = await start('node:http', quiet, { heartbeat: 30, draining: draining.signal })
    const wire = new Wire(made.port).write('GET / HTTP/1.1\r\nHost: test\r\nAccept: text/event-stream\r\n\r\n')
    await wire.until(/text\/event-stream[\s\S]*(:\n\n[\s\S]*){3}/)
    draining.abort()
    await wire.until(/event: draining\ndata:\n\n/)
    gate.resolve()
    await wire.until(/data: late\n\n[\s\S]*\r\n0\r\n\r\n/)
    wire.socket.destroy()
    await made.close()
  })
})

describe('HTTP/2', () => {
  async function using(fn, options, work) {
    const server = http2.createServer(handler(fn, options)).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const client = http2.connect(`http://127.0.0.1:${server.address().port}`)
    try {
      await work(client)
      await settled()
    } finally {
      client.destroy()
      server.close()
    }
  }
  const ask = (client, headers = {}) =>
    client.request({ ':method': 'POST', ':path': '/', 'content-type': 'application/x-ndjson', ...headers }).setEncoding('utf8')
  const textOf = async (stream) => {
    let text = ''
    for await (const chunk of stream) text += chunk
    return text
  }

  test('results come while the request is open, many streams on one connection', async () => {
    await using(echo, {}, async (client) => {
      const streams = Array.from({ length: 20 }, () => ask(client))
      for (const [index, stream] of streams.entries()) stream.write(`${index}\n`)
      const readers = streams.map((stream) => stream[Symbol.asyncIterator]())
      for (const [index, reader] of readers.entries()) {
        assert.equal((await within(5000, reader.next(), 'a result')).value, `${index}\n`)
      }
      for (const stream of streams) stream.end('"end"\n')
      for (const reader of readers) assert.equal(await within(5000, textOf(reader), 'the rest'), '"end"\n')
    })
  })

  test('errors are statuses; a reset aborts; an early end gives the rest of the request up', async () => {
    const aborted = deferred()
    const fn = streamFn(async function* fn(events, ctx) {
      ctx.signal.addEventListener('abort', aborted.resolve)
      for await (const event of events) {
        if (event === 'stop') return
        yield event
      }
    })
    await using(fn, {}, async (client) => {
      const malformed = ask(client)
      malformed.end('nonsense\n')
      const [head] = await within(5000, once(malformed, 'response'), 'the response')
      assert.equal(head[':status'], 400)
      await textOf(malformed)
      const early = ask(client)
      early.write('1\n"stop"\n')
      assert.equal(await within(5000, textOf(early), 'the response'), '1\n')
      const reset = ask(client)
      reset.write('1\n')
      await within(5000, once(reset, 'data'), 'a result')
      reset.close(http2.constants.NGHTTP2_CANCEL)
      await within(5000, aborted.promise, 'ctx.signal')
    })
  })
})

describe('the halves', () => {
  const handled = (work) => running(http.createServer(work).listen(0, '127.0.0.1'))

  test('eventsFrom and respond around anything that can be iterated', async () => {
    const made = await handled((req, res) => respond(res, echo(eventsFrom(req))))
    assert.deepEqual(await values(await post(made.url, '1\n2\n')), [1, 2])
    await made.close()
    const list = await handled((_, res) => respond(res, [1, Promise.resolve(2)], { status: 201 }))
    const response = await post(list.url, '')
    assert.deepEqual([response.status, await values(response)], [201, [1, 2]])
    await list.close()
  })

  test('respond closes its source when the client goes away, and resolves', async () => {
    const closed = deferred()
    const over = deferred()
    async function* endless() {
      try {
        for (;;) yield 'x'.repeat(10_000)
      } finally {
        closed.resolve()
      }
    }
    const made = await handled((_, res) => respond(res, endless()).then(over.resolve))
    const wire = new Wire(made.port).write('GET / HTTP/1.1\r\nHost: test\r\n\r\n')
    await wire.until(/xxx/)
    wire.socket.resetAndDestroy()
    await within(5000, Promise.all([closed.promise, over.promise]), 'the end')
    await made.close()
  })

  test('plain for await in a handler, and one answer', async () => {
    const app = express().post('/', async (req, res) => {
      let sum = 0
      for await (const number of echo(eventsFrom(req))) sum += number
      res.json({ sum })
    })
    const made = await running(app.listen(0, '127.0.0.1'))
    assert.deepEqual(await (await post(made.url, '1\n2\n3\n')).json(), { sum: 6 })
    await made.close()
  })

  test('a body that a middleware has read is used as it is', async () => {
    const app = express()
    app.use(express.json({ strict: false }), express.text({ type: 'application/x-ndjson' }))
    app.post('/', handler(echo))
    app.post('/lines', handler(echo, { in: 'ndjson' }))
    app.post('/loop', async (req, res) => {
      const events = []
      for await (const event of eventsFrom(req)) events.push(event)
      res.json({ events })
    })
    const made = await running(app.listen(0, '127.0.0.1'))
    assert.deepEqual(await values(await post(`${made.url}lines`, '[1,2]', { type: 'application/json' })), [[1, 2]])
    assert.deepEqual(await (await post(`${made.url}loop`, '[1,2]', { type: 'application/json' })).json(), { events: [1, 2] })
    assert.deepEqual(await values(await post(made.url, '{"a":1}', { type: 'application/json' })), [{ a: 1 }])
    assert.deepEqual(await values(await post(made.url, '[1,[2],3]', { type: 'application/json' })), [1, [2], 3])
    assert.deepEqual(await values(await post(made.url, '[]', { type: 'application/json' })), [])
    assert.deepEqual(await values(await post(made.url, '1\n2\n')), [1, 2])
    assert.deepEqual(await values(await post(made.url, '3\n4\n', { type: 'application/jsonl' })), [3, 4])
    await made.close()
  })
})

test('the Fastify plug-in leaves other routes as they were, and keeps the headers of the reply', async () => {
  const app = Fastify({ forceCloseConnections: true })
  await app.register(velo)
  app.addHook('onRequest', (_, reply, done) => {
    reply.header('x-hook', 'yes')
    done()
  })
  app.post('/ours', app.velo(echo))
  app.post('/json', async (request) => ({ got: request.body }))
  app.register(async (inner) => inner.post('/inner', inner.velo(echo)))
  await app.listen({ host: '127.0.0.1', port: 0 })
  const base = `http://127.0.0.1:${app.server.address().port}`
  assert.deepEqual(await (await post(`${base}/json`, '{"a":1}', { type: 'application/json' })).json(), { got: { a: 1 } })
  assert.equal((await post(`${base}/json`, '1\n')).status, 415)
  const ours = await post(`${base}/ours`, '1\n2\n')
  assert.equal(ours.headers.get('x-hook'), 'yes')
  assert.deepEqual(await values(ours), [1, 2])
  assert.deepEqual(await values(await post(`${base}/inner`, '3\n')), [3])
  assert.deepEqual(await values(await post(`${base}/ours`, '[1,2]', { type: 'application/json' })), [1, 2])
  await app.close()
})

noUnhandledRejections('rule 16')

test('the plug-in leaves a route that is not there not found, whatever is posted to it', async () => {
  const app = Fastify()
  await app.register(velo)
  app.post('/foreign', async () => 'ok')
  const ask = (url) => app.inject({ method: 'POST', url, headers: { 'content-type': 'application/x-ndjson' }, payload: '1\n' })
  assert.equal((await ask('/nobody')).statusCode, 404)
  assert.equal((await ask('/foreign')).statusCode, 415)
  await app.close()
})
