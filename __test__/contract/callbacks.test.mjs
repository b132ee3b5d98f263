// What Node calls in Rust: a panic that leaves such a function ends the process, so each stops it.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { files, rustCode } from '../support/sources.mjs'

test('every callback of Node stops a panic', () => {
  const callbacks = files(/^crates\/.*\/src\/.*\.rs$/).flatMap((name) => [
    ...rustCode(name).matchAll(/^(?:pub(?:\(\w+\))? )?(?:unsafe )?extern "C" fn (\w+)[\s\S]*?^}/gm),
  ])
  assert.ok(callbacks.length >= 4, `${callbacks.length} callbacks`)
  for (const [body, name] of callbacks) assert.match(body, /\b(catch_unwind|contained)\(/, name)
})
