// The option `clock`: every timeout of a stream is moved by the clock that it was given, exactly, and by no other.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { runtime, streamFn } from 'velo-stream'
import { virtualClock } from 'velo-stream/testing'
import { isPending, never, outcome, turns, until } from '../support/deferred.mjs'
import { describePlacements } from '../support/placements.mjs'
import { noUnhandledRejections } from '../support/unhandled.mjs'
import { within } from '../support/within.mjs'

const SOON = 10_000

async function* summed(events) {
  let sum = 0
  for await (const event of events) sum += event
  yield sum
}

async function* same(events) {
  for await (const event of events) yield event
}

describePlacements('the clock of a stream', (place) => {
  test('moves its idle timeout', async () => {
    const clock = virtualClock()
    const stream = place(summed, { clock }).open()
    await stream.send(3)
    const read = outcome(stream.recv())
    const waits = () => runtime.inspect().find(({ id }) => id === stream.id).waitingFor === 'event'
    await until(SOON, waits, 'a wait for the next event')
    await clock.advance(29_999)
    await place.settled()
    assert.ok(await isPending(read))
    await clock.advance(30_001)
    assert.deepEqual(await within(SOON, read), { value: 3 })
    assert.equal((await within(SOON, stream.closed)).reason, 'idle')
    assert.equal(clock.pending, 0)
  })

  test('moves maxDuration and maxStall', async () => {
    const clock = virtualClock()
    const lasting = place(same, { clock, maxDuration: 1_000, idleTimeout: 0 }).open()
    const read = outcome(lasting.recv())
    await clock.advance(999)
    assert.ok(await isPending(read))
    await clock.advance(1)
    const { error } = await within(SOON, read)
    assert.deepEqual([error.code, error.cause.code], ['VELO_ABORTED', 'VELO_TIMEOUT'])

    const stalled = place(same, { clock, maxStall: 500, idleTimeout: 0 }).open()
    await stalled.send(1)
    while (stalled.metrics.eventsOut === 0) await place.settled()
    await clock.advance(499)
    assert.equal(stalled.state, 'open')
    await clock.advance(501)
    assert.equal((await within(SOON, stalled.closed)).reason, 'aborted')
    assert.equal(clock.pending, 0)
  })

  test('moves closeTimeout', async () => {
    const clock = virtualClock()
    const fn = place(
      async function* (events) {
        for await (const _ of events) await new Promise(() => {})
      },
      { clock, closeTimeout: 700 },
    )
    const stream = fn.open()
    await stream.send(1)
    await place.settled()
    const closing = stream.close()
    await clock.advance(699)
    assert.ok(await isPending(closing))
    await clock.advance(1)
    await within(SOON, closing)
    assert.equal((await stream.closed).detached, true)
    assert.equal(clock.pending, 0)
  })
})

describe('the clock of a stream here', () => {
  test('moves recv({ timeout }); what it read in time leaves no timer', async () => {
    const clock = virtualClock()
    const stream = streamFn(same, { clock, idleTimeout: 0 }).open()
    const read = outcome(stream.recv({ timeout: 100 }))
    await clock.advance(99)
    assert.ok(await isPending(read))
    await clock.advance(1)
    assert.equal((await within(SOON, read)).error.code, 'VELO_TIMEOUT')
    const next = stream.recv({ timeout: 100 })
    await stream.send(1)
    assert.equal(await within(SOON, next), 1)
    assert.equal(clock.pending, 0)
    await stream.close()
  })

  test('counts idleness from the moment the function waits, to the millisecond', async () => {
    const clock = virtualClock()
    const stream = streamFn(same, { clock, idleTimeout: 100 }).open()
    const ended = stream.closed
    for (let i = 0; i < 5; i++) {
      await clock.advance(60)
      await stream.send(i)
      assert.equal(await stream.recv(), i)
    }
    assert.equal(clock.now(), 300)
    await clock.advance(99)
    assert.equal(stream.state, 'open')
    await clock.advance(1)
    assert.equal((await within(SOON, ended)).reason, 'idle')
  })

  test('moves the idle timeout of a pulled source', async () => {
    const clock = virtualClock()
    const source = { [Symbol.asyncIterator]: () => ({ next: never, return: async () => ({ done: true }) }) }
    const run = outcome(streamFn(same, { clock, idleTimeout: 100 }).run(source))
    await turns()
    await clock.advance(100)
    assert.equal((await within(SOON, run)).error.code, 'VELO_IDLE')
  })

  test('starts with the permit', async () => {
    const clock = virtualClock()
    const fn = streamFn(same, { clock, maxDuration: 100, maxConcurrent: 1, queue: 1, idleTimeout: 0 })
    const [first, second] = [fn.open(), fn.open()]
    await clock.advance(90)
    await first.close()
    await turns()
    assert.equal(second.state, 'open')
    await clock.advance(99)
    assert.equal(second.state, 'open')
    await clock.advance(1)
    assert.equal((await within(SOON, second.closed)).reason, 'aborted')
  })

  test('is refused where it is none, and one that throws ends the stream that it fails', async () => {
    assert.throws(() => streamFn(same, { clock: { now() {} } }), { code: 'VELO_CONFIG', message: /clock\.setTimeout: expected a function/ })
    const error = new Error('no time')
    const fn = streamFn(same, {
      clock: {
        now: () => 0,
        setTimeout: () => {
          throw error
        },
        clearTimeout() {},
      },
    })
    const end = await within(SOON, fn.open().closed)
    assert.deepEqual([end.reason, end.error.cause], ['aborted', error])
    assert.equal(fn.metrics.streamsOpen, 0)
  })
})

noUnhandledRejections('clocks')
