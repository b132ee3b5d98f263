// The files of this repository as the contract tests see them: what git tracks, and what it would track.

import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = fileURLToPath(new URL('../../', import.meta.url))

/** Paths from the root, with `/`, of every file that is tracked or would be. */
export function files(pattern = /./) {
  const { stdout, error } = spawnSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
    cwd: root,
    encoding: 'utf8',
  })
  if (error) throw error
  const names = [...new Set(stdout.split('\0'))].filter((name) => name !== '' && pattern.test(name) && existsSync(join(root, name)))
  if (names.length === 0) throw new Error(`no file of the repository matches ${pattern}`)
  return names.sort()
}

export function text(name) {
  return readFileSync(join(root, name), 'utf8')
}

/** Written by a machine. */
export const GENERATED = new Set(['js/engine/border/law.ts', 'js/kit/codes.ts', 'index.d.ts', 'package-lock.json', 'Cargo.lock'])

export const SOURCE = /^(js|crates|scripts|bench|examples)\/.*\.(ts|mjs|js|rs)$/

/** Rust without its tests, its comments and its doc comments. */
export function rustCode(name) {
  return text(name)
    .replace(/#\[cfg\(test\)\][\s\S]*$/, '')
    .replace(/\/\/.*$/gm, '')
}
