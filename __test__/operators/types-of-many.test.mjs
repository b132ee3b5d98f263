// The types of keyed, shard, merge, route, broadcast, zip and window: ok.ts compiles, and of fails.ts exactly the marked lines do not.

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'

const here = fileURLToPath(new URL('./types-of-many/', import.meta.url))
const tsc = join(dirname(createRequire(import.meta.url).resolve('typescript/package.json')), 'bin/tsc')
const timeout = 120_000

/** What tsc says, one string for each error, continuation lines included. */
function errors(...args) {
  const { stdout, error } = spawnSync(process.execPath, [tsc, '--noEmit', '--pretty', 'false', ...args], { cwd: here, encoding: 'utf8' })
  if (error) throw error
  return stdout.split(/\r?\n(?! )/).filter((line) => line !== '')
}

test('ok.ts compiles', { timeout }, () => {
  assert.deepEqual(errors('-p', 'tsconfig.json'), [])
})

test('the marked lines of fails.ts do not compile, all others do', { timeout }, () => {
  const expected = new Map()
  for (const [index, line] of readFileSync(join(here, 'fails.ts'), 'utf8').split(/\r?\n/).entries()) {
    const mark = /^\s*\/\/ FAILS (.+)$/.exec(line)
    if (mark) expected.set(index + 2, { text: mark[1].trim(), seen: false })
  }
  assert.ok(expected.size > 10, 'fails.ts marks its lines')
  const unexpected = []
  for (const error of errors('-p', 'tsconfig.fails.json')) {
    const mark = expected.get(Number(/^fails\.ts\((\d+),/.exec(error)?.[1]))
    // An overload may be refused twice on its line.
    if (mark !== undefined && error.includes(mark.text)) mark.seen = true
    else unexpected.push(error)
  }
  assert.deepEqual(unexpected, [], 'errors on lines without a mark, or with another text')
  assert.deepEqual(
    [...expected].filter(([, { seen }]) => !seen),
    [],
    'marked lines that compile',
  )
})
