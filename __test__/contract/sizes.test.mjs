// One noun per file: at 300 lines it has two. Tests and generated files are excepted.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { files, GENERATED, SOURCE, text } from '../support/sources.mjs'

const LIMIT = 300

test('no source file has more than 300 lines', () => {
  const sources = files(SOURCE).filter((name) => !GENERATED.has(name) && !/\/tests(\/|\.rs$)/.test(name))
  assert.ok(sources.length > 50, 'sources were found')
  const long = sources.map((name) => [name, text(name).split('\n').length - 1]).filter(([, lines]) => lines > LIMIT)
  assert.deepEqual(long, [])
})
