// The command `velo` as users run it: a process of its own, with its input, its signals and its files.

import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after } from 'node:test'
import { fileURLToPath } from 'node:url'
import { within } from '../support/within.mjs'

const bin = fileURLToPath(new URL('../../dist/velo.js', import.meta.url))

/** A folder that is gone after the tests: `write(name, text)` answers the path of a file in it. */
export function folder() {
  const path = mkdtempSync(join(tmpdir(), 'velo-cli-'))
  after(() => rmSync(path, { recursive: true, force: true, maxRetries: 3 }))
  const write = (name, text) => {
    writeFileSync(join(path, name), text)
    return join(path, name)
  }
  return { path, write }
}

/** Starts `velo ...args`. `input` is written to its stdin, which is then closed; `undefined` leaves it open. */
export function start(args, { input, env = {}, cwd, stdin = 'pipe', stdout = 'pipe' } = {}) {
  const clean = {
    ...process.env,
    NODE_OPTIONS: undefined,
    NODE_TEST_CONTEXT: undefined,
    NO_COLOR: undefined,
    FORCE_COLOR: undefined,
    ...env,
  }
  const child = spawn(process.execPath, [bin, ...args], { env: clean, cwd, stdio: [stdin, stdout, 'pipe'] })
  const said = { out: '', err: '' }
  child.stdout?.setEncoding('utf8').on('data', (text) => (said.out += text))
  child.stderr.setEncoding('utf8').on('data', (text) => (said.err += text))
  // A command that ends early does not read the rest.
  child.stdin?.on('error', () => undefined)
  if (input !== undefined) child.stdin.end(input)
  const ended = new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code, signal) => resolve({ code, signal, ...said }))
  })
  after(() => child.kill('SIGKILL'))
  const seen = (stream, pattern) =>
    within(
      20_000,
      new Promise((resolve) => {
        const look = () => {
          const match = pattern.exec(stream === child.stdout ? said.out : said.err)
          if (match === null) return
          stream.off('data', look)
          resolve(match)
        }
        stream.on('data', look)
        look()
      }),
      `output that matches ${pattern}`,
    )
  return {
    child,
    stdin: child.stdin,
    ended: () => within(30_000, ended, `velo ${args.join(' ')}`),
    out: (pattern) => seen(child.stdout, pattern),
    err: (pattern) => seen(child.stderr, pattern),
  }
}

/** Runs `velo ...args` to its end: `{ code, signal, out, err }`. */
export const velo = (args, options = {}) => start(args, { input: '', ...options }).ended()

/** Lines of NDJSON as values. */
export const values = (text) =>
  text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line))

/** Values as NDJSON. */
export const ndjson = (list) => list.map((value) => `${JSON.stringify(value)}\n`).join('')
