// One connection is one stream: events in, results out, in order, with state, as JSON, text and bytes.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { streamFn } from 'velo-stream'
import { numbers } from '../support/counted.mjs'
import { noUnhandledRejections } from '../support/unhandled.mjs'
import { within } from '../support/within.mjs'
import { connect, totals, withServer } from './support.mjs'

const echo = streamFn(
  async function* echo(events) {
    yield* events
  },
  { idleTimeout: 0 },
)

describe('a connection', () => {
  test('is a stream with its own state', async () => {
    await withServer(totals, {}, async ({ url }) => {
      const clients = await Promise.all(numbers(5).map(() => connect(url)))
      for (const round of numbers(3)) {
        for (const [i, client] of clients.entries()) client.send({ add: i })
        for (const [i, client] of clients.entries()) assert.deepEqual(await client.next(), { total: i * (round + 1), count: round + 1 })
      }
      for (const client of clients) client.socket.close()
    })
  })

  test('keeps the order of many messages under way', async () => {
    await withServer(totals, {}, async ({ url }) => {
      const client = await connect(url)
      const count = 20_000
      for (const add of numbers(count)) client.send({ add })
      let total = 0
      for (const add of numbers(count)) assert.deepEqual(await client.next(), { total: (total += add), count: add + 1 })
      client.socket.close()
    })
  })

  test('gives every JSON value as it was', async () => {
    await withServer(echo, {}, async ({ url }) => {
      const client = await connect(url)
      await fc.assert(
        fc.asyncProperty(fc.array(fc.jsonValue(), { maxLength: 20 }), async (values) => {
          for (const value of values) client.send(value)
          for (const value of values) assert.deepEqual(await client.next(), JSON.parse(JSON.stringify(value)))
        }),
        { numRuns: 50 },
      )
      client.socket.close()
    })
  })

  test('gets results before the first event, headers, and the end of the function as 1000', async () => {
    const greet = streamFn(async function* greet(events, ctx) {
      yield `hello ${ctx.headers['x-user']} on ${ctx.id}`
      for await (const event of events) {
        yield event
        return
      }
    })
    await withServer(greet, { id: 'session-1' }, async ({ url, served }) => {
      const client = await connect(url, { headers: { 'x-user': 'ana' } })
      assert.equal(await client.next(), 'hello ana on session-1')
      client.send('last')
      assert.equal(await client.next(), 'last')
      assert.deepEqual(await client.end(), { code: 1000, reason: 'done' })
      assert.deepEqual(await served[0].closed, { code: 1000, reason: 'done' })
      assert.equal((await served[0].stream.closed).reason, 'done')
    })
  })

  test('without a request works the same', async () => {
    await withServer(totals, { request: undefined, headers: { user: 'ben' } }, async ({ url }) => {
      const client = await connect(url)
      for (const add of numbers(1000)) client.send({ add })
      for (const n of numbers(1000)) assert.equal((await client.next()).count, n + 1)
      client.socket.close()
    })
  })

  test('takes messages that waited in a paused socket', async () => {
    const server = await import('./support.mjs').then(({ serving }) => serving(totals))
    try {
      server.wss.prependListener('connection', (socket) => socket.pause())
      const client = await connect(server.url)
      client.send({ add: 7 })
      assert.deepEqual(await client.next(), { total: 7, count: 1 })
      client.socket.close()
      await client.end()
    } finally {
      await server.close()
    }
  })

  test('ends its input with the end message, and the rest of the results go out', async () => {
    const sum = streamFn(async function* sum(events) {
      let total = 0
      for await (const event of events) total += event
      yield total
    })
    await withServer(sum, { endMessage: '{"end":true}' }, async ({ url }) => {
      const client = await connect(url)
      for (const n of numbers(5000)) client.send(n)
      client.send({ end: true })
      assert.equal(await client.next(), 12_497_500)
      assert.deepEqual(await client.end(), { code: 1000, reason: 'done' })
    })
  })

  test("ends after silence of idleTimeout, which is the function's", async () => {
    const patient = totals.with({ idleTimeout: 50 })
    await withServer(patient, {}, async ({ url }) => {
      const client = await connect(url)
      client.send({ add: 1 })
      assert.deepEqual(await client.next(), { total: 1, count: 1 })
      assert.deepEqual(await client.end(), { code: 4408, reason: 'idle' })
    })
  })
})

describe('frames', () => {
  test('raw text is strings', async () => {
    await withServer(echo, { text: 'raw' }, async ({ url }) => {
      const client = await connect(url)
      for (const text of ['', 'not json', '{"a":', 'h\u00e9 \u{1f600}']) {
        client.socket.send(text)
        assert.equal(await client.raw(), text)
      }
      client.socket.close()
    })
  })

  test('raw binary is bytes, beside JSON', async () => {
    await withServer(echo, { binary: 'raw' }, async ({ url }) => {
      const client = await connect(url)
      const bytes = Buffer.from([0, 255, 128, 7])
      client.socket.send(bytes)
      client.send({ a: 1 })
      client.socket.send(Buffer.alloc(0))
      assert.deepEqual(await client.raw(), bytes)
      assert.deepEqual(await client.next(), { a: 1 })
      assert.deepEqual(await client.raw(), Buffer.alloc(0))
      client.socket.close()
    })
  })

  test('bytes of any kind leave as binary frames', async () => {
    const views = streamFn(async function* views() {
      const { buffer } = new Uint8Array([1, 2, 3, 4, 5, 6, 7, 8])
      yield buffer
      yield new Uint16Array(buffer, 2, 2)
      yield new DataView(buffer, 6)
    })
    await withServer(views, { binary: 'raw' }, async ({ url }) => {
      const client = await connect(url)
      assert.deepEqual([...(await client.raw())], [1, 2, 3, 4, 5, 6, 7, 8])
      assert.deepEqual([...(await client.raw())], [3, 4, 5, 6])
      assert.deepEqual([...(await client.raw())], [7, 8])
    })
  })

  for (const binaryType of ['arraybuffer', 'fragments', 'nodebuffer']) {
    test(`binaryType ${binaryType} of the server makes no difference`, async () => {
      const { serving } = await import('./support.mjs')
      const server = await serving(echo, { binary: 'raw' })
      try {
        server.wss.prependListener('connection', (socket) => {
          socket.binaryType = binaryType
        })
        const client = await connect(server.url)
        client.socket.send(Buffer.from('abc'), { fin: false })
        client.socket.send(Buffer.from('def'))
        assert.equal(String(await client.raw()), 'abcdef')
        client.send('text')
        assert.equal(await client.next(), 'text')
        client.socket.close()
        await client.end()
      } finally {
        await server.close()
      }
    })
  }

  for (const [what, result, options] of [
    ['bytes where binary is refused', new Uint8Array(1), {}],
    ['undefined', undefined, {}],
    ['a bigint', 1n, {}],
    ['a number where text is raw', 1, { text: 'raw' }],
  ]) {
    test(`a result that is ${what} fails the stream`, async () => {
      let finished = false
      const bad = streamFn(async function* bad() {
        try {
          yield 'first'
          yield result
          yield 'never'
        } finally {
          finished = true
        }
      })
      await withServer(bad, options, async ({ url, served }) => {
        const client = await connect(url)
        assert.match(await client.raw(), /first/)
        assert.deepEqual(await client.end(), { code: 1011, reason: 'failed' })
        const { code, error } = await within(5_000, served[0].closed, 'the end')
        assert.equal(code, 1011)
        assert.equal(error.code, 'VELO_CODEC')
        await served[0].stream.closed
        assert.ok(finished)
      })
    })
  }
})

noUnhandledRejections('echo')
