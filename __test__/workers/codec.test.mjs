// The codecs: what goes in comes out as structured clone would give it (or JSON, or raw bytes), each value exactly once, whatever lane it takes.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { isProxy } from 'node:util/types'
import { Worker } from 'node:worker_threads'
import fc from 'fast-check'
import { BatchBytes, BatchReader, BatchWriter } from '../../target/js/workers/codec/codec.js'

const RESERVE = 8

/** A channel for buffers that really moves them. */
function channel() {
  const sent = []
  return {
    sent,
    send(buffers) {
      const first = sent.length
      const transfer = buffers.filter((buffer) => buffer instanceof ArrayBuffer)
      sent.push(...structuredClone(buffers, { transfer }))
      return first
    },
    flush() {},
    receive(index) {
      const buffer = sent[index]
      assert.ok(buffer, `buffer ${index} was sent and not received before`)
      sent[index] = undefined
      return buffer
    },
  }
}

/** A copy of the batch that a writer holds. */
function batchOf(writer) {
  const { size } = writer
  return Uint8Array.from(writer.take().subarray(0, size))
}

/** Both ends of one direction of a stream. */
function pair(codec = 'structured', { transfer = false, transfers } = {}) {
  const writer = new BatchWriter(codec, { reserve: RESERVE, transfer, transfers })
  const reader = new BatchReader(codec, { reserve: RESERVE, transfers })
  const read = () => {
    const memory = batchOf(writer)
    const into = []
    reader.read(new BatchBytes(memory), memory.length, into)
    memory.fill(0xaa) // what was decoded must not refer to it
    return into
  }
  const cross = (...values) => {
    for (const value of values) writer.add(value)
    return read()
  }
  return { writer, reader, read, cross, one: (value) => cross(value)[0] }
}

const refused = (field, message) => (error) => {
  assert.equal(error.code, 'VELO_CODEC')
  assert.equal(error.field, field)
  if (message) assert.match(error.message, message)
  return true
}

/** Checks that both values refer to the same objects in the same places. */
function assertSameSharing(actual, expected) {
  const twins = new Map()
  const backs = new Map()
  const visit = (left, right) => {
    if (typeof left !== 'object' || left === null) return
    assert.equal(twins.get(left) ?? right, right, 'one object came out where there were two')
    assert.equal(backs.get(right) ?? left, left, 'two objects came out where there was one')
    if (twins.has(left)) return
    twins.set(left, right)
    backs.set(right, left)
    if (ArrayBuffer.isView(left)) return visit(left.buffer, right.buffer)
    if (left instanceof Map) {
      visit([...left.keys()], [...right.keys()])
      visit([...left.values()], [...right.values()])
    } else if (left instanceof Set) visit([...left], [...right])
    for (const key of Object.keys(left)) visit(left[key], right[key])
  }
  visit(actual, expected)
}

const oddKey = fc.constantFrom(
  '__proto__',
  '__keys__',
  'constructor',
  'toString',
  'toJSON',
  'length',
  '0',
  '10',
  '',
  'a',
  'b',
  '\ud800',
  '\ufeffkey',
)
const text = fc.oneof(
  fc.string(),
  fc.string({ unit: 'binary', maxLength: 90 }),
  fc.constantFrom('\ufeff'.repeat(30), '\ud800x', 'a\udc00'.repeat(40), '\u00e9'.repeat(70)),
)
const anything = fc.anything({
  key: fc.oneof(fc.string(), oddKey),
  values: [
    text,
    fc.double(),
    fc.integer(),
    fc.maxSafeInteger(),
    fc.constantFrom(-0, 0, NaN, Infinity, undefined, null, true, false, 2 ** 32, -(2 ** 31), 255, 256, 65536),
    fc.bigInt(),
    fc.date({ noInvalidDate: true }),
    fc.constantFrom(/a+b/gi, new Boolean(false), new Number(-0), new String('boxed'), Object(7n)),
  ],
  maxDepth: 4,
  withBoxedValues: true,
  withMap: true,
  withSet: true,
  withNullPrototype: true,
  withSparseArray: true,
  withTypedArray: true,
  withUnicodeString: true,
})

describe('structured: what comes out is what structured clone gives', () => {
  test('values of every kind', () => {
    const { cross } = pair()
    fc.assert(
      fc.property(fc.array(anything, { maxLength: 6 }), (values) => {
        assert.deepStrictEqual(
          cross(...values),
          values.map((value) => structuredClone(value)),
        )
      }),
      { numRuns: 2000 },
    )
  })

  test('plain records, again and again, by streams that come and go', () => {
    const field = fc.oneof(fc.integer(), fc.double(), fc.string(), fc.boolean(), fc.constant(null), fc.constant(undefined))
    const record = fc.oneof(
      fc.record({ id: fc.integer(), value: fc.double(), name: text, ok: fc.boolean() }),
      fc.record({ id: fc.integer(), at: fc.record({ x: field, y: field }, { requiredKeys: [] }), tags: fc.array(field) }),
      fc.dictionary(fc.constantFrom(...'abcdefgh'), field),
      fc.dictionary(fc.string(), field),
    )
    let { cross } = pair()
    fc.assert(
      fc.property(fc.array(record, { maxLength: 20 }), fc.boolean(), (values, anew) => {
        if (anew) ({ cross } = pair())
        assert.deepStrictEqual(
          cross(...values),
          values.map((value) => structuredClone(value)),
        )
      }),
      { numRuns: 1000 },
    )
  })

  test('an object met twice stays one object, a circle stays a circle', () => {
    const { one } = pair()
    const edges = fc.array(fc.tuple(fc.nat(7), fc.nat(7), fc.constantFrom('a', 'b', 'c', 'd')), { maxLength: 20 })
    const kinds = fc.array(fc.constantFrom('object', 'array', 'map', 'set', 'plain', 'date', 'bytes'), { minLength: 8, maxLength: 8 })
    fc.assert(
      fc.property(kinds, edges, (wanted, links) => {
        const make = {
          object: () => ({}),
          plain: () => ({ id: 1 }),
          array: () => [],
          map: () => new Map(),
          set: () => new Set(),
          date: () => new Date(5),
          bytes: () => new Uint8Array(3),
        }
        const nodes = wanted.map((kind) => make[kind]())
        for (const [from, to, key] of links) {
          const node = nodes[from]
          if (Array.isArray(node)) node.push(nodes[to])
          else if (node instanceof Map) node.set(key, nodes[to])
          else if (node instanceof Set) node.add(nodes[to])
          else if (!(node instanceof Date) && !ArrayBuffer.isView(node)) node[key] = nodes[to]
        }
        const actual = one(nodes)
        const expected = structuredClone(nodes)
        assert.deepStrictEqual(actual, expected)
        assertSameSharing(actual, expected)
      }),
      { numRuns: 1000 },
    )
  })

  test('many objects, one of them twice', () => {
    const list = Array.from({ length: 1000 }, (_, id) => ({ id }))
    list.push(list[500])
    const clone = pair().one(list)
    assert.deepStrictEqual(clone, list)
    assert.equal(clone[1000], clone[500])
  })

  test('binary data of every kind, and its buffer once', () => {
    const { one } = pair()
    const buffer = new ArrayBuffer(32)
    new Uint8Array(buffer).set(Array.from({ length: 32 }, (_, index) => index * 7))
    const views = [Int8Array, Uint8Array, Uint8ClampedArray, Int16Array, Uint16Array, Int32Array, Uint32Array]
    const all = [...views, Float32Array, Float64Array, BigInt64Array, BigUint64Array].map((View) => new View(buffer, 8, 1))
    const value = { all, view: new DataView(buffer, 3, 5), buffer }
    const clone = one(value)
    assert.deepStrictEqual(clone, structuredClone(value))
    for (const view of [...clone.all, clone.view]) assert.equal(view.buffer, clone.buffer)
  })

  test('a Buffer comes out as a Uint8Array, without its neighbors', () => {
    const { one } = pair()
    const pooled = Buffer.from('hello')
    for (const clone of [one(pooled), one({ pooled }).pooled, one(new Map([[1, pooled]])).get(1)]) {
      assert.equal(Object.getPrototypeOf(clone), Uint8Array.prototype)
      assert.equal(clone.buffer.byteLength, 5)
      assert.deepStrictEqual(clone, Uint8Array.from(pooled))
    }
  })

  test('shared memory and views of it are shared; raw bytes are copies', () => {
    const { one } = pair('structured', { transfers: channel() })
    const shared = new SharedArrayBuffer(8)
    const bytes = new Uint8Array(shared)
    const out = one({
      shared,
      bytes,
      words: new Int16Array(shared, 2, 1),
      list: [new DataView(shared, 4)],
      error: new Error('why', { cause: bytes }),
    })
    assert.deepStrictEqual([out.bytes.length, out.words.byteOffset, out.words.length, out.list[0].byteOffset], [8, 2, 1, 4])
    for (const { buffer } of [out.bytes, out.words, out.list[0], out.error.cause]) assert.equal(buffer, out.shared)
    const alone = [one(bytes), new Uint8Array(one(shared))]
    bytes[2] = 7
    assert.deepStrictEqual([out.bytes[2], out.words[0], ...alone.map((view) => view[2])], [7, 7, 7, 7])
    const raw = pair('binary', { transfers: channel() }).one(bytes)
    bytes[2] = 8
    assert.equal(raw[2], 7)
    assert.throws(() => pair().one({ shared }), refused('value'))
  })

  test('resizable buffers stay resizable, and views that follow them do', () => {
    for (const transfer of [false, true]) {
      const { one } = pair('structured', { transfer, transfers: channel() })
      for (const length of [8, 16]) {
        const make = () => new ArrayBuffer(length, { maxByteLength: 16 })
        const out = one(make())
        assert.deepStrictEqual([out.resizable, out.byteLength, out.maxByteLength], [true, length, 16])
        const buffer = make()
        new Uint8Array(buffer)[4] = 9
        const value = { follows: new Uint8Array(buffer), from: new Int16Array(buffer, 4), fixed: new Uint8Array(buffer, 0, 4) }
        const { follows, from, fixed } = one(value)
        assert.deepStrictEqual([follows.length, from.length, fixed.length, from[0]], [length, (length - 4) / 2, 4, 9])
        follows.buffer.resize(12)
        assert.deepStrictEqual([follows.length, from.length, fixed.length], [12, 4, 4])
        assert.equal(buffer.byteLength, transfer ? 0 : length)
      }
      const alone = one(new Uint8Array(new ArrayBuffer(8, { maxByteLength: 16 })))
      alone.buffer.resize(10)
      assert.equal(alone.length, 10)
    }
  })

  test('shared memory that can grow does', () => {
    const { one } = pair('structured', { transfers: channel() })
    const shared = new SharedArrayBuffer(8, { maxByteLength: 16 })
    const [follows, fixed] = one([new Uint8Array(shared), new Uint8Array(shared, 0, 4)])
    shared.grow(12)
    assert.deepStrictEqual([follows.length, fixed.length], [12, 4])
  })

  test('instances of classes come out as plain objects of their own properties', () => {
    class Point {
      #secret = 1
      x = 2
      get double() {
        return this.x * 2 + this.#secret
      }
    }
    assert.deepStrictEqual(pair().one({ point: new Point() }), { point: { x: 2 } })
    assert.deepStrictEqual(pair().one(new Point()), { x: 2 })
  })

  test('an invalid Date', () => {
    const { at } = pair().one({ at: new Date(Number.NaN) })
    assert.ok(at instanceof Date)
    assert.ok(Number.isNaN(at.getTime()))
  })

  test('lists with holes or names, and accessors', () => {
    const { one } = pair()
    const match = /(?<letter>b)/.exec('abc')
    const holes = [1, 2, 3]
    delete holes[1]
    const value = {
      match,
      holes,
      get five() {
        return 5
      },
    }
    assert.deepStrictEqual(one(match), structuredClone(match))
    assert.deepStrictEqual(one(holes), holes)
    assert.equal(1 in one(holes), false)
    assert.deepStrictEqual(one(value), structuredClone(value))
  })

  test('a value is read when it is added, and once', () => {
    const { writer, read } = pair()
    const values = [{ n: 1 }, new Map([['n', 1]]), Uint8Array.of(1), [1]]
    for (const value of values) writer.add(value)
    values[0].n = 2
    values[1].set('n', 2)
    values[2][0] = 2
    values[3][0] = 2
    assert.deepStrictEqual(read(), [{ n: 1 }, new Map([['n', 1]]), Uint8Array.of(1), [1]])
  })

  test('values of any size, one batch after the other', () => {
    const { cross, writer } = pair()
    for (const size of [0, 1, 255, 256, 257, 4096, 70_000, 300_000, 3, 1_000_000, 10]) {
      const values = [
        'x'.repeat(size),
        '\u00e9'.repeat(size),
        new Uint8Array(size).fill(7),
        Array.from({ length: size / 100 }, (_, i) => ({ i })),
      ]
      assert.deepStrictEqual(cross(...values), values)
      assert.equal(writer.count, 0)
      assert.equal(writer.bytes, 0)
    }
  })

  test('deep values come out or are refused, they do not overflow', () => {
    const { writer, read } = pair()
    let deep = {}
    for (let level = 0; level < 100_000; level++) deep = { deep }
    assert.throws(() => writer.add(deep), { code: 'VELO_CODEC' })
    writer.add(1)
    assert.deepStrictEqual(read(), [1])
  })

  test('count and bytes are those since the last take, and the reserve is free', () => {
    const { writer } = pair()
    writer.add(1)
    writer.add('two')
    writer.add({ three: 3 })
    assert.equal(writer.count, 3)
    const { bytes } = writer
    assert.equal(batchOf(writer).length, RESERVE + bytes)
    assert.equal(batchOf(pair().writer).length, RESERVE)
  })
})

describe('structured: errors inside values', () => {
  test('keep class, name, message, stack, cause, code and own properties', () => {
    const cause = Object.assign(new RangeError('inner'), { code: 'E_INNER' })
    const error = Object.assign(new TypeError('outer', { cause }), { code: 'E_OUTER', at: new Date(3), list: [1, { two: 2 }] })
    const { error: copy, again } = pair().one({ error, again: error })
    assert.ok(copy instanceof TypeError)
    assert.equal(again, copy)
    assert.equal(copy.stack, error.stack)
    assert.deepStrictEqual({ ...copy }, { ...error })
    assert.ok(copy.cause instanceof RangeError)
    assert.deepStrictEqual([copy.message, copy.cause.message, copy.cause.code], ['outer', 'inner', 'E_INNER'])
    assert.deepStrictEqual(Object.keys(copy), Object.keys(error))
  })

  test('keep their circles and what they share with the value', () => {
    const shared = { one: 1 }
    const [left, right] = [new Error('left'), new Error('right')]
    Object.assign(left, { shared, right })
    right.cause = left
    const copy = pair().one(
      new Map([
        ['left', left],
        ['right', right],
        ['shared', shared],
      ]),
    )
    assert.equal(copy.get('left').right, copy.get('right'))
    assert.equal(copy.get('right').cause, copy.get('left'))
    assert.equal(copy.get('left').shared, copy.get('shared'))
  })

  test('a function on an error is refused with its path', () => {
    const error = Object.assign(new Error('x'), { retry() {} })
    assert.throws(() => pair().one({ list: [error] }), refused('value.list[0].retry', /a function \(retry\)/))
  })
})

describe('what cannot travel is refused with its path', () => {
  const callback = () => {}
  const cases = [
    ['value', callback],
    ['value', Symbol('s')],
    ['value.items[3].callback', { items: [1, 2, 3, { callback }] }],
    ['value[0]["odd key"]', [{ 'odd key': callback }]],
    ['value.promise', { promise: Promise.resolve() }],
    ['value.weak', { weak: new WeakMap() }],
    ['value.get("k")', new Map([['k', callback]])],
    ['value.keys()', new Map([[callback, 1]])],
    ['value.values()', new Set([callback])],
    [
      'value.self.s',
      (() => {
        const value = { s: Symbol('s') }
        return { self: Object.assign(value, { value }) }
      })(),
    ],
    ['value.proxy', { proxy: new Proxy(new Map(), {}) }],
    ['value.port', { port: new MessageChannel().port1 }],
  ]
  for (const [path, value] of cases) {
    test(path, () => {
      const { writer, read } = pair()
      writer.add('before')
      assert.throws(() => writer.add(value), refused(path))
      assert.equal(writer.count, 1)
      writer.add('after')
      assert.deepStrictEqual(read(), ['before', 'after'])
    })
  }

  test('a getter that throws is the cause', () => {
    const boom = new Error('boom')
    const value = {
      get bad() {
        throw boom
      },
    }
    assert.throws(
      () => pair().one(value),
      (error) => error.code === 'VELO_CODEC' && error.cause === boom,
    )
  })

  test('a proxy of a plain object counts as that object', () => {
    const proxy = new Proxy({ a: 1 }, {})
    assert.ok(isProxy(proxy))
    assert.deepStrictEqual(pair().one(proxy), { a: 1 })
  })
})

describe('json', () => {
  test('is what JSON makes of it', () => {
    const { cross } = pair('json')
    fc.assert(
      fc.property(fc.array(fc.oneof(fc.jsonValue(), fc.record({ a: fc.date({ noInvalidDate: true }), b: text }))), (values) => {
        assert.deepStrictEqual(
          cross(...values),
          values.map((value) => JSON.parse(JSON.stringify(value))),
        )
      }),
    )
  })

  test('refuses what JSON cannot write, with the path', () => {
    const { one } = pair('json')
    const circle = { list: [{}] }
    circle.list[0].circle = circle
    assert.throws(() => one(undefined), refused('value', /cannot be written as JSON/))
    assert.throws(() => one(() => {}), refused('value'))
    assert.throws(() => one({ a: [1, 2n] }), refused('value.a[1]', /a bigint/))
    assert.throws(() => one(circle), { code: 'VELO_CODEC' })
    assert.deepStrictEqual(one({ fine: true, left: () => {} }), { fine: true })
  })
})

describe('binary', () => {
  test('byte values come out as Uint8Array, others as with structured', () => {
    const { cross } = pair('binary')
    const bytes = Uint8Array.of(1, 2, 3)
    assert.deepStrictEqual(cross(bytes, bytes.buffer, Buffer.from(bytes), 'text', { a: new Set([1]) }), [
      bytes,
      bytes,
      bytes,
      'text',
      { a: new Set([1]) },
    ])
  })
})

describe('a codec of the user', () => {
  const codec = { encode: (value) => new TextEncoder().encode(String(value)), decode: (bytes) => new TextDecoder().decode(bytes) }

  test('gets every value and the very bytes', () => {
    assert.deepStrictEqual(pair(codec).cross(1, 'two', null, { toString: () => 'x'.repeat(300) }), ['1', 'two', 'null', 'x'.repeat(300)])
  })

  test('what decode keeps does not change', () => {
    const raw = { encode: (value) => Uint8Array.of(value), decode: (bytes) => bytes }
    assert.deepStrictEqual(pair(raw).cross(1, 2), [Uint8Array.of(1), Uint8Array.of(2)])
  })

  test('must give bytes; what it throws is the cause', () => {
    const boom = new Error('boom')
    const fails = () => {
      throw boom
    }
    assert.throws(() => pair({ ...codec, encode: () => 'text' }).one(1), refused('codec.encode', /expected a Uint8Array, got text/))
    assert.throws(
      () => pair({ ...codec, encode: fails }).one(1),
      (error) => error.code === 'VELO_CODEC' && error.cause === boom,
    )
    assert.throws(
      () => pair({ ...codec, decode: fails }).one(1),
      (error) => error.code === 'VELO_CODEC' && error.cause === boom,
    )
  })
})

describe('large binaries', () => {
  const big = () => new Uint8Array(100_000).fill(5)

  test('without transfer: copied beside the batch, the original stays', () => {
    const transfers = channel()
    const { writer, read } = pair('structured', { transfers })
    const values = [big(), { at: 1, frame: big() }, new Map([['frame', big().buffer]])]
    for (const value of values) writer.add(value)
    assert.equal(transfers.sent.length, 3)
    assert.ok(writer.bytes > 300_000)
    assert.equal(values[0].length, 100_000)
    assert.ok(batchOf(writer).length < 1000)
    for (const value of values) writer.add(value)
    assert.deepStrictEqual(read(), values)
  })

  test('without a channel they travel in the batch', () => {
    assert.deepStrictEqual(pair('structured', { transfer: true }).one({ frame: big() }), { frame: big() })
  })

  test('transfer moves a buffer that the value owns, of any size, wherever it is', () => {
    const transfers = channel()
    const { one } = pair('structured', { transfer: true, transfers })
    for (const wrap of [
      (bytes) => bytes,
      (bytes) => ({ bytes }),
      (bytes) => new Map([[1, [bytes]]]),
      (bytes) => Object.assign(new Error('x'), { bytes }),
    ]) {
      const bytes = new Uint8Array(64).fill(9)
      const out = one(wrap(bytes))
      const copy = out instanceof Uint8Array ? out : (out.bytes ?? out.get(1)[0])
      assert.equal(bytes.buffer.byteLength, 0, 'detached')
      assert.deepStrictEqual([copy.length, copy.buffer.byteLength, copy[0]], [64, 64, 9])
    }
    const part = new Uint8Array(new ArrayBuffer(64), 8, 16).fill(9)
    const out = one({ part, buffer: part.buffer })
    assert.equal(part.buffer.byteLength, 0, 'the value owns the buffer of a view if it holds the buffer too')
    assert.deepStrictEqual([out.part.byteOffset, out.part.length, out.part.buffer], [8, 16, out.buffer])
  })

  test('a buffer that is there twice is moved once', () => {
    const transfers = channel()
    const { one } = pair('structured', { transfer: true, transfers })
    const buffer = new ArrayBuffer(40)
    const out = one({ buffer, low: new Uint8Array(buffer, 0, 8), high: new Float64Array(buffer, 8) })
    assert.equal(transfers.sent.length, 1)
    assert.equal(out.low.buffer, out.buffer)
    assert.equal(out.high.buffer, out.buffer)
    assert.equal(out.high.length, 4)
  })

  test('pooled Buffers are copied, shared memory stays where it is', () => {
    const transfers = channel()
    const { cross } = pair('structured', { transfer: true, transfers })
    const pooled = Buffer.from('hello')
    const shared = new Uint8Array(new SharedArrayBuffer(100_000))
    const out = cross(pooled, { pooled }, shared)
    assert.equal(pooled.toString(), 'hello')
    assert.deepStrictEqual(out, [Uint8Array.from(pooled), { pooled: Uint8Array.from(pooled) }, new Uint8Array(100_000)])
    shared[5] = 1
    assert.equal(out[2][5], 1)
  })

  test('buffers go together or not at all', () => {
    const transfers = channel()
    const { send } = transfers
    transfers.send = (buffers) => {
      if (buffers.length > 1) throw new Error('one of them cannot go')
      return send(buffers)
    }
    const { writer } = pair('structured', { transfer: true, transfers })
    const value = { one: big(), other: big() }
    assert.throws(() => writer.add(value), refused('value', /cannot be transferred/))
    assert.deepEqual([value.one.length, value.other.length, transfers.sent.length], [100_000, 100_000, 0])
  })

  test('a refused value loses nothing', () => {
    const transfers = channel()
    const { writer } = pair('structured', { transfer: true, transfers })
    const frame = big()
    assert.throws(() => writer.add({ frame, callback() {} }), refused('value.callback'))
    assert.equal(frame.length, 100_000)
    assert.equal(transfers.sent.length, 0)
  })

  test('a buffer that has gone is refused', () => {
    const transfers = channel()
    const { one } = pair('structured', { transfer: true, transfers })
    const bytes = new Uint8Array(8)
    one(bytes)
    assert.throws(() => one(bytes), refused('value'))
    assert.throws(() => one({ list: [bytes] }), refused('value.list[0]'))
    assert.throws(() => one({ buffer: bytes.buffer }), refused('value.buffer'))
  })
})

describe('batches', () => {
  test('strings of any length come out right, however many there are and however alike', () => {
    const { cross } = pair()
    for (let length = 0; length < 32; length++) {
      const make = (n) => ({
        head: `${n}`.padEnd(length, 'x').slice(0, length),
        tail: `${n}`.padStart(length, 'x').slice(-length || length),
      })
      const values = Array.from({ length: 2000 }, (_, n) => make(n * 7))
      assert.deepStrictEqual(cross(...values), values)
      assert.deepStrictEqual(cross(...values), values)
    }
  })

  test('the memory of a writer fits what it was used for lately', () => {
    const { writer } = pair()
    const write = (length) => {
      writer.add(new Uint8Array(length))
      return writer.take()
    }
    const [full, after] = [write(50_000), write(10)]
    assert.equal(write(50_000), full, 'small batches between large ones cost it nothing')
    assert.equal(after, full)
    for (let n = 0; n < 16; n++) write(10)
    assert.ok(write(10).length < 1024, 'small ones alone do')
    assert.notEqual(write(150_000), write(150_000), 'a very large one is not kept')
  })

  test('what is cut short is refused', () => {
    const { writer, reader } = pair()
    writer.add('a string that is long enough')
    const batch = batchOf(writer)
    assert.throws(() => reader.read(new BatchBytes(batch), batch.length - 3, []), { code: 'VELO_CODEC' })
    const unknown = Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 99, 0, 0, 0, 0)
    assert.throws(() => reader.read(new BatchBytes(unknown), unknown.length, []), { code: 'VELO_CODEC' })
  })

  test('definitions travel once a stream, and dictionaries do not fill the tables', () => {
    const { writer, read } = pair()
    const make = (id) => ({ identifierOfTheThing: id, measuredValue: id })
    for (let id = 0; id < 20; id++) writer.add(make(id))
    read()
    for (let id = 0; id < 5000; id++) writer.add({ [`user${id}`]: id })
    assert.equal(read().length, 5000)
    writer.add(make(1))
    assert.ok(writer.bytes < 30, `${writer.bytes} bytes`)
    assert.deepStrictEqual(read(), [make(1)])
  })

  test('more shapes than the table holds', () => {
    const { cross } = pair()
    for (let round = 0; round < 6; round++) {
      const values = Array.from({ length: 600 }, (_, shape) => ({ [`shape${shape}`]: round, list: [{ [`inner${shape}`]: shape }] }))
      assert.deepStrictEqual(cross(...values), values)
    }
  })

  test('batches of several streams are read by another thread in any order', { timeout: 30_000 }, async () => {
    const codec = new URL('../../target/js/workers/codec/codec.js', import.meta.url).href
    const worker = new Worker(
      `import { parentPort } from 'node:worker_threads'
       import { BatchReader, BatchBytes } from ${JSON.stringify(codec)}
       const readers = new Map()
       parentPort.on('message', (batches) => {
         const out = {}
         for (const [name, batch] of batches) {
           if (!readers.has(name)) readers.set(name, new BatchReader('structured', { reserve: 0, transfers: undefined }))
           readers.get(name).read(new BatchBytes(batch), batch.length, (out[name] ??= []))
         }
         parentPort.postMessage(out)
       })`,
      { eval: true },
    )
    try {
      const expected = {}
      const queues = ['a', 'b', 'c'].map((name, stream) => {
        const writer = new BatchWriter('structured', { reserve: 0, transfer: false, transfers: undefined })
        expected[name] = []
        return Array.from({ length: 5 }, (_, round) => {
          for (let index = 0; index < 10; index++) {
            const value = { stream, round, [`of${round}`]: { index, [`deep${stream}`]: [name] } }
            expected[name].push(value)
            writer.add(value)
          }
          return [name, batchOf(writer)]
        })
      })
      const batches = [...queues[2], ...queues[0].slice(0, 2), ...queues[1], ...queues[0].slice(2)]
      worker.postMessage(batches)
      const out = await new Promise((resolve, reject) => worker.once('message', resolve).once('error', reject))
      assert.deepStrictEqual(out, expected)
    } finally {
      await worker.terminate()
    }
  })
})
