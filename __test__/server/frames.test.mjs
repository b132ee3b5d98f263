// Frames of HTTP/2 that break the protocol end the connection, and everything on it: Node.js 20 emits no event of its streams then.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import http2 from 'node:http2'
import { after, describe, test } from 'node:test'
import { runtime, streamFn } from 'velo-stream'
import { handler } from 'velo-stream/http'
import { until } from '../support/deferred.mjs'
import { DATA, frame, PADDED, postHead, wire } from '../support/frames.mjs'
import { within } from '../support/within.mjs'
import { ndjson, noStreams, serving } from './service.mjs'

const [key, cert] = ['key', 'cert'].map((name) => readFileSync(new URL(`tls/${name}.pem`, import.meta.url)))
const open = () => runtime.snapshot().streamsOpen

const BREAKS = {
  'DATA whose padding is longer than it': frame(DATA, PADDED, 1, Buffer.from([200, 1, 2, 3])),
  'DATA above the maximum': frame(DATA, 0, 1, Buffer.alloc(20_000)),
  'DATA on stream 0': frame(DATA, 0, 0, Buffer.from('1\n')),
  'a frame that is cut off by the end of the connection': frame(DATA, 0, 1, Buffer.from('1\n'), 100),
}

async function* echo(events) {
  yield* events
}

/** A request that has had an answer, and then the frames. */
async function broken(port, ca, path, frames) {
  const socket = await wire(port, ca)
  const closed = new Promise((resolve) => socket.once('close', resolve))
  socket.write(postHead(1, path))
  socket.write(frame(DATA, 0, 1, Buffer.from(ndjson([1]))))
  return {
    socket,
    closed,
    breaks: () => socket.write(frames, () => frames === BREAKS['a frame that is cut off by the end of the connection'] && socket.destroy()),
  }
}

describe('createServer', () => {
  for (const [name, frames] of Object.entries(BREAKS))
    test(`${name}: a hundred of them hold no place`, async () => {
      const { port, url, server } = await serving({ functions: { echo }, tls: { key, cert }, http2: true, grace: 60_000 })
      const clients = await Promise.all(Array.from({ length: 100 }, () => broken(port, cert, '/fn/echo', frames)))
      await until(20_000, () => open() === 100, 'the streams')
      for (const { breaks } of clients) breaks()
      await within(20_000, Promise.all(clients.map(({ closed }) => closed)), 'the end of the connections')
      await until(20_000, () => open() === 0, 'the end of the streams')
      const client = http2.connect(url, { ca: cert })
      after(() => client.destroy())
      const next = client.request({ ':method': 'POST', ':path': '/fn/echo', 'content-type': 'application/x-ndjson' })
      const status = new Promise((resolve) => next.once('response', (head) => resolve(head[':status'])))
      next.end('1\n')
      assert.equal(await within(20_000, status, 'the next client'), 200)
      client.destroy()
      await within(20_000, server.close(), 'the end of the server')
    })
})

test('a client that says nothing for long keeps its session', async () => {
  const { url } = await serving({ functions: { echo }, tls: { key, cert }, http2: true })
  const client = http2.connect(url, { ca: cert })
  after(() => client.destroy())
  const pinged = new Promise((resolve) => client.once('ping', resolve))
  const stream = client.request({ ':method': 'POST', ':path': '/fn/echo', 'content-type': 'application/x-ndjson' })
  let text = ''
  stream.setEncoding('utf8').on('data', (part) => (text += part))
  stream.write('1\n')
  await until(20_000, () => text === '1\n', 'the first result')
  // On this line a session that is silent is looked at.
  if (process.versions.node.startsWith('20.')) await within(20_000, pinged, 'a ping')
  stream.end('2\n')
  await until(20_000, () => text === '1\n2\n', 'the second result')
})

describe('a handler on a server of node:http2', () => {
  for (const [name, frames] of Object.entries(BREAKS))
    test(name, async () => {
      const server = http2.createServer(handler(streamFn(echo))).listen(0, '127.0.0.1')
      after(() => server.close())
      await new Promise((resolve) => server.once('listening', resolve))
      const { breaks, closed } = await broken(server.address().port, undefined, '/', frames)
      await until(20_000, () => open() === 1, 'the stream')
      breaks()
      await within(20_000, closed, 'the end of the connection')
      await until(20_000, () => open() === 0, 'the end of the stream')
    })
})

noStreams()
