// `npm run bench`: says what it takes, refuses what it does not know, and prints one document of the benches that are named.

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { root } from '../support/sources.mjs'

const script = join(root, 'bench/node/all.mjs')
const bench = (...flags) => promisify(execFile)(process.execPath, [script, ...flags], { timeout: 110_000 })

test('--help names every bench and option', { timeout: 30_000 }, async () => {
  const { stdout } = await bench('--help')
  for (const option of ['--json', '--quick', '--rounds', 'bench/peers/setup.mjs', 'bench/plots/draw.mjs', 'bench:check'])
    assert.ok(stdout.includes(option), option)
  const [, names] = /^Benches: (.*)\.$/m.exec(stdout)
  for (const name of names.split(', '))
    assert.ok(
      ['node', 'paper'].some((folder) => existsSync(join(root, `bench/${folder}/${name}.mjs`))),
      name,
    )
})

test('an option or a bench that is not known is refused', { timeout: 30_000 }, async () => {
  for (const flags of [['--fastest'], ['nothing']]) {
    const { code, stderr } = await bench(...flags).catch((error) => error)
    assert.equal(code, 1)
    assert.match(stderr, /--fastest|no such bench: nothing; npm run bench -- --help/)
  }
})

test('benches that are named are one document of JSON, or tables of Markdown', { timeout: 120_000 }, async () => {
  const { stdout } = await bench('--quick', '--json', 'lifecycle')
  const { benches } = JSON.parse(stdout)
  assert.deepEqual(
    benches.map(({ name }) => name),
    ['lifecycle'],
  )
  const tables = (await bench('--quick', 'lifecycle')).stdout
  assert.match(tables, /^## lifecycle \(v\d+/m)
  const [head, line, ...rows] = tables.split('\n').filter((each) => each.startsWith('|'))
  assert.match(head, /^\| +\| +value \| unit +\| range \| ratio +\|$/)
  assert.match(line, /^\| -+ \| -+: \| -+ \| -+ \| -+ \|$/)
  // Every row has as many cells as the head.
  for (const row of rows) assert.equal(row.split('|').length, head.split('|').length, row)
})
