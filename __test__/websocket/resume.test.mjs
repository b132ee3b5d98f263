// A client that was cut off comes back with its token: it misses nothing and gets nothing twice, whatever was cut and when.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { runtime, streamFn } from 'velo-stream'
import { serveSocket } from 'velo-stream/websocket'
import { numbers } from '../support/counted.mjs'
import { deferred, turns, until } from '../support/deferred.mjs'
import { random } from '../support/random.mjs'
import { noUnhandledRejections } from '../support/unhandled.mjs'
import { within } from '../support/within.mjs'
import { Client, connect, totals, withServer } from './support.mjs'

const grace = { onDisconnect: { graceMs: 60_000 } }
const resumed = (url, token, last) => `${url}/?resume=${token}&last=${last}`

/** Connects and takes the hello. */
async function greeted(url) {
  const client = await connect(url)
  const { velo } = await client.next()
  return { client, ...velo }
}

describe('a client that was cut off', () => {
  test('gets the results that it missed, and says again what the server did not hear', async () => {
    const { promise: back, resolve: comeBack } = deferred()
    const fn = streamFn(async function* fn(events) {
      for await (const event of events) {
        yield `${event} 1`
        if (event === 'b') await back
        yield `${event} 2`
      }
    })
    await withServer(fn, grace, async ({ url, served }) => {
      const { client, token, received } = await greeted(url)
      assert.equal(received, 0)
      assert.match(token, /^[\w-]{24}$/)
      assert.equal(served[0].token, token)
      client.send('a')
      client.send('b')
      for (const result of ['a 1', 'a 2', 'b 1']) assert.equal(await client.next(), result)
      client.socket.terminate()
      await within(5_000, served[0].closed, 'the cut')
      comeBack()
      await turns(4)
      assert.equal(served[0].stream.state, 'open')
      const second = await greeted(resumed(url, token, 1))
      assert.deepEqual([second.token, second.received], [token, 2])
      for (const result of ['a 2', 'b 1', 'b 2']) assert.equal(await second.client.next(), result)
      assert.equal(served[1].resumed, true)
      assert.equal(served[1].stream, served[0].stream)
      second.client.send('c')
      assert.equal(await second.client.next(), 'c 1')
      second.client.socket.close()
    })
  })

  test('finds a stream that has finished meanwhile', async () => {
    const ten = streamFn(async function* ten(events) {
      for await (const _ of events) break
      for (const n of numbers(10)) yield n
    })
    await withServer(ten, grace, async ({ url, served }) => {
      const { client, token } = await greeted(url)
      client.send('go')
      client.socket.terminate()
      await within(5_000, served[0].closed, 'the cut')
      if (served[0].stream.metrics.eventsIn === 0) return served[0].drain()
      assert.equal((await served[0].stream.closed).reason, 'done')
      const second = await greeted(resumed(url, token, 0))
      for (const n of numbers(10)) assert.equal(await second.client.next(), n)
      assert.deepEqual(await second.client.end(), { code: 1000, reason: 'done' })
      // It has everything: the token is of no use any more.
      await within(5_000, served[1].closed, 'the end')
      const third = await connect(resumed(url, token, 10))
      assert.deepEqual(await third.end(), { code: 4410, reason: 'gone' })
    })
  })

  test('is aborted after the grace', async () => {
    await withServer(totals, { onDisconnect: { graceMs: 30 } }, async ({ url, served }) => {
      const { client, token } = await greeted(url)
      client.socket.terminate()
      const end = await within(5_000, served[0].stream.closed, 'the end')
      assert.equal(end.reason, 'aborted')
      const second = await connect(resumed(url, token, 0))
      assert.deepEqual(await second.end(), { code: 4410, reason: 'gone' })
      assert.equal(served[1].stream, undefined)
    })
  })

  for (const code of [1000, undefined]) {
    test(`on purpose (${code}) has no grace`, async () => {
      await withServer(totals, grace, async ({ url, served }) => {
        const { client } = await greeted(url)
        client.socket.close(code)
        assert.equal((await within(5_000, served[0].stream.closed, 'the end')).reason, 'aborted')
      })
    })
  }

  test('by a fault of its own has none either', async () => {
    await withServer(totals, grace, async ({ url, served }) => {
      const { client, token } = await greeted(url)
      client.socket.send('{')
      assert.equal((await client.end()).code, 1007)
      await within(5_000, served[0].closed, 'the end')
      const second = await connect(resumed(url, token, 0))
      assert.equal((await second.end()).code, 4410)
    })
  })

  test('suspends the function when the buffer is full, with nobody there', async () => {
    const flood = streamFn(
      async function* flood() {
        for (let n = 0; ; n++) yield n
      },
      { idleTimeout: 0, buffer: 4 },
    )
    await withServer(flood, { ...grace, resumeBuffer: 16 }, async ({ url, served }) => {
      const { client, token } = await greeted(url)
      client.socket.terminate()
      await within(5_000, served[0].closed, 'the cut')
      await turns(50)
      const { eventsOut } = served[0].stream.metrics
      await turns(50)
      assert.equal(served[0].stream.metrics.eventsOut, eventsOut)
      const got = client.received.length
      const second = await greeted(resumed(url, token, got))
      for (let n = got; n < got + 500; n++) assert.equal(await second.client.next(), n)
      second.client.socket.terminate()
      await within(5_000, served[1].closed, 'the second cut')
      served[1].drain()
      assert.equal((await within(5_000, served[0].stream.closed, 'the end')).reason, 'aborted')
    })
  })
})

describe('a token', () => {
  test('is of no use for another function, owner, or count', async () => {
    const other = totals.with({ name: 'other' })
    const options = (request) => ({ ...grace, owner: request.headers['x-user'] })
    await withServer(totals, options, async ({ url, served }) => {
      const headers = { 'x-user': 'ana' }
      const client = await connect(url, { headers })
      const { token } = (await client.next()).velo
      client.send({ add: 1 })
      assert.equal((await client.next()).total, 1)
      const refused = async (...args) => assert.deepEqual(await new Client(...args).end(), { code: 4410, reason: 'gone' })
      await refused(resumed(url, token, 1), { headers: { 'x-user': 'eve' } })
      await refused(resumed(url, token, 1))
      await refused(resumed(url, 'nonsense', 1), { headers })
      for (const last of ['2', '-1', '0.5', 'x']) await refused(resumed(url, token, last), { headers })
      await withServer(other, options, async (server) => refused(resumed(server.url, token, 1), { headers }))
      client.send({ add: 1 })
      assert.equal((await client.next()).total, 2)
      assert.equal(served[0].stream.state, 'open')
      client.socket.close()
    })
  })

  test('in use replaces the connection that is still there', async () => {
    await withServer(totals, grace, async ({ url, served }) => {
      const { client, token } = await greeted(url)
      client.send({ add: 5 })
      assert.equal((await client.next()).total, 5)
      const second = await greeted(resumed(url, token, 1))
      assert.equal(second.received, 1)
      assert.deepEqual(await client.end(), { code: 4409, reason: 'replaced' })
      served[0].close()
      second.client.send({ add: 6 })
      assert.equal((await second.client.next()).total, 11)
      second.client.socket.close()
    })
  })

  test('is not looked at with resume: null, and may be given by the caller', async () => {
    let resume = null
    await withServer(
      totals,
      () => ({ ...grace, resume }),
      async ({ url, served }) => {
        const { client, token } = await greeted(url)
        const second = await greeted(resumed(url, token, 0))
        assert.notEqual(second.token, token)
        client.socket.terminate()
        await within(5_000, served[0].closed, 'the cut')
        resume = { token, last: 0 }
        const third = await greeted(url)
        assert.equal(third.token, token)
        third.client.socket.close()
        second.client.socket.close()
      },
    )
  })
})

test('a connection that is gone already takes over nothing', async () => {
  await withServer(totals, { ...grace, heartbeat: 1000 }, async ({ url, served, sockets }) => {
    const { client, token } = await greeted(url)
    const other = await greeted(url)
    other.client.socket.close()
    await within(5_000, served[1].closed, 'the end of the other')
    const late = serveSocket(sockets[1].socket, totals, { ...grace, resume: { token, last: 0 } })
    assert.deepEqual([late.resumed, await late.closed], [false, { code: 1006, reason: '' }])
    client.send({ add: 1 })
    assert.equal((await client.next()).total, 1)
    client.socket.close()
  })
})

test('maxStall does not drop a client that reads, however little may wait', async () => {
  await withServer(totals, { ...grace, maxBuffered: 1, maxStall: 60, heartbeat: 200 }, async ({ url }) => {
    const { client } = await greeted(url)
    client.send({ add: 1 })
    assert.equal((await client.next()).count, 1)
    for (const _ of numbers(2)) await within(5_000, once(client.socket, 'ping'), 'a ping')
    client.send({ add: 1 })
    assert.equal((await client.next()).count, 2)
    client.socket.close()
  })
})

test('finished streams of clients that are away are bounded', async () => {
  const one = streamFn(
    async function* one(events) {
      for await (const _ of events) break
      yield 'result'
    },
    { maxConcurrent: 20 },
  )
  await withServer(one, grace, async ({ url, served }) => {
    const tokens = []
    for (let round = 0; round < 51; round++) {
      const clients = await Promise.all(numbers(20).map(() => greeted(url)))
      for (const { client, token } of clients) {
        tokens.push(token)
        client.send('go')
      }
      await Promise.all(clients.map(({ client }) => client.next()))
      for (const { client } of clients) client.socket.terminate()
      await Promise.all(served.slice(-20).map(({ stream }) => stream.closed))
    }
    const codes = []
    for (const token of [tokens[0], tokens.at(-1)]) {
      const client = await connect(resumed(url, token, 0))
      codes.push(client)
    }
    assert.equal((await codes[0].end()).code, 4410)
    assert.equal(runtime.snapshot().streamsOpen, 0)
  })
})

/**
 * A client that comes back until the server says that all is done, or that it cannot; random cuts on either side. It has at most `window` messages under way that the
 * server has not answered: `answered` says from the results how many it has.
 */
async function sendThroughCuts({ url, sockets }, messages, random, window = Infinity, answered = (results) => results.length) {
  const results = []
  let token
  let cuts = 0
  for (;;) {
    const client = new Client(token === undefined ? url : resumed(url, token, results.length))
    let greeted = false
    const life = random.below(40)
    let seen = 0
    const cut = () => {
      if (cuts >= 12) return
      cuts++
      const way = random.below(4)
      if (way === 0) client.socket.terminate()
      else if (way === 1) client.socket._socket.resetAndDestroy()
      else if (way === 2) sockets.at(-1).wire.destroy()
      else sockets.at(-1).wire.resetAndDestroy()
    }
    let sent
    client.socket.removeAllListeners('message')
    client.socket.on('message', (data) => {
      const value = JSON.parse(String(data))
      if (!greeted) {
        greeted = true
        token = value.velo.token
        sent = value.velo.received
      } else results.push(value)
      while (sent < messages.length && sent < answered(results) + window) client.socket.send(messages[sent++])
      if (seen++ === life) cut()
    })
    const [code] = await within(10_000, once(client.socket, 'close'), 'the close')
    if (code === 1000 || code === 4410) return { results, code, cuts }
    assert.equal(code, 1006, 'nothing but a cut')
  }
}

describe('random cuts', () => {
  const spread = streamFn(
    async function* spread(events) {
      let total = 0
      for await (const event of events) {
        total += event
        for (let i = 0; i < event; i++) yield { total, i }
        if (event === 3) await new Promise(setImmediate)
        yield { total, done: true }
      }
      yield { total }
    },
    { buffer: 4, idleTimeout: 0 },
  )
  const inputs = fc.array(fc.integer({ min: 0, max: 4 }), { minLength: 1, maxLength: 300, size: 'max' })
  const options = { ...grace, endMessage: 'end', heartbeat: 1000 }

  for (const resumeBuffer of [1, 3, 1024]) {
    test(`lose nothing and double nothing, with a buffer of ${resumeBuffer}`, async () => {
      let all = 0
      await fc.assert(
        fc.asyncProperty(fc.integer(), inputs, async (seed, events) => {
          const expected = await spread.run(events)
          await withServer(spread, { ...options, resumeBuffer }, async (server) => {
            const answered = (results) => results.filter(({ done }) => done).length
            const { results, code, cuts } = await sendThroughCuts(server, [...events.map(String), 'end'], random(seed), 4, answered)
            all += cuts
            assert.deepEqual(results, expected)
            assert.equal(code, 1000)
          })
        }),
        { numRuns: 25 },
      )
      assert.ok(all > 50, `${all} cuts`)
    })
  }

  test('of a client that does not wait lose nothing either, unless it is told so', async () => {
    let whole = 0
    await fc.assert(
      fc.asyncProperty(fc.integer(), inputs, async (seed, events) => {
        const expected = await spread.run(events)
        await withServer(spread, { ...options, resumeBuffer: 64 }, async (server) => {
          const { results, code } = await sendThroughCuts(server, [...events.map(String), 'end'], random(seed))
          if (code === 1000) whole++
          assert.deepEqual(results, code === 1000 ? expected : expected.slice(0, results.length))
        })
      }),
      { numRuns: 25 },
    )
    assert.ok(whole > 0)
  })

  test('of large messages in both directions lose nothing', async () => {
    const echo = streamFn(
      async function* echo(events) {
        yield* events
      },
      { buffer: 16, idleTimeout: 0 },
    )
    const messages = numbers(200).map((n) => JSON.stringify({ n, filler: 'x'.repeat(20_000) }))
    await withServer(echo, { ...grace, resumeBuffer: 8, endMessage: 'end' }, async (server) => {
      const { results } = await sendThroughCuts(server, [...messages, 'end'], random(7), 16)
      assert.deepEqual(
        results.map(({ n }) => n),
        numbers(200),
      )
    })
  })
})

test('a client that reads no result until all is sent does not block with a small buffer', async () => {
  const echo = streamFn(
    async function* echo(events) {
      yield* events
    },
    { buffer: 1, idleTimeout: 0 },
  )
  await withServer(echo, { ...grace, resumeBuffer: 2 }, async ({ url }) => {
    const { client } = await greeted(url)
    const count = 20_000
    for (const n of numbers(count)) client.send(n)
    for (const n of numbers(count)) assert.equal(await client.next(), n)
    client.socket.close()
  })
})

test('a client that sends without reading for a while finds all of its results when it comes back', async () => {
  await withServer(totals.with({ buffer: 1 }), { ...grace, resumeBuffer: 4 }, async ({ url, served }) => {
    const { client, token } = await greeted(url)
    client.socket.pause()
    for (const _ of numbers(100)) client.send({ add: 1 })
    await until(5_000, () => served[0].stream.metrics.eventsOut >= 4, 'a full buffer')
    await turns(50)
    client.socket.terminate()
    await within(5_000, served[0].closed, 'the cut')
    const second = await greeted(resumed(url, token, 0))
    assert.equal(second.token, token)
    for (const n of numbers(second.received)) assert.equal((await second.client.next()).count, n + 1)
    second.client.socket.close()
  })
})

test('the server learns by pongs what the client has', async () => {
  await withServer(totals, { ...grace, resumeBuffer: 4, heartbeat: 250 }, async ({ url, served }) => {
    const { client, token } = await greeted(url)
    for (const add of numbers(3)) {
      client.send({ add })
      await client.next()
    }
    for (const _ of numbers(2)) await within(5_000, once(client.socket, 'ping'), 'a ping')
    await until(5_000, () => client.socket.bufferedAmount === 0, 'the pong')
    client.socket.pong('nonsense')
    client.socket.pong('99999')
    client.socket.pong('-1')
    client.send({ add: 0 })
    assert.equal((await client.next()).count, 4)
    client.socket.terminate()
    await within(5_000, served[0].closed, 'the cut')
    const second = await connect(resumed(url, token, 0))
    assert.deepEqual(await second.end(), { code: 4410, reason: 'gone' })
    const third = await greeted(resumed(url, token, 4))
    third.client.send({ add: 0 })
    assert.equal((await third.client.next()).count, 5)
    third.client.socket.close()
  })
})

noUnhandledRejections('resume')
