// Rejections that nobody handled: none may come from a stream whose promises were used as the rules allow.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { turns } from './deferred.mjs'

const seen = []
process.on('unhandledRejection', (reason) => seen.push(reason))

/** Registers the last test of a file: nothing before it left a rejection behind. */
export function noUnhandledRejections(rule) {
  test(`${rule}: none of these tests left a rejection that nobody handled`, async () => {
    await turns(8)
    assert.deepEqual(seen, [])
  })
}
