// What a stream retains for a client that comes back is bounded by the memory that it takes; and the event that reports an error has the form that its client reads.

import assert from 'node:assert/strict'
import http from 'node:http'
import { afterEach, describe, test } from 'node:test'
import fc from 'fast-check'
import { streamFn } from 'velo-stream'
import { handler, respond, toResponse } from 'velo-stream/http'
import { Replay } from '../../target/js/http/resume/replay.js'
import { serving } from '../server/service.mjs'
import { noUnhandledRejections } from '../support/unhandled.mjs'
import { within } from '../support/within.mjs'
import { kinds, running, start } from './support/servers.mjs'
import { settled } from './support/settled.mjs'

afterEach(() => settled())

/** Tokens of an answer, in a text of its own each. */
const tokens = streamFn(async function* tokens(counts) {
  for await (const count of counts) for (let n = 1; n <= count; n++) yield `token${n}`
})

const read = async (url, id) => {
  const response = await within(
    10_000,
    fetch(url, { headers: { accept: 'text/event-stream', ...(id && { 'last-event-id': id }) } }),
    'the head',
  )
  return { status: response.status, text: await within(10_000, response.text(), 'the body') }
}
const tokensIn = (text) => [...text.matchAll(/^data: token(\d+)$/gm)].map(([, number]) => Number(number))
const upTo = (count, from = 1) => Array.from({ length: count - from + 1 }, (_, index) => from + index)

for (const kind of kinds)
  test(`${kind}: a page that is loaded again gets a whole answer of 1 500 and of 6 000 tokens`, async () => {
    for (const count of [1500, 6000]) {
      const server = await start(kind, tokens, { out: 'sse', resume: true, events: () => [count] })
      const first = await read(server.url)
      assert.deepEqual(tokensIn(first.text), upTo(count))
      const [, stream] = /^id: (\S+):0$/m.exec(first.text)
      const again = await read(server.url, `${stream}:0`)
      assert.equal(again.status, 200)
      assert.deepEqual(tokensIn(again.text), upTo(count))
      await server.close()
    }
  })

test('the same on a server, where the function is served with resume', async () => {
  const { url } = await serving({
    functions: {
      tokens: async function* tokens() {
        for (let n = 1; n <= 1500; n++) yield `token${n}`
      },
    },
    http: { resume: true, out: 'sse' },
  })
  const first = await read(`${url}/fn/tokens`)
  const [, stream] = /^id: (\S+):0$/m.exec(first.text)
  assert.deepEqual(tokensIn((await read(`${url}/fn/tokens`, `${stream}:0`)).text), upTo(1500))
})

test('maxBytes and buffer bound what is retained, whichever is reached first; what is older answers 410', async () => {
  for (const [resume, retained] of [
    [{ maxBytes: 10_000 }, 79],
    [{ buffer: 50 }, 50],
    [{ maxBytes: 10_000, buffer: 20 }, 20],
    [{ maxBytes: 10_000, buffer: 1000 }, 79],
    [{ maxBytes: 1 }, 1],
  ]) {
    const server = await start('node:http', tokens, { out: 'sse', resume, events: () => [1000] })
    const [, stream] = /^id: (\S+):0$/m.exec((await read(server.url)).text)
    let from = 1000
    while ((await read(server.url, `${stream}:${from - 1}`)).status === 200) from--
    const held = 1000 - from
    // A token with its id takes about 127 bytes.
    if (resume.maxBytes === undefined || retained < 50) assert.equal(held, retained)
    else assert.ok(Math.abs(held - retained) < 8, `${held} are retained`)
    assert.deepEqual(tokensIn((await read(server.url, `${stream}:${from}`)).text), upTo(1000, from + 1))
    await server.close()
  }
})

test('the options of resume are checked', () => {
  for (const [resume, field] of [
    [{ maxBytes: 0 }, 'maxBytes'],
    [{ maxBytes: '1' }, 'maxBytes'],
    [{ buffer: 1.5 }, 'buffer'],
    [{ bytes: 1 }, 'bytes'],
  ])
    assert.throws(() => handler(tokens, { resume }), { code: 'VELO_CONFIG', field: `handler(options).resume.${field}` })
})

test('the replay has the newest results in order, within its bounds', () => {
  const text = fc.string({ maxLength: 40 })
  fc.assert(
    fc.property(
      fc.array(text, { maxLength: 300 }),
      fc.integer({ min: 1, max: 60 }),
      fc.integer({ min: 1, max: 6000 }),
      (texts, most, bytes) => {
        const replay = new Replay(most, bytes, 's')
        replay.begin(7, 7)
        for (const [index, one] of texts.entries()) {
          assert.equal(
            replay.keep((id) => `${id} ${one};`),
            `s:${index + 8} ${one};`,
          )
          assert.ok(replay.count - replay.passed <= most)
          assert.ok(replay.size <= bytes || replay.count - replay.passed === 1)
        }
        assert.equal(replay.count, 7 + texts.length)
        const whole = texts.map((one, index) => `s:${index + 8} ${one};`)
        for (let number = 0; number <= replay.count; number++)
          assert.equal(replay.after(number), number < replay.passed ? undefined : whole.slice(number - 7).join(''))
        assert.equal(replay.after(replay.count + 1), undefined)
      },
    ),
  )
})

test('the replay of a long stream takes no more memory than its bound', () => {
  const replay = new Replay(Number.POSITIVE_INFINITY, 1 << 20, 'a-stream-with-a-name')
  const held = []
  for (let n = 0; n < 300_000; n++) {
    replay.keep((id) => `id: ${id}\ndata: token ${n}\n\n`)
    if (n % 100_000 === 99_999) {
      gc()
      held.push(process.memoryUsage().heapUsed)
    }
  }
  assert.ok(replay.size <= 1 << 20)
  // Three times the bound is generous: what is measured is that nothing grows with the stream.
  assert.ok(held[2] - held[0] < 3 << 20, `${held}`)
})

describe('errorEvent', () => {
  const failing = streamFn(async function* failing() {
    yield 'first'
    throw Object.assign(new Error('the key is wrong'), { status: 429 })
  })
  const textOf = async (options) =>
    (await toResponse(failing, new Request('http://test/'), { out: 'sse', onError() {}, ...options })).text()
  const standard = 'data: first\n\nevent: error\ndata: {"code":"FAILED","message":"the function failed"}\n\n'

  test('gives the event another form, with what the client may know of the error', async () => {
    const seen = []
    const errorEvent = (error, report) => {
      seen.push([error.message, report])
      return { data: { error: { type: report.code, message: report.message } } }
    }
    assert.equal(await textOf({ errorEvent }), 'data: first\n\ndata: {"error":{"type":"FAILED","message":"the function failed"}}\n\n')
    assert.deepEqual(seen, [['the key is wrong', { status: 429, code: 'FAILED', message: 'the function failed' }]])
    assert.equal(
      await textOf({ expose: true, errorEvent: (_, { message }) => ({ event: 'failed', data: message }) }),
      'data: first\n\nevent: failed\ndata: the key is wrong\n\n',
    )
  })

  test('what returns nothing, throws, or returns what is no event leaves the default', async () => {
    const cyclic = {}
    cyclic.self = cyclic
    for (const errorEvent of [
      () => undefined,
      () => null,
      () => 'text',
      () => ({}),
      () => ({ event: 'two\nlines', data: 1 }),
      () => ({ data: cyclic }),
      async () => {
        throw new Error('of the user')
      },
      () => {
        throw new Error('of the user')
      },
    ])
      assert.equal(await textOf({ errorEvent }), standard)
    await assert.rejects(textOf({ errorEvent: 1 }), { code: 'VELO_CONFIG', field: 'toResponse(options).errorEvent' })
  })

  test('holds for clients that come back, for respond, and on a server', async () => {
    const errorEvent = () => ({ event: 'oops', data: 'it failed' })
    const server = await start('node:http', failing, { out: 'sse', resume: true, onError() {}, errorEvent })
    const first = await read(server.url)
    const [, stream] = /^id: (\S+):0$/m.exec(first.text)
    assert.match(first.text, /:2\nevent: oops\ndata: it failed\n\n$/)
    assert.match((await read(server.url, `${stream}:1`)).text, /:2\nevent: oops\ndata: it failed\n\n$/)
    await server.close()
    const halves = http.createServer((_, res) => respond(res, failing([]), { out: 'sse', onError() {}, errorEvent }))
    const half = await running(halves.listen(0, '127.0.0.1'))
    assert.match((await read(half.url)).text, /\nevent: oops\ndata: it failed\n\n$/)
    await half.close()
    const { url } = await serving({ functions: { failing }, http: { out: 'sse', errorEvent }, onError() {} })
    assert.match((await read(`${url}/fn/failing`)).text, /\nevent: oops\ndata: it failed\n\n$/)
  })
})

noUnhandledRejections('rule 32')
