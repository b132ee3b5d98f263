// Clients that go away, stand still or send nonsense, on every kind of server: the function is told, nothing hangs, nothing is left.

import assert from 'node:assert/strict'
import { afterEach, describe, test } from 'node:test'
import { streamFn } from 'velo-stream'
import { deferred, until } from '../support/deferred.mjs'
import { noUnhandledRejections } from '../support/unhandled.mjs'
import { within } from '../support/within.mjs'
import { post, values, Wire } from './support/clients.mjs'
import { kinds, start } from './support/servers.mjs'
import { settled } from './support/settled.mjs'

const PAGE = 'x'.repeat(8 * 1024)

/** A function that talks without end; `seen` says how it ended. */
function talker() {
  const seen = { yielded: 0, aborted: deferred(), finished: deferred() }
  const fn = streamFn(async function* talker(events, ctx) {
    ctx.signal.addEventListener('abort', () => seen.aborted.resolve(ctx.signal.reason))
    try {
      for await (const event of events) {
        for (let i = 0; i < event; i++) {
          seen.yielded++
          yield PAGE
        }
      }
    } finally {
      seen.finished.resolve()
    }
  })
  return { fn, seen }
}

/** A server for one test. */
async function using(kind, fn, options, work) {
  const server = await start(kind, fn, options)
  try {
    await work(server)
    await settled()
  } finally {
    await server.close()
  }
}

for (const kind of kinds) {
  describe(kind, () => {
    afterEach(() => settled())

    for (const [name, leave] of Object.entries({ RST: 'resetAndDestroy', FIN: 'destroy' })) {
      test(`a client that vanishes in its download (${name}) aborts the function, which does not wait for a drain that never comes`, async () => {
        const { fn, seen } = talker()
        await using(kind, fn, {}, async ({ port, sockets }) => {
          const wire = new Wire(port).head().chunk('1000000\n')
          await wire.until(/xxxx/)
          const [socket] = sockets
          wire.socket[leave]()
          await within(5000, seen.aborted.promise, 'ctx.signal')
          await within(5000, seen.finished.promise, 'finally')
          await until(5000, () => socket.destroyed, 'the socket is destroyed')
        })
      })
    }

    test('a client that does not read suspends the function, and is dropped after maxStall', async () => {
      const { fn, seen } = talker()
      await using(kind, fn, { maxStall: 400 }, async ({ port }) => {
        const wire = new Wire(port)
        wire.socket.pause()
        wire.head().chunk('1000000\n')
        await within(10_000, seen.finished.promise, 'the drop')
        assert.ok(seen.yielded * PAGE.length < 64 * 1024 * 1024, `${seen.yielded} results`)
        wire.socket.destroy()
      })
    })

    test('a client that reads a byte at a time is dropped as well', async () => {
      const { fn, seen } = talker()
      await using(kind, fn, { maxStall: 500 }, async ({ port }) => {
        const wire = new Wire(port)
        wire.socket.removeAllListeners('data')
        wire.socket.pause()
        const reading = setInterval(() => wire.socket.read(1), 100)
        wire.head().chunk('1000000\n')
        await within(10_000, seen.finished.promise, 'the drop')
        clearInterval(reading)
        wire.socket.destroy()
      })
    })

    test('a client that pauses and goes on gets everything', async () => {
      const { fn } = talker()
      await using(kind, fn, {}, async ({ url }) => {
        const response = await post(url, '2000\n')
        const reader = response.body.getReader()
        let bytes = 0
        for (;;) {
          const { done, value } = await within(10_000, reader.read(), 'the next chunk')
          if (done) break
          bytes += value.length
          if (bytes % 7 === 0) await new Promise(setImmediate)
        }
        assert.equal(bytes, 2000 * (PAGE.length + 3))
      })
    })

    test('a full input stops reading the socket', async () => {
      const go = deferred()
      const slow = streamFn(
        async function* slow(events) {
          for await (const event of events) {
            await go.promise
            yield event.length
          }
        },
        { buffer: 4 },
      )
      await using(kind, slow, {}, async ({ port, sockets }) => {
        const wire = new Wire(port).head()
        const line = `${JSON.stringify(PAGE)}\n`
        await until(5000, () => sockets.size === 1, 'the connection')
        let sent = 0
        // The kernel takes some megabytes, and then no more.
        while (wire.socket.writableLength === 0 && sent < 10_000) {
          wire.chunk(line)
          sent++
          if (sent % 16 === 0) await new Promise(setImmediate)
        }
        assert.ok(sent < 10_000, 'everything was read')
        const [socket] = sockets
        await new Promise(setImmediate)
        const read = socket.bytesRead
        assert.ok(read < 1024 * 1024, `${read} bytes were read`)
        go.resolve()
        wire.last()
        await wire.until(/\r\n0\r\n\r\n$/)
        assert.equal(wire.text.match(/^8192$/gm).length, sent)
        wire.socket.destroy()
      })
    })

    test('half a line at the end is 400, and so is invalid UTF-8', async () => {
      const { fn } = talker()
      await using(kind, fn, {}, async ({ url }) => {
        for (const body of ['{"half":', Buffer.from([0x22, 0xff, 0x22, 0x0a])]) {
          const response = await post(url, body)
          assert.equal(response.status, 400)
          assert.equal((await response.json()).error.code, 'VELO_EVENT')
        }
      })
    })

    test('a raw response that fails is cut, so that the client sees it', async () => {
      const failing = streamFn(async function* failing(events) {
        for await (const event of events) {
          if (event === 2) throw new Error('no')
          yield 'bytes'
        }
      })
      await using(kind, failing, { out: 'raw' }, async ({ port }) => {
        const wire = new Wire(port).head().chunk('1\n')
        await wire.until(/bytes/)
        wire.chunk('2\n')
        await within(5000, wire.over, 'the cut')
        assert.doesNotMatch(wire.text, /\r\n0\r\n\r\n/)
      })
    })

    test('an upload without end after the response is cut off, not read for ever', async () => {
      const early = streamFn(async function* early() {
        yield 'done'
      })
      await using(kind, early, {}, async ({ port }) => {
        const wire = new Wire(port).head()
        await wire.until(/"done"/)
        const pump = async () => {
          while (!wire.socket.destroyed) {
            if (!wire.socket.write(`10000\r\n${'y'.repeat(65_536)}\r\n`))
              await Promise.race([new Promise((resolve) => wire.socket.once('drain', resolve)), wire.closed])
          }
        }
        await within(
          10_000,
          pump().catch(() => {}),
          'the cut',
        )
      })
    })

    test('no place is 503 with Retry-After, and the place comes back', async () => {
      const one = streamFn(
        async function* one(events) {
          yield* events
        },
        { maxConcurrent: 1 },
      )
      await using(kind, one, {}, async ({ url, port }) => {
        const wire = new Wire(port).head().chunk('1\n')
        await wire.until(/\n1\n/)
        const refused = await post(url, '1\n')
        assert.deepEqual([refused.status, refused.headers.get('retry-after')], [503, '1'])
        assert.equal((await refused.json()).error.code, 'VELO_OVERLOADED')
        wire.last()
        await wire.until(/\r\n0\r\n\r\n/)
        assert.deepEqual(await values(await post(url, '2\n')), [2])
        wire.socket.destroy()
      })
    })

    test("onDisconnect: 'finish' lets the function finish with what came; { graceMs } gives it so much time", async () => {
      for (const [onDisconnect, reason] of [
        ['finish', 'done'],
        [{ graceMs: 60_000 }, 'done'],
        [{ graceMs: 20 }, 'aborted'],
        ['abort', 'aborted'],
      ]) {
        const started = deferred()
        const gone = deferred()
        const ended = deferred()
        const summing = streamFn(
          async function* summing(events, ctx) {
            let sum = 0
            ctx.signal.addEventListener('abort', () => ended.resolve('aborted'))
            for await (const event of events) {
              sum += event
              started.resolve()
            }
            // Work after the client has gone.
            if (reason === 'aborted')
              await new Promise((_, reject) => ctx.signal.addEventListener('abort', () => reject(new Error('stopped'))))
            await gone.promise
            yield sum
            ended.resolve(`done: ${sum}`)
          },
          { closeTimeout: 1000 },
        )
        await using(kind, summing, { onDisconnect }, async ({ port }) => {
          const wire = new Wire(port).head().chunk('1\n').chunk('2\n')
          await within(5000, started.promise, 'the function')
          await new Promise(setImmediate)
          wire.socket.destroy()
          gone.resolve()
          const end = await within(5000, ended.promise, `the end with ${JSON.stringify(onDisconnect)}`)
          assert.equal(end.split(':')[0], reason, JSON.stringify(onDisconnect))
        })
      }
    })

    test('a client that vanishes in its upload does not look like one that has finished', async () => {
      const seen = deferred()
      const careful = streamFn(async function* careful(events) {
        try {
          for await (const event of events) yield event
          seen.resolve('the end')
        } finally {
          seen.resolve('no end')
        }
      })
      await using(kind, careful, {}, async ({ port }) => {
        for (const leave of ['resetAndDestroy', 'end']) {
          const wire = new Wire(port).head().chunk('1\n')
          await wire.until(/\n1\n/)
          wire.socket[leave]()
          assert.equal(await within(5000, seen.promise, 'the function'), 'no end')
          wire.socket.destroy()
        }
      })
    })

    // With fetch the connection belongs to the server around it; that of Hono ends it.
    const readPast = kind === 'Hono 4' ? () => {} : test
    readPast('a refused upload is read past, and its connection serves the next request', async () => {
      const none = streamFn(
        async function* none(events) {
          yield* events
        },
        { maxConcurrent: 1 },
      )
      await using(kind, none, {}, async ({ port }) => {
        const holder = new Wire(port).head().chunk('1\n')
        await holder.until(/\n1\n/)
        const wire = new Wire(port)
        for (const [type, status] of [
          ['application/x-ndjson', 503],
          ['image/png', 415],
        ]) {
          wire.text = ''
          wire.head({ type, length: 2_000_000 })
          await wire.until(new RegExp(`HTTP/1\\.1 ${status}[\\s\\S]*\\}\\}`))
          wire.write('x'.repeat(2_000_000))
        }
        holder.last()
        await holder.until(/\r\n0\r\n\r\n/)
        wire.text = ''
        wire.head({ length: 2 }).write('7\n')
        await wire.until(/HTTP\/1\.1 200[\s\S]*7\n/)
        for (const { socket } of [wire, holder]) socket.destroy()
      })
    })

    // Frameworks have listeners of their own.
    const bare = kind === 'node:http' ? test : () => {}
    bare('requests and responses keep no listener', async () => {
      const kept = []
      const { fn } = talker()
      const server = await start(kind, fn, {})
      server.server.prependListener('request', (req, res) => kept.push({ req, res }))
      for (const body of ['1\n', 'nonsense\n', '500\n']) await (await post(server.url, body)).arrayBuffer()
      await settled()
      await until(5000, () => kept.every(({ res }) => res.closed), 'the responses are closed')
      // One turn of the timers, in which leftovers would go.
      await new Promise(setImmediate)
      // What Node.js itself keeps on them is its own.
      const ours = ['readable', 'data', 'error', 'close', 'drain']
      for (const { req, res } of kept)
        for (const name of ours) assert.deepEqual([req.listenerCount(name), res.listenerCount(name)], [0, 0], name)
      await server.close()
    })
  })
}

noUnhandledRejections('rule 16')
