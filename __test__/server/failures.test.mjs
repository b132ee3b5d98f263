// Rule 32 over WebSocket and in a server: a failure is seen, once, whichever way its stream came; `serveSocket` has its onError.

import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, mock, test } from 'node:test'
import { runtime, streamFn } from 'velo-stream'
import { until } from '../support/deferred.mjs'
import { noUnhandledRejections } from '../support/unhandled.mjs'
import { connect, withServer } from '../websocket/support.mjs'
import { post, serving, webSocket } from './service.mjs'

/** What was written to stderr by `console.error`. */
let lines = []
beforeEach(() => {
  lines = []
  mock.method(console, 'error', (line) => {
    // Warnings of Node.js come this way too.
    if (line.startsWith('velo-stream: ')) lines.push(line)
  })
})
afterEach(() => mock.restoreAll())

async function* obeys(events) {
  for await (const event of events) {
    if (event === 'throw') throw new Error('the disk is on fire')
    if (event === 'unwritable') yield 1n
    yield event
  }
}

const fn = streamFn(obeys, { idleTimeout: 0 })

describe('serveSocket', () => {
  test('rule 32: a function that throws is logged once, with its stack, its name and the id of the stream', async () => {
    await withServer(fn, { onDisconnect: { graceMs: 10_000 } }, async (server) => {
      const client = await connect(server.url)
      const { token } = (await client.next()).velo
      client.socket.terminate()
      await client.end()
      // The second connection of the stream does not report it again.
      const back = await connect(`${server.url}?resume=${token}&last=0`)
      await back.next()
      const [{ id }] = [server.served[1].stream]
      back.send('throw')
      assert.equal((await back.end()).code, 1011)
      await until(10_000, () => runtime.snapshot().streamsOpen === 0 && lines.length > 0, 'the log')
      assert.equal(lines.length, 1)
      assert.match(lines[0], new RegExp(`^velo-stream: stream ${id} of obeys failed: Error: the disk is on fire\\n +at obeys`))
    })
    assert.equal(lines.length, 1)
  })

  test('rule 32: a result that cannot be written is logged; clients that leave or send what is no event are not', async () => {
    await withServer(fn, {}, async ({ url }) => {
      const writes = await connect(url)
      writes.send('unwritable')
      await writes.end()
      await until(10_000, () => lines.length > 0, 'the log')
      assert.match(lines[0], /a result cannot be written as JSON/)
      const broken = await connect(url)
      broken.socket.send('no json')
      assert.equal((await broken.end()).code, 1007)
      const gone = await connect(url)
      gone.socket.terminate()
      await gone.end()
    })
    assert.equal(lines.length, 1)
  })

  test('rule 32: onError takes it instead, with the function, the id and the request', async () => {
    const seen = []
    const onError = (...given) => {
      seen.push(given)
      throw new Error('of the listener')
    }
    await withServer(fn, { onError }, async ({ url, served }) => {
      const client = await connect(`${url}/path`)
      client.send('throw')
      await client.end()
      await until(10_000, () => seen.length > 0, 'onError')
      const [[error, info]] = seen
      assert.equal(error.message, 'the disk is on fire')
      assert.deepEqual({ ...info }, { function: 'obeys', id: served[0].stream.id })
      assert.equal(info.request.url, '/path')
    })
    assert.equal(seen.length, 1)
    assert.deepEqual(lines, [])
  })

  test('onError is checked', async () => {
    await withServer(fn, {}, async ({ url, sockets }) => {
      await connect(url)
      const { serveSocket } = await import('velo-stream/websocket')
      assert.throws(() => serveSocket(sockets[0].socket, fn, { onError: 1 }), {
        code: 'VELO_CONFIG',
        field: 'serveSocket(options).onError',
      })
    })
  })
})

describe('createServer', () => {
  test('rule 32: each stream that fails is logged once, over HTTP and over WebSocket', async () => {
    const { url } = await serving({ functions: { obeys } })
    assert.equal((await post(`${url}/fn/obeys`, '"throw"\n')).status, 500)
    const socket = webSocket(`${url}/fn/obeys`)
    await socket.opened()
    socket.send('throw')
    assert.equal((await socket.closed()).code, 1011)
    await until(10_000, () => runtime.snapshot().streamsOpen === 0 && lines.length > 1, 'the log')
    assert.equal(lines.length, 2)
    for (const line of lines) assert.match(line, /^velo-stream: stream obeys-\S+ of obeys failed: Error: the disk is on fire\n +at obeys/)
  })

  test('rule 32: an authorize that throws is logged, who it lets in or not is not', async () => {
    const authorize = (req) => {
      if (req.headers['x-broken']) throw new Error('no directory')
      return req.headers['x-name']
    }
    const { url } = await serving({ functions: { obeys }, authorize })
    assert.equal((await post(`${url}/fn/obeys`, '')).status, 401)
    assert.equal((await post(`${url}/fn/other`, '')).status, 401)
    assert.equal((await post(`${url}/fn/other`, '', { 'x-name': 'me' })).status, 404)
    assert.deepEqual(lines, [])
    assert.equal((await post(`${url}/fn/obeys`, '', { 'x-broken': 'yes' })).status, 500)
    assert.match(lines[0], /^velo-stream: a request to obeys failed: Error: no directory\n +at /)
  })

  test('rule 32: onError has the function and the id, and may throw', async () => {
    const seen = []
    const onError = (error, info) => {
      seen.push([error.message, { ...info }])
      throw new Error('of the listener')
    }
    const authorize = (req) => {
      if (req.headers['x-broken']) throw new Error('no directory')
      return 'me'
    }
    const { url } = await serving({ functions: { obeys }, onError, authorize })
    const { headers } = await post(`${url}/fn/obeys`, '"throw"\n')
    await post(`${url}/fn/obeys`, '', { 'x-broken': 'yes' })
    assert.deepEqual(seen, [
      ['the disk is on fire', { function: 'obeys', id: headers.get('velo-stream') }],
      ['no directory', { function: 'obeys', id: undefined }],
    ])
    assert.equal((await post(`${url}/fn/obeys`, '1\n')).status, 200)
  })
})

noUnhandledRejections('rule 32')
