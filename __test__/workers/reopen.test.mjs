// onWorkerExit: 'reopen': when its thread dies a stream goes on with a new instance of its function on another thread. What had been accepted
// and not been delivered is delivered to the new one, and accepted = delivered + dropped.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { runtime, streamFn } from 'velo-stream'
import { asyncSource } from '../support/counted.mjs'
import { outcome, until } from '../support/deferred.mjs'
import { noUnhandledRejections } from '../support/unhandled.mjs'
import { within } from '../support/within.mjs'
import { Flag, flags, raised } from './functions/flags.mjs'

runtime.configure({ workers: 2 })

const soon = (promise, what) => within(5_000, promise, what)
const EXIT = { do: 'exit', code: 3 }
const echo = (value) => ({ do: 'echo', value })
const obey = (options) =>
  streamFn(new URL('functions/obey.mjs', import.meta.url), {
    placement: 'worker',
    export: 'obey',
    idleTimeout: 0,
    onWorkerExit: 'reopen',
    ...options,
  })

async function answer(stream, order) {
  await soon(stream.send(order), 'send')
  return soon(stream.recv(), 'recv')
}

function opened(options) {
  const row = flags()
  const fn = obey({ context: () => row, ...options })
  return { row, fn, stream: fn.open() }
}

/** Its thread has died, and the stream knows. */
const moved = (stream, from) => until(5_000, () => stream.metrics.thread !== from && stream.metrics.thread !== 0, 'another thread')

describe('a stream that is reopened', () => {
  test('goes on with a new instance on another thread', async () => {
    const { row, fn, stream } = opened()
    assert.equal(await answer(stream, echo(1)), 1)
    const before = stream.metrics.thread
    await soon(stream.send(EXIT), 'send')
    assert.equal(await answer(stream, echo(2)), 2)
    assert.notEqual(stream.metrics.thread, before)
    assert.equal(stream.state, 'open')
    assert.equal(Atomics.load(row, Flag.Started), 2)
    assert.equal(Atomics.load(row, Flag.Left), 0, 'the first instance has no finally: its thread is gone')
    stream.end()
    const end = await soon(stream.closed, 'closed')
    assert.deepEqual(end, { reason: 'done', dropped: { events: 0, results: 0 }, refused: 0, detached: false })
    assert.equal(Atomics.load(row, Flag.Given), stream.metrics.eventsIn)
    assert.equal(Atomics.load(row, Flag.Left), 1)
    assert.equal(fn.metrics.streamsOpen, 0)
  })

  test('reads that wait go on waiting', async () => {
    const { stream } = opened()
    assert.equal(await answer(stream, echo(1)), 1)
    const before = stream.metrics.thread
    const reading = stream.recv()
    await soon(stream.send(EXIT), 'send')
    await moved(stream, before)
    await soon(stream.send(echo(2)), 'send')
    assert.equal(await soon(reading, 'the read'), 2)
    await soon(stream.close(), 'close')
  })

  test('what was accepted and not delivered goes to the new instance', async () => {
    const { row, stream } = opened()
    await soon(stream.sendBatch([echo('a'), EXIT, ...['b', 'c', 'd'].map(echo)]), 'the batch')
    stream.end()
    const results = []
    await soon(
      (async () => {
        for await (const result of stream) results.push(result)
      })(),
      'the results',
    )
    // 'a' was answered by the first instance, and may have gone with it.
    assert.deepEqual(results.slice(-3), ['b', 'c', 'd'])
    const { dropped, reason } = await within(5000, stream.closed, 'closed')
    assert.equal(reason, 'done')
    assert.equal(dropped.events, 0)
    assert.equal(Atomics.load(row, Flag.Given), 5)
  })

  test('many times over: accepted = delivered + dropped, yielded = read + dropped', async () => {
    const { row, fn, stream } = opened({ buffer: 8 })
    let read = 0
    const reading = (async () => {
      for await (const _ of stream) read++
    })()
    let sent = 0
    for (let n = 0; n < 200; n++) {
      await soon(stream.send(n % 20 === 19 ? EXIT : echo(n)), `send ${n}`)
      sent++
    }
    stream.end()
    await soon(reading, 'the results')
    const { dropped, reason } = await soon(stream.closed, 'closed')
    assert.equal(reason, 'done')
    assert.equal(stream.metrics.eventsIn, sent)
    assert.equal(Atomics.load(row, Flag.Given) + dropped.events, sent)
    assert.equal(stream.metrics.eventsOut - dropped.results, read)
    assert.equal(Atomics.load(row, Flag.Started), 11)
    assert.equal(fn.metrics.streamsOpen, 0)
  })

  test('a neighbor of one that dies is reopened, too; one that is not to be reopened fails', async () => {
    const killer = obey({ onWorkerExit: 'fail' }).open()
    await answer(killer, echo(1))
    const streams = Array.from({ length: 8 }, (_, i) => obey({ onWorkerExit: i % 2 ? 'fail' : 'reopen' }).open())
    for (const stream of streams) await answer(stream, echo(1))
    const dead = killer.metrics.thread
    const beside = streams.filter((stream) => stream.metrics.thread === dead)
    await soon(killer.send(EXIT), 'send')
    await soon(killer.closed, 'closed')
    for (const [i, stream] of streams.entries()) {
      if (i % 2 && beside.includes(stream)) assert.equal((await soon(stream.closed, 'closed')).error.code, 'VELO_WORKER_EXITED')
      else {
        assert.equal(await answer(stream, echo('still')), 'still')
        assert.notEqual(stream.metrics.thread, dead)
        await soon(stream.close(), 'close')
      }
    }
  })

  test('run, a call and feed', async () => {
    const orders = [echo(1), EXIT, echo(2), echo(3)]
    const collect = async (results) => {
      const all = []
      for await (const result of results) all.push(result)
      return all
    }
    for (const drive of [
      () => obey().run(orders),
      () => obey().run(asyncSource(orders)),
      () => collect(obey()(orders)),
      () => collect(obey().open().feed(asyncSource(orders))),
    ]) {
      assert.deepEqual((await soon(drive(), 'the results')).slice(-2), [2, 3])
    }
  })
})

describe('what is not reopened', () => {
  test('a function that takes its thread along before it got anything', async () => {
    const fn = streamFn(new URL('functions/exits-at-load.mjs', import.meta.url), { placement: 'worker', onWorkerExit: 'reopen' })
    assert.equal((await soon(outcome(fn.run([])), 'run')).error.code, 'VELO_WORKER_EXITED')
    assert.equal(fn.metrics.streamsOpen, 0)
  })

  test('one that does so with every event does not go on for ever', async () => {
    const fn = streamFn(new URL('functions/exits-at-load.mjs', import.meta.url), { placement: 'worker', onWorkerExit: 'reopen' })
    const stream = fn.open()
    stream.send(1)
    assert.equal((await soon(outcome(stream.recv()), 'recv')).error.code, 'VELO_WORKER_EXITED')
    assert.equal(fn.metrics.streamsOpen, 0)
  })

  for (const how of ['close', 'abort']) {
    test(`a stream that ends by ${how} as its thread dies`, async () => {
      for (let i = 0; i < 10; i++) {
        const { fn, stream } = opened()
        await answer(stream, echo(1))
        await soon(stream.send(EXIT), 'send')
        if (how === 'close') await soon(outcome(stream.close()), 'close')
        else stream.abort()
        const end = await soon(stream.closed, 'closed')
        assert.ok(['closed', 'aborted', 'failed'].includes(end.reason), end.reason)
        await until(5_000, () => fn.metrics.streamsOpen + fn.metrics.streamsDetached === 0, 'the permit')
      }
    })
  }

  test('one that loops: its neighbors start anew', async () => {
    const { row, stream } = opened({ closeTimeout: 80 })
    await soon(stream.send({ do: 'loop' }), 'send')
    await soon(raised(row, Flag.Begun), 'the loop')
    const neighbors = Array.from({ length: 4 }, () => obey().open())
    for (const neighbor of neighbors) neighbor.send(echo('anew'))
    await soon(stream.close(), 'close')
    assert.equal((await within(5000, stream.closed, 'closed')).detached, true)
    for (const neighbor of neighbors) {
      assert.equal(await soon(neighbor.recv(), 'recv'), 'anew')
      await soon(neighbor.close(), 'close')
    }
  })
})

noUnhandledRejections('reopened streams')
