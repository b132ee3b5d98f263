// NDJSON in: strict, bounded, and the same wherever the chunks are cut. Through eventsFrom(), which is what every handler reads with.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { eventsFrom, HttpError } from 'velo-stream/http'
import { outcome } from '../support/deferred.mjs'
import { noUnhandledRejections } from '../support/unhandled.mjs'
import { within } from '../support/within.mjs'
import { chunksOf, cut, request } from './support/requests.mjs'

const NDJSON = { 'content-type': 'application/x-ndjson' }

async function read(chunks, options, headers = NDJSON) {
  const events = []
  const loop = (async () => {
    for await (const event of eventsFrom(request(chunks, headers), options)) events.push(event)
  })()
  const { error } = await outcome(within(5000, loop, 'the events'))
  return { events, error }
}

const bytes = (...parts) => Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part) : Buffer.from(part))))

describe('lines', () => {
  test('events are the same wherever the bytes are cut', async () => {
    const json = fc.jsonValue({ noUnicodeString: false })
    await fc.assert(
      fc.asyncProperty(
        fc.array(json, { maxLength: 20 }),
        fc.array(fc.nat(), { maxLength: 12 }),
        fc.constantFrom('\n', '\r\n'),
        async (values, cuts, newline) => {
          const body = Buffer.from(values.map((value) => JSON.stringify(value)).join(newline))
          const { events, error } = await read(cut(body, cuts))
          assert.equal(error, undefined)
          assert.deepEqual(
            events,
            values.map((value) => JSON.parse(JSON.stringify(value))),
          )
        },
      ),
      { numRuns: 150 },
    )
  })

  test('one byte at a time, with a character of four bytes', async () => {
    const body = Buffer.from('"a"\r\n\n  \n{"b":"\u{1f600}"}\r\n3')
    assert.deepEqual((await read(chunksOf(body, 1))).events, ['a', { b: '\u{1f600}' }, 3])
  })

  test('a byte order mark at the start is no part of the first line; elsewhere it is no JSON', async () => {
    assert.deepEqual((await read([bytes([0xef, 0xbb, 0xbf], '1\n2\n')])).events, [1, 2])
    assert.equal((await read([bytes('1\n', [0xef, 0xbb, 0xbf], '2\n')])).error.status, 400)
  })

  test('an empty body has no events', async () => {
    assert.deepEqual(await read([Buffer.from('\n\r\n \t\n')]), { events: [], error: undefined })
    assert.deepEqual(await read([]), { events: [], error: undefined })
  })

  test('lines are not joined: what is JSON only together is malformed', async () => {
    for (const text of ['[1\n2]\n', '1,2\n', '1],[2\n', '{"a":1}{"b":2}\n', 'undefined\n', "'a'\n", 'NaN\n']) {
      assert.equal((await read([Buffer.from(text)])).error?.status, 400, text)
    }
  })
})

describe('malformed lines', () => {
  test('the events before one are delivered; the error names its line', async () => {
    const { events, error } = await read([Buffer.from('1\n\n2\nthree\n4\n')])
    assert.deepEqual(events, [1, 2])
    assert.ok(error instanceof HttpError)
    assert.deepEqual([error.name, error.status, error.code, error.message], ['HttpError', 400, 'VELO_EVENT', 'line 4 is no JSON'])
  })

  test("onMalformed: 'skip' leaves them out, invalid UTF-8 as well", async () => {
    const body = bytes('1\nno\n"', [0xff, 0xfe], '"\n"\u00e9"\n', [0xc3], '\n5\n')
    for (const size of [1, 3, 1000]) {
      const { events, error } = await read(chunksOf(body, size), { onMalformed: 'skip' })
      assert.equal(error, undefined)
      assert.deepEqual(events, [1, '\u00e9', 5])
    }
  })

  test('invalid UTF-8 is an error that names its line', async () => {
    const invalid = { overlong: [0xc0, 0xaf], surrogate: [0xed, 0xa0, 0x80], 'cut short': [0xe2, 0x82], stray: [0x80] }
    for (const [name, sequence] of Object.entries(invalid)) {
      const { events, error } = await read([bytes('1\n"', sequence, '"\n3\n')])
      assert.deepEqual(events, [1], name)
      assert.equal(error.message, 'line 2 is no valid UTF-8', name)
    }
  })
})

describe('bounds', () => {
  test('a line of maxLine bytes fits, with CRLF too; one byte more is 413', async () => {
    const fits = `"${'x'.repeat(98)}"`
    for (const newline of ['\n', '\r\n', '']) {
      for (const size of [1, 7, 64, 1000]) {
        assert.deepEqual((await read(chunksOf(Buffer.from(`1\n${fits}${newline}`), size), { maxLine: 100 })).events.length, 2)
        const { error } = await read(chunksOf(Buffer.from(`1\n${fits} ${newline}`), size), { maxLine: 100 })
        assert.deepEqual([error?.status, error?.message], [413, 'a line is longer than 100 bytes (maxLine)'], `${size}`)
      }
    }
  })

  test('bytes count, not characters', async () => {
    assert.equal((await read([Buffer.from(`"${'\u00e9'.repeat(50)}"\n`)], { maxLine: 100 })).error.status, 413)
  })

  test("a line that is too long is 413 also with onMalformed: 'skip'", async () => {
    assert.equal((await read([Buffer.from(`${'x'.repeat(101)}\n`)], { maxLine: 100, onMalformed: 'skip' })).error.status, 413)
  })

  test('a line that never ends is refused when the bound is passed, not at its end', async () => {
    let sent = 0
    const endless = async function* () {
      for (;;) {
        sent++
        yield Buffer.alloc(64 * 1024, 'x')
      }
    }
    assert.equal((await read(endless())).error.status, 413)
    assert.ok(sent < 32, `${sent} chunks`)
  })

  test('maxTotal bounds the body', async () => {
    assert.deepEqual((await read([Buffer.from('1\n2\n')], { maxTotal: 4 })).events, [1, 2])
    const { events, error } = await read([Buffer.from('1\n2\n'), Buffer.from('3\n')], { maxTotal: 5 })
    assert.deepEqual(events, [1, 2])
    assert.deepEqual([error.status, error.message], [413, 'the body is larger than 5 bytes (maxTotal)'])
  })
})

describe('Content-Type', () => {
  test("'auto' knows the names of NDJSON, and what clients say by default", async () => {
    const types = [
      'application/ndjson',
      'application/jsonl',
      'Application/JSON; charset=utf-8',
      'text/plain;charset=UTF-8',
      'application/x-www-form-urlencoded',
    ]
    for (const type of types) assert.deepEqual((await read([Buffer.from('1\n')], {}, { 'content-type': type })).events, [1], type)
    assert.deepEqual((await read([Buffer.from('1\n')], {}, {})).events, [1])
  })

  test('an unknown one is 415 and says what is expected; a format by option asks nobody', async () => {
    const headers = { 'content-type': 'image/png' }
    const { error } = await read([Buffer.from('1\n')], {}, headers)
    assert.equal(error.status, 415)
    assert.match(error.message, /^Content-Type image\/png: expected application\/x-ndjson, /)
    for (const format of ['ndjson', 'json-lines']) assert.deepEqual((await read([Buffer.from('1\n')], { in: format }, headers)).events, [1])
  })
})

test('leaving the loop gives the rest up, and a read under way is settled', async () => {
  const events = eventsFrom(request([Buffer.from('1\n2\n')], NDJSON))
  assert.deepEqual(await events.next(), { value: 1, done: false })
  await events.return()
  assert.deepEqual(await events.next(), { value: undefined, done: true })
  const silent = eventsFrom(request(null, NDJSON))
  const pending = silent.next()
  await new Promise(setImmediate)
  await silent.return()
  assert.deepEqual(await within(1000, pending, 'next()'), { value: undefined, done: true })
})

noUnhandledRejections('rule 16')
