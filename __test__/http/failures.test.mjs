// Rule 32 over HTTP: a function that throws is seen by the person who runs the server, once, on every kind of server; faults of clients are not.

import assert from 'node:assert/strict'
import http from 'node:http'
import { Writable } from 'node:stream'
import { afterEach, beforeEach, describe, mock, test } from 'node:test'
import { inspect } from 'node:util'
import Fastify from 'fastify'
import { runtime, streamFn } from 'velo-stream'
import velo from 'velo-stream/fastify'
import { eventsFrom, respond, stop, toResponse } from 'velo-stream/http'
import { until } from '../support/deferred.mjs'
import { noUnhandledRejections } from '../support/unhandled.mjs'
import { post, Wire } from './support/clients.mjs'
import { kinds, running, start } from './support/servers.mjs'
import { settled } from './support/settled.mjs'

/** What was written to stderr by `console.error`. */
let lines = []
beforeEach(() => {
  lines = []
  mock.method(console, 'error', (line) => {
    // Warnings of Node.js come this way too.
    if (line.startsWith('velo-stream: ')) lines.push(line)
  })
})
afterEach(async () => {
  await settled()
  mock.restoreAll()
})

/** Does what its first event says. */
const obeys = streamFn(async function* obeys(events, ctx) {
  for await (const event of events) {
    if (event === 'throw') throw Object.assign(new Error('the disk is on fire'), { code: 'EFIRE' })
    if (event === 'unwritable') yield 1n
    if (event === 'answer') throw Object.assign(new Error('no such order'), { status: 404, expose: true })
    if (event === 'upstream') throw Object.assign(new Error('the key is wrong'), { status: 401 })
    if (event === 'id') yield ctx.id
    else yield event
  }
})

for (const kind of kinds) {
  describe(kind, () => {
    test('rule 32: a function that throws is logged once, with its stack, its name and the id of the stream', async () => {
      const server = await start(kind, obeys)
      const response = await post(server.url, '"throw"\n')
      assert.equal(response.status, 500)
      const id = response.headers.get('velo-stream')
      assert.match(id, /^obeys-/)
      await response.text()
      await until(10_000, () => lines.length > 0, 'the log')
      // After the first result there is no status to tell it with.
      await (await post(server.url, '1\n"throw"\n')).text()
      await until(10_000, () => lines.length > 1, 'the log')
      await settled()
      assert.equal(lines.length, 2)
      assert.match(lines[0], new RegExp(`^velo-stream: stream ${id} of obeys failed: Error: the disk is on fire\\n +at `))
      assert.match(lines[0], /failures\.test\.mjs/)
      assert.match(lines[0], /EFIRE/)
      await server.close()
    })

    test('rule 32: faults of clients are not logged', async () => {
      const server = await start(kind, obeys, { maxLine: 10 })
      for (const [body, status, options] of [
        ['no json\n', 400],
        [`"${'x'.repeat(100)}"\n`, 413],
        ['1', 415, { type: 'application/x-unknown' }],
        ['"answer"\n', 404],
      ]) {
        const response = await post(server.url, body, options)
        assert.equal(response.status, status, body)
        await response.text()
      }
      const wire = new Wire(server.port).head().chunk('1\n')
      await wire.until(/\r\n1\n/)
      wire.socket.destroy()
      await settled()
      assert.deepEqual(lines, [])
      await server.close()
    })

    test('rule 32: an error with a status of somebody else, and a result that cannot be written, are failures', async () => {
      const server = await start(kind, obeys)
      assert.equal((await post(server.url, '"upstream"\n')).status, 401)
      await until(10_000, () => lines.length === 1, 'the log')
      await (await post(server.url, '"unwritable"\n')).text()
      await until(10_000, () => lines.length === 2, 'the log')
      assert.match(lines[0], /the key is wrong/)
      assert.match(lines[1], /TypeError.*BigInt/)
      await server.close()
    })

    test('rule 32: onError takes it instead, with the function, the id and the request, which is not printed', async () => {
      const seen = []
      const server = await start(kind, obeys, { onError: (...given) => seen.push(given) })
      const response = await post(server.url, '"throw"\n')
      await response.text()
      assert.equal(seen.length, 1)
      const [[error, info, ...more]] = seen
      assert.equal(error.code, 'EFIRE')
      assert.deepEqual(more, [])
      assert.deepEqual({ ...info }, { function: 'obeys', id: response.headers.get('velo-stream') })
      assert.ok(info.request.url.endsWith('/'))
      assert.equal(inspect(info, { breakLength: Infinity }), `FailureInfo { function: 'obeys', id: '${info.id}' }`)
      assert.deepEqual(lines, [])
      await server.close()
    })

    test('rule 32: an onError that throws or rejects harms nothing', async () => {
      for (const onError of [
        () => {
          throw new Error('of the listener')
        },
        async () => {
          throw new Error('of the listener')
        },
      ]) {
        const server = await start(kind, obeys, { onError })
        assert.equal((await post(server.url, '"throw"\n')).status, 500)
        assert.equal(await (await post(server.url, '1\n')).text(), '1\n')
        await server.close()
      }
    })

    test('rule 32: stop(id) is no error', async () => {
      const seen = []
      for (const options of [{ onError: (error) => seen.push(error) }, {}]) {
        const server = await start(kind, obeys, options)
        const wire = new Wire(server.port).head().chunk('"id"\n')
        await wire.until(/obeys-\S+"/)
        assert.equal(stop(/"(obeys-\S+)"/.exec(wire.text)[1]), true)
        await wire.until(/the stream was stopped/)
        wire.socket.destroy()
        await settled()
        await server.close()
      }
      assert.deepEqual([seen, lines], [[], []])
    })

    test('rule 32: with a log, the log takes it', async () => {
      const logged = []
      runtime.configure({ log: { error: (fields) => logged.push(fields) } })
      try {
        const server = await start(kind, obeys)
        await (await post(server.url, '"throw"\n')).text()
        await until(10_000, () => logged.length > 0, 'the log')
        await (await post(server.url, '"unwritable"\n')).text()
        await until(10_000, () => logged.length > 1, 'the log')
        await server.close()
      } finally {
        runtime.configure({ log: null })
      }
      assert.deepEqual(
        logged.map(({ code, function: name, err }) => [code, name, err.code ?? err.name]),
        [
          ['velo:stream-failed', 'obeys', 'EFIRE'],
          ['velo:request-failed', 'obeys', 'TypeError'],
        ],
      )
      assert.deepEqual(lines, [])
    })
  })
}

test('stop() of what is no id is refused by name', () => {
  for (const [value, shown] of [
    [undefined, 'undefined'],
    [null, 'null'],
    [7, '7'],
    ['', '""|\'\''],
    [{ id: 'a' }, 'Object'],
  ])
    assert.throws(() => stop(value), {
      code: 'VELO_CONFIG',
      field: 'stop(id)',
      message: new RegExp(`^stop\\(id\\): expected .*, got (${shown})`),
    })
  assert.equal(stop('nobody'), false)
  assert.equal(stop('100%'), false)
})

test('rule 32: a stream that fails while its client is away is logged then', async () => {
  let fail
  const failed = new Promise((_, reject) => {
    fail = () => reject(new Error('too late'))
  })
  const slow = streamFn(async function* slow() {
    yield 1
    await failed
  })
  const server = await start('node:http', slow, { out: 'sse', resume: true, events: () => [] })
  const wire = new Wire(server.port).write('GET / HTTP/1.1\r\nHost: test\r\n\r\n')
  await wire.until(/data: 1/)
  wire.socket.destroy()
  await until(10_000, () => server.sockets.size === 0, 'the end of the connection')
  fail()
  await until(10_000, () => lines.length > 0, 'the log')
  assert.match(lines[0], /stream \S+ of slow failed: Error: too late/)
  await server.close()
})

test('rule 32: respond() logs what its source throws, unless it is the fault of the client', async () => {
  const server = await running(http.createServer((req, res) => respond(res, obeys(eventsFrom(req)))).listen(0, '127.0.0.1'))
  await (await post(server.url, 'no json\n')).text()
  await settled()
  assert.deepEqual(lines, [])
  await (await post(server.url, '"throw"\n')).text()
  await until(10_000, () => lines.length > 0, 'the log')
  assert.match(lines[0], /^velo-stream: a request to the server failed: Error: the disk is on fire\n +at /)
  await server.close()
})

test('rule 32: Fastify logs it with the logger of the request', async () => {
  const written = []
  const stream = new Writable({
    write(chunk, _, done) {
      written.push(JSON.parse(chunk))
      done()
    },
  })
  const app = Fastify({ logger: { stream, level: 'error' } })
  await app.register(velo)
  app.post('/', app.velo(obeys))
  const url = await app.listen({ host: '127.0.0.1', port: 0 })
  await (await post(url, '"throw"\n')).text()
  await until(10_000, () => written.length > 0, 'the log')
  const [{ err, code, function: name, stream: id, reqId, msg }] = written
  assert.match(err.stack, /the disk is on fire\n +at /)
  assert.deepEqual([code, name, reqId], ['velo:stream-failed', 'obeys', 'req-1'])
  assert.equal(msg, `stream ${id} of obeys failed`)
  assert.deepEqual(lines, [])
  await app.close()
})

test('rule 32: errors that resist being shown, and a console that throws, harm nothing', async () => {
  const hostile = new Proxy(
    {},
    {
      get() {
        throw new Error('of a getter')
      },
    },
  )
  const throws = streamFn(async function* throws() {
    throw hostile
  })
  await toResponse(throws, new Request('http://test/'))
  await until(10_000, () => lines.length > 0, 'the log')
  mock.method(console, 'error', () => {
    throw new Error('of the console')
  })
  const response = await toResponse(
    obeys,
    new Request('http://test/', { method: 'POST', body: '"throw"', headers: { 'content-type': 'application/json' } }),
  )
  assert.equal(response.status, 500)
})

noUnhandledRejections('rule 32')
