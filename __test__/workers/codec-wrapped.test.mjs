// Errors, Maps, Sets, views and big integers go by a lane of their own where they hold plain data alone. Which lane it was changes nothing of what comes out, and
// whatever is not quite that goes by V8's serializer, or is refused, as before.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import * as frames from '../../target/js/workers/codec/bytes/frames.js'
import { BatchBytes, BatchReader, BatchWriter } from '../../target/js/workers/codec/codec.js'

const RESERVE = 8
const OPTIONS = { reserve: RESERVE, transfer: false, transfers: undefined }

/** The value on the other side, and the kind of its frame, which comes first where the reader has been told of all shapes. */
function crossed(value) {
  const writer = new BatchWriter('structured', OPTIONS)
  const reader = new BatchReader('structured', { reserve: RESERVE, transfers: undefined })
  const into = []
  let kind
  for (let time = 0; time < 2; time++) {
    writer.add(value)
    const { size } = writer
    const memory = Uint8Array.from(writer.take().subarray(0, size))
    reader.read(new BatchBytes(memory), memory.length, into)
    kind = memory[RESERVE]
    memory.fill(0xaa) // what was read must not refer to it
  }
  assert.equal(into.length, 2)
  return { value: into[0], kind }
}

describe('plain data in a wrapping', () => {
  const swift = {
    'a Map': [
      new Map([
        ['a', 1],
        ['b', { deep: [1, 2] }],
        [3, undefined],
        [null, true],
      ]),
      frames.MAP,
    ],
    'an empty Map': [new Map(), frames.MAP],
    'a Map of big integers': [new Map([[1n, -1n]]), frames.MAP],
    'a Set': [new Set([1, 'two', null, { three: 3 }]), frames.SET],
    'an empty Set': [new Set(), frames.SET],
    'a Float64Array': [Float64Array.from({ length: 100 }, (_, i) => i / 3), frames.VIEW],
    'an Int16Array': [Int16Array.of(-1, 2, 3), frames.VIEW],
    'a BigUint64Array': [BigUint64Array.of(1n, 2n ** 64n - 1n), frames.VIEW],
    'a DataView': [new DataView(Uint8Array.of(1, 2, 3).buffer), frames.VIEW],
    'a big integer': [123n, frames.BIGINT],
    'the smallest of 64 bits': [-(2n ** 63n), frames.BIGINT],
    'big integers in an object': [{ id: 2n ** 63n - 1n, list: [0n, -5n] }, frames.PLAIN],
  }
  for (const [name, [value, kind]] of Object.entries(swift)) {
    test(name, () => {
      const got = crossed(value)
      assert.deepStrictEqual(got.value, structuredClone(value))
      assert.equal(got.kind, kind)
    })
  }

  test('errors: class, name, message, stack, code and own properties', () => {
    class Own extends RangeError {}
    const errors = [
      new Error('plain'),
      new TypeError(''),
      Object.assign(new Error('coded'), { code: 'E_ONE', details: { list: [1, { two: 2n }] }, at: undefined }),
      new Own('of a class of its own'),
      Object.assign(new Error('named'), { name: 'Named' }),
    ]
    for (const error of errors) {
      const got = crossed(error)
      assert.equal(got.kind, frames.ERROR)
      assert.ok(got.value instanceof Error)
      assert.equal(got.value instanceof RangeError, error instanceof RangeError)
      assert.deepEqual([got.value.message, got.value.stack], [error.message, error.stack])
      assert.equal(got.value.name, error.name === 'RangeError' ? 'Own' : error.name)
      assert.deepEqual({ ...got.value, name: undefined }, { ...error, name: undefined })
      for (const hidden of ['message', 'stack']) assert.equal(Object.getOwnPropertyDescriptor(got.value, hidden).enumerable, false)
    }
  })

  test('any Map, Set and object of big integers, as structured clone has it', () => {
    const leaf = fc.oneof(fc.integer(), fc.double(), fc.string(), fc.bigInt(), fc.boolean(), fc.constant(null), fc.constant(undefined))
    const value = fc.oneof(leaf, fc.array(leaf), fc.dictionary(fc.string(), leaf))
    const maps = fc.array(fc.tuple(value, value)).map((entries) => new Map(entries))
    const sets = fc.array(value).map((values) => new Set(values))
    fc.assert(
      fc.property(fc.oneof(maps, sets, value), (given) => assert.deepStrictEqual(crossed(given).value, structuredClone(given))),
      { numRuns: 500 },
    )
  })
})

describe('what is not quite that goes the long way', () => {
  const shared = { one: 1 }
  const self = new Map()
  self.set('self', self)
  const long = {
    'a Map that holds itself': self,
    'a Map with one object twice': new Map([[shared, shared]]),
    'a Map of Maps': new Map([[1, new Map([[2, 3]])]]),
    'a Set with a date': new Set([new Date(5)]),
    'a Map with -0 as a value': new Map([[1, -0]]),
    'a lone surrogate as a key': new Map([['\ud800', 1]]),
    'a big integer beyond 64 bits': 2n ** 63n,
    'the same in an object': { id: -(2n ** 64n) },
    'a view of a part': new Uint16Array(new Uint16Array(8).buffer, 2, 3),
  }
  for (const [name, value] of Object.entries(long)) {
    test(name, () => {
      const got = crossed(value)
      assert.deepStrictEqual(got.value, structuredClone(value))
      assert.equal(got.kind, frames.GRAPH)
      if (name.endsWith('twice')) assert.equal([...got.value][0][0], [...got.value][0][1])
      if (name.includes('-0')) assert.ok(Object.is(got.value.get(1), -0))
    })
  }

  test('errors with a cause, with errors, with what is not plain', () => {
    const errors = [
      new Error('caused', { cause: { by: 'this' } }),
      new AggregateError([new Error('one')], 'several'),
      Object.assign(new Error('dated'), { at: new Date(7) }),
    ]
    for (const error of errors) {
      const { value, kind } = crossed(error)
      assert.equal(kind, frames.GRAPH)
      assert.deepEqual([value.message, value.cause, value.at], [error.message, error.cause, error.at])
    }
    const circular = new Error('circular')
    circular.self = circular
    const { value } = crossed(circular)
    assert.equal(value.self, value)
  })

  test('what cannot travel is refused, with its place', () => {
    const proxies = [new Proxy(new Map(), {}), new Proxy(new Error('hidden'), {}), new Proxy(new Set(), {})]
    for (const value of [new Map([[1, () => {}]]), new Set([Symbol('no')]), Object.assign(new Error('no'), { call() {} }), ...proxies])
      assert.throws(() => crossed(value), { code: 'VELO_CODEC' })
    const throwing = new Error('getter')
    Object.defineProperty(throwing, 'late', {
      enumerable: true,
      get() {
        throw new RangeError('asked')
      },
    })
    assert.throws(() => crossed(throwing), { code: 'VELO_CODEC' })
    const detached = new Float64Array(4)
    structuredClone(detached.buffer, { transfer: [detached.buffer] })
    assert.throws(() => crossed(detached), { code: 'VELO_CODEC' })
  })
})
