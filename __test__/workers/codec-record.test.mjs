// A value by itself: what comes back is what was given, whatever memory its bytes lie in and whatever was written after it.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'

const { decodeRecord, encodeRecord } = await import('../../target/js/workers/codec/record.js')
const { alone, shared } = await import('../../target/js/workers/codec/bytes/slab.js')

class Point {
  constructor(x) {
    this.x = x
  }
}

const values = [
  undefined,
  null,
  true,
  0,
  -0,
  1.5,
  Number.NaN,
  2 ** 53,
  -(2n ** 70n),
  '',
  'text',
  '\ud800',
  '\ufeffx',
  'x'.repeat(100_000),
  {},
  [],
  [1, 'two', null, undefined],
  // biome-ignore lint/suspicious/noSparseArray: a hole comes back as one.
  [1, , 3],
  { a: 1, b: { c: ['d', { e: undefined }] } },
  { text: 'y'.repeat(9000) },
  new Uint8Array(),
  Uint8Array.of(1, 2, 3),
  new Uint8Array(5000).fill(7),
  new Uint8Array(100_000).fill(9),
  { bytes: Uint8Array.of(4, 5) },
  new Map([[{ a: 1 }, new Set([1])]]),
  new Date(5),
  Object.assign(new RangeError('no'), { code: 'E' }),
]
const custom = { encode: (value) => new TextEncoder().encode(`${value}`), decode: (bytes) => new TextDecoder().decode(bytes) }

describe('records', () => {
  for (const [name, room] of [
    ['of their own', alone],
    ['that records share', shared],
  ]) {
    for (const before of [0, 1, 8]) {
      const behind = (record) => Uint8Array.from(Buffer.concat([Buffer.alloc(before, 255), record]))
      test(`come back from memory ${name}, ${before} bytes before them`, () => {
        const records = values.map((value) => behind(encodeRecord(value, 'structured', room)))
        for (const [at, record] of records.entries()) {
          assert.deepEqual(decodeRecord(record, 'structured', before), values[at])
          // As another journal may give it.
          assert.deepEqual(decodeRecord(Buffer.from(record), 'structured', before), values[at])
        }
        assert.equal(decodeRecord(behind(encodeRecord({ a: [1] }, 'json', room)), 'json', before).a[0], 1)
        assert.equal(decodeRecord(behind(encodeRecord('eleven', custom, room)), custom, before), 'eleven')
      })
    }
  }

  test('bytes that come back belong to whoever asked', () => {
    const record = encodeRecord(Uint8Array.of(1, 2, 3), 'structured', shared)
    const bytes = decodeRecord(record, 'structured')
    assert.equal(bytes.buffer.byteLength, 3)
    bytes.fill(9)
    assert.deepEqual(decodeRecord(record, 'structured'), Uint8Array.of(1, 2, 3))
  })

  test('one that is meant to be cloned has memory of its own', () => {
    for (const value of [1, 'text', { a: 1 }, Uint8Array.of(1)]) {
      const record = encodeRecord(value, 'structured')
      assert.equal(record.buffer.byteLength, record.byteLength)
    }
  })

  test('a thousand of them lie side by side', () => {
    const records = Array.from({ length: 1000 }, (_, at) => encodeRecord({ at, text: 'z'.repeat(at % 300) }, 'structured', shared))
    assert.ok(new Set(records.map(({ buffer }) => buffer)).size < 20)
    for (const [at, record] of records.entries()) assert.deepEqual(decodeRecord(record, 'structured'), { at, text: 'z'.repeat(at % 300) })
  })

  test('a value whose getter writes a record meanwhile', () => {
    const record = encodeRecord(
      {
        before: 1,
        get inner() {
          return encodeRecord({ x: 'y' }, 'structured', shared).length
        },
        after: 2,
      },
      'structured',
      shared,
    )
    assert.deepEqual(decodeRecord(record, 'structured'), { before: 1, inner: encodeRecord({ x: 'y' }, 'structured').length, after: 2 })
  })

  test('what cannot be kept is refused by its name, and bytes that are no record too', () => {
    assert.throws(() => encodeRecord({ a: [() => {}] }, 'structured', shared), { code: 'VELO_CODEC' })
    assert.throws(() => encodeRecord(new SharedArrayBuffer(1), 'structured'), { code: 'VELO_CODEC' })
    for (const record of [[], [0], [2], [2, 0x92, 1], [3, 1], [77, 1]]) {
      assert.throws(() => decodeRecord(Uint8Array.from(record), 'structured'), { code: 'VELO_CODEC' }, `${record}`)
    }
    assert.ok(!(decodeRecord(encodeRecord(new Point(1), 'structured'), 'structured') instanceof Point))
  })
})
