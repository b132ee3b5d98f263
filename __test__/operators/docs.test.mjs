// Every block of JavaScript in docs/operators.md runs as it stands. A block checks itself with node:assert, or says what it prints in lines of `// expect: ...`.

import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, test } from 'node:test'
import * as operators from 'velo-stream/operators'
import * as testing from 'velo-stream/testing'
import { blocksOf, expectedOf, runFile } from '../support/pages.mjs'
import { root } from '../support/sources.mjs'

const PAGE = 'docs/operators.md'
// Inside the package, where its own name leads to it.
const temp = mkdtempSync(join(root, 'dist', '.docs-'))
after(() => rmSync(temp, { recursive: true, force: true, maxRetries: 3 }))

const blocks = blocksOf(PAGE)

test('the page has examples, and every operator is in one', () => {
  assert.ok(blocks.length >= 8)
  const code = blocks.map((block) => block.code).join('')
  for (const name of [...Object.keys(operators), ...Object.keys(testing)]) {
    if (typeof { ...operators, ...testing }[name] === 'function') assert.match(code, new RegExp(`\\b${name}\\(`), name)
  }
})

for (const [index, { code, line, heading }] of blocks.entries()) {
  test(`${PAGE}:${line} (${heading})`, { timeout: 60_000 }, async () => {
    const expected = expectedOf(code)
    assert.ok(code.includes('assert') || expected.length > 0, 'the example checks nothing')
    const file = join(temp, `${index}.mjs`)
    writeFileSync(file, code)
    const { code: status, stdout, stderr } = await runFile(file)
    assert.equal(status, 0, stderr)
    assert.deepEqual(stdout.split('\n').filter(Boolean), expected)
  })
}
