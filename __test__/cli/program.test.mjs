// The command line itself: help, version, what is refused, colors, `velo doctor`.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { limits, nodeLine } from '../../target/js/cli/doctor/findings.js'
import { hasColors } from '../../target/js/cli/terminal.js'
import { velo } from './command.mjs'

const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))

test('--help lists the commands, and each has its own', async () => {
  const { code, out, err } = await velo(['--help'])
  assert.deepEqual([code, err], [0, ''])
  for (const word of ['run <function>', 'serve <functions>', 'doctor', 'Exit codes']) assert.ok(out.includes(word), word)
  const run = await velo(['run', '--help'])
  assert.equal(run.code, 0)
  for (const option of ['--csv', '--text', '--concurrency <n>', '--skip-malformed', '--out-dir <folder>'])
    assert.ok(run.out.includes(option), option)
})

test('--version says the version of the package', async () => {
  const { code, out } = await velo(['--version'])
  assert.equal(code, 0)
  assert.ok(out.startsWith(`velo/${version} `), out)
})

test('what is not known is refused with exit code 2', async () => {
  const cases = [
    [[], /which command\?/],
    [['frobnicate'], /there is no command 'frobnicate'/],
    [['run'], /missing required args/],
    [['run', 'x.mjs', '--frob'], /Unknown option `--frob`/],
    [['serve', '.', 'other'], /Unused args: `other`/],
    [['serve', '.', '--port', '70000'], /--port: expected an integer from 0 to 65535, got 70000/],
    [['serve', '.', '--http2'], /--http2 needs --tls-key and --tls-cert/],
    [['serve', '.', '--tls-key', 'k.pem'], /--tls-key and --tls-cert need each other/],
    [['doctor', '--verbose'], /Unknown option `--verbose`/],
  ]
  for (const [args, message] of cases) {
    const { code, out, err } = await velo(args)
    assert.deepEqual([code, out], [2, ''], err)
    assert.match(err, message)
  }
})

test('colors: only on a terminal, NO_COLOR and FORCE_COLOR are heard', async () => {
  assert.equal(hasColors({ isTTY: true }, {}), true)
  assert.equal(hasColors({ isTTY: false }, {}), false)
  assert.equal(hasColors({ isTTY: true }, { NO_COLOR: '1' }), false)
  assert.equal(hasColors({ isTTY: true }, { TERM: 'dumb' }), false)
  assert.equal(hasColors({ isTTY: false }, { FORCE_COLOR: '1', NO_COLOR: '1' }), true)
  const csi = '\u001b['
  assert.ok(!(await velo(['frob'])).err.includes(csi))
  assert.ok((await velo(['frob'], { env: { FORCE_COLOR: '1' } })).err.includes(csi))
})

test('doctor: this machine can run streams, on this thread and on others', async () => {
  const { code, out, err } = await velo(['doctor'])
  assert.deepEqual([code, err], [0, ''])
  assert.match(out, /^ok {4}add-on .*\nok {4}threads /)
  const json = await velo(['doctor', '--json'])
  const { ok, findings } = JSON.parse(json.out)
  assert.equal(ok, true)
  assert.deepEqual(
    findings.map(({ name }) => name).filter((name) => name !== 'teardown' && name !== 'context'),
    ['add-on', 'threads', 'Node.js', 'open files', 'memory', 'cores', 'ws'],
  )
})

test('doctor: without a binary it says so, exit code 1', async () => {
  const { code, out } = await velo(['doctor'], { env: { NAPI_RS_NATIVE_LIBRARY_PATH: '/nowhere/velo.node' } })
  assert.equal(code, 1)
  assert.match(out, /^fail {2}add-on .*no native binary of velo-stream[\s\S]*ok {4}open files|^fail {2}add-on /)
  const run = await velo(['run', 'x.mjs'], { env: { NAPI_RS_NATIVE_LIBRARY_PATH: '/nowhere/velo.node' } })
  assert.notEqual(run.code, 0)
  assert.match(run.err, /no native binary of velo-stream/)
})

test('doctor: lines of Node.js', () => {
  const now = new Date('2026-11-01')
  const levels = (node) => nodeLine({ node, now }).map(({ name, level }) => `${name} ${level}`)
  assert.deepEqual(levels('18.20.0'), ['Node.js fail'])
  assert.deepEqual(levels('20.18.9'), ['Node.js fail'])
  assert.deepEqual(levels('20.19.0'), ['Node.js warn', 'teardown ok', 'context warn'])
  assert.deepEqual(levels('21.7.0'), ['Node.js fail'])
  assert.deepEqual(levels('22.11.0'), ['Node.js fail'])
  assert.deepEqual(levels('22.12.0'), ['Node.js ok', 'teardown ok', 'context warn'])
  assert.deepEqual(levels('24.13.1'), ['Node.js ok', 'teardown ok'])
  assert.deepEqual(levels('24.14.0'), ['Node.js ok'])
  assert.deepEqual(levels('26.0.0'), ['Node.js ok'])
})

test('doctor: limits', () => {
  const MIB = 1024 * 1024
  const plenty = { openFiles: 65_536, memoryLimit: undefined, memoryTotal: 8192 * MIB, heapLimit: 4096 * MIB, cores: 4 }
  const levels = (machine) => limits({ ...plenty, ...machine }).map(({ level }) => level)
  assert.deepEqual(levels({}), ['ok', 'ok', 'ok'])
  assert.deepEqual(levels({ openFiles: undefined }), ['ok', 'ok', 'ok'])
  assert.deepEqual(levels({ openFiles: 1024 }), ['warn', 'ok', 'ok'])
  assert.deepEqual(levels({ memoryLimit: 512 * MIB }), ['ok', 'warn', 'ok'])
  assert.deepEqual(levels({ cores: 1 }), ['ok', 'ok', 'warn'])
  assert.match(limits({ ...plenty, memoryLimit: 512 * MIB })[1].says, /512 MiB in this container/)
})

test('options are read as they were written, wherever they stand', async () => {
  const cases = [
    [['--json', 'run'], /"missing required args for command `run <function> \[...inputs\]`"/],
    [['run', 'x.mjs', '--csv=1'], /--csv takes no value/],
    [['run', 'x.mjs', '--max-line=-5'], /--max-line: expected an integer from 1 to 268435456, got -5/],
    [['run', 'x.mjs', '--export', '--quiet'], /option `--export <name>` value is missing/],
    [['run', 'x.mjs', '--constructor'], /Unknown option `--constructor`/],
    [['run', 'none.mjs', '--', '--help'], /--help: no such file/],
    [['doctor', 'x'], /Unused args: `x`/],
  ]
  for (const [args, message] of cases) {
    const { code, out, err } = await velo(args)
    assert.deepEqual([code, out], [2, ''], err)
    assert.match(err, message)
  }
})
