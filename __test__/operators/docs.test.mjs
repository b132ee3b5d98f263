// Every block of JavaScript in docs/operators.md runs as it stands. A block checks itself with node:assert, or says what it prints in lines of `// expect: ...`.

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, test } from 'node:test'
import * as operators from 'velo-stream/operators'
import * as testing from 'velo-stream/testing'
import { root, text } from '../support/sources.mjs'

const PAGE = 'docs/operators.md'
// Inside the package, where its own name leads to it.
const temp = mkdtempSync(join(root, 'dist', '.docs-'))
after(() => rmSync(temp, { recursive: true, force: true, maxRetries: 3 }))

function run(file) {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [file], { cwd: root })
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

const page = text(PAGE)
const blocks = [...page.matchAll(/^```js\n([\s\S]*?)^```$/gm)].map((match) => {
  const before = page.slice(0, match.index)
  return { code: match[1], line: before.split('\n').length, heading: /^#+ (.+)$/gm.exec(before.slice(before.lastIndexOf('\n#') + 1))?.[1] }
})

test('the page has examples, and every operator is in one', () => {
  assert.ok(blocks.length >= 8)
  const code = blocks.map((block) => block.code).join('')
  for (const name of [...Object.keys(operators), ...Object.keys(testing)]) {
    if (typeof { ...operators, ...testing }[name] === 'function') assert.match(code, new RegExp(`\\b${name}\\(`), name)
  }
})

for (const [index, { code, line, heading }] of blocks.entries()) {
  test(`${PAGE}:${line} (${heading})`, { timeout: 60_000 }, async () => {
    const expected = [...code.matchAll(/\/\/ expect: (.*)$/gm)].map(([, printed]) => printed)
    assert.ok(code.includes('assert') || expected.length > 0, 'the example checks nothing')
    const file = join(temp, `${index}.mjs`)
    writeFileSync(file, code)
    const { code: status, stdout, stderr } = await run(file)
    assert.equal(status, 0, stderr)
    assert.deepEqual(stdout.split('\n').filter(Boolean), expected)
  })
}
