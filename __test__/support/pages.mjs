// Pages of docs/ as the tests read them: their tables, and their blocks of JavaScript, which run as they stand.

import { spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { after } from 'node:test'
import { root, text } from './sources.mjs'

/** The blocks of JavaScript of a page, each with its line and the heading above it. */
export function blocksOf(name) {
  const page = text(name)
  return [...page.matchAll(/^```js\n([\s\S]*?)^```$/gm)].map((match) => {
    const before = page.slice(0, match.index)
    return {
      code: match[1],
      line: before.split('\n').length,
      heading: /^#+ (.+)$/gm.exec(before.slice(before.lastIndexOf('\n#') + 1))?.[1],
    }
  })
}

/** What a block says that it prints. */
export function expectedOf(code) {
  return [...code.matchAll(/\/\/ expect: (.*)$/gm)].map(([, printed]) => printed)
}

/** The rows of the tables below `heading` and above the next one of any level: each an array of cells, the one with the names first. */
export function rowsBelow(name, heading) {
  const lines = text(name).split('\n')
  const start = lines.findIndex((line) => /^#+ /.test(line) && line.replace(/^#+ /, '') === heading)
  if (start < 0) throw new Error(`${name} has no heading "${heading}"`)
  const length = lines.slice(start + 1).findIndex((line) => line.startsWith('#'))
  const rows = lines.slice(start + 1, length < 0 ? undefined : start + 1 + length).filter((line) => /^\|(?!-)/.test(line))
  return rows.map((row) =>
    row
      .slice(1, -1)
      .split(/(?<!\\)\|/)
      .map((cell) => cell.trim()),
  )
}

/** A folder for files that run, until the tests of a file are over: inside the package, where its own name leads to it, and in nobody's way. */
export function scratch() {
  mkdirSync(join(root, '.cache'), { recursive: true })
  const folder = mkdtempSync(join(root, '.cache', 'pages-'))
  after(() => rmSync(folder, { recursive: true, force: true, maxRetries: 3 }))
  return folder
}

/** Runs a file of JavaScript to its end, with more variables in its environment. */
export function runFile(file, env = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [file], { cwd: root, env: { ...process.env, ...env } })
    let [stdout, stderr] = ['', '']
    child.stdout.on('data', (more) => {
      stdout += more
    })
    child.stderr.on('data', (more) => {
      stderr += more
    })
    child.on('error', reject)
    child.on('close', (code) => resolve({ code, stdout, stderr }))
  })
}
