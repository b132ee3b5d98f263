// docs/operators.md has an example of every operator. That the examples run is for contract/docs.test.mjs.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as operators from 'velo-stream/operators'
import * as testing from 'velo-stream/testing'
import { blocksOf } from '../support/pages.mjs'

test('the page has examples that run, and every operator is in one', () => {
  const blocks = blocksOf('docs/operators.md').filter(({ code }) => /^import /m.test(code))
  assert.ok(blocks.length >= 8)
  const code = blocks.map((block) => block.code).join('')
  for (const name of [...Object.keys(operators), ...Object.keys(testing)]) {
    if (typeof { ...operators, ...testing }[name] === 'function') assert.match(code, new RegExp(`\\b${name}\\(`), name)
  }
})
