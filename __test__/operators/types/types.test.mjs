// The types of operators as users meet them: ok.ts compiles, and of fails.ts exactly the marked lines do not.

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'

const here = fileURLToPath(new URL('.', import.meta.url))
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

test('ok.ts compiles without the stricter options', { timeout }, () => {
  assert.deepEqual(
    errors('-p', 'tsconfig.json', '--exactOptionalPropertyTypes', 'false', '--module', 'ESNext', '--moduleResolution', 'bundler'),
    [],
  )
})

test('the marked lines of fails.ts do not compile, all others do', { timeout }, () => {
  const lines = readFileSync(join(here, 'fails.ts'), 'utf8').split(/\r?\n/)
  const expected = new Map()
  for (const [index, line] of lines.entries()) {
    const mark = /^\s*\/\/ FAILS (.+)$/.exec(line)
    if (mark) expected.set(index + 2, mark[1].trim())
  }
  assert.ok(expected.size > 0, 'fails.ts marks no line')

  const unexpected = []
  for (const error of errors('-p', 'tsconfig.fails.json')) {
    const place = /^fails\.ts\((\d+),/.exec(error)
    const text = place && expected.get(Number(place[1]))
    if (text && error.includes(text)) expected.delete(Number(place[1]))
    else unexpected.push(error)
  }
  assert.deepEqual(unexpected, [], 'errors on lines without a mark, or with another text')
  assert.deepEqual([...expected], [], 'marked lines that compile')
})
