// The error codes exist once, in Rust. Here the copies are compared: the generated numbers, the classes, docs/errors.md.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as velo from 'velo-stream'
import { codes } from '../../target/js/kit/codes.js'
import { native } from '../support/native.mjs'
import { rowsBelow } from '../support/pages.mjs'
import { files, text } from '../support/sources.mjs'

/** Class and `retryable` of every code. */
const TABLE = {
  VELO_CONFIG: ['VeloError', false],
  VELO_OVERLOADED: ['OverloadedError', true],
  VELO_DRAINING: ['OverloadedError', false],
  VELO_ENDED: ['ClosedError', false],
  VELO_CLOSED: ['ClosedError', false],
  VELO_ABORTED: ['AbortError', false],
  VELO_IDLE: ['TimeoutError', true],
  VELO_OVERRUN: ['OverloadedError', true],
  VELO_EVENT: ['VeloError', false],
  VELO_TIMEOUT: ['TimeoutError', true],
  VELO_LOCKED: ['VeloError', false],
  VELO_CODEC: ['VeloError', false],
  VELO_FUNCTION_REF: ['VeloError', false],
  VELO_WORKER_EXITED: ['VeloError', true],
  VELO_ADAPTER: ['AdapterError', false],
  VELO_CHECKPOINT: ['VeloError', false],
  VELO_NATIVE_LOAD: ['VeloError', false],
  VELO_BUG: ['VeloError', false],
}

test('Rust and JavaScript know the same codes', () => {
  assert.deepEqual(Object.keys(codes), native.errorCodes())
})

test('the codes are those of the table, and so is whether to try again', () => {
  const retryable = Object.fromEntries(Object.entries(codes).map(([code, value]) => [code, value.retryable]))
  assert.deepEqual(retryable, Object.fromEntries(Object.entries(TABLE).map(([code, [, retry]]) => [code, retry])))
})

test('an error takes `retryable` from its code', () => {
  for (const [code, [, retryable]] of Object.entries(TABLE)) {
    const error = new velo.VeloError(code, 'text')
    assert.deepEqual([error.code, error.retryable, error.message, error.name], [code, retryable, 'text', 'VeloError'])
  }
})

test('every error is made with the class of its code', () => {
  const made = new Set()
  for (const name of files(/^js\/.*\.ts$/)) {
    for (const [, kind, code] of text(name).matchAll(/new (\w*Error)\(\s*'(VELO_\w+)'/g)) {
      assert.equal(kind, TABLE[code]?.[0], `${name} makes ${code} with ${kind}`)
      made.add(code)
    }
    for (const [code] of text(name).matchAll(/\bVELO_[A-Z_]+\b/g)) assert.ok(code in codes, `${name} names ${code}`)
  }
  assert.ok(made.size >= 8, [...made].join())
  const aborted = new velo.AbortError('text', { cause: 1 })
  assert.deepEqual([aborted.name, aborted.code, aborted.cause], ['AbortError', 'VELO_ABORTED', 1])
})

test('docs/errors.md lists every code once, with its class and whether to try again', () => {
  const [, ...rows] = rowsBelow('docs/errors.md', 'Codes')
  const listed = rows.map(([code, kind, retryable]) => [code.replaceAll('`', ''), kind.replaceAll('`', ''), retryable])
  const expected = Object.entries(TABLE).map(([code, [kind, retry]]) => [code, kind in velo ? kind : 'none', retry ? 'yes' : 'no'])
  assert.deepEqual(listed.sort(), expected.sort())
})
