// The other formats in and out: raw bytes, forms, server-sent events, compressed bodies; and the choice between them.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib'
import { Busboy } from '@fastify/busboy'
import fc from 'fast-check'
import { runtime, streamFn } from 'velo-stream'
import { eventsFrom, toResponse } from 'velo-stream/http'
import { deferred, outcome } from '../support/deferred.mjs'
import { noUnhandledRejections } from '../support/unhandled.mjs'
import { within } from '../support/within.mjs'
import { chunksOf, cut, request } from './support/requests.mjs'

async function read(chunks, headers, options) {
  const events = []
  const loop = (async () => {
    for await (const event of eventsFrom(request(chunks, headers), options)) events.push(event)
  })()
  const { error } = await outcome(within(5000, loop, 'the events'))
  return { events, error }
}

const answers = (results) =>
  streamFn(async function* () {
    yield* results
  })

async function written(results, options, headers = {}) {
  const response = await toResponse(answers(results), new Request('http://test/', { headers }), options)
  return { type: response.headers.get('content-type'), status: response.status, text: await response.text() }
}

describe('raw bytes in', () => {
  test('chunks are cut to maxEvent', async () => {
    const body = Buffer.from('0123456789')
    const { events } = await read([body], { 'content-type': 'application/octet-stream' }, { maxEvent: 4 })
    assert.deepEqual(
      events.map((chunk) => chunk.toString()),
      ['0123', '4567', '89'],
    )
  })

  test('they are the body, whatever it holds', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), fc.array(fc.nat(), { maxLength: 5 }), async (array, cuts) => {
        const { events } = await read(cut(Buffer.from(array), cuts), {}, { in: 'raw' })
        assert.deepEqual(Buffer.concat(events), Buffer.from(array))
      }),
      { numRuns: 50 },
    )
  })
})

describe('server-sent events in', () => {
  const SSE = { 'content-type': 'text/event-stream' }

  test('as the HTML standard reads them, wherever they are cut', async () => {
    const text =
      ': comment\r\ndata: YHOO\ndata:+2\n\nid: 7\nevent: add\ndata:  two\n\nevent: gone\n\ndata\n\nretry: 5\nid\ndata: last\n\ndata: incomplete'
    const expected = [
      { id: '', event: 'message', data: 'YHOO\n+2' },
      { id: '7', event: 'add', data: ' two' },
      { id: '7', event: 'message', data: '' },
      { id: '', event: 'message', data: 'last' },
    ]
    for (const size of [1, 5, 1000]) assert.deepEqual((await read(chunksOf(Buffer.from(text), size), SSE)).events, expected)
  })

  test('an event has a bound, and so has a line', async () => {
    const many = Buffer.from(`${'data: 0123456789\n'.repeat(20)}\n`)
    assert.equal((await read([many], SSE, { maxEvent: 100 })).error.message, 'an event is longer than 100 bytes (maxEvent)')
    assert.equal((await read([many], SSE, { maxLine: 10 })).error.status, 413)
  })

  test('invalid UTF-8 is 400', async () => {
    assert.equal((await read([Buffer.from([0x64, 0x61, 0x74, 0x61, 0x3a, 0xff, 0x0a, 0x0a])], SSE)).error.status, 400)
  })
})

test('a line of server-sent events may end with \\r alone, and is read when it is there', async () => {
  async function* chunks() {
    yield Buffer.from('data: 1\r\rdata: 2\r')
    yield Buffer.from('\n\r')
    yield Buffer.from('\ndata: a\rdata: b\n\n')
  }
  const { events } = await read(chunks(), { 'content-type': 'text/event-stream' })
  assert.deepEqual(
    events.map(({ data }) => data),
    ['1', '2', 'a\nb'],
  )
  // Nothing more comes before each has been read.
  const [first, second] = [deferred(), deferred()]
  async function* slow() {
    yield Buffer.from('data: 1\r\r')
    await first.promise
    yield Buffer.from('\ndata: 2\r\n\r')
    await second.promise
  }
  const reader = eventsFrom(request(slow(), { 'content-type': 'text/event-stream' }))[Symbol.asyncIterator]()
  assert.equal((await within(5000, reader.next(), 'the first event')).value.data, '1')
  first.resolve()
  assert.equal((await within(5000, reader.next(), 'the second event')).value.data, '2')
  second.resolve()
  assert.equal((await within(5000, reader.next(), 'the end')).done, true)
})

describe('forms in', () => {
  const type = { 'content-type': 'multipart/form-data; boundary=x' }
  const form = (parts) => Buffer.from(`${parts.map((part) => `--x\r\n${part}\r\n`).join('')}--x--\r\n`)
  const field = (name, value) => `Content-Disposition: form-data; name="${name}"\r\n\r\n${value}`
  const file = (name, filename, content) =>
    `Content-Disposition: form-data; name="${name}"; filename="${filename}"\r\nContent-Type: text/csv\r\n\r\n${content}`

  test('fields and files come in their order, files in chunks', async () => {
    const content = 'a,b\n'.repeat(1000)
    const body = form([field('title', 'Caf\u00e9'), file('data', 'd.csv', content), file('none', 'e.csv', ''), field('after', '1')])
    for (const size of [7, 1000, 100_000]) {
      const { events, error } = await read(chunksOf(body, size), type)
      assert.equal(error, undefined)
      const part = { name: 'data', filename: 'd.csv', type: 'text/csv' }
      assert.deepEqual(events[0], { part: { name: 'title' }, value: 'Caf\u00e9' })
      const chunks = events.filter((event) => event.part.name === 'data')
      assert.deepEqual(chunks.at(-1), { part, chunk: Buffer.alloc(0), last: true })
      assert.equal(Buffer.concat(chunks.map(({ chunk }) => chunk)).toString(), content)
      assert.ok(chunks.slice(0, -1).every(({ last }) => !last))
      assert.ok(events.some((event) => event.part.name === 'none' && event.last))
      assert.deepEqual(events.at(-1), { part: { name: 'after' }, value: '1' })
    }
  })

  test('fetch and FormData', async () => {
    const data = new FormData()
    data.set('note', 'hello')
    data.set('file', new Blob(['x'.repeat(200_000)]), 'big.bin')
    const events = []
    for await (const event of eventsFrom(new Request('http://test/', { method: 'POST', body: data }))) events.push(event)
    assert.deepEqual(events[0], { part: { name: 'note' }, value: 'hello' })
    assert.equal(
      events.slice(1).reduce((sum, { chunk }) => sum + chunk.length, 0),
      200_000,
    )
  })

  test('a field has a bound; a form that ends too early, or has no boundary, is 400', async () => {
    assert.equal((await read([form([field('a', 'x'.repeat(200))])], type, { maxEvent: 100 })).error.status, 413)
    assert.equal(
      (await read([Buffer.from('--x\r\nContent-Disposition: form-data; name="a"; filename="b"\r\n\r\nhalf')], type)).error.status,
      400,
    )
    assert.equal((await read([Buffer.from('--x\r\nContent-Disposition: form-data; name="a"\r\n\r\nhalf')], type)).error.status, 400)
    assert.equal((await read([form([])], { 'content-type': 'multipart/form-data' })).error.status, 400)
  })

  test('a part that says nothing of itself, or too much, refuses the form and ends nothing else', async () => {
    const long = `Content-Disposition: form-data; name="a"\r\nX-Long: ${'x'.repeat(20_000)}\r\n\r\n1`
    for (const [status, ...parts] of [
      [400, 'Content-Disposition: form-data\r\n\r\n1'],
      [400, field('a', '1'), 'Content-Disposition: form-data; filename="f"\r\n\r\n1'],
      [400, field('a', '1'), 'Content-Type: text/plain\r\n\r\n1', field('b', '2')],
      [400, 'Content-Disposition: attachment; name="a"\r\n\r\n1'],
      [400, '\r\n\r\n1'],
      [400, 'Content-Disposition: form-data; name="a"', field('b', '2')],
      [413, long],
      [413, field('a', '1'), long.replace('X-Long:', 'X-Long').replace('name="a"', `name="a"\r\nX: ${'y'.repeat(30_000)}`)],
      [413, field('n'.repeat(2000), '1')],
    ]) {
      for (const size of [9, 100_000]) {
        const { events, error } = await read(chunksOf(form(parts), size), type)
        assert.equal(error?.status, status, JSON.stringify(parts).slice(0, 200))
        assert.ok(events.every((event) => ['a', undefined].includes(event.part.name)))
      }
    }
  })

  test('a part without a body may end with its header, and blanks may follow a boundary', async () => {
    const head = (name) => `Content-Disposition: form-data; name="${name}"\r\n`
    const empty = { part: { name: 'a' }, value: '' }
    const rest = [
      { part: { name: 'b' }, value: 'x' },
      { part: { name: 'c' }, value: '' },
    ]
    for (const [body, events] of [
      [`--x\r\n${head('a')}\r\n--x\r\n${head('b')}\r\nx\r\n--x\r\n${head('c')}\r\n--x--\r\n`, [empty, ...rest]],
      [`--x \r\n${head('a')}\r\n\r\n--x\t \t\r\n${head('b')}\r\nx\r\n--x  \r\n${head('c')}\r\n\r\n--x-- \r\n`, [empty, ...rest]],
      [`--x\r\n${head('a')}Content-Type: text/plain\r\n\r\n--x--`, [empty]],
    ])
      for (const size of [1, 2, 3, 5, 7, 40, 100_000]) {
        const found = await read(chunksOf(Buffer.from(body), size), type)
        assert.equal(found.error, undefined, `${found.error?.message}, ${size}`)
        assert.deepEqual(found.events, events, `chunks of ${size}`)
      }
    for (const body of [`--x\r\n${head('a')}--x--`, `--x\r\nContent-Disposition\r\n\r\n--x--`, `--x y\r\n${head('a')}\r\n\r\n--x--`])
      assert.equal((await read([Buffer.from(body)], type)).error?.status, 400, body)
  })

  test('what is used of the inside of busboy is there: its version is pinned', () => {
    const { dependencies } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))
    assert.match(dependencies['@fastify/busboy'], /^\d+\.\d+\.\d+$/)
    const busboy = new Busboy({ headers: type })
    const heard = []
    busboy._parser.parser.on('part', (part) => part.once('header', (header) => heard.push(header['content-disposition'])))
    busboy.on('field', () => {})
    const { _hparser: header, _isPreamble, _inHeader, _oninfo } = busboy._parser.parser
    assert.deepEqual([typeof _isPreamble, typeof _inHeader, typeof _oninfo], ['boolean', 'boolean', 'function'])
    assert.deepEqual([typeof header.push, typeof header.reset], ['function', 'function'])
    busboy.end(form([field('a', '1')]))
    assert.deepEqual(heard, [['form-data; name="a"']])
  })

  test('a form of too many parts is 413', async () => {
    const parts = Array.from({ length: 1100 }, (_, index) => field(`f${index}`, '1'))
    assert.equal((await read([form(parts)], type)).error.status, 413)
  })
})

describe('compressed bodies', () => {
  const packed = { gzip: gzipSync, deflate: deflateSync, br: brotliCompressSync }
  const lines = Buffer.from('1\n2\n3\n'.repeat(5000))

  test('are taken with decompress: true, wherever they are cut', async () => {
    for (const [encoding, pack] of Object.entries(packed)) {
      for (const size of [10, 100_000]) {
        const { events, error } = await read(chunksOf(pack(lines), size), { 'content-encoding': encoding }, { decompress: true })
        assert.equal(error, undefined)
        assert.equal(events.length, 15_000)
      }
    }
  })

  test('are 400 where something follows their end, in the same chunk or later', async () => {
    for (const [encoding, pack] of Object.entries(packed)) {
      for (const rest of [[Buffer.concat([pack(lines), Buffer.from('trailing')])], [pack(lines), Buffer.from('trailing')]]) {
        const { events, error } = await read(rest, { 'content-encoding': encoding }, { decompress: true })
        assert.equal(error?.status, 400, `${encoding}, ${rest.length} chunks`)
        assert.ok(events.length <= 15_000)
      }
    }
  })

  test('zero bytes behind a gzip member are ignored, as gunzip does', async () => {
    const zeros = Buffer.alloc(5000)
    const whole = Buffer.concat([gzipSync(lines), zeros])
    for (const chunks of [[whole], chunksOf(whole, 10), [gzipSync(lines), zeros, zeros]]) {
      const { events, error } = await read(chunks, { 'content-encoding': 'gzip' }, { decompress: true })
      assert.equal(error, undefined)
      assert.equal(events.length, 15_000)
    }
    for (const rest of [[Buffer.concat([whole, Buffer.from('x')])], [whole, Buffer.from('x')], [whole, Buffer.alloc(1 << 20)]])
      assert.equal((await read(rest, { 'content-encoding': 'gzip' }, { decompress: true })).error?.status, 400)
    assert.equal((await read([deflateSync(lines), zeros], { 'content-encoding': 'deflate' }, { decompress: true })).error?.status, 400)
  })

  test('are 415 where their encoding or type is a name that every object has', async () => {
    for (const name of ['constructor', '__proto__', 'toString']) {
      assert.equal((await read([lines], { 'content-encoding': name }, { decompress: true })).error.status, 415)
      assert.equal((await read([lines], { 'content-type': name })).error.status, 415)
    }
  })

  test('are 415 without, and where the encoding is not known', async () => {
    assert.equal((await read([gzipSync(lines)], { 'content-encoding': 'gzip' })).error.message, 'Content-Encoding gzip: expected none')
    assert.equal((await read([lines], { 'content-encoding': 'zstd' }, { decompress: true })).error.status, 415)
    assert.equal((await read([Buffer.from('1\n')], { 'content-encoding': 'identity' })).error, undefined)
  })

  test('what is not what it says, or ends too early, is 400', async () => {
    assert.equal((await read([lines], { 'content-encoding': 'gzip' }, { decompress: true })).error.status, 400)
    assert.equal((await read([gzipSync(lines).subarray(0, 30)], { 'content-encoding': 'gzip' }, { decompress: true })).error.status, 400)
  })

  test('a bomb is 413 before it is inflated', async () => {
    const bomb = gzipSync(Buffer.alloc(64 * 1024 * 1024, '\n'))
    const before = process.memoryUsage().arrayBuffers
    const { error } = await read([bomb], { 'content-encoding': 'gzip' }, { decompress: true, maxTotal: 1024 * 1024 })
    assert.deepEqual([error.status, error.message], [413, 'the body is larger than 1048576 bytes (maxTotal)'])
    assert.ok(process.memoryUsage().arrayBuffers - before < 16 * 1024 * 1024)
  })
})

describe('results out', () => {
  test('Accept chooses; NDJSON where it does not', async () => {
    const types = {
      'text/event-stream': 'text/event-stream',
      'application/x-ndjson': 'application/x-ndjson',
      'application/x-ndjson;q=0.5, text/event-stream;q=0.9': 'text/event-stream',
      'application/x-ndjson, text/event-stream;q=0.9': 'application/x-ndjson',
      '*/*': 'application/x-ndjson',
      'text/html': 'application/x-ndjson',
    }
    for (const [accept, type] of Object.entries(types)) {
      assert.equal((await written([1], {}, { accept })).type.split(';')[0], type, accept)
    }
    assert.match((await written([1], { out: 'sse' })).type, /^text\/event-stream/)
  })

  test('NDJSON has a line for each result, whatever it is', async () => {
    assert.equal((await written([1, 'a\nb', null, undefined, { b: [] }])).text, '1\n"a\\nb"\nnull\nnull\n{"b":[]}\n')
  })

  test('SSE has ids, names, lines of data, a time to wait, and a last event', async () => {
    const { text } = await written([{ a: 1 }, 'two\nlines\r\nmore'], {
      out: 'sse',
      id: (_, index) => `n${index}`,
      event: (result) => (typeof result === 'string' ? 'text' : undefined),
      retry: 1500,
      end: 'done',
    })
    assert.equal(
      text,
      'retry: 1500\n\nid: n0\ndata: {"a":1}\n\nid: n1\nevent: text\ndata: two\ndata: lines\ndata: more\n\nevent: done\ndata:\n\n',
    )
  })

  test('an id with a newline does not get out', async () => {
    const { status, text } = await written([1], { out: 'sse', id: () => 'a\ndata: injected' })
    assert.equal(status, 500)
    assert.doesNotMatch(text, /injected/)
  })

  test('raw results are bytes or strings', async () => {
    const { type, text } = await written(
      ['ab', Buffer.from('cd'), new Uint8Array([101]).buffer, new DataView(new Uint8Array([102]).buffer)],
      { out: 'raw' },
    )
    assert.deepEqual([type, text], ['application/octet-stream', 'abcdef'])
    assert.equal((await written([{}], { out: 'raw' })).status, 500)
  })

  test('status and headers are those of the options', async () => {
    const response = await toResponse(answers([1]), new Request('http://test/'), {
      status: 202,
      headers: { 'Content-Type': 'application/jsonl', 'set-cookie': ['a=1', 'b=2'] },
    })
    assert.deepEqual(
      [response.status, response.headers.get('content-type'), response.headers.getSetCookie()],
      [202, 'application/jsonl', ['a=1', 'b=2']],
    )
    await response.text()
  })

  test('a result that cannot be written fails the stream', async () => {
    const errors = []
    const { status } = await written([1n], { onError: (error) => errors.push(error) })
    assert.equal(status, 500)
    assert.ok(errors[0] instanceof TypeError)
    assert.equal(runtime.snapshot().streamsOpen, 0)
  })
})

noUnhandledRejections('rule 16')
