// Looking into the folder of a journal without owning a stream.

import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { EmbeddedJournal, Inspector } from 'velo-stream/durable'
import { within } from '../support/within.mjs'
import { bytes } from './conformance.mjs'

const temp = mkdtempSync(join(tmpdir(), 'velo-journal-'))
after(() => rmSync(temp, { recursive: true, force: true, maxRetries: 3 }))
const key = (id) => ({ function: 'orders', id })
const text = (value) => new TextDecoder().decode(value)

/** A folder with a stream that goes on, one with a state, and one that has ended. */
async function filled(name, now = Date.now()) {
  const folder = join(temp, name)
  const journal = new EmbeddedJournal(folder)
  const open = async (id, at) => (await within(10_000, journal.open(key(id), { at, seed: 0 }))).own
  const events = ['one', 'two', 'three'].map((body, at) => ({ at, end: at === 2, bytes: at === 2 ? new Uint8Array() : bytes(body) }))
  const live = await open('live', now - 5000)
  await journal.append(live, 0, events)
  await journal.commit(live, { delivered: 1, outcomes: [{ asked: 0, bytes: bytes('run') }] })
  const saved = await open('saved', now)
  await journal.append(saved, 0, events)
  const state = { version: 2, events: 1, results: 1, asked: 0, bytes: bytes('state') }
  await journal.commit(saved, { state, outputs: { from: 0, values: [bytes('r0')] } })
  const ended = await open('ended', now - 5000)
  await journal.commit(ended, { over: { bytes: bytes('end'), retain: 60_000 } })
  return { folder, journal, live }
}

test('a list has every stream, and looking fences nobody', async () => {
  const { folder, journal, live } = await filled('list')
  const inspector = new Inspector(folder)
  const lines = await within(10_000, inspector.list())
  assert.deepEqual(
    lines.map(({ function: name, id, first, events, results, damage }) => [name, id, first, events, results, damage]),
    [
      ['orders', 'ended', 0, 0, 0, undefined],
      ['orders', 'live', 0, 3, 1, undefined],
      ['orders', 'saved', 1, 3, 0, undefined],
    ],
  )
  assert.deepEqual(
    lines.map(({ over }) => over !== undefined && over > Date.now()),
    [true, false, false],
  )
  assert.ok(lines.every(({ bytes: kept }) => kept > 0))
  const shown = await inspector.show(key('saved'))
  assert.deepEqual([text(shown.state.bytes), shown.state.version, shown.outputs.values.map(text), shown.events], ['state', 2, ['r0'], 3])
  assert.equal(shown.own, undefined)
  assert.deepEqual(
    (await inspector.events(key('live'), 1, { events: 1, bytes: 1 })).map((event) => text(event.bytes)),
    ['two'],
  )
  await assert.rejects(inspector.show(key('nobody')), { code: 'VELO_CHECKPOINT', message: /orders "nobody": there is no such stream/ })
  await journal.commit(live, { delivered: 2 })
  await inspector.close()
  await journal.commit(live, { delivered: 3 })
  await journal.close()
})

test('what is there can be checked and exported', async () => {
  const { folder, journal } = await filled('export')
  await journal.close()
  const inspector = new Inspector(folder)
  assert.deepEqual(await within(10_000, inspector.verify()), [])
  const lines = []
  for await (const { bytes: _, at: __, ...line } of inspector.export((body) => text(body))) lines.push(line)
  const stream = (id, first, events, results) => ({ kind: 'stream', function: 'orders', id, first, events, results })
  assert.deepEqual(lines, [
    stream('ended', 0, 0, 0),
    { kind: 'over', value: 'end' },
    stream('live', 0, 3, 1),
    { kind: 'outcome', asked: 0, value: 'run' },
    { kind: 'event', index: 0, end: false, value: 'one' },
    { kind: 'event', index: 1, end: false, value: 'two' },
    { kind: 'event', index: 2, end: true, value: undefined },
    stream('saved', 1, 3, 0),
    { kind: 'state', version: 2, events: 1, results: 1, asked: 0, value: 'state' },
    { kind: 'output', index: 0, value: 'r0' },
    { kind: 'event', index: 1, end: false, value: 'two' },
    { kind: 'event', index: 2, end: true, value: undefined },
  ])
  const plain = []
  for await (const line of inspector.export()) plain.push(JSON.parse(JSON.stringify(line)))
  assert.ok(plain.some(({ kind, value }) => kind === 'event' && value === 'b25l'))
  await inspector.close()
})

test('streams can be pruned', async () => {
  const { folder, journal } = await filled('prune')
  await journal.close()
  const inspector = new Inspector(folder)
  await assert.rejects(inspector.prune({}), { code: 'VELO_CONFIG', field: 'prune(options)' })
  await assert.rejects(inspector.prune({ older: 1 }), { code: 'VELO_CONFIG' })
  assert.deepEqual(await inspector.prune({ ended: true, olderThan: 3_600_000 }), [])
  assert.deepEqual(await inspector.prune({ ended: true }), [key('ended')])
  assert.deepEqual(await inspector.prune({ olderThan: 4000 }), [key('live')])
  assert.deepEqual(
    (await inspector.list()).map(({ id }) => id),
    ['saved'],
  )
  assert.deepEqual(await inspector.verify(), [])
  await inspector.close()
})

test('a folder without a journal is not made by looking', async () => {
  const inspector = new Inspector(join(temp, 'nothing'))
  await assert.rejects(within(10_000, inspector.list()), {
    code: 'VELO_CHECKPOINT',
    message: /nothing: there is no journal in this folder/,
  })
  await inspector.close()
})
