// Ends that meet each other: a stream that ends while its client is slow, away, at fault or leaving.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { runtime, streamFn } from 'velo-stream'
import { numbers } from '../support/counted.mjs'
import { deferred, turns, until } from '../support/deferred.mjs'
import { noUnhandledRejections } from '../support/unhandled.mjs'
import { within } from '../support/within.mjs'
import { connect, withServer } from './support.mjs'

const grace = { onDisconnect: { graceMs: 60_000 } }
const filler = 'x'.repeat(100_000)

/** Yields without end as fast as it may. */
const flood = streamFn(
  async function* flood() {
    for (let n = 0; ; n++) yield { n, filler }
  },
  { idleTimeout: 0, buffer: 8 },
)

/** Connects and takes the hello. */
async function greeted(url) {
  const client = await connect(url)
  const { velo } = await client.next()
  return { client, ...velo }
}

describe('a client that reads nothing is closed, too', () => {
  for (const [name, options] of [
    ['without resuming', {}],
    ['with resuming', { ...grace, resumeBuffer: 200 }],
  ]) {
    /** Stalls a client, ends its stream by `end`, and waits until the server has said goodbye. */
    async function stalled(fn, end, more) {
      await withServer(fn, { heartbeat: 0, ...options, ...more }, async ({ url, served, sockets, next }) => {
        const connected = next()
        const client = await connect(url)
        await connected
        client.socket.pause()
        const { socket } = sockets[0]
        await until(10_000, () => socket.bufferedAmount > 65_536 || socket.readyState > 1, 'a full socket')
        end(served[0])
        await until(5_000, () => socket.readyState > 1, 'the goodbye')
        client.socket.terminate()
      })
    }

    test(`when the stream is aborted, ${name}`, () => stalled(flood, ({ stream }) => stream.abort()))

    test(`when the signal is, ${name}`, async () => {
      const stop = new AbortController()
      await stalled(flood, () => stop.abort(), { signal: stop.signal })
    })

    test(`after maxDuration, ${name}`, () => stalled(flood.with({ maxDuration: 400 }), () => {}))

    test(`when the stream is closed, ${name}`, () => stalled(flood, ({ stream }) => stream.close()))
  }
})

test('a fault of the client is told as such, though the function is done and results wait for room', async () => {
  const some = streamFn(
    async function* some() {
      // More than the system keeps for two sockets, less than the bound of a stream.
      for (const n of numbers(40)) yield { n, filler: filler.repeat(3) }
    },
    { idleTimeout: 0 },
  )
  await withServer(some, { ...grace, resumeBuffer: 100 }, async ({ url, served, sockets, next }) => {
    const connected = next()
    const client = await connect(url)
    await connected
    client.socket.pause()
    await until(10_000, () => sockets[0].socket.bufferedAmount > 65_536, 'a full socket')
    await served[0].stream.closed
    await turns(20)
    client.socket.send('{')
    await until(5_000, () => sockets[0].socket.readyState > 1, 'the goodbye')
    client.socket.resume()
    assert.deepEqual(await client.end(), { code: 1007, reason: 'message 1 is no JSON' })
    assert.equal((await served[0].closed).error.code, 'VELO_EVENT')
  })
})

for (const [count, isHeld] of [
  [100, false],
  [2000, true],
])
  test(`a client that comes back to a full stream with ${count} events waiting does not block it`, async () => {
    const gate = deferred()
    const gated = streamFn(
      async function* gated(events) {
        for await (const event of events) {
          await gate.promise
          yield event
        }
      },
      { idleTimeout: 0, buffer: 1 },
    )
    await withServer(gated, { ...grace, resumeBuffer: 2 }, async ({ url, served, sockets }) => {
      const { client, token } = await greeted(url)
      for (const n of numbers(count)) client.send(n)
      const { socket } = sockets[0]
      await until(5_000, () => (isHeld ? socket.isPaused : served[0].stream.metrics.eventsIn > 1), 'a full stream')
      assert.equal(socket.isPaused, isHeld)
      socket.terminate()
      await within(5_000, served[0].closed, 'the cut')
      // Nobody is there when the results come, and events still wait.
      gate.resolve()
      await turns(50)
      const second = await greeted(`${url}/?resume=${token}&last=0`)
      for (const n of numbers(count).slice(second.received)) second.client.send(n)
      for (const n of numbers(count)) assert.equal(await second.client.next(), n)
      second.client.socket.close()
    })
  })

test('finished streams of clients that are away are bounded, read or not', async () => {
  const three = streamFn(
    async function* three(events) {
      for await (const _ of events) break
      yield* [1, 2, 3]
    },
    { maxConcurrent: 20 },
  )
  await withServer(three, { ...grace, resumeBuffer: 1 }, async ({ url, served }) => {
    const tokens = []
    for (let round = 0; round < 51; round++) {
      const clients = await Promise.all(numbers(20).map(() => greeted(url)))
      const handles = served.slice(-20)
      for (const { client, token } of clients) {
        tokens.push(token)
        client.socket.send('1', () => client.socket.terminate())
      }
      await within(5_000, Promise.all(handles.map(({ closed }) => closed)), 'the cuts')
      await within(5_000, Promise.all(handles.map(({ stream }) => stream.closed)), 'the ends')
    }
    assert.equal(runtime.snapshot().streamsOpen, 0)
    const first = await connect(`${url}/?resume=${tokens[0]}&last=0`)
    assert.equal((await first.end()).code, 4410)
    const last = await greeted(`${url}/?resume=${tokens.at(-1)}&last=0`)
    for (const n of [1, 2, 3]) assert.equal(await last.client.next(), n)
    assert.deepEqual(await last.client.end(), { code: 1000, reason: 'done' })
  })
})

describe('expose', () => {
  for (const [what, thrown, reason] of [
    ['nothing that can be written', Object.create(null), 'failed'],
    ['an error whose message is no string', Object.assign(new Error(), { message: { no: 'text' } }), '[object Object]'],
    ['undefined', undefined, 'undefined'],
    ['a symbol', Symbol('no'), 'Symbol(no)'],
  ]) {
    test(`of what is ${what}`, async () => {
      const failing = streamFn(async function* failing(events) {
        for await (const _ of events) throw thrown
      })
      await withServer(failing, { expose: true }, async ({ url, served }) => {
        const client = await connect(url)
        client.send(1)
        assert.deepEqual(await client.end(2000), { code: 1011, reason })
        assert.equal((await served[0].closed).error, thrown)
      })
    })
  }
})

test("drain lets a function finish whose client is gone, with onDisconnect: 'finish'", async () => {
  const go = deferred()
  const seen = []
  const slow = streamFn(async function* slow(events) {
    for await (const event of events) {
      await go.promise
      seen.push(event)
    }
    yield 'summary'
  })
  await withServer(slow, { onDisconnect: 'finish' }, async ({ url, served }) => {
    const client = await connect(url)
    for (const n of numbers(5)) client.send(n)
    await until(5_000, () => served[0]?.stream.metrics.eventsIn === 5, 'the events')
    client.socket.terminate()
    await within(5_000, served[0].closed, 'the cut')
    served[0].drain()
    go.resolve()
    const { reason } = await within(5_000, served[0].stream.closed, 'the end')
    await turns(4)
    assert.equal(reason, 'done')
    assert.deepEqual(seen, numbers(5))
  })
})

test('a client that cuts itself off with a code of its own, as the server says goodbye, may come back for what it missed', async () => {
  const two = streamFn(async function* two(events) {
    for await (const _ of events) break
    yield* [1, 2]
  })
  await withServer(two, grace, async ({ url, served, sockets }) => {
    const { client, token } = await greeted(url)
    const { socket } = sockets[0]
    client.socket.pause()
    client.send(0)
    await until(5_000, () => socket.readyState > 1, 'the goodbye')
    client.socket.close(4000, 'again')
    client.socket.resume()
    await within(5_000, served[0].closed, 'the end')
    const second = await greeted(`${url}/?resume=${token}&last=0`)
    for (const n of [1, 2]) assert.equal(await second.client.next(), n)
    assert.deepEqual(await second.client.end(), { code: 1000, reason: 'done' })
  })
})

noUnhandledRejections('races')
