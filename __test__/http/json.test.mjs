// application/json in: a value on as many lines as it likes, an array by its elements, values with white space between them; bounded, and the same wherever it is cut.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import Tokenizer from '@streamparser/json/tokenizer.js'
import fc from 'fast-check'
import { eventsFrom } from 'velo-stream/http'
import { outcome } from '../support/deferred.mjs'
import { noUnhandledRejections } from '../support/unhandled.mjs'
import { within } from '../support/within.mjs'
import { chunksOf, cut, request } from './support/requests.mjs'

const JSON_TYPE = { 'content-type': 'application/json; charset=utf-8' }

async function read(chunks, options, headers = JSON_TYPE) {
  const events = []
  const loop = (async () => {
    for await (const event of eventsFrom(request(chunks, headers), options)) events.push(event)
  })()
  const { error } = await outcome(within(5000, loop, 'the events'))
  return { events, error }
}

/** What is the same in pieces of any size. */
async function everywhere(body, options) {
  const bytes = Buffer.from(body)
  const whole = await read([bytes], options)
  for (const size of [1, 2, 3, 7, 64]) {
    const { events, error } = await read(chunksOf(bytes, size), options)
    assert.deepEqual([events, error?.status], [whole.events, whole.error?.status], `${size}: ${body.toString().slice(0, 100)} ${error}`)
  }
  return { events: whole.events, status: whole.error?.status, message: whole.error?.message }
}

const right = async (body, expected, options) =>
  assert.deepEqual(await everywhere(body, options), { events: expected, status: undefined, message: undefined }, body.toString())

describe('values', () => {
  test('a pretty-printed value is one event', async () => {
    const value = { a: 1, b: [true, { c: [] }], d: '\n"]}', e: '\ufeffx\u{1f600}\ufeff' }
    await right(JSON.stringify(value, null, 2), [value])
    await right(`${JSON.stringify(value, null, '\t').replaceAll('\n', '\r\n')}\r\n`, [value])
    assert.deepEqual((await read([Buffer.from('{\n"a":1\n}')], { in: 'json' }, {})).events, [{ a: 1 }])
  })

  test('an array gives its elements', async () => {
    const values = [1, -1.5e3, 'a', true, false, null, [], [[1], 2], {}, { a: [{}] }]
    await right(JSON.stringify(values), values)
    await right(JSON.stringify(values, null, 2), values)
    await right(' [ ]\n[\n]\n', [])
    await right('[1,2] [3]\n[\n4\n]  \n5', [1, 2, 3, 4, 5])
  })

  test('values follow each other on lines of their own or on one', async () => {
    await right('1\n{"a":1}\n\n"b"\r\n[2,\n3]\n{\n}\nnull', [1, { a: 1 }, 'b', 2, 3, {}, null])
    await right('1 {"a":1} "b" true\t12', [1, { a: 1 }, 'b', true, 12])
    await right('', [])
    await right(' \n\r\n\t', [])
  })

  test('they are what JSON.parse makes of them, wherever they are cut', async () => {
    const property = async (values, cuts, space, separator) => {
      const parsed = values.map((value) => JSON.parse(JSON.stringify(value)))
      const expected = parsed.flatMap((value) => (Array.isArray(value) ? value : [value]))
      const body = Buffer.from(values.map((value) => JSON.stringify(value, null, space)).join(separator))
      const { events, error } = await read(cut(body, cuts))
      assert.equal(error, undefined)
      assert.deepEqual(events, expected)
      const list = await read(cut(Buffer.from(JSON.stringify(values, null, space)), cuts))
      assert.deepEqual(list, { events: parsed, error: undefined })
    }
    const json = fc.array(fc.jsonValue({ noUnicodeString: false }), { maxLength: 8 })
    const rest = [fc.array(fc.nat(), { maxLength: 12 }), fc.constantFrom(undefined, 1, '\t'), fc.constantFrom('\n', ' ', '\r\n\n')]
    await fc.assert(fc.asyncProperty(json, ...rest, property), { numRuns: 150 })
  })

  test('elements of an array in chunks are cut out by a scan: next to no byte is read by its tokens', async (t) => {
    const values = Array.from({ length: 2000 }, (_, n) => ({ n, text: `a "${n}" \\,[{`, list: [n, [], {}] }))
    const body = Buffer.from(`  ${JSON.stringify(values)} `)
    for (const size of [1000, 65_536]) {
      const write = t.mock.method(Tokenizer.prototype, 'write')
      const { events, error } = await read(chunksOf(body, size))
      const bytes = write.mock.calls.reduce((sum, { arguments: [chunk] }) => sum + chunk.length, 0)
      write.mock.restore()
      assert.deepEqual([events, error], [values, undefined])
      assert.ok(bytes < 100, `${bytes} bytes of ${body.length}`)
    }
  })

  test('elements that the scan meets anywhere are those of JSON.parse', async () => {
    const text = fc.string({ unit: fc.constantFrom('"', '\\', '[', ']', '{', '}', ',', ':', ' ', '\n', 'a', '\u00e9', '\u{1f600}') })
    const { tree } = fc.letrec((tie) => ({
      tree: fc.oneof({ maxDepth: 3 }, text, fc.integer(), fc.constantFrom(true, null, 1.5e300), tie('list'), tie('record')),
      list: fc.array(tie('tree'), { maxLength: 3 }),
      record: fc.dictionary(text, tie('tree'), { maxKeys: 3 }),
    }))
    const rest = [fc.array(fc.nat(), { maxLength: 30 }), fc.constantFrom(undefined, 1), fc.constantFrom('fail', 'skip')]
    const property = async (values, cuts, space, onMalformed) => {
      const body = Buffer.from(JSON.stringify(values, null, space))
      assert.deepEqual(await read(cut(body, cuts), { onMalformed }), { events: JSON.parse(body), error: undefined })
    }
    await fc.assert(fc.asyncProperty(fc.array(tree, { maxLength: 12 }), ...rest, property), { numRuns: 500, seed: 11 })
  })

  test('__proto__ is a key as any other', async () => {
    for (const text of ['{"__proto__":{"a":1}}', '{\n"__proto__":{"a":1}}']) {
      const [event] = (await read([Buffer.from(text)])).events
      assert.deepEqual([Object.keys(event), Object.getPrototypeOf(event)], [['__proto__'], Object.prototype])
    }
  })

  test('a byte order mark may come first', async () => {
    await right('\ufeff[1,\n2]', [1, 2])
    await right('\ufeff1\n2', [1, 2])
    assert.equal((await everywhere('1\n\ufeff2')).status, 400)
    assert.equal((await everywhere('[\n\ufeff2]')).status, 400)
    // Told as what it is, wherever it stands.
    for (const body of ['[\ufeff', '[\ufeff2]', '[\n\ufeff\n2]', '{\n}\n\ufeff[\n']) {
      const { status, message } = await everywhere(body)
      assert.deepEqual([status, message], [400, `value ${body.startsWith('{') ? 2 : 1} is no JSON`], body)
    }
  })

  test('elements come before the array ends, and nothing more is read before they are asked for', async () => {
    let sent = 0
    const endless = async function* () {
      yield Buffer.from('[')
      for (;;) yield Buffer.from(`{"n":\n${sent++}},`)
    }
    const events = eventsFrom(request(endless(), JSON_TYPE))
    for (let n = 0; n < 100; n++) assert.deepEqual(await within(1000, events.next(), 'an element'), { value: { n }, done: false })
    assert.ok(sent < 110, `${sent}`)
    await events.return()
  })
})

describe('malformed bodies', () => {
  test('are 400 and told by the value, after the events before it', async () => {
    const cases = {
      '[1,,2]': [[1], 'value 2 is no JSON'],
      '[,1]': [[], 'value 1 is no JSON'],
      '[1,]': [[1], 'value 2 is no JSON'],
      '[1 2]': [[], 'value 1 is no JSON'],
      '[{} {}]': [[{}], 'value 2 is no JSON'],
      '[1}': [[], 'value 1 is no JSON'],
      '[{]}]': [[], 'value 1 is no JSON'],
      '[1]]': [[1], 'value 2 is no JSON'],
      '[01]': [[], 'value 1 is no JSON'],
      '{"a":1\n"b":2}': [[], 'value 1 is no JSON'],
      '1\n2\nthree\n4': [[1, 2], 'value 3 is no JSON'],
      '{\n}{}': [[{}], 'value 2 is no JSON'],
      '[1][2]': [[1], 'value 2 is no JSON'],
      ':\n': [[], 'value 1 is no JSON'],
      '"a\nb"': [[], 'value 1 is no JSON'],
      '[1,2}': [[1], 'value 2 is no JSON'],
      '[1,{"a":"]"},}': [[1, { a: ']' }], 'value 3 is no JSON'],
      '[1,"\\"]",2] 3]': [[1, '"]', 2, 3], 'value 5 is no JSON'],
    }
    for (const [body, [events, message]] of Object.entries(cases))
      assert.deepEqual(await everywhere(body), { events, status: 400, message })
  })

  test('a word, a number or a string right before what is wrong is an event', async () => {
    const cases = {
      '[1] 2\n"a\\]b"\n': [[1, 2], 'value 3 is no JSON'],
      '{\n} "x \\" y" "a\\]b"\n': [[{}, 'x " y'], 'value 3 is no JSON'],
      '[1]\t2"a\\]b"\n': [[1], 'value 2 is no JSON'],
    }
    for (const [body, [events, message]] of Object.entries(cases))
      assert.deepEqual(await everywhere(body), { events, status: 400, message }, body)
  })

  test('are told the same wherever they are cut, with skip as well', async () => {
    const pieces = [
      '[',
      ']',
      '{',
      '}',
      ',',
      ':',
      '"a"',
      '1',
      ' ',
      '\n',
      '"\u00e9"',
      'true',
      '{"a":1}',
      '[1,2]',
      '\\',
      '"',
      '\ufeff',
      '\r\n',
      '{\n"b":2}',
      '0',
    ]
    const body = fc.array(fc.constantFrom(...pieces), { maxLength: 14 })
    const property = async (parts, cuts, onMalformed) => {
      const bytes = Buffer.from(parts.join(''))
      const whole = await read([bytes], { onMalformed })
      assert.ok([undefined, 400].includes(whole.error?.status))
      for (const chunks of [chunksOf(bytes, 1), cut(bytes, cuts)]) {
        const { events, error } = await read(chunks, { onMalformed })
        assert.deepEqual([events, error?.message], [whole.events, whole.error?.message])
      }
    }
    const cuts = fc.array(fc.nat(), { maxLength: 3 })
    await fc.assert(fc.asyncProperty(body, cuts, fc.constantFrom('fail', 'skip'), property), { numRuns: 1000 })
  })

  test('invalid UTF-8', async () => {
    for (const wrong of [[0xff], [0xc0, 0xaf], [0xed, 0xa0, 0x80], [0xe2, 0x82]]) {
      const body = Buffer.concat([Buffer.from('[1,\n"a'), Buffer.from(wrong), Buffer.from('b"]')])
      const { events, status } = await everywhere(body)
      assert.deepEqual([events, status], [[1], 400])
    }
  })

  test('a body that ends too early', async () => {
    for (const body of ['[1,2', '[1,{"a":', '[1,"ab', '[1,', '[1, tru']) {
      const { events, status, message } = await everywhere(body)
      assert.equal(status, 400, body)
      assert.deepEqual([events[0], message], [1, `the body ends within value ${events.length + 1}`], body)
    }
    assert.equal((await everywhere('{\n"a":1\n')).message, 'the body ends within value 1')
  })

  test("onMalformed: 'skip' leaves a wrong line out, and fails where a value of many lines is wrong", async () => {
    await right('1\nno\n{"a":1}}\n[2\n,3]\nnope', [1, { a: 1 }, 2, 3], { onMalformed: 'skip' })
    const { events, status } = await everywhere('1\n[2,\nno\n]\n3\n', { onMalformed: 'skip' })
    assert.deepEqual([events, status], [[1, 2], 400])
  })
})

describe('bounds', () => {
  test('maxLine bounds a value, not the array around it', async () => {
    const fits = 'x'.repeat(98)
    await right(JSON.stringify(Array(20).fill(fits)), Array(20).fill(fits), { maxLine: 100 })
    await right(`[\n"${fits}"\n]\n"${fits}"\r\n{\n}`, [fits, fits, {}], { maxLine: 100 })
    for (const body of [`["${fits}x"]`, `[\n"${fits}xxx`, `{"a":\n"${fits}"}`, `{"a":"${fits}"}`]) {
      const { status, message } = await everywhere(body, { maxLine: 100 })
      assert.deepEqual([status, message], [413, 'a value is longer than 100 bytes (maxLine)'], body)
    }
  })

  test('a string, nesting and a line without an end are refused when the bound is passed', async () => {
    for (const [first, then] of [
      ['["', 'x'],
      ['[', '['],
      ['{"a":', '{"a":'],
      ['{"a":\n"', '\\n'],
      ['[1', '0'],
    ]) {
      let sent = 0
      const endless = async function* () {
        yield Buffer.from(first)
        for (; ; sent++) yield Buffer.from(then.repeat(1000))
      }
      assert.equal((await read(endless(), { maxLine: 64 * 1024 })).error.status, 413)
      assert.ok(sent < 100, `${sent} chunks`)
    }
  })

  test('maxTotal bounds the body', async () => {
    const { events, error } = await read([Buffer.from('[1,\n'), Buffer.from('2,3]')], { maxTotal: 5 })
    assert.deepEqual([events, error.status], [[1], 413])
  })
})

noUnhandledRejections('rule 16')
