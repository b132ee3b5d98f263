// A test that nobody runs proves nothing: the runner finds every test file, and every one of them has tests that are not switched off.

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, test } from 'node:test'
import { files, root, text } from '../support/sources.mjs'

const temp = mkdtempSync(join(tmpdir(), 'velo-runner-'))
after(() => rmSync(temp, { recursive: true, force: true, maxRetries: 3 }))

const tests = files(/^__test__\/.*\.test\.mjs$/)

/** The runner itself, in a folder of its own with files of these names and texts. */
function runner(folder, sources, flags = [], more = {}) {
  const cwd = join(temp, folder)
  mkdirSync(join(cwd, '.ci'), { recursive: true })
  for (const script of ['.ci/test.mjs', '.ci/node-tests.mjs']) copyFileSync(join(root, script), join(cwd, script))
  for (const [name, source] of Object.entries(sources)) {
    mkdirSync(join(cwd, dirname(name)), { recursive: true })
    writeFileSync(join(cwd, name), source)
  }
  const env = { ...process.env, NO_COLOR: '1', FORCE_COLOR: undefined, NODE_OPTIONS: undefined, NODE_TEST_CONTEXT: undefined, ...more }
  return spawnSync(process.execPath, [...flags, '.ci/test.mjs', '--node', '--no-build'], { cwd, env, encoding: 'utf8', timeout: 60_000 })
}

test('npm test gives every *.test.mjs under __test__ to node:test, once', { timeout: 60_000 }, () => {
  // What it would start is written down instead.
  const started = `import child from 'node:child_process'
    import { syncBuiltinESMExports } from 'node:module'
    child.spawnSync = (command, args) => ({ status: console.log(JSON.stringify([command, ...args])) ?? 0 })
    syncBuiltinESMExports()`
  const sources = Object.fromEntries(tests.map((name) => [name, '']))
  const preload = `data:text/javascript,${encodeURIComponent(started)}`
  const { status, stdout, stderr } = runner('all', sources, ['--import', preload])
  assert.equal(status, 0, stdout + stderr)
  const given = stdout
    .trim()
    .split('\n')
    .flatMap((line) => {
      const [command, flag, script, together, ...names] = JSON.parse(line)
      assert.deepEqual([command, flag, script, Number(together) > 0], [process.execPath, '--expose-gc', '.ci/node-tests.mjs', true])
      return names
    })
  assert.deepEqual(given.map((name) => name.replaceAll('\\', '/')).sort(), tests)
})

test('one other line of Node.js runs all but what is the same on each and faults of servers, the others what meets Node.js', () => {
  const script = text('.ci/test.mjs')
  const chosenBy = (name) => {
    const [, body] = new RegExp(`function ${name}\\(file\\) \\{\\n([\\s\\S]*?)\\n\\}`).exec(script)
    return tests.filter(new Function('file', body))
  }
  const left = chosenBy('isSameOnAll')
  const rooms = /^__test__\/((bench|contract|peers)\/|cli\/(durable|files|journal|top)|durable\/kills)/
  for (const name of left.filter((name) => !rooms.test(name)))
    assert.match(name, /\.alone\.test|(page|browser|charts|crashes|fuzz|large|many|memory|prometheus|types)\.test/, name)
  assert.ok(left.length < tests.length / 5, `${left.length} of ${tests.length}`)
  for (const name of chosenBy('isOfServers')) assert.match(name, /^__test__\/((redis|nats|kafka)\/|cli\/)/, name)
  const border = chosenBy('isOfBorder')
  for (const room of ['api', 'behavior', 'model', 'workers'])
    assert.deepEqual(
      border.filter((name) => name.startsWith(`__test__/${room}/`)),
      tests.filter((name) => name.startsWith(`__test__/${room}/`) && !/\.alone\.|\/(isolates|many|rule-18-leaks)\./.test(name)),
    )
  assert.match(text('.ci/nodes.mjs'), /at === 0 \? '--line' : '--border'/)
})

test('they run, and one that fails fails npm test', { timeout: 60_000 }, () => {
  const says = (name, body) => `import { test } from 'node:test'\ntest('ran ${name}', () => { ${body} })\n`
  const names = ['__test__/one.test.mjs', '__test__/deep/er/two.test.mjs', '__test__/three.alone.test.mjs']
  for (const bad of [undefined, ...names]) {
    const sources = Object.fromEntries(names.map((name) => [name, says(name, name === bad ? 'throw new Error()' : '')]))
    const { status, stdout } = runner('few', sources)
    assert.equal(status, bad === undefined ? 0 : 1, stdout)
    if (bad === undefined) for (const name of names) assert.ok(stdout.includes(`ran ${name}`), stdout)
  }
})

test('a file that hangs, and what it started, is ended; npm test fails', { timeout: 120_000 }, () => {
  // A test that is over and leaves no room for timers, as a loop over promises does, and a process that holds on to its output.
  const body = `const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'inherit' })
    writeFileSync('child.pid', String(child.pid))
    for (;;) await undefined`
  const source = `import { spawn } from 'node:child_process'
    import { writeFileSync } from 'node:fs'
    import { test } from 'node:test'
    test('hangs', async () => { ${body} })`
  const { status, stdout } = runner('hangs', { '__test__/hangs.test.mjs': source }, [], { VELO_SILENCE: '3000' })
  assert.equal(status, 1, stdout)
  assert.match(stdout, /nothing was heard of any test/)
  if (process.platform !== 'linux') return
  const state = readStat(Number(readFileSync(join(temp, 'hangs/child.pid'), 'utf8')))
  assert.ok(state === undefined || state === 'Z', `the process it started is ${state}`)
})

/** The state of a process in a letter, or undefined where there is none. */
function readStat(pid) {
  try {
    return /\) (\S)/.exec(readFileSync(`/proc/${pid}/stat`, 'latin1'))?.[1]
  } catch {
    return undefined
  }
}

test('npm test is that runner', () => {
  assert.equal(JSON.parse(text('package.json')).scripts.test, 'node .ci/test.mjs')
})

test('files with tests have the name of tests', () => {
  const others = files(/^__test__\/.*\.(mjs|js|ts|cjs|mts|cts)$/).filter((name) => !tests.includes(name))
  for (const name of others) assert.doesNotMatch(text(name), /^(test|it|describe)\(/m, name)
})

test('every test file has a test, and none is switched off', () => {
  const off = /\b(test|it|describe|suite)\.(skip|todo|only)\b|\b(skip|todo|only): (true|['"`])/
  for (const name of tests) {
    assert.match(text(name), /^\s*(test|it)\(|\b(test|it)\(/m, name)
    if (name !== '__test__/contract/every-test-runs.test.mjs') assert.doesNotMatch(text(name), off, name)
  }
})
