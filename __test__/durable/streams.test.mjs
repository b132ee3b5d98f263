// Durable streams as their users see them: kept, found again, played, refused, ended.

import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { runtime, streamFn, VeloError } from 'velo-stream'
import { durable, journal } from 'velo-stream/durable'
import { turns, until } from '../support/deferred.mjs'
import { noUnhandledRejections } from '../support/unhandled.mjs'
import { within } from '../support/within.mjs'
import * as functions from './support/functions.mjs'
import { MemoryJournal, newShelf } from './support/memory-journal.mjs'

const MODULE = new URL('./support/functions.mjs', import.meta.url)
const folders = []
after(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true })
})
const newFolder = () => {
  folders.push(mkdtempSync(join(tmpdir(), 'velo-durable-')))
  return folders.at(-1)
}

async function all(stream) {
  const results = []
  for await (const result of stream) results.push(result)
  return results
}

/** Each journal that a process after the last one has over the same shelf. */
const lives = (shelf = newShelf()) => ({ shelf, next: (options) => durable(new MemoryJournal({ shelf }), options) })

for (const placement of ['local', 'worker']) {
  const make = (name, options) =>
    placement === 'local'
      ? streamFn(functions[name], { name, ...options })
      : streamFn(MODULE, { name, placement, export: name, ...options })

  describe(`durable streams (${placement})`, () => {
    test('come back by replay, with the indexes of their results', async () => {
      const { next } = lives()
      const first = make('sum', { durable: next() }).open({ id: 'a' })
      assert.equal(await first.resumed, null)
      for (const event of [1, 2, 3]) await first.send(event)
      assert.deepEqual(await within(5000, first.recvBatch(1)), [1])
      assert.equal(await first.recv(), 3)
      await first.ack()
      await first.close()
      const second = make('sum', { durable: next() }).open({ id: 'a' })
      assert.deepEqual(await second.resumed, { events: 3, results: 2, by: 'replay' })
      assert.deepEqual(second.position, { events: 3, results: 2 })
      assert.equal(await second.recv(), 6)
      second.end()
      assert.deepEqual(await all(second), [])
      const end = await second.closed
      assert.deepEqual([end.reason, end.value], ['done', 6])
    })

    test('come back from their state, and drop their history', async () => {
      const { shelf, next } = lives()
      const state = { initial: { total: 0, seen: 0 }, version: 1, every: 2 }
      const first = make('summed', { durable: next(), state }).open({ id: 'a' })
      for (const event of [1, 2, 3, 4, 5]) {
        await first.send(event)
        await first.recv()
      }
      const [kept] = shelf.streams.values()
      await until(5000, () => kept.first >= 4, 'the history is dropped')
      await first.close()
      const again = make('summed', { durable: next(), state }).open({ id: 'a' })
      assert.equal((await again.resumed).by, 'state')
      assert.deepEqual(await again.recv(), [5, 15])
      await again.send(6)
      assert.deepEqual(await again.recv(), [6, 21])
      again.abort()
      await again.closed
      await turns(4)
      assert.equal(shelf.streams.size, 0)
    })

    test('a state of another version is refused, unless it is migrated', async () => {
      const { shelf, next } = lives()
      const state = { initial: { total: 0, seen: 0 }, version: 1, every: 1 }
      const first = make('summed', { durable: next(), state }).open({ id: 'a' })
      for (const event of [5, 6]) await first.send(event)
      await first.recvBatch(2)
      await first.ack()
      const [kept] = shelf.streams.values()
      await until(5000, () => kept.state !== undefined, 'its state is kept')
      await first.close()
      const refused = make('summed', { durable: next(), state: { ...state, version: 2 } }).open({ id: 'a' })
      await assert.rejects(within(5000, refused.recv()), { code: 'VELO_CHECKPOINT', message: /version 1.*2/ })
      await assert.rejects(refused.resumed, { code: 'VELO_CHECKPOINT' })
      const migrate = (old, from) => ({ total: old.total * 100, seen: old.seen + from })
      const moved = make('summed', { durable: next(), state: { ...state, version: 2, migrate } }).open({ id: 'a' })
      await moved.resumed
      await moved.send(1)
      const results = [await moved.recv()]
      while (results.at(-1)[1] < 500) results.push(await moved.recv())
      assert.ok(results.at(-1)[1] >= 501)
      const gone = make('summed', { durable: next() }).open({ id: 'b' })
      await gone.close()
      await moved.close()
    })

    test('run and the call: a source that is asked where to begin', async () => {
      const { shelf, next } = lives()
      const numbers = [1, 2, 3, 4]
      assert.deepEqual(await make('sum', { durable: next() }).run(numbers, { id: 'r' }), [1, 3, 6, 10])
      assert.equal(shelf.streams.size, 0)
      const asked = []
      const fn = make('sum', { durable: next() })
      const before = fn.open({ id: 'again' })
      await before.sendBatch([1, 2])
      await before.close()
      const from = (index) => {
        asked.push(index)
        return numbers.slice(index)
      }
      assert.deepEqual(await fn.run(from, { id: 'again' }), [1, 3, 6, 10])
      assert.deepEqual(await all(fn(from, { id: 'call' })), [1, 3, 6, 10])
      assert.deepEqual(asked, [2, 0])
    })

    test('positions count events, not the end of the input', async () => {
      const { next } = lives()
      const first = make('sum', { durable: next() }).open({ id: 'a' })
      await first.sendBatch([1, 2])
      first.end()
      assert.equal(await first.recv(), 1)
      assert.equal(first.position.events, 2)
      await first.close()
      const second = make('sum', { durable: next() }).open({ id: 'a' })
      assert.equal((await second.resumed).events, 2)
      assert.equal(second.position.events, 2)
      second.abort()
      await within(5000, second.closed)
    })

    test('the error of a send says how many events are stored, none included', async () => {
      const { next } = lives()
      const stream = make('sum', { durable: next() }).open({ id: 'a' })
      for (const events of [[() => {}], [1, () => {}]])
        await assert.rejects(stream.sendBatch(events), (error) => error instanceof VeloError && error.accepted === 0)
      await assert.rejects(stream.send(1, { signal: AbortSignal.abort() }), { code: 'VELO_ABORTED', accepted: 0 })
      assert.equal(stream.position.events, 0)
      stream.abort()
      await within(5000, stream.closed)
    })

    test('the end is told again while it is retained', async () => {
      const { next } = lives()
      const fn = make('sum', { durable: next({ retain: 60_000 }) })
      assert.deepEqual(await fn.run([1, 2], { id: 'a' }), [1, 3])
      await assert.rejects(fn.run([1, 2], { id: 'a' }), { code: 'VELO_CLOSED', reason: 'done' })
      await assert.rejects(fn([1, 2], { id: 'a' }).next(), { code: 'VELO_CLOSED', reason: 'done' })
      const again = fn.open({ id: 'a' })
      assert.deepEqual(await again.resumed, { events: 2, results: 2, by: 'replay' })
      assert.deepEqual(again.position, { events: 2, results: 2 })
      const end = await within(5000, again.closed)
      assert.deepEqual([end.reason, end.value], ['done', 3])
      await assert.rejects(again.recv(), { code: 'VELO_CLOSED' })
      await assert.rejects(again.send(1), { code: 'VELO_CLOSED' })
      assert.equal(await fn.discard('a'), true)
      assert.equal(await fn.discard('a'), false)
    })
  })
}

describe('what is found out', () => {
  test('unfinished() and discard()', async () => {
    const { next } = lives()
    const fn = streamFn(functions.sum, { name: 'sum', durable: next() })
    const [a, b] = [fn.open({ id: 'a' }), fn.open({ id: 'b' })]
    await a.send(1)
    await b.sendBatch([1, 2])
    assert.deepEqual(await fn.unfinished(), [])
    await a.close()
    assert.deepEqual(
      (await fn.unfinished()).map(({ id, events, results }) => ({ id, events, results })),
      [{ id: 'a', events: 1, results: 0 }],
    )
    assert.equal(await fn.discard('b'), true)
    assert.equal((await b.closed).reason, 'aborted')
    assert.equal(await fn.discard('a'), true)
    assert.deepEqual(await fn.unfinished(), [])
  })

  test('runtime.recover() opens what was left, by function and id', async () => {
    const { next } = lives()
    const left = streamFn(functions.sum, { name: 'sum', durable: next() })
    for (const id of ['a', '__proto__', 'c']) {
      const stream = left.open({ id })
      await stream.sendBatch([1, 2])
      await stream.close()
    }
    const fn = streamFn(functions.sum, { name: 'sum', durable: next() })
    await assert.rejects(runtime.recover({ functions: [streamFn(functions.sum)] }), { code: 'VELO_CONFIG' })
    await assert.rejects(runtime.recover({ functions: 1 }), { code: 'VELO_CONFIG' })
    await assert.rejects(runtime.recover({ functions: [fn], concurrency: 0 }), { code: 'VELO_CONFIG' })
    const { sum } = await runtime.recover({ functions: [fn], concurrency: 2 })
    assert.deepEqual(Object.keys(sum).sort(), ['__proto__', 'a', 'c'])
    assert.deepEqual(await fn.unfinished(), [])
    for (const stream of Object.values(sum)) {
      stream.end()
      assert.deepEqual(await all(stream), [1, 3])
    }
    assert.deepEqual(await fn.unfinished(), [])
  })

  test('a replay that differs names the first result that does', async () => {
    for (const onDivergence of ['fail', 'warn']) {
      const { next } = lives()
      let add = 0
      const fickle = async function* fickle(events) {
        for await (const event of events) yield event + add
      }
      const first = streamFn(fickle, { durable: next() }).open({ id: 'a' })
      await first.sendBatch([1, 2, 3])
      for (let left = 3; left > 0; left--) await first.recv()
      await first.ack()
      await first.close()
      add = 1
      const warned = new Promise((resolve) => process.once('warning', resolve))
      const second = streamFn(fickle, { durable: next({ onDivergence }) }).open({ id: 'a' })
      if (onDivergence === 'fail') {
        await assert.rejects(within(5000, second.recv()), { code: 'VELO_CHECKPOINT', message: /result 0 differs/ })
        const end = await second.closed
        assert.deepEqual([end.reason, end.error.code], ['failed', 'VELO_CHECKPOINT'])
        process.removeAllListeners('warning')
      } else {
        assert.match((await within(5000, warned)).message, /result 0 differs/)
        await second.send(10)
        assert.equal(await second.recv(), 11)
        await second.close()
      }
    }
  })

  test('an event that the journal refuses rejects its send, and the stream lives', async () => {
    const fn = streamFn(
      async function* length(events) {
        for await (const event of events) yield event.length
      },
      { durable: durable(new MemoryJournal({ maxBytes: 1000 })) },
    )
    const stream = fn.open({ id: 'a' })
    await stream.send('x'.repeat(100))
    const refused = [stream.send('y'.repeat(2000)), stream.send('z')]
    await assert.rejects(refused[0], { code: 'VELO_CHECKPOINT' })
    await refused[1].catch(() => {})
    await stream.send('zz')
    const results = [await stream.recv(), await stream.recv()]
    assert.equal(results[0], 100)
    assert.ok([1, 2].includes(results[1]))
    await stream.close()
  })

  test('what cannot be kept is refused by name', async () => {
    const fn = streamFn(
      async function* odd(events, ctx) {
        for await (const event of events) {
          if (event === 'yield') yield { run: () => {} }
          else yield await ctx.run('symbol', () => Symbol('s'))
        }
      },
      { durable: durable(new MemoryJournal()) },
    )
    const one = fn.open()
    await assert.rejects(one.send({ fn() {} }), { code: 'VELO_CODEC', field: 'value.fn' })
    await one.send('yield')
    await assert.rejects(within(5000, one.recv()), { code: 'VELO_CODEC' })
    const two = fn.open()
    await two.send('ask')
    await assert.rejects(within(5000, two.recv()), { code: 'VELO_CODEC', message: /ctx\.run\('symbol'\)/ })
  })

  test('a journal that does not answer, or fails, ends the stream with its error', async () => {
    const broken = new MemoryJournal()
    broken.open = async () => {
      throw new Error('the disk is gone')
    }
    const stream = streamFn(functions.sum, { durable: durable(broken) }).open({ id: 'a' })
    await assert.rejects(within(5000, stream.recv()), /the disk is gone/)
    assert.equal((await stream.closed).reason, 'failed')
    await assert.rejects(stream.send(1), { code: 'VELO_CLOSED' })
  })

  test('ctx.run: once, with its error, in any order, and without a journal', async () => {
    const { next } = lives()
    let calls = 0
    const body = async function* asks(events, ctx) {
      for await (const event of events) {
        const answers = await Promise.allSettled([
          ctx.run('one', () => ++calls),
          ctx.run('two', () => Promise.reject(Object.assign(new RangeError('no'), { code: 'E' }))),
          ctx.run('one', async () => ++calls, { retry: { attempts: 3, backoff: 0 } }),
        ])
        yield [event, ...answers.map(({ value, reason }) => value ?? `${reason.name} ${reason.code}`)]
      }
    }
    const first = streamFn(body, { durable: next() }).open({ id: 'a' })
    await first.send('e')
    const given = await first.recv()
    assert.deepEqual([given[0], given[2]], ['e', 'RangeError E'])
    await first.close()
    const second = streamFn(body, { durable: next() }).open({ id: 'a' })
    assert.deepEqual(await second.recv(), given)
    assert.equal(calls, 2)
    await second.close()
    assert.deepEqual(await streamFn(body).run(['f']), [['f', 3, 'RangeError E', 4]])
  })

  test('options that do not go together', () => {
    const kept = durable(new MemoryJournal())
    const refuses = (options, field) =>
      assert.throws(() => streamFn(functions.sum, options), { code: 'VELO_CONFIG', field: `streamFn(options).${field}` })
    refuses({ durable: {} }, 'durable')
    refuses({ durable: kept, state: { initial: 1 } }, 'state.version')
    refuses({ durable: kept, state: { initial: 1, version: 1, every: 0 } }, 'state.every')
    assert.throws(() => durable({}), { code: 'VELO_CONFIG', field: 'durable(journal).open' })
    assert.throws(() => durable(new MemoryJournal(), { retain: -1 }), { code: 'VELO_CONFIG' })
    assert.throws(() => journal('x', { syncs: 1 }), { code: 'VELO_CONFIG' })
    assert.throws(() => streamFn(MODULE, { placement: 'worker', onWorkerExit: 'resume' }), { code: 'VELO_CONFIG' })
    // A cluster may keep it: who is to is known when it is used.
    const stateful = streamFn(functions.sum, { state: { initial: 1, version: 1 } })
    const unkept = { code: 'VELO_CONFIG', field: 'streamFn(options).state' }
    assert.throws(() => stateful.open(), unkept)
    assert.throws(() => stateful([1]), unkept)
    const sum = streamFn(functions.sum)
    return Promise.all([
      assert.rejects(stateful.run([1]), unkept),
      assert.rejects(sum.unfinished(), { code: 'VELO_CONFIG' }),
      assert.rejects(sum.discard('a'), { code: 'VELO_CONFIG' }),
      assert.rejects(sum.run([1], { id: 'a' }), { code: 'VELO_CONFIG' }),
    ])
  })
})

describe('in a folder', () => {
  test('a pipeline on both threads comes back from a journal that was closed', async () => {
    const path = newFolder()
    const build = (kept) =>
      streamFn(functions.doubled, { name: 'doubled', durable: kept }).pipe(streamFn(MODULE, { placement: 'worker', export: 'sum' }))
    const one = journal(path)
    const first = build(one).open({ id: 'a' })
    await first.sendBatch([1, 2, 3])
    assert.equal(await first.recv(), 2)
    await first.ack()
    await first.close()
    await one.close()
    const two = journal(path, { sync: 'process' })
    const second = build(two).open({ id: 'a' })
    assert.equal((await second.resumed).results, 1)
    second.end()
    assert.deepEqual(await all(second), [6, 12])
    await two.close()
  })

  test('a stream goes on when its worker thread dies', async () => {
    const kept = journal(newFolder(), { sync: 'process' })
    const fn = streamFn(MODULE, { placement: 'worker', export: 'fragile', durable: kept, onWorkerExit: 'resume' })
    const stream = fn.open({ id: 'a' })
    const reading = all(stream)
    for (const event of [1, 2, 3, 4]) await within(10_000, stream.send(event))
    stream.end()
    assert.deepEqual(await within(20_000, reading), [1, 3, 6, 10])
    await kept.close()
  })

  test('nothing is left open', () => {
    assert.equal(runtime.snapshot().streamsOpen, 0)
  })
})

noUnhandledRejections('durable streams')
