// subscribe against servers of handler and createServer, and against a fetch that a test plays.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import http from 'node:http'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { streamFn } from 'velo-stream'
import { subscribe } from 'velo-stream/client'
import { handler } from 'velo-stream/http'
import { createServer } from 'velo-stream/server'
import { running } from '../http/support/servers.mjs'
import { settled } from '../http/support/settled.mjs'
import { numbers } from '../support/counted.mjs'
import { never, until } from '../support/deferred.mjs'
import { random } from '../support/random.mjs'
import { noUnhandledRejections } from '../support/unhandled.mjs'
import { within } from '../support/within.mjs'
import { all, backoff } from './support.mjs'

const count = streamFn(async function* count(events) {
  for await (const to of events) {
    for (let n = 1; n <= to; n++) {
      yield n
      if (n % 7 === 0) await new Promise(setImmediate)
    }
  }
})

const ndjson = { 'content-type': 'application/x-ndjson' }
const asking = (to, more) => ({ body: `${to}\n`, headers: ndjson, backoff, ...more })

/** Runs `body` with a server of this function. */
async function withHandler(fn, options, body) {
  const serve = handler(fn, options)
  const requests = []
  const made = await running(
    http
      .createServer((req, res) => {
        requests.push({ method: req.method, headers: req.headers })
        return serve(req, res)
      })
      .listen(0, '127.0.0.1'),
  )
  try {
    await body({ ...made, requests })
  } finally {
    await made.close()
    await settled()
  }
}

for (const resume of [true, false]) {
  test(`gives the results of a body, with resume: ${resume}`, async () => {
    await withHandler(count, { resume }, async ({ url, requests }) => {
      const subscription = subscribe(url, asking(1000))
      assert.equal(requests.length, 0, 'nothing is asked before somebody reads')
      assert.deepEqual(
        await all(subscription),
        numbers(1000).map((n) => n + 1),
      )
      assert.deepEqual(await subscription.closed, { reason: 'done' })
      assert.ok(subscription.id.length > 0)
      assert.equal(requests.length, 1)
      assert.match(subscription.lastEventId, resume ? /:1000$/ : /^$/)
    })
  })
}

test('gives strings as they are with text: raw, and says so where they are no JSON', async () => {
  const words = streamFn(async function* words() {
    yield 'two\nlines'
    yield ''
    yield '5'
  })
  await withHandler(words, { resume: true, end: 'end', event: () => 'word' }, async ({ url }) => {
    assert.deepEqual(await all(subscribe(url, { text: 'raw', end: 'end' })), ['two\nlines', '', '5'])
    await assert.rejects(all(subscribe(url, { end: 'end' })), { code: 'VELO_CODEC' })
  })
})

describe('cuts', () => {
  for (const end of [undefined, 'end']) {
    test(`at random moments lose nothing and double nothing, with end: ${end}`, async () => {
      let cuts = 0
      await fc.assert(
        fc.asyncProperty(fc.integer(), fc.integer({ min: 1, max: 400 }), async (seed, to) => {
          const chance = random(seed)
          await withHandler(count, { resume: true, end, onDisconnect: { graceMs: 60_000 } }, async ({ url, sockets }) => {
            let left = 8
            const got = []
            await within(
              20_000,
              (async () => {
                for await (const n of subscribe(url, asking(to, { end }))) {
                  got.push(n)
                  if (left > 0 && chance.below(25) === 0) {
                    left--
                    cuts++
                    for (const socket of sockets) chance.below(2) === 0 ? socket.destroy() : socket.resetAndDestroy()
                  }
                }
              })(),
              'the results',
            )
            assert.deepEqual(
              got,
              numbers(to).map((n) => n + 1),
            )
          })
        }),
        { numRuns: 25 },
      )
      assert.ok(cuts > 25, `${cuts} cuts`)
    })
  }

  test('without resume are told: what came cannot be asked for again', async () => {
    const two = streamFn(async function* two(_, { signal }) {
      yield 1
      await once(signal, 'abort')
    })
    await withHandler(two, {}, async ({ url, sockets }) => {
      const results = subscribe(url, { backoff })[Symbol.asyncIterator]()
      assert.equal((await within(5_000, results.next())).value, 1)
      const next = results.next()
      for (const socket of sockets) socket.resetAndDestroy()
      await assert.rejects(within(5_000, next), { code: 'VELO_CLOSED', message: /does not let clients come back/ })
      assert.deepEqual(await results.next(), { value: undefined, done: true })
    })
  })

  test('over a reload: another subscription goes on behind the last id', async () => {
    await withHandler(count, { resume: true }, async ({ url, requests }) => {
      const first = subscribe(url, asking(100))
      for await (const n of first) if (n === 40) break
      assert.deepEqual(await first.closed, { reason: 'closed' })
      const second = subscribe(url, { backoff, lastEventId: first.lastEventId })
      assert.deepEqual(
        await all(second),
        numbers(60).map((n) => n + 41),
      )
      assert.match(requests[1].headers['last-event-id'], /:40$/)
      await assert.rejects(all(subscribe(url, { lastEventId: 'made-up:3', backoff })), { code: 'VELO_CLOSED', message: /410/ })
    })
  })
})

test('the error of the function comes after the results before it', async () => {
  const failing = streamFn(async function* failing() {
    yield 1
    throw new Error('no more')
  })
  for (const resume of [true, false]) {
    await withHandler(failing, { resume, expose: true }, async ({ url }) => {
      const subscription = subscribe(url, { backoff })
      const results = subscription[Symbol.asyncIterator]()
      assert.equal((await results.next()).value, 1)
      await assert.rejects(results.next(), { code: 'VELO_CLOSED', message: 'no more' })
      assert.equal((await subscription.closed).reason, 'failed')
    })
  }
})

test('a slow reader slows the function down', async () => {
  let yielded = 0
  const many = streamFn(async function* many() {
    for (; yielded < 2000; yielded++) yield { n: yielded, filler: 'x'.repeat(10_000) }
  })
  await withHandler(many, { resume: { buffer: 8 } }, async ({ url, responses }) => {
    const results = subscribe(url, { backoff })[Symbol.asyncIterator]()
    await within(5_000, results.next())
    await until(10_000, () => [...responses].some(({ writableNeedDrain }) => writableNeedDrain), 'a response that is full')
    assert.ok(yielded < 2000, `${yielded} were yielded`)
    let seen = 1
    for (let next = await results.next(); !next.done; next = await results.next()) assert.equal(next.value.n, seen++)
    assert.equal(seen, 2000)
  })
})

test('createServer: a place that is not there is waited for, other refusals are told', async () => {
  const server = createServer({ functions: { count }, maxPerClient: 1 })
  await server.listen(0)
  try {
    const first = subscribe(`${server.url}/fn/count`, asking(1_000_000))[Symbol.asyncIterator]()
    await within(5_000, first.next())
    const refused = []
    const watching = async (...request) => {
      const response = await fetch(...request)
      refused.push(response.status)
      if (refused.length === 2) await first.return()
      return response
    }
    const patient = { attempts: Infinity, ...backoff }
    assert.deepEqual(await all(subscribe(`${server.url}/fn/count`, asking(3, { fetch: watching, backoff: patient }))), [1, 2, 3])
    assert.deepEqual([refused.slice(0, 2), refused.at(-1)], [[429, 429], 200])
    await assert.rejects(all(subscribe(`${server.url}/fn/none`, asking(1))), { code: 'VELO_CLOSED', message: /404/ })
    await assert.rejects(all(subscribe(`${server.url}/healthz`)), { code: 'VELO_CLOSED', message: /text\/event-stream/ })
  } finally {
    await server.close()
  }
})

/** A fetch that gives these answers one after the other, and what it was asked. */
function playedFetch(...answers) {
  const asked = []
  const fetch = async (url, init) => {
    asked.push({ url, ...init })
    const answer = answers[asked.length - 1]
    return typeof answer === 'function' ? answer(init) : answer
  }
  return { fetch, asked }
}

const sse = (text) => new Response(text, { headers: { 'content-type': 'text/event-stream' } })
const cut = (text) =>
  sse(
    new ReadableStream({
      start(controller) {
        controller.enqueue(new TextEncoder().encode(text))
        controller.pull = undefined
      },
      pull(controller) {
        controller.error(new Error('cut'))
      },
    }),
  )
const url = 'http://127.0.0.1:9/'
const fails = () => {
  throw new TypeError('fetch failed')
}

describe('a request', () => {
  test('that only reads is made again when nothing came of it; another is not', async () => {
    const get = playedFetch(fails, new Response('', { status: 502 }), sse('data: 1\n\n'))
    assert.deepEqual(await all(subscribe(url, { fetch: get.fetch, backoff })), [1])
    assert.equal(get.asked.length, 3)
    for (const answer of [fails, new Response('', { status: 502 }), cut('')]) {
      const post = playedFetch(answer)
      await assert.rejects(all(subscribe(url, { fetch: post.fetch, body: '1', backoff })), { name: /ClosedError/ })
      assert.equal(post.asked.length, 1)
    }
  })

  test('goes on at a server of another make behind its ids, when it only reads', async () => {
    const { fetch, asked } = playedFetch(cut('id: a\ndata: 1\n\n'), sse('id: b\ndata: 2\n\n'))
    assert.deepEqual(await all(subscribe(url, { fetch, backoff })), [1, 2])
    assert.equal(asked[1].headers['last-event-id'], 'a')
  })

  test('asks for headers anew, and sends the body once', async () => {
    let token = 0
    const { fetch, asked } = playedFetch(cut('id: s:0\n\nid: s:1\ndata: 1\n\n'), sse('id: s:1\n\nid: s:2\ndata: 2\n\n'))
    const subscription = subscribe(url, { fetch, backoff, body: 'events', headers: async () => ({ authorization: `${++token}` }) })
    assert.deepEqual(await all(subscription), [1, 2])
    assert.deepEqual(
      asked.map(({ method, body, headers }) => [method, body, headers.authorization]),
      [
        ['POST', 'events', '1'],
        ['POST', undefined, '2'],
      ],
    )
    assert.equal(subscription.id, 's')
  })

  for (const [name, second] of [
    ['begins anew', 'id: other:0\n\nid: other:1\ndata: 1\n\n'],
    ['does not say where it goes on', 'id: s:2\ndata: 2\n\n'],
    ['leaves one out', 'id: s:1\n\nid: s:3\ndata: 3\n\n'],
    ['gives one twice', 'id: s:1\n\nid: s:1\ndata: 1\n\nid: s:0\ndata: 0\n\n'],
  ]) {
    test(`a server that ${name} is not believed`, async () => {
      const { fetch } = playedFetch(cut('id: s:0\n\nid: s:1\ndata: 1\n\n'), sse(second))
      const subscription = subscribe(url, { fetch, backoff })
      await assert.rejects(all(subscription), { code: 'VELO_CLOSED', message: /another stream|are missing/ })
      assert.equal(subscription.lastEventId, 's:1')
    })
  }

  test('204 is the end, and so is the event that says so', async () => {
    const { fetch } = playedFetch(cut('id: s:0\n\nid: s:1\ndata: 1\n\n'), new Response(null, { status: 204 }))
    assert.deepEqual(await all(subscribe(url, { fetch, backoff })), [1])
    const other = playedFetch(cut('data: 1\n\nevent: end\ndata:\n\ndata: 2\n\n'))
    assert.deepEqual(await all(subscribe(url, { fetch: other.fetch, backoff, end: 'end' })), [1])
  })

  test('silence is a cut', async () => {
    const silent = sse(new ReadableStream({ start: (controller) => controller.enqueue(new TextEncoder().encode('id: s:0\n\n')) }))
    const { fetch } = playedFetch(silent, sse('id: s:0\n\nid: s:1\ndata: 1\n\n'))
    assert.deepEqual(await all(subscribe(url, { fetch, backoff, maxSilence: 10 })), [1])
  })

  test('an event that is too large fails', async () => {
    const large = new ReadableStream({ pull: (controller) => controller.enqueue(new TextEncoder().encode('data: xxxxxxxxxx')) })
    const { fetch } = playedFetch(sse(large))
    await assert.rejects(all(subscribe(url, { fetch, maxBufferedBytes: 10_000 })), { code: 'VELO_CODEC', message: /larger than 10000/ })
  })

  test('attempts end, with what the last one said', async () => {
    const busy = () =>
      Response.json({ error: { code: 'VELO_OVERLOADED', message: 'full' } }, { status: 503, headers: { 'retry-after': '1' } })
    const { fetch, asked } = playedFetch(busy, busy, busy)
    const request = subscribe(url, { fetch, body: '1', backoff: { minMs: 1, maxMs: 1, attempts: 2 } })
    await assert.rejects(all(request), { code: 'VELO_OVERLOADED', name: 'OverloadedError' })
    assert.equal(asked.length, 3)
  })
})

describe('lines', () => {
  const text = ': hello\r\nid: 1\r\nretry: 5\r\ndata: {"a":\r\ndata:1}\r\n\r\nevent: x\rdata: 2\r\rdata: 3\n\ndata: unfinished'
  test('of any end are read wherever they are cut', async () => {
    for (let at = 0; at <= text.length; at++) {
      const chunks = [text.slice(0, at), text.slice(at)].map((part) => new TextEncoder().encode(part))
      const { fetch } = playedFetch(
        sse(
          new ReadableStream({
            start(controller) {
              for (const chunk of chunks) controller.enqueue(chunk)
              controller.close()
            },
          }),
        ),
      )
      const subscription = subscribe(url, { fetch })
      assert.deepEqual(await all(subscription), [{ a: 1 }, 2, 3], `cut at ${at}`)
      assert.equal(subscription.lastEventId, '1')
    }
  })
})

describe('every wait settles', () => {
  const stuck = {
    'the headers': { headers: never },
    fetch: { fetch: never },
    'the body': { fetch: async () => sse(new ReadableStream({})), maxSilence: 0 },
    'a pause': { fetch: fails, backoff: { minMs: 2_000_000_000, maxMs: 2_000_000_000 } },
  }
  for (const [name, options] of Object.entries(stuck)) {
    test(`in ${name}: at close() and at an abort`, async () => {
      const closing = subscribe(url, options)
      const read = closing[Symbol.asyncIterator]().next()
      await new Promise(setImmediate)
      await closing.close()
      assert.deepEqual(await within(5_000, read), { value: undefined, done: true })
      const controller = new AbortController()
      const aborted = subscribe(url, { ...options, signal: controller.signal })
      const results = aborted[Symbol.asyncIterator]()
      const other = results.next()
      await new Promise(setImmediate)
      controller.abort('enough')
      await assert.rejects(within(5_000, other), { name: 'AbortError', code: 'VELO_ABORTED', cause: 'enough' })
      assert.deepEqual(await results.next(), { value: undefined, done: true })
      assert.equal((await aborted.closed).reason, 'aborted')
    })
  }

  test('with a time of its own', async () => {
    for (const options of [{ fetch: never }, { headers: never }]) {
      const request = subscribe(url, { ...options, connectTimeout: 5, backoff: { ...backoff, attempts: 1 } })
      await assert.rejects(all(request), ({ code, cause }) => code === 'VELO_CLOSED' && cause.code === 'VELO_TIMEOUT')
    }
  })
})

test('foreign code that throws is an attempt that failed', async () => {
  const thrown = new Error('mine')
  const throws = () => {
    throw thrown
  }
  const least = { minMs: 0, maxMs: 0, attempts: 1 }
  for (const options of [
    { fetch: throws },
    { headers: throws },
    {
      fetch: async () => ({
        get status() {
          return throws()
        },
      }),
    },
    { fetch: async () => ({ status: 200, headers: new Headers({ 'content-type': 'text/event-stream' }), body: { getReader: throws } }) },
  ]) {
    await assert.rejects(all(subscribe(url, { ...options, backoff: least })), (error) => error === thrown || error.cause === thrown)
  }
  const states = []
  const onState = (state) => {
    states.push(state)
    throw thrown
  }
  assert.deepEqual(await all(subscribe(url, { fetch: async () => sse('data: 1\n\n'), onState })), [1])
  assert.deepEqual(states, ['open', 'closed'])
})

test('options are checked by name, and addresses', () => {
  for (const [options, message] of [
    [{ retry: 1 }, /subscribe\(options\)\.retry: unknown option .retry., expected one of/],
    [{ method: '' }, /method/],
    [{ headers: 1 }, /headers: expected an object/],
    [{ body: new ReadableStream() }, /body: expected a body that can be sent twice/],
    [{ lastEventId: 'a\nb' }, /lastEventId: expected one line/],
    [{ fetch: 1 }, /fetch: expected a function/],
    [{ maxSilence: -1 }, /maxSilence/],
    [{ end: '' }, /end/],
  ]) {
    assert.throws(() => subscribe(url, options), { code: 'VELO_CONFIG', message })
  }
  for (const bad of ['/relative', 'ws://h', 7]) assert.throws(() => subscribe(bad), { code: 'VELO_CONFIG' })
})

noUnhandledRejections('subscribe')
