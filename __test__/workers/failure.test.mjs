// What was thrown on another thread arrives as what it was, as far as that can travel. Packing and unpacking never throw.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { AbortError, ClosedError, OverloadedError, TimeoutError, VeloError } from '../../target/js/kit/errors.js'
import { BatchBytes, BatchReader, BatchWriter } from '../../target/js/workers/codec/codec.js'
import { packFailure, unpackFailure } from '../../target/js/workers/codec/graph/failure.js'

/** Packs, carries with a codec, and unpacks. */
function cross(thrown, codec = 'structured') {
  const writer = new BatchWriter(codec, { reserve: 0, transfer: false, transfers: undefined })
  const into = []
  writer.add(packFailure(thrown))
  const { size } = writer
  new BatchReader(codec, { reserve: 0, transfers: undefined }).read(new BatchBytes(writer.take()), size, into)
  return unpackFailure(into[0])
}

/** What people look at in an error. */
const looks = (error) => ({ name: error.name, message: error.message, stack: error.stack, own: { ...error }, text: String(error) })

describe('errors come back', () => {
  const classes = [Error, EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError]
  for (const Class of classes) {
    test(`as ${Class.name}`, () => {
      const error = new Class('message')
      for (const codec of ['structured', 'json', 'binary']) {
        const copy = cross(error, codec)
        assert.equal(Object.getPrototypeOf(copy), Class.prototype)
        assert.deepStrictEqual(looks(copy), looks(error))
        assert.deepStrictEqual(Object.keys(copy), [])
        assert.ok(!('cause' in copy))
      }
    })
  }

  test('as VeloError and its subclasses', () => {
    const cause = new Error('why')
    const errors = [
      new VeloError('VELO_CONFIG', 'm', { field: 'a.b' }),
      new OverloadedError('VELO_OVERLOADED', 'm', { streamId: 's' }),
      new ClosedError('VELO_CLOSED', 'm', { reason: 'idle' }),
      new TimeoutError('VELO_TIMEOUT', 'm', { accepted: 3 }),
      new AbortError('m', { cause }),
    ]
    for (const error of errors) {
      const copy = cross(error)
      assert.equal(Object.getPrototypeOf(copy), Object.getPrototypeOf(error))
      assert.deepStrictEqual(looks(copy), looks(error))
      assert.equal(copy.code, error.code)
      assert.equal(copy.retryable, error.retryable)
    }
    assert.deepStrictEqual(looks(cross(errors[4]).cause), looks(cause))
  })

  test('as DOMException with its name', () => {
    for (const error of [AbortSignal.abort().reason, new DOMException('late', 'TimeoutError'), new DOMException('odd', 'Custom')]) {
      const copy = cross(error)
      assert.ok(copy instanceof DOMException)
      assert.deepStrictEqual([copy.name, copy.message, copy.code, copy.stack], [error.name, error.message, error.code, error.stack])
    }
  })

  test('of a class of the user as an error with that name', () => {
    class PaymentError extends TypeError {
      constructor(message, amount) {
        super(message)
        this.amount = amount
      }
    }
    class Named extends Error {
      name = 'Renamed'
    }
    const copy = cross(new PaymentError('no', 5))
    assert.ok(copy instanceof TypeError)
    assert.deepStrictEqual([copy.name, copy.message, copy.amount], ['PaymentError', 'no', 5])
    assert.equal(cross(new Named('x')).name, 'Renamed')
    assert.ok(cross(new Named('x')) instanceof Error)
  })

  test('of Node.js with code, errno and syscall', () => {
    let error
    try {
      readFileSync(new URL('./no-such-file', import.meta.url))
    } catch (caught) {
      error = caught
    }
    assert.deepStrictEqual(looks(cross(error)), looks(error))
    assert.equal(cross(error).code, 'ENOENT')
  })

  test('with their chain of causes and the errors of an AggregateError', () => {
    const inner = new RangeError('inner', { cause: 'text' })
    const error = new AggregateError([inner, 'plain', new TypeError('t')], 'many', { cause: inner })
    const copy = cross(error)
    assert.ok(copy instanceof AggregateError)
    assert.equal(copy.cause, copy.errors[0])
    assert.equal(copy.cause.cause, 'text')
    assert.equal(copy.errors[1], 'plain')
    assert.ok(copy.errors[2] instanceof TypeError)
    assert.deepStrictEqual(Object.keys(copy), [])
  })

  test('in circles', () => {
    const [left, right] = [new Error('left'), new Error('right')]
    left.cause = right
    right.cause = left
    right.list = [left, { right }]
    const copy = cross(left)
    assert.equal(copy.cause.cause, copy)
    assert.equal(copy.cause.list[0], copy)
    assert.equal(copy.cause.list[1].right, copy.cause)
  })

  test('without what cannot travel, and with the rest', () => {
    class Odd {}
    const cause = Object.assign(new Error('inner'), { socket: { write() {} }, port: 80 })
    const error = Object.assign(new Error('outer', { cause }), {
      request: new Odd(),
      retry() {},
      tries: 2,
      deep: { when: Promise.resolve() },
    })
    Object.defineProperty(error, 'bad', {
      enumerable: true,
      get() {
        throw new Error('no')
      },
    })
    const copy = cross(error)
    assert.deepStrictEqual({ ...copy }, { request: {}, tries: 2, bad: undefined })
    assert.deepStrictEqual({ ...copy.cause }, { port: 80 })
    assert.match(cross(new Error('x', { cause: () => {} })).cause.message, /a function/)
  })
})

describe('anything else that was thrown', () => {
  test('comes back as itself', () => {
    for (const thrown of ['text', 42, undefined, null, 7n, true, { reason: 'x', list: [1] }, [1, 2], new Map([[1, 2]]), new Date(4)]) {
      for (const codec of ['structured', 'json']) assert.deepStrictEqual(cross(thrown, codec), thrown)
    }
    const circle = {}
    circle.circle = circle
    const copy = cross(circle)
    assert.equal(copy.circle, copy)
  })

  test('or as an error that says what it was', () => {
    for (const [thrown, what] of [
      [() => {}, /a function/],
      [Symbol('s'), /a symbol/],
      [{ f() {} }, /an object/],
      [Promise.resolve(), /Promise/],
    ]) {
      const copy = cross(thrown)
      assert.ok(copy instanceof Error)
      assert.match(copy.message, what)
    }
  })

  test('packing and unpacking never throw', () => {
    const hostile = () => {
      throw new Error('hostile')
    }
    const revoked = Proxy.revocable({}, {})
    revoked.revoke()
    const error = new Error('x')
    assert.ok(error.stack) // made at the first look, from what the properties are then
    for (const key of ['name', 'message', 'stack', 'cause', 'code', 'constructor']) Object.defineProperty(error, key, { get: hostile })
    let deep = new Error('deep')
    for (let level = 0; level < 20_000; level++) deep = new Error('deep', { cause: deep })
    for (const thrown of [revoked.proxy, error, deep, Object.create(Error.prototype), new Proxy(new Error('y'), { get: hostile })]) {
      assert.ok(cross(thrown) instanceof Error)
    }
    fc.assert(fc.property(fc.anything(), (packed) => void unpackFailure(packed)))
    fc.assert(fc.property(fc.anything(), (thrown) => void cross(thrown)))
  })
})
