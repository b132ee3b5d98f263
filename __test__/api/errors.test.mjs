// The classes people catch, and what each error says of itself.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AbortError, ClosedError, OverloadedError, TimeoutError, VeloError } from 'velo-stream'
import { codes } from '../../target/js/kit/codes.js'
import { outcome } from '../support/deferred.mjs'
import { describePlacements } from '../support/placements.mjs'
import { within } from '../support/within.mjs'

async function* same(events) {
  for await (const event of events) yield event
}

function is(error, kind, code, more = {}) {
  assert.ok(error instanceof Error && error instanceof VeloError && error instanceof kind, `${error}`)
  assert.equal(error.name, kind.name)
  assert.equal(error.code, code)
  assert.equal(error.retryable, codes[code].retryable)
  for (const [key, value] of Object.entries(more)) assert.deepEqual(error[key], value, key)
}

function overloaded(error) {
  is(error, OverloadedError, 'VELO_OVERLOADED')
  return true
}

describePlacements('errors', (place) => {
  test('OverloadedError: no place, and too many sends', async () => {
    const fn = place(same, { maxConcurrent: 1, buffer: 1 })
    const stream = fn.open({ id: 'the only one' })
    assert.throws(() => fn.open(), overloaded)
    await assert.rejects(fn.run([1]), overloaded)
    const sends = Array.from({ length: 40 }, (_, i) => stream.send(i).catch((error) => error))
    is(await within(500, sends[39], 'the last send'), OverloadedError, 'VELO_OVERRUN', { streamId: 'the only one' })
    assert.ok(fn.metrics.overruns > 0)
    assert.equal(fn.metrics.streamsRefused, 2)
    await stream.close()
  })

  test('ClosedError: after end(), after the end, with the cause of a failure', async () => {
    const failure = new RangeError('too far')
    const fn = place(
      async function* (events) {
        for await (const event of events) {
          if (event === 'fail') throw failure
          yield event
        }
      },
      {},
      { failure },
    )
    const ended = fn.open({ id: 'ended' })
    ended.end()
    is(await ended.send(1).catch((error) => error), ClosedError, 'VELO_ENDED', { streamId: 'ended' })
    await ended.close()
    const failed = fn.open({ id: 'failed' })
    await failed.send('fail')
    const { error: cause } = await outcome(failed.recv())
    place.same(cause, failure)
    for (const late of [failed.recv(), failed.send(1)]) {
      const { error } = await outcome(late)
      is(error, ClosedError, 'VELO_CLOSED', { streamId: 'failed', reason: 'failed' })
      assert.equal(error.cause, cause)
    }
  })

  test('TimeoutError: a read, a silent source, a long life', async () => {
    const stream = place(same).open()
    is(
      await within(
        2000,
        stream.recv({ timeout: 20 }).catch((error) => error),
        'recv',
      ),
      TimeoutError,
      'VELO_TIMEOUT',
    )
    await stream.close()
    const silent = { [Symbol.asyncIterator]: () => ({ next: () => new Promise(() => {}), return: async () => ({ done: true }) }) }
    is(
      await within(
        2000,
        place(same, { idleTimeout: 20 })
          .run(silent)
          .catch((error) => error),
        'run',
      ),
      TimeoutError,
      'VELO_IDLE',
    )
    const late = await within(
      2000,
      place(same, { maxDuration: 20 })
        .run(silent)
        .catch((error) => error),
      'run',
    )
    is(late, AbortError, 'VELO_ABORTED')
    is(late.cause, TimeoutError, 'VELO_TIMEOUT')
  })

  test('AbortError: name and cause, as people compare them', async () => {
    const stream = place(same).open({ id: 'gone' })
    const read = stream.recv().catch((error) => error)
    stream.abort('because')
    is(await read, AbortError, 'VELO_ABORTED', { cause: 'because', streamId: 'gone' })
    assert.equal((await within(5000, stream.closed, 'closed')).error, await read)
  })
})

test('an error without a cause has no cause, and prints no empty fields', () => {
  const error = new VeloError('VELO_BUG', 'a message')
  assert.equal('cause' in error, false)
  assert.deepEqual(Object.keys(error).sort(), ['code', 'retryable'])
})
