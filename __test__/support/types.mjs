// Types as users meet them, in the folder of a test: ok.ts compiles, and of fails.ts exactly the marked lines do not.

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const tsc = join(dirname(createRequire(import.meta.url).resolve('typescript/package.json')), 'bin/tsc')

/** What tsc says in a folder, one string for each error, continuation lines included. */
function errors(folder, args) {
  const { stdout, error } = spawnSync(process.execPath, [tsc, '--noEmit', '--pretty', 'false', ...args], {
    cwd: fileURLToPath(folder),
    encoding: 'utf8',
  })
  if (error) throw error
  return stdout.split(/\r?\n(?! )/).filter((line) => line !== '')
}

/** ok.ts compiles, with more options of tsc. */
export function compiles(folder, ...options) {
  assert.deepEqual(errors(folder, ['-p', 'tsconfig.json', ...options]), [])
}

/** It compiles without the stricter options, and for a bundler. */
export function compilesLoosely(folder) {
  compiles(folder, '--exactOptionalPropertyTypes', 'false', '--module', 'ESNext', '--moduleResolution', 'bundler')
}

/** The marked lines of fails.ts do not compile, all others do. `overloads`: a line may be refused more than once, by each overload. */
export function refusesMarked(folder, { overloads = false } = {}) {
  const expected = new Map()
  for (const [index, line] of readFileSync(join(fileURLToPath(folder), 'fails.ts'), 'utf8')
    .split(/\r?\n/)
    .entries()) {
    const mark = /^\s*\/\/ FAILS (.+)$/.exec(line)
    if (mark) expected.set(index + 2, { text: mark[1].trim(), seen: 0 })
  }
  assert.ok(expected.size > 0, 'fails.ts marks no line')
  const unexpected = []
  for (const error of errors(folder, ['-p', 'tsconfig.fails.json'])) {
    const mark = expected.get(Number(/^fails\.ts\((\d+),/.exec(error)?.[1]))
    if (mark !== undefined && error.includes(mark.text) && (overloads || mark.seen === 0)) mark.seen++
    else unexpected.push(error)
  }
  assert.deepEqual(unexpected, [], 'errors on lines without a mark, or with another text')
  assert.deepEqual(
    [...expected].filter(([, { seen }]) => seen === 0),
    [],
    'marked lines that compile',
  )
}
