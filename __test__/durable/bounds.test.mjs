// What a durable stream may keep, what may wait for the disk, and that what it keeps costs work in proportion.

import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { streamFn } from 'velo-stream'
import { durable, journal } from 'velo-stream/durable'
import { deferred, isPending, turns, until } from '../support/deferred.mjs'
import { noUnhandledRejections } from '../support/unhandled.mjs'
import { within } from '../support/within.mjs'
import * as functions from './support/functions.mjs'
import { MemoryJournal } from './support/memory-journal.mjs'

const MODULE = new URL('./support/functions.mjs', import.meta.url)
const temp = mkdtempSync(join(tmpdir(), 'velo-bounds-'))
after(() => rmSync(temp, { recursive: true, force: true, maxRetries: 3 }))
let made = 0
const newFolder = () => join(temp, `j${made++}`)

async function all(stream) {
  const results = []
  for await (const result of stream) results.push(result)
  return results
}

/** A journal whose appends wait until it is opened. */
class Gated extends MemoryJournal {
  given = 0
  #open = deferred()

  async append(own, from, records) {
    this.given += records.length
    await this.#open.promise
    return super.append(own, from, records)
  }

  release() {
    this.#open.resolve()
  }
}

for (const placement of ['local', 'worker']) {
  const make = (name, options) =>
    placement === 'local'
      ? streamFn(functions[name], { name, ...options })
      : streamFn(MODULE, { name, placement, export: name, ...options })

  describe(`bounds of durable streams (${placement})`, () => {
    for (const [store, open] of [
      ['in memory', (maxBytes) => durable(new MemoryJournal({ maxBytes }))],
      ['in a folder', (maxBytes) => journal(newFolder(), { sync: 'process', maxBytes })],
    ]) {
      test(`beyond maxBytes a send is refused, and the stream lives and ends (${store})`, async () => {
        const kept = open(400)
        const stream = make('sum', { durable: kept }).open()
        let sent = 0
        const refusal = await within(
          10_000,
          (async () => {
            for (;;) {
              try {
                await stream.send(1)
              } catch (error) {
                return error
              }
              sent++
            }
          })(),
        )
        assert.equal(refusal.code, 'VELO_CHECKPOINT')
        assert.match(refusal.message, /may keep 400/)
        assert.ok(sent > 5 && sent < 100, `${sent}`)
        assert.equal(stream.position.events, sent)
        await assert.rejects(stream.sendBatch([1, 2, 3]), { code: 'VELO_CHECKPOINT' })
        for (let read = 1; read <= sent; read++) assert.equal(await within(5000, stream.recv()), read)
        await assert.rejects(stream.send(1), { code: 'VELO_CHECKPOINT' }, 'its history is kept all the same')
        stream.end()
        const end = await within(5000, stream.closed)
        assert.deepEqual([end.reason, end.value], ['done', sent])
        await kept.close?.()
      })

      test(`a state makes room again (${store})`, async () => {
        const kept = open(1000)
        const state = { initial: { total: 0, seen: 0 }, version: 1, every: 2 }
        const stream = make('summed', { durable: kept, state }).open()
        const isSent = () =>
          stream.send(1).then(
            () => true,
            (error) => assert.equal(error.code, 'VELO_CHECKPOINT'),
          )
        for (let event = 1; event <= 200; event++) {
          // The news of a state may be on its way from another thread.
          while (!(await within(5000, isSent()))) await turns(1)
          assert.deepEqual(await within(5000, stream.recv()), [event, event])
        }
        await stream.abort()
        await stream.closed
        await kept.close?.()
      })
    }

    test('a full journal has the state saved before its time, and a send says how much of it is kept', async () => {
      const kept = journal(newFolder(), { sync: 'process', maxBytes: 2000 })
      // By itself it would be saved when there is no room for so many events.
      const state = { initial: { total: 0, seen: 0 }, version: 1, every: 1000 }
      const stream = make('summed', { durable: kept, state, buffer: 8 }).open()
      const count = 500
      const reading = (async () => {
        let last
        for (let read = 0; read < count; read++) last = await stream.recv()
        return last
      })()
      let refusals = 0
      for (let sent = 0; sent < count; sent = stream.position.events) {
        const batch = Array.from({ length: Math.min(50, count - sent) }, () => 1)
        try {
          await within(10_000, stream.sendBatch(batch))
        } catch (error) {
          assert.equal(error.code, 'VELO_CHECKPOINT')
          refusals++
          assert.equal(stream.position.events, sent + (error.accepted ?? 0))
          await turns(1)
        }
      }
      assert.ok(refusals > 0)
      assert.deepEqual(await within(20_000, reading), [count, count])
      await stream.abort()
      await stream.closed
      await kept.close()
    })

    test('sends wait for a slow journal, and no more than `buffer` events are given to it', async () => {
      const slow = new Gated()
      const stream = make('sum', { durable: durable(slow), buffer: 4 }).open()
      await stream.resumed
      const batch = stream.sendBatch([1, 2, 3, 4, 5, 6])
      const next = stream.send(7)
      assert.ok(await isPending(Promise.race([batch, next])))
      assert.equal(slow.given, 4)
      assert.equal(stream.trySend(8), false)
      slow.release()
      const results = []
      while (results.length < 7) results.push(await within(5000, stream.recv()))
      await Promise.all([batch, next])
      assert.deepEqual(results, [1, 3, 6, 10, 15, 21, 28])
      await stream.abort()
      await stream.closed
    })

    test('each result goes to the journal once, however long nobody has it', async () => {
      let given = 0
      class Counting extends MemoryJournal {
        async commit(own, commit) {
          given += commit.outputs?.values.length ?? 0
          return super.commit(own, commit)
        }
      }
      const state = { initial: { total: 0, seen: 0 }, version: 1, every: 16 }
      const count = 5000
      const results = await within(60_000, make('summed', { durable: durable(new Counting()), state }).run(Array(count).fill(1)))
      assert.equal(results.length, count + 1)
      assert.ok(given > count / 2 && given <= count, `${given} results were given to the journal`)
    })
  })
}

describe('bounds of the embedded journal', () => {
  test('no more than sixteen submissions of a thread wait for the writer; the other sends wait', async () => {
    const kept = journal(newFolder(), { sync: 'process' })
    const fn = streamFn(functions.lengths, { name: 'lengths', durable: kept })
    const streams = Array.from({ length: 32 }, (_, at) => fn.open({ id: `${at}` }))
    const body = new Uint8Array(256 * 1024)
    const sent = Promise.all(
      streams.map(async (stream) => {
        for (let left = 8; left > 0; left--) await stream.send(body)
        stream.end()
      }),
    )
    const read = Promise.all(streams.map(async (stream) => (await all(stream)).length))
    let [most, bytes, isOver] = [0, 0, false]
    const work = Promise.all([sent, read]).finally(() => (isOver = true))
    while (!isOver) {
      const { queued, queuedBytes } = kept.metrics
      most = Math.max(most, queued)
      bytes = Math.max(bytes, queuedBytes)
      await turns(1)
    }
    const [, counts] = await within(30_000, work)
    assert.deepEqual(counts, Array(32).fill(8))
    assert.ok(most <= 16, `${most} submissions`)
    assert.ok(bytes > 0 && bytes < 16 * 2 * 1024 * 1024, `${bytes} bytes`)
    await until(5000, () => kept.metrics.queued === 0 && kept.metrics.queuedBytes === 0, 'the queue is empty')
    await kept.close()
  })
})

noUnhandledRejections('bounds of durable streams')
