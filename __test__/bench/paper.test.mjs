// The evaluation of the paper runs: every gray frame of every system is the right one, and every figure is there. What is measured in such a short run means nothing.

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expected, FRAME, IMAGES, images } from '../../bench/paper/frames.mjs'
import { toGray } from '../../bench/paper/gray.mjs'

const script = fileURLToPath(new URL('../../bench/paper/paper.mjs', import.meta.url))

test('the load is 20 distinct images, and the function makes of each what two ways of computing say', () => {
  const all = images()
  assert.equal(new Set(all.map((image) => image.toString('latin1'))).size, IMAGES)
  for (const image of all) {
    assert.equal(image.length, FRAME)
    assert.ok(expected(image).equals(toGray(image)))
    assert.ok(!expected(image).equals(image))
  }
})

test('streams go through our servers and through bare ones, and every frame is checked', { timeout: 120_000 }, async () => {
  const flags = ['--fast', '--json', '--seconds', '10', '--systems', 'velo-stream,bare ws']
  const { stdout } = await promisify(execFile)(process.execPath, [script, ...flags], { timeout: 110_000 })
  const { groups } = JSON.parse(stdout)
  assert.deepEqual(
    groups.map(({ title }) => title),
    [
      'from the first frame created to the first one received, nothing runs before',
      'cold start penalty, streams of 10 s',
      'processing overhead, streams of 10 s',
    ],
  )
  const names = [
    'velo-stream, in process',
    'velo-stream, warm server',
    'bare ws, warm server',
    'velo-stream, cold server',
    'bare ws, cold server',
  ]
  for (const { rows } of groups.slice(1))
    assert.deepEqual(
      rows.map(({ name }) => name),
      names,
    )
  for (const { value } of groups[1].rows) assert.ok(value > 0 && value < 1, `a penalty of ${value}`)
})
