// Numbers of a stream, of a function and of the process: plain data, and they agree.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { runtime } from 'velo-stream'
import { describePlacements } from '../support/placements.mjs'
import { within } from '../support/within.mjs'

async function* same(events) {
  for await (const event of events) yield event
}

function isLatency(latency, samples) {
  const { p50, p95, p99 } = latency
  assert.ok(p50 >= 0 && p50 <= p95 && p95 <= p99 && p99 < 60_000_000, JSON.stringify(latency))
  if (samples !== undefined) assert.equal(latency.samples, samples)
}

describePlacements('metrics', (place) => {
  test('a stream counts while it runs, and its numbers stay after the end', async () => {
    const stream = place(same).open()
    for (let i = 0; i < 200; i++) {
      await stream.send(i)
      await stream.recv()
    }
    const live = stream.metrics
    assert.deepEqual([live.eventsIn, live.eventsOut, live.dropped], [200, 200, { events: 0, results: 0 }])
    isLatency(live.latency, 4) // events 1, 65, 129 and 193
    isLatency(live.processing)
    assert.ok(live.durationMs > 0)
    await stream.close()
    const after = stream.metrics
    assert.deepEqual([after.eventsIn, after.eventsOut], [200, 200])
    isLatency(after.latency, 4)
    isLatency(after.processing)
    assert.ok(after.durationMs >= live.durationMs)
    const bytes = place.worker ? ['bytesIn', 'bytesOut'] : []
    const keys = [...bytes, 'dropped', 'durationMs', 'eventsIn', 'eventsOut', 'latency', 'processing', 'thread']
    assert.deepEqual(Object.keys(after).sort(), keys)
  })

  test('reading what was left unread at the end leaves the latencies as they are', async () => {
    const stream = place(same).open()
    await stream.sendBatch([1, 2, 3])
    stream.end()
    await within(5000, stream.closed, 'closed')
    const { processing } = stream.metrics
    isLatency(processing)
    assert.ok(processing.p99 > 0)
    for (let i = 0; i < 3; i++) await stream.recv()
    await stream.close()
    assert.deepEqual(stream.metrics.processing, processing)
  })

  test('without a sample there is no quantile', async () => {
    const stream = place(same).open()
    assert.ok(Number.isNaN(stream.metrics.latency.p50))
    assert.equal(stream.metrics.latency.samples, 0)
    await stream.close()
    assert.ok(Number.isNaN(stream.metrics.latency.p99))
  })

  test('a long stream has a histogram, and its quantiles hold', async () => {
    const fn = place(same)
    await fn.run(Array.from({ length: 64 * 100 }, (_, i) => i))
    const { latency, processing } = fn.metrics
    if (place.worker) {
      // One event is timed at a time, and up to `buffer` others are accepted before its result is here.
      for (const numbers of [latency, processing]) {
        isLatency(numbers)
        assert.ok(numbers.samples > 10 && numbers.samples <= 100, `${numbers.samples} samples`)
      }
    } else {
      isLatency(latency, 100)
      isLatency(processing, 100)
    }
  })

  test('one event in 64 is timed, and no more, when results are pulled one by one', async () => {
    const fn = place(same)
    for await (const _ of fn(
      Array.from({ length: 64 * 4 }, (_, i) => i),
      { ahead: 0 },
    ));
    isLatency(fn.metrics.latency, 4)
    isLatency(fn.metrics.processing, 4)
  })

  test('one event in 64 is timed across the streams of a function, the first one among them', async () => {
    const fn = place(same)
    for (let i = 0; i < 130; i++) assert.deepEqual(await fn.run([i]), [i])
    isLatency(fn.metrics.latency, 3) // those of the streams 1, 65 and 129
    if (!place.worker) isLatency(fn.metrics.processing, 3)
    // Open at once: each counts for the one event that it is sure to have.
    const streams = Array.from({ length: 128 }, () => fn.open())
    for (const [i, stream] of streams.entries()) {
      await stream.send(i)
      assert.equal(await stream.recv(), i)
    }
    isLatency(fn.metrics.latency, 5)
    await Promise.all(streams.map((stream) => stream.close()))
    await fn.run(Array.from({ length: 640 }, (_, i) => i))
    if (!place.worker) isLatency(fn.metrics.latency, 15)
  })

  test('a function sums its streams by how they ended', async () => {
    const failure = new Error('no')
    const fn = place(
      async function* (events) {
        for await (const event of events) {
          if (event === 'fail') throw failure
          yield event
        }
      },
      { name: 'counted' },
      { failure },
    )
    await fn.run([1, 2, 3])
    await assert.rejects(fn.run([1, 'fail']), failure)
    const closed = fn.open()
    await closed.send(1)
    await place.soon(() => assert.equal(closed.metrics.eventsOut, 1))
    await closed.close()
    const aborted = fn.open()
    aborted.abort()
    const open = fn.open()
    await open.sendBatch([1, 2])
    const { name, streamsOpen, streamsOpened, closedBy, eventsIn, eventsOut, dropped } = fn.metrics
    assert.deepEqual([name, streamsOpen, streamsOpened], ['counted', 1, 5])
    assert.deepEqual(closedBy, { done: 1, closed: 1, idle: 0, aborted: 1, failed: 1 })
    assert.equal(eventsIn, 3 + 2 + 1 + 2)
    assert.ok(eventsOut >= 4)
    assert.equal(dropped.events, 0)
    await open.close()
  })

  test('the snapshot is plain data whose functions sum up', async () => {
    const name = `in the snapshot (${place.placement})`
    const fn = place(same, { name })
    await fn.run([1, 2])
    const snapshot = runtime.snapshot()
    const mine = snapshot.functions.find((one) => one.name === name)
    assert.deepEqual([mine.eventsIn, mine.eventsOut, mine.closedBy.done], [2, 2, 1])
    const counts = [
      'streamsOpen',
      'streamsWaiting',
      'streamsDetached',
      'streamsOpened',
      'streamsRefused',
      'eventsIn',
      'eventsOut',
      'overruns',
      'lateErrors',
    ]
    for (const count of counts) {
      assert.equal(typeof snapshot[count], 'number', count)
      assert.ok(snapshot.functions.reduce((sum, one) => sum + one[count], 0) <= snapshot[count], count)
    }
    if (place.worker) {
      assert.ok(snapshot.workers.length > 0)
      for (const { thread, streams, busy, startMs } of snapshot.workers) {
        assert.ok(Number.isInteger(thread) && thread > 0, `thread ${thread}`)
        assert.equal(streams, 0)
        // NaN while a thread starts: its results and its word that it has started come by different ways.
        assert.ok(busy >= 0 && (startMs > 0 || Number.isNaN(startMs)), `busy ${busy}, startMs ${startMs}`)
      }
    } else assert.deepEqual(snapshot.workers, [])
    assert.equal(Object.getPrototypeOf(snapshot), Object.prototype)
    assert.ok(JSON.parse(JSON.stringify(snapshot)).functions.length > 0)
  })
})
