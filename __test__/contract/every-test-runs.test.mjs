// A test that nobody runs proves nothing: the runner finds every test file, and every one of them has tests that are not switched off.

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, test } from 'node:test'
import { files, root, text } from '../support/sources.mjs'

const temp = mkdtempSync(join(tmpdir(), 'velo-runner-'))
after(() => rmSync(temp, { recursive: true, force: true, maxRetries: 3 }))

const tests = files(/^__test__\/.*\.test\.mjs$/)

test('npm test runs every *.test.mjs under __test__', { timeout: 120_000 }, () => {
  // The runner itself, over files of the same names that only say who they are.
  mkdirSync(join(temp, '.ci'))
  copyFileSync(join(root, '.ci/test.mjs'), join(temp, '.ci/test.mjs'))
  for (const name of tests) {
    mkdirSync(join(temp, dirname(name)), { recursive: true })
    writeFileSync(join(temp, name), `import { test } from 'node:test'\ntest('ran ${name}', () => {})\n`)
  }
  const env = { ...process.env, NO_COLOR: '1', FORCE_COLOR: undefined, NODE_OPTIONS: undefined, NODE_TEST_CONTEXT: undefined }
  const options = { cwd: temp, env, encoding: 'utf8' }
  const { status, stdout, stderr } = spawnSync(process.execPath, ['.ci/test.mjs', '--node', '--no-build'], options)
  assert.equal(status, 0, stdout + stderr)
  const ran = [...stdout.matchAll(/ran (\S+)/g)].map(([, name]) => name)
  assert.deepEqual([...new Set(ran)].sort(), tests)
})

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
