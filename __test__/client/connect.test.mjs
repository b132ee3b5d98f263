// connect against servers of `ws`: events, results and ends; cuts at random moments lose nothing and double nothing.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { streamFn } from 'velo-stream'
import { connect } from 'velo-stream/client'
import { WebSocket } from 'ws'
import { numbers } from '../support/counted.mjs'
import { until } from '../support/deferred.mjs'
import { random } from '../support/random.mjs'
import { noUnhandledRejections } from '../support/unhandled.mjs'
import { within } from '../support/within.mjs'
import { serving, totals, withServer } from '../websocket/support.mjs'
import { all, options } from './support.mjs'

const grace = { onDisconnect: { graceMs: 60_000 }, endMessage: 'end' }
const ending = { ...options, endMessage: 'end' }

const echo = streamFn(
  async function* echo(events) {
    yield* events
  },
  { idleTimeout: 0 },
)

for (const [name, served] of Object.entries({ 'comes back to': grace, 'does not come back to': { endMessage: 'end' } })) {
  describe(`a server that a client ${name}`, () => {
    test('gets the events in order, and its results are read until the function has finished', async () => {
      await withServer(totals, served, async ({ url }) => {
        const client = connect(url, ending)
        for (const add of numbers(1000)) void client.send({ add })
        await client.end()
        assert.deepEqual(
          (await all(client)).map(({ count }) => count),
          numbers(1000).map((n) => n + 1),
        )
        assert.deepEqual(await client.closed, { reason: 'done' })
        assert.equal(client.state, 'closed')
        await assert.rejects(client.send({ add: 1 }), { code: 'VELO_CLOSED', reason: 'done' })
      })
    })

    test('learns that the client has closed, and the client that it is closed', async () => {
      await withServer(totals, served, async ({ url, served, next }) => {
        const connected = next()
        const client = connect(url, ending)
        await connected
        await client.send({ add: 1 })
        for await (const { total } of client) {
          assert.equal(total, 1)
          break
        }
        assert.deepEqual(await client.closed, { reason: 'closed' })
        assert.equal((await within(5_000, served[0].stream.closed, 'the end')).reason, 'aborted')
      })
    })

    test('fails: the results before it come, then its error, once', async () => {
      const failing = streamFn(async function* failing(events) {
        for await (const event of events) {
          yield event
          throw new Error('no more')
        }
      })
      await withServer(failing, { ...served, expose: true }, async ({ url }) => {
        const client = connect(url, ending)
        await client.send(1)
        const results = client[Symbol.asyncIterator]()
        assert.deepEqual(await within(5_000, results.next()), { value: 1, done: false })
        await assert.rejects(within(5_000, results.next()), {
          code: 'VELO_CLOSED',
          message: 'the stream failed: no more',
          reason: 'failed',
        })
        assert.deepEqual(await results.next(), { value: undefined, done: true })
        assert.equal((await client.closed).reason, 'failed')
      })
    })
  })
}

test('bytes go as binary frames and come as bytes, and text as it is', async () => {
  await withServer(echo, { ...grace, binary: 'raw', text: 'raw' }, async ({ url }) => {
    const client = connect(url, { ...ending, text: 'raw' })
    const bytes = new Uint8Array([1, 2, 3])
    const sent = client.send(bytes)
    bytes[0] = 9
    await Promise.all([sent, client.send('as it is'), client.end()])
    assert.deepEqual(await all(client), [new Uint8Array([1, 2, 3]), 'as it is'])
    await assert.rejects(connect(url, { ...options, text: 'raw' }).send(1), { code: 'VELO_CODEC' })
  })
})

test('a server that starts late is waited for, and one that never starts is given up', async () => {
  const gone = await serving(totals, grace)
  await gone.close()
  const client = connect(gone.url, { ...options, backoff: { minMs: 1, maxMs: 2, attempts: 3 } })
  const sent = client.send({ add: 1 })
  const end = await within(10_000, client.closed, 'the end')
  assert.equal(end.reason, 'failed')
  assert.match(end.error.message, /no connection after 4 attempts/)
  assert.match(String(end.error.cause), /ECONNREFUSED/)
  await assert.rejects(sent, { code: 'VELO_CLOSED' })
})

test('a server that drains says so', async () => {
  await withServer(totals, grace, async ({ url, served, next }) => {
    const connected = next()
    const client = connect(url, ending)
    await connected
    await client.send({ add: 1 })
    served[0].drain()
    const results = client[Symbol.asyncIterator]()
    await assert.rejects(
      within(
        5_000,
        (async () => {
          for await (const _ of results);
        })(),
      ),
      { code: 'VELO_DRAINING', name: 'OverloadedError' },
    )
  })
})

test('a place that is not there is waited for', async () => {
  const one = totals.with({ maxConcurrent: 1 })
  await withServer(one, grace, async ({ url, next }) => {
    const connected = next()
    const first = connect(url, ending)
    const { closed } = await connected
    const second = connect(url, { ...ending, resume: true })
    const refused = next()
    void second.send({ add: 2 })
    assert.equal((await within(5_000, (await refused).closed)).code, 1008)
    await first.close()
    await closed
    await second.end()
    assert.deepEqual(await all(second), [{ total: 2, count: 1 }])
  })
})

test('an abort ends every wait with the reason as cause, and the stream', async () => {
  await withServer(totals, grace, async ({ url, served, next }) => {
    const controller = new AbortController()
    const connected = next()
    const client = connect(url, { ...ending, signal: controller.signal })
    await connected
    const read = client[Symbol.asyncIterator]().next()
    const reason = new Error('enough')
    controller.abort(reason)
    await assert.rejects(within(5_000, read), { name: 'AbortError', code: 'VELO_ABORTED', cause: reason })
    await assert.rejects(client.send({ add: 1 }), { code: 'VELO_ABORTED' })
    assert.equal((await client.closed).reason, 'aborted')
    assert.equal((await within(5_000, served[0].stream.closed, 'the end')).reason, 'aborted')
    const late = connect(url, { ...ending, signal: controller.signal })
    assert.equal((await late.closed).reason, 'aborted')
  })
})

test('one reader at a time, and none may come between', async () => {
  await withServer(totals, grace, async ({ url }) => {
    const client = connect(url, ending)
    const [first, second] = [client[Symbol.asyncIterator](), client[Symbol.asyncIterator]()]
    const read = first.next()
    await assert.rejects(second.next(), { code: 'VELO_LOCKED' })
    assert.deepEqual(await second.return('kept'), { value: 'kept', done: true })
    assert.equal(client.state, 'connecting')
    await client.send({ add: 1 })
    assert.equal((await within(5_000, read)).value.total, 1)
    await assert.rejects(first.throw(new Error('mine')), /mine/)
    assert.deepEqual(await first.next(), { value: undefined, done: true })
    assert.equal(client.state, 'closed')
  })
})

test('a stream that the server no longer keeps ends with an error', async () => {
  await withServer(totals, { ...grace, onDisconnect: { graceMs: 1 } }, async ({ url, served, sockets, next }) => {
    const connected = next()
    const client = connect(url, { ...ending, backoff: { minMs: 200, maxMs: 200 } })
    await connected
    await client.send({ add: 1 })
    const results = client[Symbol.asyncIterator]()
    await within(5_000, results.next())
    sockets[0].wire.resetAndDestroy()
    await within(5_000, served[0].stream.closed, 'the end of the grace')
    await assert.rejects(within(10_000, results.next()), { code: 'VELO_CLOSED', message: /the server no longer has the stream.*4410/ })
  })
})

test('without coming back a cut is the end, and says why', async () => {
  for (const resume of [undefined, false]) {
    await withServer(totals, {}, async ({ url, sockets, next }) => {
      const connected = next()
      const client = connect(url, { ...options, resume })
      await connected
      await client.send({ add: 1 })
      const results = client[Symbol.asyncIterator]()
      await within(5_000, results.next())
      sockets[0].wire.resetAndDestroy()
      await assert.rejects(within(5_000, results.next()), { code: 'VELO_CLOSED', message: /does not let it come back/ })
    })
  }
})

test('with resume: true a server that lets nobody come back is told apart', async () => {
  const eager = streamFn(async function* eager() {
    yield 1
  })
  await withServer(eager, {}, async ({ url }) => {
    const client = connect(url, { ...options, resume: true })
    assert.match((await within(5_000, client.closed)).error.message, /does not let clients come back/)
  })
})

describe('cuts at random moments', () => {
  const spread = streamFn(
    async function* spread(events) {
      let total = 0
      for await (const event of events) {
        total += event
        for (let i = 0; i < event; i++) yield { total, i }
        if (event === 3) await new Promise(setImmediate)
      }
      yield { total }
    },
    { buffer: 4, idleTimeout: 0 },
  )
  const inputs = fc.array(fc.integer({ min: 0, max: 4 }), { minLength: 1, maxLength: 300, size: 'max' })

  for (const resume of [undefined, true]) {
    test(`lose nothing and double nothing, with resume: ${resume}`, async () => {
      let cuts = 0
      await fc.assert(
        fc.asyncProperty(fc.integer(), inputs, async (seed, events) => {
          const chance = random(seed)
          await withServer(spread, { ...grace, resumeBuffer: 4096 }, async ({ url, wss }) => {
            const clients = []
            let left = 12
            wss.on('connection', (socket, { socket: wire }) => {
              let life = chance.below(15)
              const cut = () => {
                if (life-- > 0 || left === 0) return
                left--
                cuts++
                socket.off('message', cut)
                const way = chance.below(3)
                if (way === 0) wire.destroy()
                else if (way === 1) wire.resetAndDestroy()
                else clients.at(-1)._socket?.resetAndDestroy()
              }
              socket.on('message', cut)
              socket.prependOnceListener('close', () => socket.off('message', cut))
            })
            class Cut extends WebSocket {
              constructor(...given) {
                super(...given)
                clients.push(this)
              }
            }
            const client = connect(url, { ...ending, WebSocket: Cut, resume })
            const sends = (async () => {
              for (const event of events) await client.send(event)
              await client.end()
            })()
            const results = await all(client)
            await within(10_000, sends, 'the sends')
            assert.deepEqual(results, await spread.run(events))
            assert.deepEqual(await client.closed, { reason: 'done' })
          })
        }),
        { numRuns: 60 },
      )
      assert.ok(cuts > 50, `${cuts} cuts`)
    })
  }

  test('of large messages lose nothing', async () => {
    const messages = numbers(150).map((n) => ({ n, filler: 'x'.repeat(20_000) }))
    await withServer(echo, { ...grace, resumeBuffer: 8 }, async ({ url, wss }) => {
      let left = 6
      wss.on('connection', (socket, { socket: wire }) => {
        let life = 20
        const cut = () => {
          if (--life === 0 && left-- > 0) wire.resetAndDestroy()
        }
        socket.on('message', cut)
        socket.prependOnceListener('close', () => socket.off('message', cut))
      })
      const client = connect(url, ending)
      const sends = (async () => {
        for (const message of messages) await client.send(message)
        await client.end()
      })()
      assert.deepEqual(await all(client), messages)
      await sends
      assert.ok(left <= 0)
    })
  })
})

test('a client that does not read holds the server back, and its memory is bounded', async () => {
  let yielded = 0
  const many = streamFn(
    async function* many() {
      for (; yielded < 2000; ) yield { n: yielded++, filler: 'x'.repeat(10_000) }
    },
    { idleTimeout: 0 },
  )
  await withServer(many, grace, async ({ url, sockets, next }) => {
    const connected = next()
    const client = connect(url, { ...options, maxBufferedBytes: 200_000 })
    await connected
    const results = client[Symbol.asyncIterator]()
    await within(5_000, results.next())
    await until(10_000, () => sockets[0].socket.bufferedAmount > 0, 'a socket that is full')
    assert.ok(yielded < 2000, `${yielded} were yielded`)
    let seen = 1
    await within(
      30_000,
      (async () => {
        for (let next = await results.next(); !next.done; next = await results.next()) assert.equal(next.value.n, seen++)
      })(),
    )
    assert.equal(seen, 2000)
  })
})

noUnhandledRejections('connect')
