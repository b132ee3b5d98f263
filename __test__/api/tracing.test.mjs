// diagnostics_channel: tracing:velo:stream:*, one trace a stream, nothing without a subscriber.

import assert from 'node:assert/strict'
import { tracingChannel } from 'node:diagnostics_channel'
import { test } from 'node:test'
import { describePlacements } from '../support/placements.mjs'

async function* same(events) {
  for await (const event of events) {
    if (event === 'fail') throw new Error('failed')
    yield event
  }
}

describePlacements('tracing', (place) => {
  test('a stream is traced from its opening to its end, a failure with its error', async () => {
    const seen = []
    const traces = new Set()
    const note = (name) => (trace) => {
      seen.push([name, trace.name, trace.result?.reason])
      traces.add(trace)
    }
    const subscribers = {
      start: note('start'),
      end: note('end'),
      asyncStart: note('asyncStart'),
      asyncEnd: note('asyncEnd'),
      error: note('error'),
    }
    const channel = tracingChannel('velo:stream')
    channel.subscribe(subscribers)
    const fn = place(same, { name: 'traced' })
    await fn.run([1])
    assert.deepEqual(seen, [
      ['start', 'traced', undefined],
      ['end', 'traced', undefined],
      ['asyncStart', 'traced', 'done'],
      ['asyncEnd', 'traced', 'done'],
    ])
    assert.equal(traces.size, 1)
    seen.length = 0
    await assert.rejects(fn.run(['fail']), /failed/)
    assert.deepEqual(
      seen.map(([name]) => name),
      ['start', 'end', 'error', 'asyncStart', 'asyncEnd'],
    )
    assert.equal([...traces].at(-1).error.message, 'failed')
    channel.unsubscribe(subscribers)
    seen.length = 0
    await fn.run([1])
    assert.deepEqual(seen, [])
  })
})
