// `velo run` over files: each is a stream of its own, one after the other or several at once.

import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { folder, velo } from './command.mjs'

const { path, write } = folder()
const sum = write(
  'sum.mjs',
  'export default async function* (events) { let s = 0; for await (const e of events) { if (e === 13) throw new Error("thirteen"); s += e } yield s }',
)
const a = write('a.ndjson', '1\n2\n')
const b = write('b.ndjson', '10\n20\n')
const bad = write('bad.ndjson', '1\n13\n')

test('files one after the other, each a stream of its own, results to stdout', async () => {
  assert.deepEqual(await velo(['run', sum, a, b]), { code: 0, signal: null, out: '3\n30\n', err: '' })
})

test('many files leave nothing behind on stdout', async () => {
  const { code, out, err } = await velo(['run', sum, ...Array.from({ length: 25 }, () => a)])
  assert.deepEqual([code, out, err], [0, '3\n'.repeat(25), ''])
})

test('a folder for the results that cannot be written to', async () => {
  const { code, err } = await velo(['run', sum, a, '--out-dir', join(a, 'x')])
  assert.equal(code, 1)
  assert.match(err, /ENOTDIR/)
})

test('one that fails is named, the others are not touched by it', async () => {
  const { code, out, err } = await velo(['run', sum, a, bad, b])
  assert.deepEqual([code, out], [1, '3\n30\n'])
  assert.match(err, /bad\.ndjson: Error: thirteen/)
})

test('--out-dir: a file each, several at once', async () => {
  // They meet: each waits until the other has begun.
  const meeting = write(
    'meeting.mjs',
    `let open = 0, both; const met = new Promise((resolve) => { both = resolve })
    export default async function* (events) { if (++open === 2) both(); await met; yield* events }`,
  )
  const to = join(path, 'results', 'deep')
  const { code, err, out } = await velo(['run', meeting, a, b, '--concurrency', '2', '--out-dir', to])
  assert.deepEqual([code, out], [0, ''], err)
  assert.equal(readFileSync(join(to, 'a.ndjson'), 'utf8'), '1\n2\n')
  assert.equal(readFileSync(join(to, 'b.ndjson'), 'utf8'), '10\n20\n')
})

test('what cannot be meant is refused before anything is written', async () => {
  const twin = join(path, '.', 'x')
  const cases = [
    [[sum, a, b, '--concurrency', '2'], /--concurrency needs --out-dir/],
    [[sum, '--out-dir', twin], /--out-dir needs input files/],
    [[sum, a, a, '--out-dir', twin], /would both be written to/],
    [[sum, a, '--out-dir', path], /would be overwritten by its results/],
    [[sum, a, '--out-dir', twin, '--concurrency', '0'], /--concurrency: expected an integer from 1 to 1000, got 0/],
    [[sum, a, '--concurrency', 'many'], /--concurrency: expected an integer from 1 to 1000, got many/],
    [[sum, a, '--concurrency', '1', '--concurrency', '2'], /--concurrency is given 2 times/],
    [[sum, a, '--csv', '--text'], /exclude each other/],
    [[sum, a, '--progress', '--quiet'], /exclude each other/],
    [[sum, a, '--out', 'xml'], /--out: expected ndjson or text or csv, got xml/],
    [[sum, a, '--out-dir'], /value is missing/],
  ]
  for (const [args, message] of cases) {
    const { code, err, out } = await velo(['run', ...args])
    assert.deepEqual([code, out], [2, ''], err)
    assert.match(err, message)
  }
  assert.equal(existsSync(twin), false)
  assert.equal(readFileSync(a, 'utf8'), '1\n2\n')
})
