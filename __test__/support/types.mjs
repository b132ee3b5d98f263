// Types as users meet them, in the folder of a test and by each compiler that users have: ok.ts compiles, and of fails.ts exactly the marked lines do not.

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The compilers that users have, oldest first: the name of each package. The last one is that of the library. */
export const compilers = { 5.4: 'typescript-5.4', 5.9: 'typescript-5.9', 7: 'typescript' }
const newest = compilers[7]

const require = createRequire(import.meta.url)
const pathOf = (compiler) => join(dirname(require.resolve(`${compiler}/package.json`)), 'bin/tsc')

/** An option of the library's own sources that older compilers do not know. */
const UNKNOWN = /error TS5023: Unknown compiler option 'erasableSyntaxOnly'/

/** What tsc says in a folder, one string for each error, continuation lines included. */
function errors(folder, args, compiler = newest) {
  // The declarations that Node.js brings are written for newer compilers.
  const lenient = compiler === newest ? [] : ['--skipLibCheck']
  const { stdout, error } = spawnSync(process.execPath, [pathOf(compiler), '--noEmit', '--pretty', 'false', ...lenient, ...args], {
    cwd: fileURLToPath(folder),
    encoding: 'utf8',
  })
  if (error) throw error
  return stdout.split(/\r?\n(?! )/).filter((line) => line !== '' && (compiler === newest || !UNKNOWN.test(line)))
}

/** A project of the folder compiles, with more options of tsc, by every compiler. */
export function compiles(folder, { project = 'tsconfig.json', options = [] } = {}) {
  for (const [version, compiler] of Object.entries(compilers))
    assert.deepEqual(errors(folder, ['-p', project, ...options], compiler), [], `TypeScript ${version}`)
}

/** It compiles without the stricter options, and for a bundler. */
export function compilesLoosely(folder) {
  compiles(folder, { options: ['--exactOptionalPropertyTypes', 'false', '--module', 'ESNext', '--moduleResolution', 'bundler'] })
}

/**
 * The marked lines of a file do not compile, all others do, by the compiler of each of `versions`.
 * `overloads`: a line may be refused more than once, by each overload.
 */
export function refusesMarked(folder, { file = 'fails', overloads = false, versions = ['7'] } = {}) {
  for (const version of versions) {
    const expected = marksOf(folder, `${file}.ts`)
    assert.ok(expected.size > 0, `${file}.ts marks no line`)
    const unexpected = []
    for (const error of errors(folder, ['-p', `tsconfig.${file}.json`], compilers[version])) {
      const [, name, line] = /^(\w+)\.ts\((\d+),/.exec(error) ?? []
      const mark = name === file ? expected.get(Number(line)) : undefined
      if (mark !== undefined && error.includes(mark.text) && (overloads || mark.seen === 0)) mark.seen++
      else unexpected.push(error)
    }
    assert.deepEqual(unexpected, [], `errors on lines without a mark, or with another text: TypeScript ${version}`)
    assert.deepEqual(
      [...expected].filter(([, { seen }]) => seen === 0),
      [],
      `marked lines that compile: TypeScript ${version}`,
    )
  }
}

/** What each line must be refused with, by its number. */
function marksOf(folder, file) {
  const marks = new Map()
  for (const [index, line] of readFileSync(join(fileURLToPath(folder), file), 'utf8')
    .split(/\r?\n/)
    .entries()) {
    const mark = /^\s*\/\/ FAILS (.+)$/.exec(line)
    if (mark) marks.set(index + 2, { text: mark[1].trim(), seen: 0 })
  }
  return marks
}
