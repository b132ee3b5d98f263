// Sockets, listeners and signals that misbehave, and bounds: played by the test itself, so that each step is its own.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { connect } from 'velo-stream/client'
import { isPending, outcome, until } from '../support/deferred.mjs'
import { noUnhandledRejections } from '../support/unhandled.mjs'
import { within } from '../support/within.mjs'
import { backoff, playedSockets } from './support.mjs'

const url = 'ws://127.0.0.1:9/fn/f?key=1'
const hello = (received, token = 't') => ({ velo: { token, received } })

/** A client over played sockets. */
function playing(options = {}) {
  const { Played, made } = playedSockets()
  const client = connect(url, { WebSocket: Played, backoff, ...options })
  const another = (count) => until(5_000, () => made.length === count, 'another connection')
  return { client, made, another, results: client[Symbol.asyncIterator]() }
}

describe('the wire', () => {
  test('what was not received is sent again, behind the token and the count of results', async () => {
    const { client, made, another, results } = playing({ resume: true, protocols: ['a', 'b'], endMessage: 'over' })
    const [first] = made
    assert.deepEqual([first.url, first.protocols, first.binaryType], [`${url}&acks=1`, ['a', 'b'], 'arraybuffer'])
    first.open()
    const sends = [1, 2, 3].map((event) => client.send(event))
    assert.deepEqual(first.sent, [], 'nothing is sent before the server has said that it keeps the stream')
    assert.equal(client.state, 'connecting')
    first.say(hello(0, 'a/b'))
    await Promise.all(sends)
    assert.deepEqual([client.state, client.id, first.sent], ['open', 'a/b', ['1', '2', '3']])
    first.say(10)
    assert.equal((await results.next()).value, 10)
    first.cut()
    assert.deepEqual([client.state, first.listeners], ['connecting', ['error']])
    first.say(99)
    const waiting = client.send(4)
    await another(2)
    const [, second] = made
    assert.equal(second.url, `${url}&resume=a%2Fb&last=1&acks=1`)
    second.open()
    assert.ok(await isPending(waiting))
    second.say(hello(2, 'a/b'))
    await within(5_000, waiting)
    await client.end()
    assert.deepEqual(second.sent, ['3', '4', 'over'])
    await assert.rejects(client.send(5), { code: 'VELO_ENDED' })
    second.say(20)
    second.cut(1000, 'done')
    assert.deepEqual(
      [await results.next(), await results.next()],
      [
        { value: 20, done: false },
        { value: undefined, done: true },
      ],
    )
  })

  test('nothing known of the server: what was sent may have been done, so it is not done again', async () => {
    const { client, made } = playing()
    made[0].open()
    await client.send(1)
    made[0].cut()
    assert.match((await client.closed).error.message, /before its server said/)
    assert.equal(made.length, 1)
  })

  for (const [name, said] of [
    ['another stream', hello(1, 'other')],
    ['more than was sent', hello(2)],
    ['no hello', 5],
  ]) {
    test(`a server that comes back with ${name} is not believed`, async () => {
      const { client, made, another } = playing()
      made[0].open()
      made[0].say(hello(0))
      await client.send(1)
      made[0].cut()
      await another(2)
      made[1].open()
      made[1].say(said)
      const { reason, error } = await client.closed
      assert.deepEqual([reason, error.code], ['failed', 'VELO_CLOSED'])
      assert.deepEqual(made[1].closes, [[1000]])
    })
  }

  test('each close code is an end of its own', async () => {
    const ends = {
      1000: ['done', undefined],
      1003: ['failed', 'VELO_EVENT'],
      1007: ['failed', 'VELO_EVENT'],
      1009: ['failed', 'VELO_EVENT'],
      1008: ['failed', 'VELO_CLOSED'],
      1011: ['failed', 'VELO_CLOSED'],
      4001: ['failed', 'VELO_CLOSED'],
      4409: ['failed', 'VELO_CLOSED'],
      4410: ['failed', 'VELO_CLOSED'],
    }
    for (const [code, expected] of Object.entries(ends)) {
      const { client, made } = playing()
      made[0].open()
      made[0].cut(Number(code))
      const { reason, error } = await client.closed
      assert.deepEqual([reason, error?.code], expected, code)
    }
    for (const [code, said, reason, error] of [
      [1000, 'idle', 'idle', undefined],
      [1000, 'closed', 'closed', undefined],
      [1001, 'draining', 'aborted', 'VELO_DRAINING'],
      [1001, 'the server stops', 'aborted', 'VELO_DRAINING'],
      [1008, 'limit: the stream took too long', 'aborted', 'VELO_TIMEOUT'],
      [1011, 'aborted', 'aborted', 'VELO_CLOSED'],
    ]) {
      const { client, made } = playing()
      made[0].cut(code, said)
      const end = await client.closed
      assert.deepEqual([end.reason, end.error?.code], [reason, error], said)
    }
    for (const code of [1001, 1005, 1006, 1012, 1013, 1015]) {
      const { client, made, another } = playing()
      made[0].cut(code)
      await another(2)
      await client.close()
    }
  })

  test('a connection that does not open in time is left, and so is one without its hello', async () => {
    const { client, made, another } = playing({ resume: true, connectTimeout: 10, backoff: { ...backoff, attempts: 1 } })
    await another(2)
    assert.deepEqual(made[0].closes, [[4000]])
    made[1].open()
    const { error } = await within(5_000, client.closed)
    assert.match(error.message, /no connection after 2 attempts/)
    assert.equal(error.cause.code, 'VELO_TIMEOUT')
  })
})

describe('foreign code', () => {
  test('a class of sockets that throws is a cut, until the attempts are over', async () => {
    const thrown = new Error('no sockets here')
    function Throws() {
      throw thrown
    }
    const client = connect(url, { WebSocket: Throws, backoff: { minMs: 0, maxMs: 0, attempts: 2 } })
    const sent = client.send(1)
    const { error } = await within(5_000, client.closed)
    assert.equal(error.cause, thrown)
    await assert.rejects(sent, { code: 'VELO_CLOSED' })
  })

  for (const name of ['send', 'bufferedAmount', 'close', 'removeEventListener']) {
    test(`${name} that throws harms nothing: the connection is made anew, and the event arrives`, async () => {
      const { client, made, another } = playing()
      const [first] = made
      first.open()
      first.say(hello(0))
      Object.defineProperty(first, name, {
        get() {
          throw new Error(name)
        },
      })
      const sent = client.send(1)
      first.cut()
      await another(2)
      made[1].open()
      made[1].say(hello(0))
      await within(5_000, sent)
      assert.deepEqual(made[1].sent, ['1'])
      await client.close()
    })
  }

  test('a listener of states that throws is told the next one all the same', async () => {
    const states = []
    const { client, made } = playing({
      onState(state) {
        states.push(state)
        throw new Error('mine')
      },
    })
    made[0].open()
    made[0].say(hello(0))
    await client.close()
    assert.deepEqual(states, ['open', 'closed'])
  })

  test('a listener may close the client while it is told', async () => {
    for (const when of ['open', 'connecting']) {
      const { client, made } = playing({
        onState(state) {
          if (state === when) void client.close()
        },
      })
      made[0].open()
      made[0].say(hello(0))
      made[0].cut()
      assert.deepEqual(await within(5_000, client.closed), { reason: 'closed' })
      assert.equal(made.length, 1)
    }
  })

  test('a signal that cannot be listened to, or not be left, harms nothing', async () => {
    const signal = {
      aborted: false,
      addEventListener() {},
      removeEventListener() {
        throw new Error('mine')
      },
    }
    const { client } = playing({ signal })
    await client.close()
    const deaf = {
      aborted: false,
      addEventListener() {
        throw new Error('mine')
      },
    }
    assert.throws(() => playing({ signal: deaf }), /mine/)
  })

  test('an event whose toJSON throws, sends or closes', async () => {
    const { client, made } = playing()
    made[0].open()
    await assert.rejects(
      client.send({
        toJSON() {
          throw new Error('mine')
        },
      }),
      { code: 'VELO_CODEC' },
    )
    await assert.rejects(
      client.send(() => {}),
      { code: 'VELO_CODEC' },
    )
    await client.send({ toJSON: () => void client.send('first') ?? 'second' })
    assert.deepEqual(made[0].sent, ['"first"', '"second"'])
    await assert.rejects(client.send({ toJSON: () => void client.close() ?? 'late' }), { code: 'VELO_CLOSED' })
  })

  test('a message that is no JSON fails once, at its place', async () => {
    for (const isWaiting of [true, false]) {
      const { client, made, results } = playing()
      made[0].open()
      const early = isWaiting ? outcome(results.next()) : undefined
      made[0].say('nonsense')
      made[0].say('1')
      const { error } = await within(5_000, early ?? outcome(results.next()))
      assert.equal(error.code, 'VELO_CODEC')
      assert.deepEqual(await results.next(), { value: undefined, done: true })
      assert.equal((await client.closed).error, error)
    }
  })

  test('a message that is neither text nor bytes is a cut', async () => {
    const { client, made, another } = playing()
    made[0].open()
    made[0].say(hello(0))
    made[0].tell(7)
    await another(2)
    assert.equal(made[1].url, `${url}&resume=t&last=0&acks=1`)
    await client.close()
  })
})

describe('bounds', () => {
  test('a full socket takes nothing, and what waits beyond maxBufferedBytes is refused', async () => {
    const { client, made } = playing({ maxBufferedBytes: 900 })
    made[0].open()
    made[0].say(hello(0))
    made[0].bufferedAmount = 64 * 1024
    const sends = ['a'.repeat(100), 'b'.repeat(100)].map((event) => client.send(event))
    await assert.rejects(within(5_000, client.send('c'.repeat(100))), { code: 'VELO_OVERRUN', retryable: true })
    await assert.rejects(client.send('d'.repeat(1000)), { code: 'VELO_CONFIG', field: 'connect(options).maxBufferedBytes' })
    assert.ok(await isPending(sends[0]))
    made[0].bufferedAmount = 0
    await within(5_000, Promise.all(sends))
    assert.equal(made[0].sent.length, 2)
    await client.close()
  })

  test('events that are counted, however small', async () => {
    const { client } = playing({ maxBufferedBytes: 130 * 100 })
    const sends = Array.from({ length: 101 }, () => client.send(1))
    await assert.rejects(within(5_000, sends[100]), { code: 'VELO_OVERRUN' })
    await client.close()
    await assert.rejects(sends[0], { code: 'VELO_CLOSED' })
  })

  test('of what was sent the oldest go, and a server that has not got them is told apart', async () => {
    for (const [received, isKept] of [
      [5, true],
      [4, false],
    ]) {
      const { client, made, another } = playing({ maxBufferedBytes: 5 * 130 })
      made[0].open()
      made[0].say(hello(0))
      for (let event = 0; event < 10; event++) await client.send(event)
      made[0].cut()
      await another(2)
      made[1].open()
      made[1].say(hello(received))
      if (isKept) assert.deepEqual(made[1].sent, ['5', '6', '7', '8', '9'])
      else assert.match((await client.closed).error.message, /no longer kept/)
      await client.close()
    }
  })

  test('what the server says it has is kept no longer, and is no result', async () => {
    for (const [received, isKept] of [
      [3, true],
      [2, false],
    ]) {
      const { client, made, another, results } = playing()
      made[0].open()
      made[0].say(hello(0))
      for (let event = 0; event < 5; event++) await client.send(event)
      const next = results.next()
      for (const said of [1, 3, 2, 99]) made[0].say(hello(said))
      made[0].say(hello(1, 'of another'))
      assert.deepEqual(await within(5_000, next), { value: hello(1, 'of another'), done: false })
      made[0].cut()
      await another(2)
      assert.match(made[1].url, /&last=1&acks=1$/)
      made[1].open()
      made[1].say(hello(received))
      if (isKept) assert.deepEqual(made[1].sent, ['3', '4'])
      else assert.match((await client.closed).error.message, /no longer kept/)
      await client.close()
    }
  })

  test('with resume: false nothing is asked for', async () => {
    const { client, made } = playing({ resume: false })
    assert.equal(made[0].url, url)
    await client.close()
  })

  test('results that nobody reads fail the stream where the socket cannot be held, after those that came', async () => {
    const { client, made, results } = playing({ maxBufferedBytes: 1000 })
    made[0].open()
    for (let n = 0; n < 20; n++) made[0].say(n)
    assert.equal((await client.closed).error.code, 'VELO_OVERRUN')
    let count = 0
    const read = async () => {
      for (let next = await results.next(); !next.done; next = await results.next()) assert.equal(next.value, count++)
    }
    await assert.rejects(within(5_000, read()), { code: 'VELO_OVERRUN' })
    assert.equal(count, 8)
  })
})

test('options are checked by name, and addresses', () => {
  for (const [options, message] of [
    [{ retries: 1 }, /connect\(options\)\.retries: unknown option .retries., expected one of/],
    [{ text: 'xml' }, /text: expected 'json' or 'raw', got 'xml'/],
    [{ backoff: { attempts: -1 } }, /backoff\.attempts: expected an integer from 0 up, or Infinity, got -1/],
    [{ backoff: { first: 1 } }, /backoff\.first/],
    [{ protocols: 1 }, /protocols/],
    [{ WebSocket: 1 }, /WebSocket: expected a class of sockets/],
    [{ signal: {} }, /signal: expected an AbortSignal/],
    [{ maxBufferedBytes: 0 }, /maxBufferedBytes/],
    [{ connectTimeout: 0 }, /connectTimeout/],
    [{ endMessage: '' }, /endMessage/],
    [{ onState: 1 }, /onState/],
  ]) {
    assert.throws(() => playing(options), { code: 'VELO_CONFIG', message })
  }
  for (const bad of ['', 'ftp://here', '//nowhere', 7]) assert.throws(() => connect(bad, { WebSocket: class {} }), { code: 'VELO_CONFIG' })
  const { Played, made } = playedSockets()
  for (const given of ['http://h/a#b', new URL('https://h/a')]) void connect(given, { WebSocket: Played }).close()
  assert.deepEqual(
    made.map(({ url }) => url),
    ['ws://h/a?acks=1', 'wss://h/a?acks=1'],
  )
})

test('end() without an endMessage says what is missing', async () => {
  const { client } = playing()
  await assert.rejects(client.end(), { code: 'VELO_CONFIG', field: 'connect(options).endMessage' })
  await client.close()
})

noUnhandledRejections('foreign')
