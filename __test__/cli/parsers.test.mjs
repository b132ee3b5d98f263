// Lines and CSV by properties: however the bytes are cut, what comes out is what was written.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { CsvRows, csvRow } from '../../target/js/cli/run/csv.js'
import { encoder, formatReader, NONE } from '../../target/js/cli/run/formats.js'

/** Cuts of a buffer at arbitrary places. */
function cut(bytes, places) {
  const ends = [...new Set(places.map((place) => place % (bytes.length + 1)))].sort((a, b) => a - b)
  return [...ends, bytes.length].map((end, index) => bytes.slice(index === 0 ? 0 : ends[index - 1], end))
}

/** All events of `chunks`; a line that is wrong is an Error in its place. */
function read(format, chunks, maxLine = 1 << 20) {
  const events = []
  const reader = formatReader(format, maxLine)
  const take = () => {
    for (;;) {
      try {
        const event = reader.next()
        if (event === NONE) return false
        events.push(event)
      } catch (error) {
        assert.equal(error.name, 'InputError')
        events.push(error)
        if (error.fatal) return true
      }
    }
  }
  for (const chunk of chunks) {
    reader.push(chunk)
    if (take()) return events
  }
  reader.finish()
  take()
  return events
}

const places = fc.array(fc.nat(), { maxLength: 12 })
const lineEnd = fc.constantFrom('\n', '\r\n')

describe('NDJSON and text', () => {
  test('values come back, however they are cut and however lines end', () => {
    fc.assert(
      fc.property(fc.array(fc.jsonValue()), places, lineEnd, fc.boolean(), (list, cuts, end, closed) => {
        const text = list.map((value) => JSON.stringify(value)).join(end) + (closed && list.length > 0 ? end : '')
        assert.deepEqual(
          read('ndjson', cut(Buffer.from(text), cuts)),
          list.map((value) => JSON.parse(JSON.stringify(value))),
        )
      }),
    )
  })

  test('lines come back as they are', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'grapheme' }).map((line) => line.replace(/[\r\n\ufeff]/g, ''))), places, (lines, cuts) => {
        const text = lines.map((line) => `${line}\n`).join('')
        assert.deepEqual(read('text', cut(Buffer.from(text), cuts)), lines)
      }),
    )
  })

  test('any bytes: every line is a value or one error, and the others are not touched by it', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.oneof(
            fc.integer().map((n) => Buffer.from(String(n))),
            fc.uint8Array().map((b) => Buffer.from(b)),
          ),
        ),
        places,
        (lines, cuts) => {
          const bytes = Buffer.concat(lines.flatMap((line) => [line, Buffer.from('\n')]))
          const whole = read('ndjson', [bytes])
          assert.deepEqual(
            read('ndjson', cut(bytes, cuts)).map((event) => (event instanceof Error ? event.message : event)),
            whole.map((event) => (event instanceof Error ? event.message : event)),
          )
        },
      ),
    )
  })

  test('a line that is too long is one error with its number, and the next one is read', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 1, maxLength: 20 }), places, (lengths, cuts) => {
        const text = lengths.map((length) => `${'1'.repeat(length)}\n`).join('')
        const events = read('ndjson', cut(Buffer.from(text), cuts), 15)
        assert.deepEqual(
          events.map((event) => (event instanceof Error ? event.message.split(';')[0] : event)),
          lengths.map((length, index) => (length > 15 ? `line ${index + 1} is longer than 15 bytes` : Number('1'.repeat(length)))),
        )
      }),
    )
  })
})

describe('CSV', () => {
  const field = fc.string({ unit: fc.constantFrom('a', 'b', ',', '"', '\n', '\r', ' ', '\u00e9', '\u{1f600}') })
  const table = fc.integer({ min: 1, max: 4 }).chain((width) => fc.array(fc.array(field, { minLength: width, maxLength: width })))

  test('rows come back, however they are cut', () => {
    fc.assert(
      fc.property(table, places, fc.boolean(), (rows, cuts, crlf) => {
        const text = rows.map((row) => (crlf ? csvRow(row).replace(/\n$/, '\r\n') : csvRow(row))).join('')
        const reader = new CsvRows(1 << 20)
        const got = []
        const take = () => {
          for (let row = reader.next(); row !== undefined; row = reader.next()) got.push(row)
        }
        const characters = [...text]
        for (const part of cut(
          characters.map((_, index) => index),
          cuts.length === 0 ? [0] : cuts,
        )) {
          reader.push(part.map((index) => characters[index]).join(''))
          take()
        }
        reader.finish()
        take()
        assert.deepEqual(got, rows)
      }),
      { numRuns: 500 },
    )
  })

  test('objects go out and come back', () => {
    const name = fc.string({ minLength: 1 })
    const list = fc
      .uniqueArray(name, { minLength: 1, maxLength: 4 })
      .chain((names) =>
        fc.array(
          fc.tuple(...names.map(() => fc.string())).map((values) => Object.fromEntries(names.map((key, index) => [key, values[index]]))),
        ),
      )
    fc.assert(
      fc.property(list, places, (objects, cuts) => {
        const encode = encoder('csv')
        const bytes = Buffer.from(objects.map(encode).join(''))
        // A byte order mark at the start is no part of the first name.
        fc.pre(!bytes.toString().startsWith('\ufeff'))
        assert.deepEqual(read('csv', cut(bytes, cuts)), objects)
      }),
    )
  })

  test('what RFC 4180 does not allow is refused with its line, and the next row is read', () => {
    const errors = (text) => read('csv', [Buffer.from(text)]).map((event) => (event instanceof Error ? event.message : event))
    assert.deepEqual(errors('a,b\n1\n2,3\n'), ['line 2 has 1 fields, the header has 2', { a: '2', b: '3' }])
    assert.deepEqual(errors('a\nx"y\n2\n'), ['line 2 is no CSV: a quote inside a field that is not quoted', { a: '2' }])
    assert.deepEqual(errors('a\n"x"y\n2\n'), ['line 2 is no CSV: text behind a quoted field', { a: '2' }])
    assert.deepEqual(errors('a\n"x\n2'), ['line 2 is no CSV: a quoted field that never ends', { a: '2' }])
    assert.deepEqual(errors('a,a\n1,2\n'), ['the header names "a" twice'])
    assert.deepEqual(errors('a"\nb\n1\n'), ['line 1 is no CSV: a quote inside a field that is not quoted'])
    assert.deepEqual(errors('a\n"1\n2"\nx"\n'), [{ a: '1\n2' }, 'line 4 is no CSV: a quote inside a field that is not quoted'])
    assert.deepEqual(read('csv', [Buffer.from([0x61, 10, 0xff, 10])]).map(String), ['InputError: the input is not UTF-8'])
    assert.deepEqual(read('csv', [Buffer.from(`a\n"${'x'.repeat(50)}`)], 20).map(String), [
      'InputError: the row on line 2 is longer than 20 characters; --max-line sets the limit',
    ])
  })

  test('a result that has no column is refused', () => {
    const encode = encoder('csv')
    assert.equal(encode({ a: 1, b: null }), 'a,b\n1,\n')
    assert.equal(encode({ b: [1, 2], a: true }), 'true,"[1,2]"\n')
    assert.throws(() => encode({ c: 1 }), { name: 'OutputError', message: /"c"/ })
    assert.equal(encoder('csv')(5), 'value\n5\n')
  })
})

test('a column that a result lacks is empty, whatever its name is', () => {
  const write = encoder('csv')
  assert.equal(write({ constructor: 1, toString: 2, ['__proto__']: 3 }), 'constructor,toString,__proto__\n1,2,3\n')
  assert.equal(write({}), ',,\n')
})

test('a row that is too long is one error, quoted or not, and the next one is read', () => {
  const long = 'x'.repeat(30)
  for (const row of [`${long},1`, `"${long}",1`]) {
    const events = read('csv', [Buffer.from(`a,b\n${row}\n2,3\n`)], 20)
    assert.match(events[0].message, /the row on line 2 is longer than 20 characters/)
    assert.deepEqual(events.slice(1), [{ a: '2', b: '3' }])
  }
})
