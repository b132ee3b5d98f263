// What a user sees, on every kind of server: results as they come, statuses, connections that can be used again.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import http from 'node:http'
import { after, afterEach, before, describe, test } from 'node:test'
import { streamFn } from 'velo-stream'
import { noUnhandledRejections } from '../support/unhandled.mjs'
import { within } from '../support/within.mjs'
import { lines, post, values, Wire } from './support/clients.mjs'
import { kinds, start } from './support/servers.mjs'
import { listeners, settled } from './support/settled.mjs'

const average = streamFn(async function* average(events) {
  let total = 0
  let count = 0
  for await (const event of events) yield (total += event) / ++count
})
const words = streamFn(async function* words(events, ctx) {
  for await (const event of events) {
    if (event === 'fail') throw new Error('a secret of the function')
    if (event === 'stop') return
    if (event === 'headers') yield ctx.headers['x-test']
    else yield event
  }
})

for (const kind of kinds) {
  describe(kind, () => {
    let averages
    let server
    const errors = []
    before(async () => {
      averages = await start(kind, average)
      server = await start(kind, words, { onError: (error) => errors.push(error) })
    })
    after(() => Promise.all([averages.close(), server.close()]))
    afterEach(() => settled())

    test('every event has its result', async () => {
      const response = await post(averages.url, '10\n20\n30\n')
      assert.equal(response.status, 200)
      assert.match(response.headers.get('content-type'), /^application\/x-ndjson/)
      assert.deepEqual(await values(response), [10, 15, 20])
    })

    test('ten thousand events have theirs, in order', async () => {
      const events = Array.from({ length: 10_000 }, (_, index) => ({ index, text: `\u00e9${index}` }))
      assert.deepEqual(await values(await post(server.url, lines(events))), events)
    })

    test('a request without a body is a stream without events', async () => {
      const response = await within(5000, fetch(averages.url), 'the response')
      assert.equal(response.status, 200)
      assert.equal(await response.text(), '')
    })

    test('a result is there before the request has ended', async () => {
      const wire = new Wire(server.port).head().chunk('"one"\n')
      await wire.until(/"one"/)
      wire.chunk('"tw')
      wire.chunk('o"\n')
      await wire.until(/"two"/)
      wire.last()
      await wire.until(/\r\n0\r\n\r\n/)
      wire.socket.destroy()
    })

    test('the function gets the headers of the request', async () => {
      assert.deepEqual(await values(await post(server.url, '"headers"\n', { headers: { 'x-test': 'yes' } })), ['yes'])
    })

    test('an error before the first byte is a status, and its message is not told', async () => {
      errors.length = 0
      const response = await post(server.url, '"fail"\n')
      assert.equal(response.status, 500)
      assert.deepEqual(await response.json(), { error: { code: 'FAILED', message: 'the function failed' } })
      assert.deepEqual(
        errors.map(({ message }) => message),
        ['a secret of the function'],
      )
    })

    test('an error after it is the last line', async () => {
      const wire = new Wire(server.port).head().chunk('"one"\n')
      await wire.until(/"one"/)
      wire.chunk('"fail"\n')
      await wire.until(/\{"error":\{"code":"FAILED","message":"the function failed"\}\}\n\r\n0\r\n\r\n/)
      wire.socket.destroy()
    })

    test('a malformed line is 400, an unknown type 415', async () => {
      const malformed = await post(server.url, '"one"\nnonsense\n')
      assert.equal(malformed.status, 400)
      assert.match((await malformed.json()).error.message, /^line 2 /)
      const unknown = await post(server.url, 'x', { type: 'image/png' })
      assert.equal(unknown.status, 415)
      await unknown.arrayBuffer()
    })

    test('a line without an end is 413, and the client gets to read it', async () => {
      const response = await post(server.url, '9'.repeat(10 * 1024 * 1024))
      assert.equal(response.status, 413)
      assert.deepEqual(await response.json(), { error: { code: 'VELO_EVENT', message: 'a line is longer than 1048576 bytes (maxLine)' } })
    })

    test('a function that returns early ends the response, and the rest of the request is not kept', async () => {
      const response = await post(server.url, `"one"\n"stop"\n${lines(Array.from({ length: 50_000 }, () => 'rest'))}`)
      assert.deepEqual(await values(response), ['one'])
    })

    test('a connection serves many requests, and keeps no listener of any', async () => {
      const own = await start(kind, average)
      const agent = new http.Agent({ keepAlive: true, maxSockets: 1 })
      const counts = []
      for (let round = 0; round < 20; round++) {
        const request = http.request(own.url, { method: 'POST', agent, headers: { 'content-type': 'application/x-ndjson' } })
        request.end('1\n3\n')
        const [response] = await within(5000, once(request, 'response'), 'the response')
        let text = ''
        for await (const chunk of response.setEncoding('utf8')) text += chunk
        assert.equal(text, '1\n2\n')
        await settled()
        const [socket, ...more] = own.sockets
        assert.equal(more.length, 0)
        counts.push(listeners(socket))
      }
      agent.destroy()
      await own.close()
      assert.deepEqual(new Set(counts.slice(1)).size, 1, String(counts))
    })

    test('pipelined requests get their responses, each its own, in order', async () => {
      const wire = new Wire(averages.port)
      const bodies = ['1\n', '2\n4\n', '3\n5\n7\n']
      for (const body of bodies) wire.head({ length: body.length }).write(body)
      await wire.until(/(HTTP\/1\.1 200[\s\S]*?\r\n0\r\n\r\n){3}/)
      const answers = wire.text.split('HTTP/1.1 200').slice(1)
      assert.deepEqual(
        answers.map((answer) =>
          answer
            .split('\r\n')
            .filter((line) => /^[\d.\n]+\n$/.test(line))
            .join(''),
        ),
        ['1\n', '2\n3\n', '3\n4\n5\n'],
      )
      wire.socket.destroy()
    })

    test('a client that vanishes in its upload aborts the stream', async () => {
      for (const leave of ['resetAndDestroy', 'end']) {
        const wire = new Wire(server.port).head().chunk('"one"\n"half')
        await wire.until(/"one"/)
        wire.socket[leave]()
        await settled()
        wire.socket.destroy()
      }
    })
  })
}

noUnhandledRejections('rule 16')
