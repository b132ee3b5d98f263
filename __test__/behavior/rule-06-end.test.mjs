// Rule 6: end() closes the input only. The function sees the end, may still yield, and its results stay readable.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { ClosedError, streamFn } from 'velo-stream'
import { asyncSource, numbers } from '../support/counted.mjs'
import { deferred, isPending, outcome, turns } from '../support/deferred.mjs'
import { describePaths } from '../support/paths.mjs'
import { noUnhandledRejections } from '../support/unhandled.mjs'
import { within } from '../support/within.mjs'

async function* same(events) {
  for await (const event of events) yield event
}

async function* withTotal(events) {
  let total = 0
  for await (const event of events) yield (total += event)
  yield { total }
}

async function readAll(stream) {
  const results = []
  for await (const result of stream) results.push(result)
  return results
}

describePaths('the end on every path', (path, test) => {
  test('rule 6: at the end of the input the function may still yield, and all of it arrives', async () => {
    const fn = path.define(
      async function* (events) {
        let count = 0
        for await (const _ of events) count++
        for (let i = 0; i < 600; i++) {
          if (i % 100 === 0) await new Promise(setImmediate)
          yield count + i
        }
      },
      { buffer: 8 },
    )
    const { results, failure, end } = await path.drive(fn, numbers(40))
    assert.equal(failure, null)
    assert.deepEqual(
      results,
      numbers(600).map((i) => 40 + i),
    )
    if (path.live) assert.equal(end.reason, 'done')
  })

  test('rule 6: a function that reads after the end sees the end again', async () => {
    const fn = path.define(async function* (events) {
      for await (const event of events) yield event
      for (let i = 0; i < 3; i++) yield await events.next()
      for await (const event of events) assert.fail(`got ${event}`)
      yield (await Promise.all([events.next(), events.next()])).map(({ done }) => done)
    })
    const { results, failure } = await path.drive(fn, [1, 2])
    assert.equal(failure, null)
    const ended = { value: undefined, done: true }
    assert.deepEqual(results, [1, 2, ended, ended, ended, [true, true]])
  })

  test('rule 6: the end does not fire ctx.signal', async () => {
    const fn = path.define(async function* (events, ctx) {
      for await (const _ of events);
      yield ctx.signal.aborted
      await new Promise(setImmediate)
      yield ctx.signal.aborted
    })
    assert.deepEqual((await path.drive(fn, [1])).results, [false, false])
  })
})

describe('end()', () => {
  test('rule 6: what was accepted before is delivered, then the end', async () => {
    const stream = streamFn(withTotal, { buffer: 4 }).open()
    await within(500, stream.sendBatch([1, 2, 3, 4]), 'the batch')
    stream.end()
    assert.deepEqual(await within(500, readAll(stream), 'the results'), [1, 3, 6, 10, { total: 10 }])
    const end = await within(500, stream.closed, 'closed')
    assert.deepEqual(end, { reason: 'done', dropped: { events: 0, results: 0 }, refused: 0, detached: false })
  })

  test('rule 6: the state goes from open over ending to closed', async () => {
    const gate = deferred()
    const stream = streamFn(async function* (events) {
      for await (const _ of events);
      await gate.promise
    }).open()
    assert.equal(stream.state, 'open')
    await within(500, stream.send(1), 'send')
    assert.equal(stream.state, 'open')
    stream.end()
    assert.equal(stream.state, 'ending')
    await turns()
    assert.equal(stream.state, 'ending')
    gate.resolve()
    await within(500, stream.closed, 'closed')
    assert.equal(stream.state, 'closed')
  })

  test('rule 6: after end() sends reject with VELO_ENDED', async () => {
    const gate = deferred()
    const stream = streamFn(async function* (events) {
      for await (const _ of events);
      await gate.promise
      yield 'late'
    }).open()
    stream.end()
    const sends = [stream.send(1), stream.sendBatch([1, 2]), stream.send(2, { signal: new AbortController().signal })]
    for (const send of sends) {
      const { error } = await within(500, outcome(send), 'the send')
      assert.ok(error instanceof ClosedError)
      assert.equal(error.code, 'VELO_ENDED')
      assert.equal(error.retryable, false)
      assert.equal(error.streamId, stream.id)
    }
    assert.equal((await outcome(sends[1])).error.accepted, 0)
    assert.equal(stream.trySend(1), false)
    gate.resolve()
    assert.equal(await within(500, stream.recv(), 'recv'), 'late')
    assert.equal(stream.metrics.eventsIn, 0)
  })

  test('rule 6: end() twice, and end() after the end, do nothing', async () => {
    const stream = streamFn(withTotal).open()
    await within(500, stream.send(2), 'send')
    stream.end()
    stream.end()
    assert.deepEqual(await within(500, readAll(stream), 'the results'), [2, { total: 2 }])
    stream.end()
    assert.equal((await stream.closed).reason, 'done')
    const closed = streamFn(withTotal).open()
    await closed.close()
    closed.end()
    assert.equal(closed.state, 'closed')
    assert.equal((await closed.closed).reason, 'closed')
  })

  test('rule 6: end() before any event runs the function over nothing', async () => {
    const stream = streamFn(withTotal).open()
    stream.end()
    assert.deepEqual(await within(500, stream.recv(), 'recv'), { total: 0 })
    assert.equal((await within(500, outcome(stream.recv()), 'recv')).error.code, 'VELO_CLOSED')
  })

  test('rule 6: end() wakes a function that waits for an event', async () => {
    const stream = streamFn(withTotal).open()
    await within(500, stream.send(5), 'send')
    assert.equal(await within(500, stream.recv(), 'recv'), 5)
    const last = stream.recv()
    assert.ok(await isPending(last))
    stream.end()
    assert.deepEqual(await within(500, last, 'the summary'), { total: 5 })
  })

  test('rule 6: closed resolves when the function has finished, unread results or not', async () => {
    const stream = streamFn(withTotal).open()
    await within(500, stream.sendBatch([1, 2]), 'the batch')
    stream.end()
    const end = await within(500, stream.closed, 'closed')
    assert.equal(end.reason, 'done')
    assert.equal(stream.state, 'closed')
    assert.deepEqual(await within(500, stream.recvBatch(2), 'recvBatch'), [1, 3])
    assert.deepEqual(await within(500, stream.recv(), 'recv'), { total: 3 })
    assert.deepEqual(await within(500, stream.recvBatch(2), 'recvBatch'), [])
    assert.deepEqual(end.dropped, { events: 0, results: 0 })
  })

  test('rule 6: the reads after the last result say that it is over', async () => {
    const stream = streamFn(same).open()
    stream.end()
    const reads = [outcome(stream.recv()), outcome(stream.recvBatch(3)), outcome(stream.recv())]
    const [one, batch, two] = await within(500, Promise.all(reads), 'the reads')
    for (const { error } of [one, two]) {
      assert.ok(error instanceof ClosedError)
      assert.equal(error.code, 'VELO_CLOSED')
      assert.equal(error.reason, 'done')
      assert.equal(error.cause, undefined)
    }
    assert.deepEqual(batch, { value: [] })
    const iterator = stream[Symbol.asyncIterator]()
    for (let i = 0; i < 3; i++) assert.deepEqual(await within(500, iterator.next(), 'next'), { value: undefined, done: true })
    const { error } = await within(500, outcome(stream.send(1)), 'send')
    assert.ok(error instanceof ClosedError)
  })

  test('rule 6: end() with both channels full loses nothing', async () => {
    const stream = streamFn(withTotal, { buffer: 2 }).open()
    while (stream.trySend(1)) await turns(1)
    const { eventsIn } = stream.metrics
    assert.ok(eventsIn >= 4)
    stream.end()
    await turns()
    assert.notEqual(stream.state, 'closed')
    const results = await within(500, readAll(stream), 'the results')
    assert.deepEqual(results, [...numbers(eventsIn).map((n) => n + 1), { total: eventsIn }])
    assert.deepEqual((await stream.closed).dropped, { events: 0, results: 0 })
  })

  test('rule 6: a send that waits when end() is called is delivered or refused, never half', async () => {
    const hold = deferred()
    const seen = []
    const stream = streamFn(
      async function* (events) {
        await hold.promise
        for await (const event of events) seen.push(event)
        yield 'over'
      },
      { buffer: 2 },
    ).open()
    const sends = numbers(6).map((n) => outcome(stream.send(n)))
    const batch = outcome(stream.sendBatch([6, 7, 8]))
    await turns()
    stream.end()
    hold.resolve()
    assert.equal(await within(500, stream.recv(), 'the result'), 'over')
    const all = await within(500, Promise.all(sends), 'the sends')
    const expected = numbers(6).filter((n) => all[n].error === undefined)
    for (const { error } of all) if (error !== undefined) assert.equal(error.code, 'VELO_ENDED')
    const { error } = await within(500, batch, 'the batch')
    if (error !== undefined) assert.equal(error.code, 'VELO_ENDED')
    expected.push(...[6, 7, 8].slice(0, error === undefined ? 3 : error.accepted))
    assert.deepEqual(seen, expected)
    assert.ok(seen.length >= 2)
    assert.equal(stream.metrics.eventsIn, seen.length)
  })

  test('rule 6: end() from inside the function ends its input', async () => {
    const stream = streamFn(async function* (events) {
      for await (const event of events) {
        if (event === 'stop') stream.end()
        yield event
      }
      yield 'summary'
    }).open()
    await within(500, stream.sendBatch(['a', 'stop', 'b']), 'the batch')
    assert.deepEqual(await within(500, readAll(stream), 'the results'), ['a', 'stop', 'b', 'summary'])
  })

  test('rule 6: end() of a stream that waits for a permit holds once it is admitted', async () => {
    const fn = streamFn(withTotal, { maxConcurrent: 1, queue: 1 })
    const first = fn.open()
    const second = fn.open()
    second.end()
    assert.equal((await within(500, outcome(second.send(1)), 'send')).error.code, 'VELO_ENDED')
    const read = second.recv()
    await within(500, first.close(), 'close')
    assert.deepEqual(await within(500, read, 'the summary'), { total: 0 })
    assert.equal((await within(500, second.closed, 'closed')).reason, 'done')
  })

  test('rule 6: a function that ignores the end goes on, and its reader with it', async () => {
    const gates = numbers(3).map(() => deferred())
    const stream = streamFn(async function* (events) {
      for await (const _ of events);
      for (const [n, gate] of gates.entries()) {
        await gate.promise
        yield n
      }
    }).open()
    stream.end()
    for (const [n, gate] of gates.entries()) {
      const read = stream.recv()
      assert.ok(await isPending(read))
      gate.resolve()
      assert.equal(await within(500, read, `result ${n}`), n)
    }
    assert.equal((await within(500, stream.closed, 'closed')).reason, 'done')
  })

  test('rule 6: results after the end keep to the bound of the buffer', async () => {
    let yielded = 0
    const stream = streamFn(
      async function* (events) {
        for await (const _ of events);
        while (yielded < 1000) {
          yielded++
          yield yielded
        }
      },
      { buffer: 4 },
    ).open()
    stream.end()
    await turns(10)
    assert.ok(yielded <= 5, `${yielded} yielded`)
    assert.equal((await within(1000, readAll(stream), 'the results')).length, 1000)
  })

  test('rule 6: the end passes through a pipeline stage by stage', async () => {
    const order = []
    const stage = (name) =>
      async function* (events) {
        for await (const event of events) yield event
        order.push(`${name} sees the end`)
        yield `${name} flushes`
        order.push(`${name} is done`)
      }
    const stream = streamFn(stage('one')).pipe(stage('two')).pipe(stage('three')).open()
    await within(500, stream.send('event'), 'send')
    stream.end()
    const results = await within(500, readAll(stream), 'the results')
    assert.deepEqual(results, ['event', 'one flushes', 'two flushes', 'three flushes'])
    const ends = order.filter((entry) => entry.endsWith('the end'))
    assert.deepEqual(ends, ['one sees the end', 'two sees the end', 'three sees the end'])
    assert.ok(order.indexOf('one is done') < order.indexOf('two sees the end'))
    assert.equal((await within(500, stream.closed, 'closed')).reason, 'done')
  })

  test('rule 6: feed() ends the input when its source ends, and is the only sender', async () => {
    const source = asyncSource([1, 2])
    const stream = streamFn(withTotal).open()
    const results = stream.feed(source)
    assert.equal((await within(500, outcome(stream.send(3)), 'send')).error.code, 'VELO_LOCKED')
    assert.equal(stream.trySend(3), false)
    const seen = []
    for await (const result of results) seen.push(result)
    assert.deepEqual(seen, [1, 3, { total: 3 }])
    assert.equal((await within(500, stream.closed, 'closed')).reason, 'done')
    assert.equal(source.returns, 0)
  })

  test('rule 6: end() during a feed ends the input, and the source is given back', async () => {
    const source = asyncSource(
      (function* () {
        for (let n = 1; ; n++) yield n
      })(),
    )
    const stream = streamFn(
      async function* (events) {
        for await (const event of events) yield event
        yield 'over'
      },
      { buffer: 2 },
    ).open()
    const results = stream.feed(source)
    assert.equal((await within(500, results.next(), 'next')).value, 1)
    stream.end()
    const seen = []
    for await (const result of results) seen.push(result)
    assert.equal(seen.at(-1), 'over')
    assert.deepEqual(
      seen.slice(0, -1),
      numbers(seen.length - 1).map((n) => n + 2),
    )
    await within(500, stream.closed, 'closed')
    await turns()
    assert.equal(source.returns, 1)
  })
})

noUnhandledRejections('rule 6')
