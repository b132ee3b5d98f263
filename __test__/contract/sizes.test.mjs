// A file of more than 300 lines often has two topics, which is named here; one of more than 500 is refused. Tests and generated files are excepted.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { files, GENERATED, SOURCE, text } from '../support/sources.mjs'

const WARNING = 300
const LIMIT = 500

test('no source file has more than 500 lines', (context) => {
  const sources = files(SOURCE).filter((name) => !GENERATED.has(name) && !/\/tests(\/|\.rs$)/.test(name))
  assert.ok(sources.length > 50, 'sources were found')
  const sizes = sources.map((name) => [name, text(name).split('\n').length - 1])
  for (const [name, lines] of sizes) if (lines > WARNING) context.diagnostic(`${name} has ${lines} lines: does it have two topics?`)
  assert.deepEqual(
    sizes.filter(([, lines]) => lines > LIMIT),
    [],
  )
})
