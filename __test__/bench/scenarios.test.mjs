// The scenarios run, check every answer, and name each peer that is not there.

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const bench = (name) => fileURLToPath(new URL(`../../bench/${name}.mjs`, import.meta.url))
const peers = mkdtempSync(join(tmpdir(), 'velo-peers-'))
after(() => rmSync(peers, { recursive: true, force: true, maxRetries: 3 }))
const env = { ...process.env, VELO_PEERS: peers }

async function group(name) {
  const flags = ['--quick', '--json', '--only', name]
  const { stdout } = await promisify(execFile)(process.execPath, [bench('node/scenarios'), ...flags], { env, timeout: 100_000 })
  return JSON.parse(stdout).groups[0]
}

for (const [name, gone] of [
  ['length', ['effect', 'streaming-iterables', 'velo', 'bytewax']],
  ['depth', ['effect', 'streaming-iterables', 'velo', 'conveyor', 'bytewax']],
  ['startup', ['velo', 'bytewax', 'flink']],
])
  test(`${name}: ours and what is here run, what is not here is named`, { timeout: 120_000 }, async () => {
    const { rows, note } = await group(name)
    assert.ok(rows.length > 0)
    for (const { name: row, value } of rows) assert.ok(value > 0, row)
    for (const peer of gone) assert.match(note, new RegExp(`MISSING: ${peer} \\(node bench/peers/setup\\.mjs ${peer}\\)`))
  })

test('kills: sessions go on after kill -9 with the sum that they had', { timeout: 120_000 }, async () => {
  const { stdout } = await promisify(execFile)(process.execPath, [bench('node/kills'), '--quick', '--json'], { env, timeout: 100_000 })
  const [{ rows, note }] = JSON.parse(stdout).groups
  for (const kind of ["'process'", "'disk'"])
    assert.ok(rows.find(({ name }) => name === `journal, ${kind}: from kill -9 to the next result`).value > 0)
  assert.match(note, /MISSING: /)
})

test('kills: without its servers the rest runs, and they are named', { timeout: 120_000 }, async () => {
  const without = { ...env, PATH: '/nothing/is/here', NATS_SERVER: '/nothing/is/here' }
  const { stdout } = await promisify(execFile)(process.execPath, [bench('node/kills'), '--quick', '--json'], {
    env: without,
    timeout: 100_000,
  })
  const [{ rows, note }] = JSON.parse(stdout).groups
  assert.ok(rows.some(({ name }) => name.startsWith("journal, 'process'")))
  for (const server of ['redis-server', 'nats-server']) assert.match(note, new RegExp(`MISSING: ${server} \\(ENOENT\\)`))
})

test('the script that brings peers lists what is there, and refuses names it does not know', { timeout: 60_000 }, async () => {
  const said = await promisify(execFile)(process.execPath, [bench('peers/setup'), '--list'], { env }).catch((error) => error)
  assert.equal(said.code, 1)
  assert.match(said.stdout, /MISSING: velo: not installed/)
  const refused = await promisify(execFile)(process.execPath, [bench('peers/setup'), 'nobody'], { env }).catch((error) => error)
  assert.match(refused.stderr, /no such peer: nobody; expected some of velo, /)
})
