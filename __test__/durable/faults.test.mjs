// Durable streams whose journal, thread or caller fails at the wrong moment: others go on, waits settle, and what is kept is what was said.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { streamFn } from 'velo-stream'
import { durable } from 'velo-stream/durable'
import { Ledger } from '../../target/js/durable/stream/commits/ledger.js'
import { deferred, turns, until } from '../support/deferred.mjs'
import { noUnhandledRejections } from '../support/unhandled.mjs'
import { within } from '../support/within.mjs'
import * as functions from './support/functions.mjs'
import { MemoryJournal, newShelf } from './support/memory-journal.mjs'

const MODULE = new URL('./support/functions.mjs', import.meta.url)

describe('what is to be committed', () => {
  test('the outcome of a ctx.run that is refused takes nothing else with it', async () => {
    const shelf = newShelf()
    const kept = new MemoryJournal({ shelf })
    const commit = kept.commit.bind(kept)
    const full = Object.assign(new Error('the disk is full'), { code: 'VELO_CHECKPOINT' })
    kept.commit = async (own, parts) => {
      if (parts.outcomes !== undefined) throw full
      return commit(own, parts)
    }
    const body = async function* asking(events, ctx) {
      for await (const event of events) yield await ctx.run('ask', () => event).catch(({ code }) => code)
    }
    const stream = streamFn(body, { durable: durable(kept) }).open({ id: 'a' })
    for (let i = 0; i < 3; i++) {
      await stream.send(i)
      assert.equal(await within(5000, stream.recv()), 'VELO_CHECKPOINT')
      // The next outcome and what was delivered are to be written at the same time.
      await turns(2)
    }
    await stream.ack()
    await stream.close()
    assert.equal((await stream.closed).reason, 'closed')
    assert.deepEqual(
      (await new MemoryJournal({ shelf }).unfinished('asking')).map(({ events, results }) => [events, results]),
      [[3, 3]],
    )
  })

  test('a state that is told before its results come by is not put off for ever by later ones', async () => {
    const commits = []
    const journal = { commit: async (_own, parts) => void commits.push(parts) }
    const nothing = { from: 0, values: [] }
    const kept = { own: {}, delivered: 0, hashes: nothing, outcomes: [], outputs: nothing, state: undefined }
    const ledger = new Ledger(journal, kept, true, assert.fail)
    const state = (results) => ({ version: 1, events: results, results, asked: 0, bytes: new Uint8Array(1) })
    for (let told = 2; told <= 20; told += 2) {
      ledger.save(state(told + 2))
      ledger.add(told, new Uint8Array(1))
      ledger.add(told, new Uint8Array(1))
      await turns(1)
    }
    const saved = commits.flatMap(({ state }) => state?.results ?? [])
    assert.ok(saved.length >= 5, `${saved}`)
    assert.deepEqual(
      saved,
      [...saved].sort((a, b) => a - b),
    )
  })

  test('arguments that are no ctx.run leave nothing behind', async () => {
    const shelf = newShelf()
    const body = async function* clumsy(events, ctx) {
      for await (const event of events) {
        const bad = await Promise.allSettled([ctx.run('', () => 1), ctx.run('a', 1), ctx.run('a', () => 1, { retries: 1 })])
        yield [event, ...bad.map(({ reason }) => reason.code)]
      }
    }
    const stream = streamFn(body, { durable: durable(new MemoryJournal({ shelf })) }).open({ id: 'a' })
    await stream.send(1)
    assert.deepEqual(await within(5000, stream.recv()), [1, 'VELO_CONFIG', 'VELO_CONFIG', 'VELO_CONFIG'])
    await stream.close()
    assert.equal([...shelf.streams.values()][0].outcomes.length, 0)
  })
})

describe('at the wrong moment', () => {
  test('a send to a stream that its journal ended tells why', async () => {
    const kept = new MemoryJournal()
    await kept.close()
    const stream = streamFn(functions.sum, { durable: durable(kept) }).open()
    await within(
      5000,
      assert.rejects(stream.send(1), (error) => error.reason === 'failed' && error.cause?.code === 'VELO_CHECKPOINT'),
    )
    await assert.rejects(stream.recv(), { code: 'VELO_CHECKPOINT' })
  })

  test('ids that nobody gave are not found again by chance', async () => {
    const stream = streamFn(functions.sum, { name: 'sum', durable: durable(new MemoryJournal()) }).open()
    assert.match(stream.id, /^sum-[0-9a-f]{8}-[0-9a-f-]{27}$/)
    stream.abort(new Error('enough'))
    await stream.closed
  })

  test('aborted while its state is migrated, a stream is not kept', async () => {
    const shelf = newShelf()
    const next = () => durable(new MemoryJournal({ shelf }))
    const options = { name: 'summed', state: { initial: { total: 0, seen: 0 }, version: 1, every: 1 } }
    const first = streamFn(functions.summed, { ...options, durable: next() }).open({ id: 'a' })
    await first.send(1)
    await first.recv()
    await first.send(2)
    await first.recv()
    await first.close()
    const [begun, hold] = [deferred(), deferred()]
    const migrate = async (old) => {
      begun.resolve()
      await hold.promise
      return old
    }
    const fn = streamFn(functions.summed, { ...options, state: { ...options.state, version: 2, migrate }, durable: next() })
    const second = fn.open({ id: 'a' })
    await within(5000, begun.promise)
    second.abort(new Error('not wanted'))
    hold.resolve()
    assert.equal((await within(5000, second.closed)).reason, 'aborted')
    await second.resumed.catch(() => {})
    assert.deepEqual(await fn.unfinished(), [])
  })

  /** A stream that has lost its thread, and whose next life waits for its journal until `goOn()`. */
  async function betweenTwoLives() {
    const journal = new MemoryJournal()
    const held = deferred()
    const commit = journal.commit.bind(journal)
    let isHolding = false
    journal.commit = async (own, parts) => {
      if (isHolding && parts.outcomes === undefined) await held.promise
      return commit(own, parts)
    }
    const options = { placement: 'worker', export: 'mortal', maxConcurrent: 1, durable: durable(journal), onWorkerExit: 'resume' }
    const fn = streamFn(MODULE, options)
    const stream = fn.open({ id: 'a' })
    await stream.send(1)
    assert.equal(await within(20_000, stream.recv()), 1)
    isHolding = true
    const acked = stream.ack()
    const reading = stream.recv()
    await stream.send(3)
    await until(20_000, () => fn.metrics.streamsOpen === 0, 'the end of the thread')
    const goOn = () => {
      isHolding = false
      held.resolve()
      return acked
    }
    return { fn, stream, reading, goOn }
  }

  test('a place that is taken when a thread is lost ends the stream, and everybody hears of it', async () => {
    const { fn, stream, reading, goOn } = await betweenTwoLives()
    const other = fn.open({ id: 'b' })
    await goOn()
    await within(10_000, assert.rejects(reading, { code: 'VELO_OVERLOADED' }))
    const end = await within(10_000, stream.closed)
    assert.deepEqual([end.reason, end.error.code], ['failed', 'VELO_OVERLOADED'])
    other.abort(new Error('enough'))
    await other.closed
  })

  test('left between two lives, a stream begins no other', async () => {
    for (const [leave, reason] of [
      [(stream) => stream.abort(new Error('enough')), 'aborted'],
      [(stream) => void stream.close(), 'closed'],
    ]) {
      const { fn, stream, reading, goOn } = await betweenTwoLives()
      const settled = reading.catch(() => {})
      leave(stream)
      await goOn()
      assert.equal((await within(10_000, stream.closed)).reason, reason)
      await within(10_000, settled)
      assert.equal((await fn.unfinished()).length, reason === 'closed' ? 1 : 0)
    }
  })

  test('a thread lost again and again takes no room along', async () => {
    const options = { placement: 'worker', export: 'mortal', buffer: 2, durable: durable(new MemoryJournal()), onWorkerExit: 'resume' }
    const stream = streamFn(MODULE, options).open({ id: 'a' })
    const events = Array.from({ length: 12 }, (_, at) => at + 1)
    const results = []
    const reading = (async () => {
      for await (const result of stream) results.push(result)
    })()
    await within(60_000, Promise.all(events.map((event) => stream.send(event))))
    stream.end()
    await within(60_000, reading)
    assert.deepEqual(
      results,
      events.map((event) => (event * (event + 1)) / 2),
    )
  })
})

describe('several lives', () => {
  test('results that close() drops are no results that were read', async () => {
    const shelf = newShelf()
    const open = () => streamFn(functions.sum, { name: 'sum', durable: durable(new MemoryJournal({ shelf })) }).open({ id: 'dropped' })
    const stream = open()
    await stream.sendBatch([1, 2, 3])
    stream.end()
    assert.equal(await stream.recv(), 1)
    assert.equal((await within(5000, stream.closed)).reason, 'done')
    await stream.close()
    await assert.rejects(stream.recv(), { code: 'VELO_CLOSED' })
    const again = open()
    assert.notEqual(await again.resumed, null)
    assert.deepEqual([await again.recvBatch(1), await again.recvBatch(1)].flat(), [1, 3])
    assert.equal(await again.recv(), 6)
    await assert.rejects(again.recv(), { code: 'VELO_CLOSED' })
    await again.close()
    assert.equal(shelf.streams.size, 0)
  })

  for (const [first, second] of [
    ['local', 'worker'],
    ['worker', 'local'],
  ]) {
    test(`each stage of a pipeline hears when the replay is over (${first}, ${second})`, async () => {
      const shelf = newShelf()
      const at = (placement, more) =>
        placement === 'local' ? streamFn(functions.replays, more) : streamFn(MODULE, { ...more, placement, export: 'replays' })
      const open = () =>
        at(first, { durable: durable(new MemoryJournal({ shelf })) })
          .pipe(at(second, {}))
          .open({ id: `${first} then ${second}` })
      const stream = open()
      for (const event of [[1], [2]]) {
        await stream.send(event)
        await within(10_000, stream.recv())
      }
      await stream.close()
      const again = open()
      await within(10_000, again.resumed)
      await again.send([3])
      await within(10_000, again.recv())
      assert.deepEqual(await within(10_000, again.recv()), [3, false, false])
      again.abort()
      await again.closed
    })
  }

  test('a name of ctx.run that looks like that of another stage is its own', async () => {
    const shelf = newShelf()
    const open = () => {
      const head = streamFn(functions.numbered, { durable: durable(new MemoryJournal({ shelf })) })
      return head.pipe(streamFn(MODULE, { placement: 'worker', export: 'dicing' })).open({ id: 'numbered' })
    }
    const stream = open()
    await stream.send('a')
    const result = await within(10_000, stream.recv())
    await stream.close()
    const again = open()
    assert.equal(await within(10_000, again.recv()), result)
    again.abort()
    await again.closed
  })

  test('keys of an operator give their results in the same order again', async () => {
    const shelf = newShelf()
    const open = () => functions.perKey.with({ name: 'per key', durable: durable(new MemoryJournal({ shelf })) }).open({ id: 'keys' })
    const events = ['a', 'b', 'a', 'c', 'b', 'a', 'c', 'c'].map((key, index) => ({ key, index }))
    const stream = open()
    const results = []
    for (const event of events) {
      await stream.send(event)
      for (let part = 0; part < 3; part++) results.push(await within(5000, stream.recv()))
    }
    await stream.ack()
    await stream.close()
    const again = open()
    assert.deepEqual(await within(5000, again.resumed), { events: 8, results: 24, by: 'replay' })
    again.end()
    const last = [await again.recv(), await again.recv(), await again.recv()]
    assert.deepEqual(
      last.map(({ key }) => key),
      ['a', 'b', 'c'],
    )
    await assert.rejects(within(5000, again.recv()), { code: 'VELO_CLOSED' })
    assert.equal((await again.closed).reason, 'done')
  })

  for (const [first, second] of [
    ['local', 'worker'],
    ['worker', 'local'],
    ['worker', 'worker'],
  ]) {
    test(`what stages ask on different threads is kept (${first}, ${second})`, async () => {
      const shelf = newShelf()
      const at = (placement, more) =>
        placement === 'local' ? streamFn(functions.dicing, more) : streamFn(MODULE, { ...more, placement, export: 'dicing' })
      const open = () =>
        at(first, { durable: durable(new MemoryJournal({ shelf })) })
          .pipe(at(second, {}))
          .open({ id: `${first} ${second}` })
      const stream = open()
      const results = []
      for (const event of ['a', 'b', 'c']) {
        await stream.send(event)
        results.push(await within(10_000, stream.recv()))
      }
      assert.match(results[2], /^c 0\.\d+ 0\.\d+$/)
      await stream.close()
      const again = open()
      assert.equal(await within(10_000, again.recv()), results[2])
      again.abort()
      await again.closed
    })
  }
})

noUnhandledRejections('durable faults')
