// Durable streams over WebSockets: a client goes on in another process, what is acknowledged is kept, and a result is delivered when the client has it. Two functions over one shelf are two
// processes, one after the other.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { streamFn, VeloError } from 'velo-stream'
import { connect as connectClient } from 'velo-stream/client'
import { durable } from 'velo-stream/durable'
import { serveSocket } from 'velo-stream/websocket'
import { WebSocket } from 'ws'
import { all, options as clientOptions } from '../client/support.mjs'
import { MemoryJournal, newShelf } from '../durable/support/memory-journal.mjs'
import { deferred, turns, until } from '../support/deferred.mjs'
import { noUnhandledRejections } from '../support/unhandled.mjs'
import { within } from '../support/within.mjs'
import { connect, serving, withServer } from './support.mjs'

const grace = { onDisconnect: { graceMs: 60_000 } }
const TOKEN = /^client\.[\w-]{24}$/

async function* total(events) {
  let sum = 0
  for await (const { add } of events) yield { sum: (sum += add) }
  yield { sum, end: true }
}

/** A shelf, and the function of each process that has it. */
function processes(fn = total) {
  const shelf = newShelf()
  const next = (journal = new MemoryJournal({ shelf })) => streamFn(fn, { name: 'total', durable: durable(journal) })
  const kept = () => [...shelf.streams.values()][0]
  return { shelf, next, kept }
}

async function greeted(url, options) {
  const client = await connect(url, options)
  const { velo } = await client.next()
  return { client, ...velo }
}
const back = (url, token, last) => `${url}/?resume=${encodeURIComponent(token)}&last=${last}`

/** One process is over: its clients are told to come again. */
async function over(server) {
  for (const handle of server.served) handle.drain()
  await within(5_000, Promise.all(server.served.map(({ stream }) => stream?.closed)), 'the streams are closed')
  await turns(4)
  await server.close()
}

describe('a client of a durable stream', () => {
  test('goes on in another process', async () => {
    const { next, kept } = processes()
    const first = await serving(next(), grace)
    const { client, token, received } = await greeted(first.url)
    assert.match(token, TOKEN)
    assert.equal(received, 0)
    assert.equal(first.served[0].stream.id, token)
    for (const add of [1, 2, 3]) client.send({ add })
    for (const sum of [1, 3, 6]) assert.deepEqual(await client.next(), { sum })
    await over(first)
    assert.deepEqual(await client.end(), { code: 1012, reason: 'restart' })
    assert.equal(kept().records.length, 3)
    await withServer(next(), { ...grace, endMessage: 'end' }, async ({ url, served }) => {
      const second = await greeted(back(url, token, 2))
      assert.deepEqual([second.token, second.received], [token, 3])
      assert.deepEqual(await second.client.next(), { sum: 6 }, 'the one that it says it has not got')
      second.client.send({ add: 4 })
      assert.deepEqual(await second.client.next(), { sum: 10 })
      second.client.socket.send('end')
      assert.deepEqual(await second.client.next(), { sum: 10, end: true })
      assert.deepEqual(await second.client.end(), { code: 1000, reason: 'done' })
      await within(5_000, served[0].over, 'the end')
      await until(5_000, () => kept() === undefined, 'the journal lets it go')
    })
  })

  test('is told of an event when it is kept, and says again what was on its way', async () => {
    const { shelf, next } = processes()
    const gate = deferred()
    const journal = new MemoryJournal({ shelf })
    journal.append = async (own, from, records) => {
      if (from > 0) await gate.promise
      return MemoryJournal.prototype.append.call(journal, own, from, records)
    }
    await withServer(next(journal), grace, async ({ url, served }) => {
      const { client, token } = await greeted(url)
      client.send({ add: 1 })
      assert.deepEqual(await client.next(), { sum: 1 })
      client.send({ add: 2 })
      await until(5_000, () => served[0].stream.position.events === 2, 'the second event is on its way')
      client.socket.terminate()
      await within(5_000, served[0].closed, 'the cut')
      const second = await greeted(back(url, token, 1))
      assert.equal(second.received, 1)
      second.client.send({ add: 2 })
      second.client.send({ add: 3 })
      await turns(20)
      gate.resolve()
      for (const sum of [3, 6]) assert.deepEqual(await second.client.next(), { sum })
      second.client.socket.terminate()
      await within(5_000, served[1].closed, 'the second cut')
      const third = await greeted(back(url, token, 3))
      assert.equal(third.received, 3)
      third.client.socket.close()
    })
  })

  test('gets 4410 where there is nothing to come back to, and nothing of it is kept', async () => {
    const { shelf, next } = processes()
    await withServer(
      next(),
      (request) => ({ ...grace, owner: request.headers['x-user'] }),
      async ({ url, served }) => {
        const ana = { headers: { 'x-user': 'ana' } }
        const { client, token } = await greeted(url, ana)
        assert.match(token, /^client\.[\w-]{24}\.[\w-]{24}$/)
        client.send({ add: 1 })
        assert.deepEqual(await client.next(), { sum: 1 })
        served[0].drain()
        await client.end()
        await within(5_000, served[0].stream.closed, 'the end here')
        for (const [said, options] of [
          [`client.${'a'.repeat(24)}`, {}],
          ['orders-1', {}],
          [token, {}],
          [token, { headers: { 'x-user': 'eve' } }],
          [token.slice(0, -1) + (token.endsWith('A') ? 'B' : 'A'), ana],
        ]) {
          const other = await connect(back(url, said, 0), options)
          assert.deepEqual(await other.end(), { code: 4410, reason: 'gone' })
        }
        for (const last of [-1, 'x', 2 ** 60]) {
          const other = await connect(back(url, token, last), ana)
          assert.equal((await other.end()).code, 4410)
        }
        await until(5_000, () => shelf.streams.size === 1, 'what was asked for in vain is gone')
        const again = await greeted(back(url, token, 1), ana)
        assert.equal(again.received, 1)
        again.client.socket.close()
      },
    )
  })

  test('that says it has more than there is, or less than it said before, is not served what is not so', async () => {
    const { next, kept } = processes()
    const first = await serving(next(), { ...grace, resumeBuffer: 4 })
    const { client, token } = await greeted(first.url)
    for (let n = 0; n < 8; n++) client.send({ add: 1 })
    for (let n = 1; n <= 8; n++) assert.deepEqual(await client.next(), { sum: n })
    await until(5_000, () => kept().delivered > 2, 'pongs are written')
    await over(first)
    const { delivered } = kept()
    await withServer(next(), grace, async ({ url }) => {
      const behind = await connect(back(url, token, delivered - 1))
      assert.equal((await behind.end()).code, 4410)
      const { client: here } = await greeted(back(url, token, delivered))
      for (let n = delivered + 1; n <= 8; n++) assert.deepEqual(await here.next(), { sum: n })
      here.socket.close()
    })
  })

  test('comes again when an event could not be kept, and says it again', async () => {
    const { shelf, next } = processes()
    const journal = new MemoryJournal({ shelf })
    let refusals = 0
    journal.append = async (own, from, records) => {
      if (from === 1 && refusals++ === 0) throw new VeloError('VELO_CHECKPOINT', 'the disk is full')
      return MemoryJournal.prototype.append.call(journal, own, from, records)
    }
    await withServer(next(journal), { ...grace, endMessage: 'end' }, async ({ url }) => {
      const client = connectClient(url, { ...clientOptions, resume: true, endMessage: 'end' })
      const results = client[Symbol.asyncIterator]()
      await client.send({ add: 1 })
      assert.deepEqual((await within(5_000, results.next(), 'a result')).value, { sum: 1 })
      for (const add of [2, 3]) await client.send({ add })
      await client.end()
      for (const value of [{ sum: 3 }, { sum: 6 }, { sum: 6, end: true }])
        assert.deepEqual(await within(5_000, results.next(), 'a result'), { value, done: false })
      assert.deepEqual(await within(5_000, client.closed, 'the end'), { reason: 'done' })
      assert.equal(refusals, 2)
    })
  })

  test('finds the end of its function in another process', async () => {
    const { next } = processes()
    const first = await serving(next(), { ...grace, endMessage: 'end' })
    const { client, token } = await greeted(first.url)
    client.send({ add: 5 })
    client.socket.send('end')
    // It hears neither the results nor the goodbye.
    client.socket.pause()
    await within(5_000, first.served[0].stream.closed, 'the end of the function')
    await until(5_000, () => first.sockets[0].socket.readyState > 1, 'the goodbye')
    for (const handle of first.served) handle.drain()
    client.socket.terminate()
    await over(first)
    await withServer(next(), { ...grace, endMessage: 'end' }, async ({ url }) => {
      const second = await greeted(back(url, token, 0))
      assert.equal(second.received, 2, 'an event, and the end')
      for (const result of [{ sum: 5 }, { sum: 5, end: true }]) assert.deepEqual(await second.client.next(), result)
      assert.deepEqual(await second.client.end(), { code: 1000, reason: 'done' })
    })
  })

  test('is told of the failure of its function once', async () => {
    const { next, kept } = processes(async function* failing(events) {
      for await (const { add } of events) {
        if (add === 0) throw new Error('nothing to add')
        yield add
      }
    })
    await withServer(next(), grace, async ({ url }) => {
      const { client } = await greeted(url)
      client.send({ add: 1 })
      client.send({ add: 0 })
      assert.equal(await client.next(), 1)
      assert.equal((await client.end()).code, 1011)
      await until(5_000, () => kept() === undefined, 'the journal lets it go')
    })
  })

  test('that does not come back is given up after the grace', async () => {
    const { next, kept } = processes()
    await withServer(next(), { onDisconnect: { graceMs: 30 } }, async ({ url, served }) => {
      const { client } = await greeted(url)
      client.send({ add: 1 })
      await client.next()
      client.socket.terminate()
      assert.equal((await within(5_000, served[0].stream.closed, 'the end')).reason, 'aborted')
      await until(5_000, () => kept() === undefined, 'the journal lets it go')
    })
  })

  test('without a grace has a durable stream all the same, which ends with it', async () => {
    const { next, kept } = processes()
    await withServer(next(), {}, async ({ url }) => {
      const client = await connect(url)
      client.send({ add: 1 })
      assert.deepEqual(await client.next(), { sum: 1 })
      assert.equal(kept().records.length, 1)
      client.socket.close()
      await until(5_000, () => kept() === undefined, 'the journal lets it go')
    })
  })
})

test('results that were let go because no pong could be read come of the journal', async () => {
  const gate = deferred()
  const { next } = processes(async function* gated(events) {
    for await (const { add } of events) {
      for (let n = 0; n < add; n++) yield n
      await gate.promise
    }
  })
  const options = { ...grace, resumeBuffer: 2, maxBufferedBytes: 4096 }
  await withServer(next().with({ buffer: 1 }), options, async ({ url, served, sockets }) => {
    const { client, token } = await greeted(url)
    // No pong is ever said, and the input is full: the results go out all the same.
    client.socket._receiver.removeAllListeners('ping')
    client.send({ add: 20 })
    for (let n = 0; n < 200; n++) client.send({ add: 1, filler: 'x'.repeat(100) })
    await until(5_000, () => sockets[0].socket.isPaused, 'a full input')
    for (let n = 0; n < 20; n++) assert.equal(await client.next(), n)
    client.socket.terminate()
    gate.resolve()
    sockets[0].socket.terminate()
    await within(5_000, served[0].closed, 'the cut')
    const again = await connect(back(url, token, 1))
    assert.deepEqual(await again.end(), { code: 1013, reason: 'try again later' })
    await within(5_000, served[0].stream.closed, 'the end here')
    const second = await greeted(back(url, token, 1))
    for (let n = 1; n < 20; n++) assert.equal(await second.client.next(), n)
    second.client.socket.close()
  })
})

test('skipping malformed messages is refused beside it: they would have no number', async () => {
  const { next } = processes()
  const fn = next()
  await withServer(streamFn(total), { ...grace, onMalformed: 'skip' }, async ({ url, sockets }) => {
    const { client } = await greeted(url)
    assert.throws(() => serveSocket(sockets[0].socket, fn, { ...grace, onMalformed: 'skip' }), {
      code: 'VELO_CONFIG',
      field: 'serveSocket(options).onMalformed',
    })
    client.socket.close()
  })
})

test('clients of the library go on over many processes, and lose and double nothing', async () => {
  const { next, kept } = processes()
  let server = await serving(next(), { ...grace, endMessage: 'end' })
  let { port } = server
  class Redirected extends WebSocket {
    constructor(url, ...more) {
      const to = new URL(url)
      to.port = String(port)
      super(to, ...more)
    }
  }
  const client = connectClient(server.url, { ...clientOptions, WebSocket: Redirected, resume: true, endMessage: 'end' })
  const count = 300
  let sent = 0
  const send = () => {
    while (sent < count && sent < seen.length + 40) void client.send({ add: ++sent })
    if (seen.length === count) void client.end()
  }
  const seen = []
  send()
  for await (const result of client) {
    seen.push(result.sum)
    if (seen.length % 70 === 0) {
      const before = server
      server = await serving(next(), { ...grace, endMessage: 'end' })
      port = server.port
      await over(before)
    }
    send()
  }
  const sums = Array.from({ length: count }, (_, n) => ((n + 1) * (n + 2)) / 2)
  assert.deepEqual(seen, [...sums, sums.at(-1)])
  assert.deepEqual(await client.closed, { reason: 'done' })
  await until(5_000, () => kept() === undefined, 'the journal lets it go')
  await server.close()
})

test('all: the helper of the client reads to the end', async () => {
  const { next } = processes()
  await withServer(next(), { ...grace, endMessage: 'end' }, async ({ url }) => {
    const client = connectClient(url, { ...clientOptions, endMessage: 'end' })
    await client.send({ add: 1 })
    await client.end()
    assert.deepEqual(await all(client), [{ sum: 1 }, { sum: 1, end: true }])
  })
})

noUnhandledRejections('durable')
