// What one turn of the event loop brings is one write, and nothing waits longer than for the end of its turn.

import assert from 'node:assert/strict'
import http from 'node:http'
import { afterEach, describe, test } from 'node:test'
import { streamFn } from 'velo-stream'
import { respond } from 'velo-stream/http'
import { deferred } from '../support/deferred.mjs'
import { noUnhandledRejections } from '../support/unhandled.mjs'
import { within } from '../support/within.mjs'
import { post, Wire } from './support/clients.mjs'
import { running, start } from './support/servers.mjs'
import { settled } from './support/settled.mjs'

const GET = 'GET / HTTP/1.1\r\nHost: test\r\nAccept: text/event-stream\r\n\r\n'

const echo = streamFn(async function* echo(events) {
  for await (const event of events) yield event
})

async function* counting(count) {
  for (let i = 0; i < count; i++) yield i
}

/** The chunks of a body on the wire. */
function chunksOf(text) {
  const chunks = []
  for (let at = text.indexOf('\r\n\r\n') + 4; ; ) {
    const end = text.indexOf('\r\n', at)
    const size = Number.parseInt(text.slice(at, end), 16)
    if (!(size > 0)) return chunks
    chunks.push(text.slice(end + 2, end + 2 + size))
    at = end + 4 + size
  }
}

afterEach(() => settled())

/** The same results, from a source of the options and from an iterable of the user's. */
const ways = {
  'events:': (results, options) => start('node:http', echo, { out: 'sse', ...options, events: results }),
  'respond()': (results, options) => {
    const server = http.createServer((_req, res) => void respond(res, results(), { out: 'sse', ...options }))
    return running(server.listen(0, '127.0.0.1'))
  },
}

for (const [way, serving] of Object.entries(ways)) {
  describe(`${way}, results of one turn`, () => {
    test('a thousand are a few writes, in order', async () => {
      const server = await serving(() => counting(1000))
      const wire = new Wire(server.port).write(GET)
      await wire.until(/\r\n0\r\n\r\n/)
      const chunks = chunksOf(wire.text)
      assert.equal(chunks.join(''), Array.from({ length: 1000 }, (_, i) => `data: ${i}\n\n`).join(''))
      assert.ok(chunks.length <= 8, `${chunks.length} writes`)
      wire.socket.destroy()
      await server.close()
    })

    test('the first is there before a later turn brings the next', async () => {
      const hold = deferred()
      const server = await serving(async function* () {
        yield 'first'
        await hold.promise
        yield* ['second', 'third']
      })
      const wire = new Wire(server.port).write(GET)
      await wire.until(/data: first\n\n/)
      assert.doesNotMatch(wire.text, /second/)
      hold.resolve()
      await wire.until(/data: second\n\ndata: third\n\n[\s\S]*\r\n0\r\n\r\n/)
      wire.socket.destroy()
      await server.close()
    })

    test('those before an error come before it', async () => {
      const server = await serving(async function* () {
        yield* ['first', 'second']
        throw new Error('over')
      })
      const text = await within(5000, (await fetch(server.url)).text(), 'the body')
      assert.match(text, /^data: first\n\ndata: second\n\nevent: error\ndata: \{.*\}\n\n$/)
      await server.close()
    })

    test('a turn that does not end is written in parts, and its client makes it wait', async () => {
      let made = 0
      const server = await serving(async function* () {
        for (; made < 1_000_000; made++) yield 'x'.repeat(1000)
      })
      const wire = new Wire(server.port).write(GET)
      await wire.until(/data: x+\n\n/)
      wire.socket.destroy()
      assert.ok(made < 1_000_000, 'the function was made to wait')
      for (const chunk of chunksOf(wire.text).slice(0, -1)) assert.ok(chunk.length < 400_000, `a write of ${chunk.length}`)
      await server.close()
    })
  })
}

test('a posted body: the results of one piece are one write', async () => {
  const server = await start('node:http', echo)
  const wire = new Wire(server.port).head().chunk(Array.from({ length: 100 }, (_, i) => `${i}\n`).join(''))
  await wire.until(/\n99\n/)
  assert.equal(chunksOf(`${wire.text}`).length, 1)
  wire.last()
  await wire.until(/\r\n0\r\n\r\n/)
  wire.socket.destroy()
  assert.equal(await (await post(server.url, '1\n2\n')).text(), '1\n2\n')
  await server.close()
})

noUnhandledRejections()
