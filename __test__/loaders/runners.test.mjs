// The same in Jest and Vitest. Jest loads a copy of every module for each test file, in its own context, beside one native core.

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { project, runnerTest } from './project.mjs'

const timeout = 180_000
const ENTRIES = [
  '',
  '/operators',
  '/durable',
  '/testing',
  '/http',
  '/fastify',
  '/websocket',
  '/server',
  '/telemetry',
  '/dashboard',
  '/client',
]
const BROKERS = ['/redis', '/nats', '/kafka']

/** Runs a program of a package to its end, and checks that all of its tests have passed. Returns what it printed. */
function passes(app, program, words, { flags = [], tests }) {
  const env = { ...process.env, NODE_OPTIONS: '', NAPI_RS_NATIVE_LIBRARY_PATH: '', NODE_TEST_CONTEXT: undefined, CI: 'true', NO_COLOR: '1' }
  const args = [...flags, join(app, 'node_modules', program), ...words]
  const { stdout, stderr, status } = spawnSync(process.execPath, args, { cwd: app, encoding: 'utf8', env, timeout })
  assert.equal(status, 0, `${stdout}\n${stderr}`)
  assert.match(stdout + stderr, new RegExp(`Tests:? +${tests} passed`))
  return stdout + stderr
}

const REQUIRE_ALL = `test('every entry point can be required', () => {
    for (const entry of ${JSON.stringify([...ENTRIES, ...BROKERS])}) expect(Object.keys(require('velo-stream' + entry)).length).toBeGreaterThan(0)
  })
  test('a copy that is loaded again works beside the first one', async () => {
    const first = velo.streamFn(async function* (events) { for await (const n of events) yield n + 1 }).open()
    jest.resetModules()
    const again = require('velo-stream')
    expect(again.streamFn).not.toBe(velo.streamFn)
    expect(await again.streamFn(async function* (events) { for await (const n of events) yield n * 2 }).run([2])).toEqual([4])
    await first.send(1)
    expect(await first.recv({ timeout: 10_000 })).toBe(2)
    await first.close()
    expect(again.runtime.snapshot().streamsOpened).toBeGreaterThan(1)
  })
  test('a server serves WebSockets', async () => {
    const { createServer } = require('velo-stream/server')
    const { WebSocket } = require('ws')
    const double = async function* double(events) { for await (const n of events) yield n * 2 }
    const server = createServer({ functions: { double }, signals: false })
    await server.listen(0)
    const socket = new WebSocket(server.url.replace('http', 'ws') + '/fn/double')
    const answer = new Promise((resolve, reject) => socket.on('message', (data) => resolve(String(data))).on('error', reject))
    socket.on('open', () => socket.send('21'))
    expect(await answer).toBe('42')
    socket.terminate()
    await server.close()
  }, 60_000)\n`

describe('Jest', () => {
  const files = (format, more) => ({ 'one.test.js': runnerTest(format, more), 'two.test.js': runnerTest(format) })
  const config = (type) => ({ 'jest.config.json': JSON.stringify({ transform: {}, testEnvironment: 'node', ...type }) })

  const commonjs = project({ type: 'commonjs', files: { ...files('commonjs', REQUIRE_ALL), ...config() } })
  test('CommonJS, two files in one process', { timeout }, () => {
    passes(commonjs.app, 'jest/bin/jest.js', ['--runInBand'], { tests: 5 })
  })

  const SMALL = `const velo = require('velo-stream')
    test('runs', async () => expect(await velo.streamFn(async function* (events) { yield* events }).run([1])).toEqual([1]))\n`
  const small = Object.fromEntries(Array.from({ length: 16 }, (_, at) => [`${at}.test.js`, SMALL]))
  const many = project({ type: 'commonjs', files: { ...small, ...config() } })
  test('the copies of files that are over are released', { timeout }, () => {
    const printed = passes(many.app, 'jest/bin/jest.js', ['--runInBand', '--logHeapUsage'], { flags: ['--expose-gc'], tests: 16 })
    const sizes = [...printed.matchAll(/(\d+) MB heap size/g)].map(([, size]) => Number(size))
    assert.equal(sizes.length, 16, printed)
    // A copy that stays has 2.7 MB with its context.
    assert.ok(sizes.at(-1) - sizes[0] < 16, `MB after each file: ${sizes}`)
  })

  const esm = project({ files: { ...files('module'), ...config() } })
  test('ES modules, two files in one process', { timeout }, () => {
    passes(esm.app, 'jest/bin/jest.js', ['--runInBand'], { flags: ['--experimental-vm-modules', '--no-warnings'], tests: 2 })
  })
})

describe('Vitest', () => {
  const files = { 'one.test.mjs': runnerTest('module'), 'two.test.mjs': runnerTest('module') }
  const config = (test) => ({ 'vitest.config.mjs': `export default { test: ${JSON.stringify({ globals: true, ...test })} }` })

  const inline = { server: { deps: { inline: ['velo-stream'] } } }
  for (const [name, settings, linked = false] of [
    ['installed', {}],
    ['linked', {}, true],
    ['inlined', inline],
    ['installed, files share their modules', { isolate: false }],
    ['linked, files share their modules', { isolate: false }, true],
    ['inlined, files share their modules', { isolate: false, ...inline }],
    ['installed, each file in a context of a thread', { pool: 'vmThreads' }],
  ]) {
    const { app } = project({ linked, files: { ...files, ...config(settings) } })
    test(name, { timeout }, () => {
      passes(app, 'vitest/vitest.mjs', ['run'], { tests: 2 })
    })
  }
})
