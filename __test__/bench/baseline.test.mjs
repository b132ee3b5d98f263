// The guard of the benches tells what became slower from noise.

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { compare, ratiosOf, summary } from '../../bench/node/baseline.mjs'

const document = (ratio, time) => ({
  name: 'bench',
  groups: [
    {
      title: 'group',
      rows: [
        { name: 'ours', value: 2000 * ratio, unit: 'events/s', claims: [{ peer: 'theirs', ratio, bar: 1, pass: true }] },
        { name: 'short', value: time, unit: 'us', claims: [{ ratio: time, bar: 4, most: true, pass: true }] },
        { name: 'theirs' },
      ],
    },
  ],
})

test('every claim has a ratio by its name, in which more is better', () => {
  assert.deepEqual(Object.fromEntries(ratiosOf([document(1.5, 4)])), {
    'bench: group: ours of theirs': { group: 'group', row: 'ours', peer: 'theirs', ratio: 1.5, bar: 1, value: 3000, unit: 'events/s' },
    'bench: group: short': { group: 'group', row: 'short', peer: undefined, ratio: 0.25, bar: 0.25, value: 4, unit: 'us' },
  })
})

test('runs become a median and how far they lie apart', () => {
  const runs = [0.9, 1.2, 1].map((ratio) => ratiosOf([document(ratio, 2)]))
  assert.deepEqual(summary(runs), {
    'bench: group: ours of theirs': {
      group: 'group',
      row: 'ours',
      peer: 'theirs',
      ratio: 1,
      range: [0.9, 1.2],
      noise: 0.3,
      value: 2000,
      unit: 'events/s',
      bar: 1,
    },
    'bench: group: short': {
      group: 'group',
      row: 'short',
      peer: undefined,
      ratio: 0.5,
      range: [0.5, 0.5],
      noise: 0,
      value: 2,
      unit: 'us',
      bar: 0.25,
    },
  })
})

test('slower is what lies beyond the noise of both runs, and beyond five in a hundred', () => {
  const row = (ratio, noise = 0) => ({ row: { ratio, noise } })
  assert.deepEqual(compare(row(1), row(0.96)).slower, [])
  assert.deepEqual(compare(row(1), row(0.94)).slower, [{ name: 'row', before: 1, now: 0.94, band: 0.05 }])
  assert.deepEqual(compare(row(1, 0.1), row(0.92)).slower, [])
  assert.deepEqual(compare(row(1), row(0.92, 0.1)).slower, [])
  assert.deepEqual(compare(row(1, 0.1), row(0.89)).slower.length, 1)
  assert.deepEqual(compare(row(1), row(3)).slower, [])
})

test('a row that is there no more is told', () => {
  assert.deepEqual(compare({ old: { ratio: 1, noise: 0 } }, {}), { slower: [], gone: ['old'] })
})

test('a bench of which nothing is written down is no bench that holds', { timeout: 60_000 }, () => {
  const check = fileURLToPath(new URL('../../bench/node/check.mjs', import.meta.url))
  const { status, stderr, stdout } = spawnSync(process.execPath, [check, 'throughput', 'no-such-bench'], { encoding: 'utf8' })
  assert.equal(status, 1)
  assert.match(stderr, /bench\/baseline\.json has nothing of (no-such-bench|node \d+)/)
  assert.equal(stdout, '')
})
