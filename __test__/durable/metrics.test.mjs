// The numbers of a journal: plain data, of all threads, and they agree with what is kept.

import assert from 'node:assert/strict'
import { mkdtempSync, realpathSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { Worker } from 'node:worker_threads'
import { runtime, streamFn } from 'velo-stream'
import { EmbeddedJournal, journal } from 'velo-stream/durable'
import { noUnhandledRejections } from '../support/unhandled.mjs'
import { within } from '../support/within.mjs'
import * as functions from './support/functions.mjs'

const temp = realpathSync(mkdtempSync(join(tmpdir(), 'velo-metrics-')))
after(() => rmSync(temp, { recursive: true, force: true, maxRetries: 3 }))
let made = 0
const newFolder = () => join(temp, `j${made++}`)
const NUMBERS = ['streams', 'bytes', 'fileBytes', 'format', 'events', 'commands', 'commits', 'syncs', 'writtenBytes']
const MORE = ['queued', 'queuedBytes', 'replays', 'replayedEvents', 'refused', 'reopened']

async function all(stream) {
  const results = []
  for await (const result of stream) results.push(result)
  return results
}

test('runtime.snapshot() has the journals that are open', async () => {
  assert.deepEqual(runtime.snapshot().journals, [])
  const folders = [newFolder(), newFolder()]
  const journals = folders.map((folder) => journal(folder, { sync: 'process' }))
  assert.deepEqual(runtime.snapshot().journals, [], 'one that is not used touches nothing')
  assert.equal(journals[0].metrics.commits, 0)
  for (const [at, kept] of journals.entries()) {
    const stream = streamFn(functions.sum, { name: 'sum', durable: kept }).open({ id: 'a' })
    await stream.sendBatch(Array(at + 1).fill(1))
    await stream.close()
  }
  const seen = runtime.snapshot().journals
  assert.deepEqual(
    seen.map(({ path, events, streams }) => [path, events, streams]),
    [
      [folders[0], 1, 1],
      [folders[1], 2, 1],
    ],
  )
  for (const [at, one] of seen.entries()) {
    assert.deepEqual(Object.keys(one).sort(), [...NUMBERS, ...MORE, 'path', 'commitLatency'].sort())
    for (const name of [...NUMBERS, ...MORE]) assert.ok(Number.isSafeInteger(one[name]) && one[name] >= 0, `${name} ${one[name]}`)
    for (const name of NUMBERS) if (name !== 'syncs') assert.ok(one[name] > 0, name)
    assert.equal(one.syncs, 0, "sync: 'process'")
    assert.equal(one.fileBytes, statSync(join(folders[at], 'journal.redb')).size)
    assert.ok(one.writtenBytes >= one.bytes)
    const { p50, p95, p99, samples } = one.commitLatency
    assert.ok(p50 > 0 && p50 <= p95 && p95 <= p99 && p99 < 10_000_000, `${p50} ${p95} ${p99}`)
    assert.equal(samples, one.commits)
    assert.deepEqual(journals[at].metrics, one)
  }
  await journals[0].close()
  assert.deepEqual(
    runtime.snapshot().journals.map(({ path }) => path),
    [folders[1]],
  )
  assert.ok(Number.isNaN(journals[0].metrics.commitLatency.p50))
  await journals[1].close()
})

test('replays, refusals, syncs', async () => {
  const folder = newFolder()
  const kept = journal(folder, { maxBytes: 2000 })
  const fn = streamFn(functions.sum, { name: 'sum', durable: kept })
  const first = fn.open({ id: 'a' })
  await first.sendBatch([1, 2, 3, 4, 5])
  await first.recv()
  await first.ack()
  await first.close()
  await kept.close()
  const again = journal(folder, { maxBytes: 2000 })
  const second = streamFn(functions.sum, { name: 'sum', durable: again }).open({ id: 'a' })
  await second.resumed
  let now = again.metrics
  assert.deepEqual([now.streams, now.replays, now.replayedEvents, now.events, now.refused], [1, 1, 5, 0, 0])
  await assert.rejects(second.send('x'.repeat(3000)), { code: 'VELO_CHECKPOINT' })
  await second.send(6)
  now = again.metrics
  assert.deepEqual([now.events, now.refused], [1, 1])
  assert.ok(now.syncs > 0 && now.syncs >= now.commits, `${now.syncs} ${now.commits}`)
  second.end()
  assert.deepEqual(await all(second), [3, 6, 10, 15, 21])
  await second.closed
  await again.close()
})

test('the bytes kept are those of all streams, however they came and went', async () => {
  const folder = newFolder()
  let store = new EmbeddedJournal(folder, { sync: 'process' })
  const init = { at: 1, seed: 2 }
  const key = (at) => ({ function: 'f', id: `s${at}` })
  const event = (size) => ({ at: 1, end: false, bytes: new Uint8Array(size) })
  const agrees = async () => {
    const kept = await store.unfinished('f')
    const { bytes, streams } = store.metrics
    assert.deepEqual([bytes, streams], [kept.reduce((sum, one) => sum + one.bytes, 0), kept.length])
    return bytes
  }
  const owns = []
  for (let at = 0; at < 20; at++) owns.push((await store.open(key(at), init)).own)
  assert.equal(await agrees(), 0)
  for (const [at, own] of owns.entries()) {
    await store.append(own, 0, [event(10 * at), event(1)])
    await store.commit(own, { delivered: 1, hashes: { from: 0, values: Uint32Array.of(1, 2) } })
  }
  assert.ok((await agrees()) > 2000)
  await store.append(owns[0], 2, [event(300_000)])
  assert.ok((await agrees()) > 300_000)
  for (const own of owns.slice(0, 5))
    await store.commit(own, { state: { version: 1, events: 1, results: 1, asked: 0, bytes: new Uint8Array(99) } })
  await agrees()
  for (const own of owns.slice(4, 8)) await store.commit(own, { over: { bytes: new Uint8Array(5), retain: 0 } })
  for (const at of [8, 9]) await store.discard(key(at))
  const before = await agrees()
  // What came last is not where the rest is, and is counted by whoever opens the folder.
  await store.append(owns[12], 2, [event(77)])
  const after = await agrees()
  assert.equal(after - before, 77 + 12)
  await store.close()
  store = new EmbeddedJournal(folder, { sync: 'process' })
  assert.equal((await store.unfinished('f')).length, 14)
  assert.equal(await agrees(), after)
  await store.close()
})

test('journals of other threads are in the picture', async () => {
  const folder = newFolder()
  const source = `import { parentPort, workerData } from 'node:worker_threads'
    const { EmbeddedJournal } = await import(workerData.entry)
    const journal = new EmbeddedJournal(workerData.folder, { sync: 'process' })
    await journal.open({ function: 'f', id: 'a' }, { at: 1, seed: 2 })
    parentPort.postMessage('open')
    parentPort.once('message', () => journal.close())`
  const workerData = { folder, entry: import.meta.resolve('velo-stream/durable') }
  const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(source)}`), { workerData })
  await within(20_000, new Promise((resolve) => worker.once('message', resolve)))
  assert.deepEqual(
    runtime.snapshot().journals.map(({ path, streams }) => [path, streams]),
    [[folder, 1]],
  )
  worker.postMessage('close')
  await within(20_000, new Promise((resolve) => worker.once('exit', resolve)))
  assert.deepEqual(runtime.snapshot().journals, [])
})

noUnhandledRejections('numbers of a journal')
