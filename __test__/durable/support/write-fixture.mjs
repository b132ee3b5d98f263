// Writes the folder that `formats.test.mjs` reads, with the format of this version, and what is to come out of it. To be called once for each version of the format:
// node __test__/durable/support/write-fixture.mjs __test__/durable/fixtures/format-<number>

import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { streamFn } from 'velo-stream'
import { durable, EmbeddedJournal } from 'velo-stream/durable'
import * as functions from './kept-functions.mjs'

/** The functions over a folder, in which ends stay for some thousand years. */
function over(folder) {
  const store = new EmbeddedJournal(folder)
  const patient = {
    commit: (own, commit) => store.commit(own, commit.over === undefined ? commit : { ...commit, over: { ...commit.over, retain: 1e14 } }),
  }
  for (const name of ['open', 'append', 'read', 'discard', 'unfinished', 'close']) patient[name] = store[name].bind(store)
  const kept = durable(patient)
  return {
    counted: streamFn(functions.counted, { name: 'counted', durable: kept }),
    saved: streamFn(functions.saved, { name: 'saved', durable: kept, state: functions.STATE }),
    close: () => store.close(),
  }
}

const events = [1, 2, 3, 4, 5].map((amount) => ({ amount, when: new Date(amount * 1000) }))

/** All events are kept, and two results are delivered. */
async function left(fn, id, ends) {
  const stream = fn.open({ id })
  for (const event of events) await stream.send(event)
  if (ends) stream.end()
  await stream.recv()
  await stream.recv()
  await stream.ack()
  await stream.close()
}

const folder = process.argv[2]
const first = over(folder)
await left(first.counted, 'replayed', false)
await left(first.counted, 'at its end', true)
await left(first.saved, 'from state', false)
const ended = first.counted.open({ id: 'over' })
await ended.sendBatch(events)
ended.end()
for await (const _ of ended);
await ended.close()
await first.close()
rmSync(join(folder, 'lock'))

// What a life that goes on gives, for whoever reads this later.
const copy = mkdtempSync(join(tmpdir(), 'velo-fixture-'))
cpSync(folder, copy, { recursive: true })
const next = over(copy)
const results = {}
for (const [fn, id, count] of [
  [next.counted, 'replayed', 3],
  [next.counted, 'at its end', 3],
  [next.saved, 'from state', 8],
]) {
  const stream = fn.open({ id })
  results[id] = []
  while (results[id].length < count) results[id].push(await stream.recv())
  await stream.close()
}
await next.close()
rmSync(copy, { recursive: true })
const plain = (_, value) => (typeof value === 'bigint' ? `${value}n` : value instanceof Map ? [...value] : value)
writeFileSync(join(folder, 'results.json'), `${JSON.stringify(results, plain, 2)}\n`)
