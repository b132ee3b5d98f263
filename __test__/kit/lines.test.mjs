// The one reader of lines: however the bytes are cut, the lines are the same; a bound counts a line without its end.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { Lines } from '../../target/js/kit/iteration/lines.js'

const errors = { overlong: (number) => new Error(`${number} is long`), malformed: (number) => new Error(`${number} is malformed`) }

/** Every line, and the message of every error in its place. */
function read(chunks, max = 1000, how = errors) {
  const lines = new Lines(max, how)
  const found = []
  const take = () => {
    for (;;) {
      try {
        const line = lines.next()
        if (line === undefined) return
        found.push(line)
      } catch (error) {
        found.push(error.message)
      }
    }
  }
  for (const chunk of chunks) {
    lines.push(chunk)
    take()
  }
  lines.finish()
  take()
  return found
}

describe('Lines', () => {
  test('what was written is read, wherever it was cut', () => {
    const line = fc.string({ unit: 'grapheme' }).map((text) => text.replace(/[\r\n\ufeff]/g, '.'))
    fc.assert(
      fc.property(fc.array(line), fc.constantFrom('\n', '\r\n'), fc.nat(20), (written, end, size) => {
        const bytes = Buffer.from(written.map((one) => `${one}${end}`).join(''))
        const chunks = []
        for (let at = 0; at < bytes.length; at += size + 1) chunks.push(bytes.subarray(at, at + size + 1))
        assert.deepEqual(read(chunks), written)
      }),
    )
  })

  test('a line end does not count, however it was cut', () => {
    for (const end of ['\n', '\r\n', '']) {
      for (const size of [1, 3, 100]) {
        const bytes = Buffer.from(`12345${end}`)
        const chunks = []
        for (let at = 0; at < bytes.length; at += size) chunks.push(bytes.subarray(at, at + size))
        assert.deepEqual(read(chunks, 5), ['12345'])
        assert.deepEqual(read(chunks, 4), ['1 is long'])
      }
    }
  })

  test('a line that is wrong is told once, and the next one is read', () => {
    assert.deepEqual(read([Buffer.from('1\n12345'), Buffer.from('678'), Buffer.from('9\n3\n')], 4), ['1', '2 is long', '3'])
    assert.deepEqual(read([Buffer.from('1\n12345\n3\n')], 4), ['1', '2 is long', '3'])
    assert.deepEqual(read([Buffer.from([0x31, 10, 0xff, 10, 0x33])]), ['1', '2 is malformed', '3'])
  })

  test('invalid bytes are replaced where nobody makes an error of them', () => {
    assert.deepEqual(read([Buffer.from([0xff, 0x31, 10])], 9, { overlong: errors.overlong }), ['\ufffd1'])
  })

  test('a byte order mark is left out at the start only', () => {
    assert.deepEqual(read([Buffer.from('\ufeff1\n\ufeff2\n')]), ['1', '\ufeff2'])
  })
})
