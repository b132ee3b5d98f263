// Clients of HTTP/2 that leave: by RST_STREAM, by closing the connection, in order or not, at every phase of a request. Each is noticed, each stream ends, and
// the books balance. `VELO_CANCELS=20000` for the long form.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import http2 from 'node:http2'
import net from 'node:net'
import { after, describe, test } from 'node:test'
import secure from 'node:tls'
import Fastify from 'fastify'
import { runtime, streamFn } from 'velo-stream'
import velo from 'velo-stream/fastify'
import { handler } from 'velo-stream/http'
import { createServer } from 'velo-stream/server'
import { deferred, until } from '../support/deferred.mjs'
import { pem } from '../support/pem.mjs'
import { random } from '../support/random.mjs'
import { noUnhandledRejections } from '../support/unhandled.mjs'
import { within } from '../support/within.mjs'
import { settled } from './support/settled.mjs'

const CANCELS = Number(process.env.VELO_CANCELS ?? 1500)
const tls = { key: pem('key'), cert: pem('cert') }
const { NGHTTP2_CANCEL, NGHTTP2_NO_ERROR } = http2.constants

/** Says how many began and how many ended, and where the last one is. */
function counted() {
  const seen = { began: 0, ended: 0, whole: 0 }
  async function* counting(events, { signal }) {
    seen.began++
    try {
      for await (const event of events) {
        if (event === 'long') for (let i = 0; i < 1000; i++) yield 'x'.repeat(4096)
        else yield event
        // At work, with nothing to read and nothing to say.
        if (event === 'hold') await new Promise((resolve) => signal.addEventListener('abort', resolve))
      }
      seen.whole++
    } finally {
      seen.ended++
    }
  }
  const fn = streamFn(counting, { maxConcurrent: 200 })
  return { fn, seen }
}

/** Servers with one route for `fn`. */
const makers = {
  handler: async (fn) => {
    const server = http2.createServer(handler(fn)).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const sessions = new Set()
    server.on('session', (session) => sessions.add(session))
    const close = async () => {
      for (const session of sessions) session.destroy()
      await new Promise((resolve) => server.close(resolve))
    }
    return { url: `http://127.0.0.1:${server.address().port}`, path: '/', close }
  },
  createServer: async (fn) => {
    const server = createServer({ functions: { counting: fn }, tls, http2: true, grace: 0, maxConcurrent: 200, maxPerClient: 200 })
    await server.listen()
    return { url: server.url, path: '/fn/counting', close: () => server.close({ grace: 0 }), metrics: server }
  },
  Fastify: async (fn) => {
    const app = Fastify({ http2: true, forceCloseConnections: true })
    await app.register(velo)
    app.post('/', app.velo(fn))
    await app.listen({ port: 0, host: '127.0.0.1' })
    const sessions = new Set()
    app.server.on('session', (session) => sessions.add(session))
    const close = () => {
      for (const session of sessions) session.destroy()
      return app.close()
    }
    return { url: `http://127.0.0.1:${app.server.address().port}`, path: '/', close }
  },
}

/** A client on a socket of its own, by which it is cut off: `destroy()` of a session with open requests corrupts the memory of Node.js 20. */
async function connected(url) {
  const { port, hostname: host, protocol } = new URL(url)
  const socket =
    protocol === 'http:'
      ? net.connect({ port, host })
      : secure.connect({ port, host, ca: tls.cert, servername: 'localhost', ALPNProtocols: ['h2'] })
  await within(10_000, once(socket, protocol === 'http:' ? 'connect' : 'secureConnect'), 'the connection')
  const client = http2.connect(url, { createConnection: () => socket })
  client.on('error', () => {})
  socket.on('error', () => {})
  return { client, socket }
}

function asked(client, path) {
  const request = client.request({ ':method': 'POST', ':path': path, 'content-type': 'application/x-ndjson' })
  request.on('error', () => {})
  return request
}

/** A frame by hand: `close()` of a request of Node.js says the end of its body first. */
function reset(id, code) {
  const frame = Buffer.from([0, 0, 4, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0])
  frame.writeUInt32BE(id, 5)
  frame.writeUInt32BE(code, 9)
  return frame
}

/** What a request has done when its client leaves. */
const phases = {
  'at once': async () => {},
  'with half a line': async (request) => request.write('[1,'),
  'after an event': async (request) => {
    request.write('1\n')
    await once(request, 'data')
  },
  'in its download': async (request) => {
    request.write('"long"\n')
    await once(request, 'data')
  },
  'without reading': async (request) => {
    request.pause()
    request.end('"long"\n')
    await once(request, 'response')
  },
  'while the function works': async (request) => {
    request.end('"hold"\n')
    await once(request, 'data')
  },
  'when it has sent all': async (request) => request.end('1\n2\n'),
  'at the end': async (request) => {
    request.end('1\n')
    await once(request.resume(), 'end')
  },
}

for (const [kind, make] of Object.entries(makers)) {
  describe(kind, () => {
    test(`${CANCELS} requests are cancelled, at every phase and in every way, and all are accounted for`, {
      timeout: 60_000 + CANCELS * 40,
    }, async () => {
      const { fn, seen } = counted()
      const server = await make(fn)
      const { below } = random(7)
      const names = Object.keys(phases)
      let { client, socket } = await connected(server.url)
      try {
        for (let done = 0; done < CANCELS; ) {
          const requests = Array.from({ length: 20 }, (_, index) => ({
            request: asked(client, server.path),
            phase: names[(done + index) % names.length],
          }))
          await Promise.all(
            requests.map(async ({ request, phase }) => {
              await within(20_000, Promise.race([phases[phase](request), once(request, 'close')]), phase)
              if (below(10) > 0) request.close(below(2) === 0 ? NGHTTP2_CANCEL : NGHTTP2_NO_ERROR)
            }),
          )
          done += requests.length
          // The rest goes with its connection: reset, or in order.
          if (below(2) === 0) socket.destroy()
          else socket.end()
          ;({ client, socket } = await connected(server.url))
        }
        await settled(20_000)
        await until(20_000, () => seen.ended === seen.began, `${seen.began - seen.ended} did not end`)
        const { streamsOpened, closedBy, streamsRefused } = fn.metrics
        assert.equal(streamsRefused, 0)
        assert.equal(
          Object.values(closedBy).reduce((sum, count) => sum + count),
          streamsOpened,
        )
        // And the place is there for others.
        const last = asked(client, server.path)
        last.end('1\n')
        const [head] = await within(10_000, once(last, 'response'), 'the response')
        assert.equal(head[':status'], 200)
        last.resume()
        await within(10_000, once(last, 'end'), 'the end')
      } finally {
        socket.destroy()
        await server.close()
      }
    })

    for (const [how, leave] of Object.entries({
      'RST_STREAM(CANCEL)': (socket, request) => socket.write(reset(request.id, NGHTTP2_CANCEL)),
      'RST_STREAM(NO_ERROR)': (socket, request) => socket.write(reset(request.id, NGHTTP2_NO_ERROR)),
      FIN: (socket) => socket.end(),
      'a broken connection': (socket) => socket.destroy(),
    })) {
      // A frame by hand cannot be put between those of a session that is encrypted.
      if (kind === 'createServer' && how.startsWith('RST_STREAM')) continue
      test(`what was uploaded up to ${how} is not taken for all there is`, async () => {
        const [got, ended] = [deferred(), deferred()]
        const fn = streamFn(async function* upload(events) {
          try {
            for await (const event of events) got.resolve(event)
            ended.resolve('whole')
          } catch (error) {
            ended.resolve(error.name)
            throw error
          }
          yield 'sum'
        })
        const server = await make(fn.with({ name: 'counting' }))
        const { client, socket } = await connected(server.url)
        const request = asked(client, server.path)
        request.write('1\n')
        assert.equal(await within(10_000, got.promise, 'the event'), 1)
        leave(socket, request)
        assert.equal(await within(10_000, ended.promise, 'the end of the function'), 'AbortError')
        await settled()
        socket.destroy()
        await server.close()
      })
    }
  })
}

after(() => assert.equal(runtime.snapshot().streamsOpen, 0))
noUnhandledRejections('rule 16')
