// Folders written by every version of the format so far are read: listed, played again, gone on with from their state. One of a later version is refused by name, and left as it is.

import assert from 'node:assert/strict'
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { streamFn } from 'velo-stream'
import { Inspector, journal } from 'velo-stream/durable'
import { noUnhandledRejections } from '../support/unhandled.mjs'
import { within } from '../support/within.mjs'
import * as functions from './support/kept-functions.mjs'

const FIXTURES = join(import.meta.dirname, 'fixtures')
const temp = mkdtempSync(join(tmpdir(), 'velo-formats-'))
after(() => rmSync(temp, { recursive: true, force: true, maxRetries: 3 }))

/** A copy, because reading a journal takes its lock. */
function copy(name, to) {
  const folder = join(temp, to)
  cpSync(join(FIXTURES, name), folder, { recursive: true })
  return folder
}

const json = (value) =>
  JSON.parse(JSON.stringify(value, (_, one) => (typeof one === 'bigint' ? `${one}n` : one instanceof Map ? [...one] : one)))

async function read(stream, count) {
  const results = []
  while (results.length < count) results.push(json(await within(5000, stream.recv())))
  return results
}

for (const name of readdirSync(FIXTURES)) {
  describe(name, () => {
    const wanted = JSON.parse(readFileSync(join(FIXTURES, name, 'results.json'), 'utf8'))

    test('is listed and checked', async () => {
      const inspector = new Inspector(copy(name, `${name}-listed`))
      assert.deepEqual(await within(10_000, inspector.verify()), [])
      const lines = await inspector.list()
      assert.deepEqual(lines.map(({ function: fn, id, events, results, over }) => [fn, id, events, results, over !== undefined]).sort(), [
        ['counted', 'at its end', 6, 2, false],
        ['counted', 'over', 6, 5, true],
        ['counted', 'replayed', 5, 2, false],
        ['saved', 'from state', 5, 2, false],
      ])
      assert.equal(`format-${inspector.format}`, name)
      await inspector.close()
    })

    test('is played again, to the same results', async () => {
      const kept = journal(copy(name, `${name}-replayed`))
      const counted = streamFn(functions.counted, { name: 'counted', durable: kept })
      const stream = counted.open({ id: 'replayed' })
      assert.deepEqual(await within(5000, stream.resumed), { events: 5, results: 2, by: 'replay' })
      assert.deepEqual(await read(stream, 3), wanted.replayed)
      await stream.send({ amount: 100 })
      assert.equal((await stream.recv()).total, 115)
      await stream.close()
      const ended = counted.open({ id: 'at its end' })
      assert.deepEqual(await read(ended, 3), wanted['at its end'])
      await assert.rejects(ended.recv(), { code: 'VELO_CLOSED' })
      assert.equal((await ended.closed).value, 15)
      await kept.close()
    })

    test('goes on from its state', async () => {
      const kept = journal(copy(name, `${name}-state`))
      const saved = streamFn(functions.saved, { name: 'saved', durable: kept, state: functions.STATE })
      const stream = saved.open({ id: 'from state' })
      assert.deepEqual(await within(5000, stream.resumed), { events: 5, results: 2, by: 'state' })
      assert.deepEqual(await read(stream, 8), wanted['from state'])
      await stream.send({ amount: 100 })
      assert.equal(await stream.recv(), 115)
      await stream.close()
      await kept.close()
    })

    test('tells the end that is retained', async () => {
      const kept = journal(copy(name, `${name}-over`))
      const stream = streamFn(functions.counted, { name: 'counted', durable: kept }).open({ id: 'over' })
      const { reason, value } = await within(5000, stream.closed)
      assert.deepEqual([reason, value], ['done', 15])
      await kept.close()
    })
  })
}

/** Writes another number of the format where that of the file is. */
function renumber(folder, from, to) {
  const file = join(folder, 'journal.redb')
  const bytes = readFileSync(file)
  // The table of counts is one leaf: its three names, then their numbers.
  const names = 'epochformatstreams'
  let found = 0
  for (let at = bytes.indexOf(names); at >= 0; at = bytes.indexOf(names, at + 1)) {
    const place = at + names.length + 8
    if (bytes.readBigUInt64LE(place) !== from) continue
    bytes.writeBigUInt64LE(to, place)
    found++
  }
  assert.ok(found > 0, `format ${from} is somewhere`)
  writeFileSync(file, bytes)
}

test('a folder of a later version is refused by name, and loses nothing by that', async () => {
  const folder = copy('format-1', 'later')
  renumber(folder, 1n, 7n)
  const message = /journal\.redb: the journal has format 7, this version of velo-stream reads up to 2: use the version that wrote it$/
  const kept = journal(folder)
  const stream = streamFn(functions.counted, { name: 'counted', durable: kept }).open({ id: 'replayed' })
  await assert.rejects(within(10_000, stream.recv()), { code: 'VELO_CHECKPOINT', message })
  await kept.close()
  const inspector = new Inspector(folder)
  await assert.rejects(within(10_000, inspector.list()), { code: 'VELO_CHECKPOINT', message })
  await inspector.close()
  renumber(folder, 7n, 1n)
  const again = new Inspector(folder)
  assert.deepEqual(await within(10_000, again.verify()), [])
  assert.equal((await again.list()).length, 4)
  await again.close()
})

noUnhandledRejections('formats')
