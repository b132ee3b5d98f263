// Rule 28: the death of a worker thread counts only against the durable stream whose code was running. Its neighbors go on with every event, and it runs alone
// until it has got past the event that the thread died of.

import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { runtime, streamFn } from 'velo-stream'
import { durable } from 'velo-stream/durable'
import { noUnhandledRejections } from '../support/unhandled.mjs'
import { within } from '../support/within.mjs'
import { KILLS } from './support/killing-functions.mjs'
import { MemoryJournal, newShelf } from './support/memory-journal.mjs'

const LIMIT = 60_000
const NEIGHBORS = 7
const FUNCTIONS = new URL('./support/killing-functions.mjs', import.meta.url)

const folder = mkdtempSync(join(tmpdir(), 'velo-suspects-'))
after(() => rmSync(folder, { recursive: true, force: true, maxRetries: 3 }))
runtime.configure({ workers: { max: 1, resourceLimits: { maxOldGenerationSizeMb: 64 } } })

const deploy = (shelf, options = {}) =>
  streamFn(FUNCTIONS, {
    placement: 'worker',
    export: 'sums',
    name: 'sums',
    durable: durable(new MemoryJournal({ shelf })),
    onWorkerExit: 'resume',
    idleTimeout: 0,
    ...options,
  })

/** Streams that have had some events, and wait for more. */
async function neighbors(fn, count = NEIGHBORS) {
  const streams = Array.from({ length: count }, (_, at) => fn.open({ id: `neighbor-${at}` }))
  for (const stream of streams) {
    await within(LIMIT, stream.sendBatch([1, 2]))
    assert.equal(await within(LIMIT, stream.recv()), 1)
    assert.equal(await within(LIMIT, stream.recv()), 3)
  }
  return streams
}

/** Nothing was lost by them, and none was ended. */
async function goOn(streams) {
  for (const stream of streams) {
    await within(LIMIT, stream.send(4), `send to ${stream.id}`)
    assert.equal(await within(LIMIT, stream.recv(), `recv of ${stream.id}`), 7)
  }
}

async function closeAll(...streams) {
  await within(LIMIT, Promise.all(streams.map((stream) => stream.close())))
}

describe('one event that ends its thread', () => {
  for (const kill of Object.keys(KILLS)) {
    test(`rule 28: each time: 7 neighbors are unharmed, and its stream fails and is retained (${kill})`, async () => {
      const shelf = newShelf()
      const fn = deploy(shelf)
      const others = await neighbors(fn)
      const killer = fn.open({ id: 'killer' })
      await within(LIMIT, killer.send(5))
      await within(LIMIT, killer.recv())
      const failed = (async () => {
        for await (const _ of killer);
      })().catch((error) => error)
      await within(LIMIT, killer.send({ kill }))
      assert.equal((await within(LIMIT, failed)).code, 'VELO_WORKER_EXITED')
      const end = await within(LIMIT, killer.closed)
      assert.deepEqual([end.reason, end.error.code], ['failed', 'VELO_WORKER_EXITED'])
      await goOn(others)
      await closeAll(killer, ...others)
      const { events } = (await fn.unfinished()).find(({ id }) => id === 'killer')
      assert.equal(events, 2)
    })

    test(`once: its stream goes on, and so do its neighbors (${kill})`, async () => {
      const fn = deploy(newShelf())
      const others = await neighbors(fn)
      const killer = fn.open({ id: 'killer' })
      const mark = join(folder, `once-${Object.keys(KILLS).indexOf(kill)}`)
      await within(LIMIT, killer.sendBatch([5, { kill, mark }, 6]))
      for (const total of [5, 5, 11]) assert.equal(await within(LIMIT, killer.recv()), total)
      await goOn(others)
      await closeAll(killer, ...others)
    })
  }

  test('runs alone after the first death, and is no more alone when it has got past it', async () => {
    const fn = deploy(newShelf())
    const others = await neighbors(fn, 2)
    const killer = fn.open({ id: 'killer' })
    await within(LIMIT, killer.send({ kill: 'process.exit()', mark: join(folder, 'alone') }))
    assert.equal(await within(LIMIT, killer.recv()), 0)
    await goOn(others)
    for (const stream of others) assert.notEqual(stream.metrics.thread, killer.metrics.thread)
    await closeAll(...others, killer)
    assert.ok(runtime.snapshot().workers.every(({ streams }) => streams === 0))
  })

  test('of a stream that was opened again by hand runs alone', async () => {
    const shelf = newShelf()
    const fn = deploy(shelf, { onWorkerExit: 'fail' })
    const killer = fn.open({ id: 'killer' })
    await within(LIMIT, killer.send({ kill: 'process.exit()' }))
    await assert.rejects(within(LIMIT, killer.recv()), { code: 'VELO_WORKER_EXITED' })
    await within(LIMIT, killer.closed)
    const others = await neighbors(fn)
    const again = fn.open({ id: 'killer' })
    await assert.rejects(within(LIMIT, again.recv()), { code: 'VELO_WORKER_EXITED' })
    await goOn(others)
    await closeAll(again, ...others)
  })
})

noUnhandledRejections('streams that end their threads')
