// Rule 29: no failure of infrastructure finishes a durable stream: neither a worker thread that exits, nor a deploy whose function fails, returns or lasts
// too long while it is replayed.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { isMainThread } from 'node:worker_threads'
import { runtime, streamFn } from 'velo-stream'
import { durable } from 'velo-stream/durable'
import { noUnhandledRejections } from '../support/unhandled.mjs'
import { within } from '../support/within.mjs'
import { MemoryJournal, newShelf } from './support/memory-journal.mjs'

const LIMIT = 20_000
const MODULE = import.meta.url

/** A running sum that ends its thread at the event `turn`. */
export async function* exiting(events, { context: { turn } }) {
  let total = 0
  for await (const event of events) {
    if (event === turn) process.exit(1)
    yield (total += event)
  }
}

/** A running sum that throws at the event `turn`. */
export async function* failing(events, { context: { turn } }) {
  let total = 0
  for await (const event of events) {
    if (event === turn) throw new TypeError('a bug')
    yield (total += event)
  }
}

async function* sum(events) {
  let total = 0
  for await (const event of events) yield (total += event)
}

if (isMainThread) {
  /** A function over a shelf, as a process that has just started makes it. */
  const deploy = (shelf, fn, options = {}) => streamFn(fn, { name: 'sum', durable: durable(new MemoryJournal({ shelf })), ...options })
  const worker = (name, turn) => ({ placement: 'worker', export: name, context: () => ({ turn }) })

  async function readAll(stream) {
    const results = []
    for await (const result of stream) results.push(result)
    return results
  }

  /** Events 1, 2 and 3 are stored, and the results of the first `read` of them were read. */
  async function stored(shelf, read, { ends = false, options } = {}) {
    const stream = deploy(shelf, sum, options).open({ id: 'a' })
    await stream.sendBatch([1, 2, 3])
    for (let at = 0; at < read; at++) await within(LIMIT, stream.recv())
    if (ends) stream.end()
    await within(LIMIT, stream.close())
  }

  /** The function that is right again gets everything. */
  async function resumesWhole(shelf, options) {
    const stream = deploy(shelf, sum, options).open({ id: 'a' })
    const { events, results } = await within(LIMIT, stream.resumed)
    assert.equal(events, 3)
    stream.end()
    assert.deepEqual(await within(LIMIT, readAll(stream)), [1, 3, 6].slice(results))
    await within(LIMIT, stream.closed)
    assert.deepEqual(await deploy(shelf, sum).unfinished(), [])
  }

  describe('a worker thread that exits', () => {
    for (const last of ['its own', 'a local one that catches the error']) {
      test(`rule 29: fails the handle, and the stream goes on when it is opened again; the last function: ${last}`, async () => {
        const shelf = newShelf()
        let fn = deploy(shelf, MODULE, worker('exiting', 3))
        async function* catches(results) {
          try {
            for await (const result of results) yield result
          } catch {
            yield 'caught'
          }
        }
        const name = { name: 'sum' }
        if (last !== 'its own') fn = fn.pipe(catches).with(name)
        const stream = fn.open({ id: 'a' })
        await within(LIMIT, stream.send(1))
        assert.equal(await within(LIMIT, stream.recv()), 1)
        await within(LIMIT, stream.sendBatch([2, 3]))
        const error = await within(LIMIT, readAll(stream)).catch((thrown) => thrown)
        assert.equal(error.code, 'VELO_WORKER_EXITED')
        assert.equal(error.retryable, true)
        const end = await within(LIMIT, stream.closed)
        assert.deepEqual([end.reason, end.error.code], ['failed', 'VELO_WORKER_EXITED'])
        await within(LIMIT, stream.close())
        await resumesWhole(shelf)
      })
    }

    test('while an abort is under way does not keep the stream', async () => {
      const shelf = newShelf()
      const fn = deploy(shelf, MODULE, worker('exiting', 3))
      const stream = fn.open({ id: 'a' })
      await within(LIMIT, stream.sendBatch([1, 2]))
      await within(LIMIT, stream.recv())
      stream.abort('enough')
      await within(LIMIT, stream.closed)
      assert.deepEqual(await fn.unfinished(), [])
    })

    test('a module that cannot be loaded does not finish it either', async () => {
      const shelf = newShelf()
      const missing = deploy(shelf, MODULE, { placement: 'worker', export: 'missing' }).open({ id: 'a' })
      await within(LIMIT, missing.sendBatch([1, 2, 3]))
      await assert.rejects(within(LIMIT, missing.recv()), { code: 'VELO_FUNCTION_REF' })
      await within(LIMIT, missing.closed)
      await resumesWhole(shelf)
    })
  })

  describe('a replay that ends otherwise than before', () => {
    const places = { local: (turn) => [failing, { context: () => ({ turn }) }], worker: (turn) => [MODULE, worker('failing', turn)] }
    for (const [place, made] of Object.entries(places)) {
      for (const turn of [1, 2, 3]) {
        for (const read of [0, 1, 3]) {
          for (const ends of [false, true]) {
            test(`fails with VELO_CHECKPOINT and is retained (${place}, at event ${turn}, ${read} read${ends ? ', ended' : ''})`, async () => {
              const shelf = newShelf()
              await stored(shelf, read, { ends })
              const stream = deploy(shelf, ...made(turn)).open({ id: 'a' })
              if (!ends) stream.end()
              const error = await within(LIMIT, readAll(stream)).catch((thrown) => thrown)
              assert.equal(error.code, 'VELO_CHECKPOINT', error.stack)
              assert.match(error.message, new RegExp(`failed after ${turn} events`))
              assert.deepEqual([error.cause.name, error.cause.message], ['TypeError', 'a bug'])
              const end = await within(LIMIT, stream.closed)
              assert.deepEqual([end.reason, end.error], ['failed', error])
              await assert.rejects(stream.recv(), { code: 'VELO_CLOSED', cause: error })
              await within(LIMIT, stream.close())
              await resumesWhole(shelf)
            })
          }
        }
      }
    }

    test('by a return before results that were delivered', async () => {
      const shelf = newShelf()
      await stored(shelf, 3)
      const hasty = async function* (events) {
        for await (const event of events) return void (yield event)
      }
      const stream = deploy(shelf, hasty).open({ id: 'a' })
      await assert.rejects(within(LIMIT, stream.recv()), { code: 'VELO_CHECKPOINT', message: /returned after 1 events/ })
      await within(LIMIT, stream.close())
      await resumesWhole(shelf)
    })

    test('not by a return that nothing contradicts', async () => {
      const shelf = newShelf()
      await stored(shelf, 1)
      const first = async function* (events) {
        for await (const event of events) return void (yield event)
      }
      const stream = deploy(shelf, first).open({ id: 'a' })
      assert.deepEqual(await within(LIMIT, readAll(stream)), [1])
      assert.equal((await within(LIMIT, stream.closed)).reason, 'done')
      assert.deepEqual(await deploy(shelf, first).unfinished(), [])
    })

    test('by maxDuration', async () => {
      const shelf = newShelf()
      await stored(shelf, 0)
      const slow = async function* (events, { signal }) {
        for await (const _ of events) await new Promise((resolve) => signal.addEventListener('abort', resolve))
      }
      const stream = deploy(shelf, slow, { maxDuration: 50 }).open({ id: 'a' })
      const error = await within(LIMIT, stream.recv()).catch((thrown) => thrown)
      assert.deepEqual([error.code, error.cause.code], ['VELO_CHECKPOINT', 'VELO_TIMEOUT'])
      await within(LIMIT, stream.closed)
      await resumesWhole(shelf)
    })

    test('after a restart of the state', async () => {
      const shelf = newShelf()
      const options = { state: { initial: { total: 0 }, version: 1, every: 2 } }
      const saved = async function* (events, ctx) {
        for await (const event of events) yield (ctx.state.total += event)
      }
      const first = deploy(shelf, saved, options).open({ id: 'a' })
      for (const event of [1, 2, 3]) {
        await first.send(event)
        await within(LIMIT, first.recv())
      }
      await first.close()
      const broken = async function* (events) {
        for await (const _ of events) throw new TypeError('a bug')
      }
      const stream = deploy(shelf, broken, options).open({ id: 'a' })
      await assert.rejects(within(LIMIT, readAll(stream)), { code: 'VELO_CHECKPOINT' })
      const third = deploy(shelf, saved, options).open({ id: 'a' })
      assert.deepEqual(await within(LIMIT, third.resumed), { events: 3, results: 2, by: 'state' })
      assert.equal(await within(LIMIT, third.recv()), 6)
      third.abort()
      await within(LIMIT, third.closed)
    })

    test('a function that had failed before, and nobody had read that, fails with its own error, and finishes', async () => {
      for (const [place, made] of Object.entries(places)) {
        const shelf = newShelf()
        const first = deploy(shelf, ...made(2)).open({ id: 'a' })
        await within(LIMIT, first.sendBatch([1, 2, 3]))
        const end = await within(LIMIT, first.closed)
        assert.equal(end.error.message, 'a bug')
        const second = deploy(shelf, ...made(2)).open({ id: 'a' })
        assert.equal(await within(LIMIT, second.recv()), 1, place)
        await assert.rejects(within(LIMIT, second.recv()), { name: 'TypeError', message: 'a bug' })
        await within(LIMIT, second.closed)
        assert.deepEqual(await deploy(shelf, sum).unfinished(), [], place)
      }
    })

    test('a function that had returned early before does so again, and finishes', async () => {
      const shelf = newShelf()
      const first = async function* (events) {
        for await (const event of events) return void (yield event)
      }
      for (const reads of [false, true]) {
        const stream = deploy(shelf, first).open({ id: 'a' })
        if (!reads) await within(LIMIT, stream.sendBatch([1, 2, 3]))
        if (reads) assert.deepEqual(await within(LIMIT, readAll(stream)), [1])
        await within(LIMIT, stream.closed)
      }
      assert.deepEqual(await deploy(shelf, first).unfinished(), [])
    })

    test('an event that comes after the replay fails the function, and finishes it', async () => {
      for (const [place, made] of Object.entries(places)) {
        const shelf = newShelf()
        await stored(shelf, 3)
        const stream = deploy(shelf, ...made(4)).open({ id: 'a' })
        const { results } = await within(LIMIT, stream.resumed)
        for (const result of [1, 3, 6].slice(results)) assert.equal(await within(LIMIT, stream.recv()), result)
        await stream.send(4)
        await assert.rejects(within(LIMIT, stream.recv()), { name: 'TypeError', message: 'a bug' })
        await within(LIMIT, stream.closed)
        assert.deepEqual(await deploy(shelf, sum).unfinished(), [], place)
      }
    })
  })

  test.after(() => runtime.configure({ workers: { max: 1, idleTimeout: 1 } }))
  noUnhandledRejections('durable streams that are retained')
}
