// run() hands the events of an asynchronous source to a chain by calls: every end is the same as by pulling.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { filter, flatMap, map, take } from 'velo-stream/operators'
import { controlledSource } from 'velo-stream/testing'
import { outcome, turns } from '../support/deferred.mjs'
import { noUnhandledRejections } from '../support/unhandled.mjs'
import { within } from '../support/within.mjs'

const LIMIT = 5_000
const chain = () => map((n) => n + 1).pipe(filter((n) => n % 2 === 0))

describe('run over an asynchronous source', () => {
  test('counts what comes and what goes', async () => {
    const fn = map((n) => n * 2)
    const source = controlledSource()
    source.push(1, 2, 3)
    source.end()
    assert.deepEqual(await within(LIMIT, fn.run(source), 'the results'), [2, 4, 6])
    const { eventsIn, eventsOut, done, dropped } = fn.metrics
    assert.deepEqual({ eventsIn, eventsOut, done, dropped }, { eventsIn: 3, eventsOut: 3, done: 3, dropped: { events: 0, results: 0 } })
    assert.equal(source.pulled, 4)
  })

  test('abort while it waits, and while an event is on its way', async () => {
    for (const late of [false, true]) {
      const source = controlledSource()
      const controller = new AbortController()
      const running = outcome(chain().run(source, { signal: controller.signal }))
      await within(LIMIT, source.pull(), 'the pull')
      const reason = new Error('enough')
      controller.abort(reason)
      if (late) source.push(1)
      const { error } = await within(LIMIT, running, 'the end')
      assert.equal(error.code, 'VELO_ABORTED')
      assert.equal(error.cause, reason)
      await turns()
      assert.equal(source.returned, 1)
    }
  })

  test('silence beyond an explicit idleTimeout', async () => {
    const source = controlledSource()
    source.push(1)
    const { error } = await within(LIMIT, outcome(chain().with({ idleTimeout: 20 }).run(source)), 'the end')
    assert.equal(error.code, 'VELO_IDLE')
    assert.equal(source.returned, 1)
  })

  test('a source that throws, a step that throws', async () => {
    const error = new Error('mine')
    const failing = controlledSource()
    failing.push(1)
    failing.fail(error)
    assert.equal((await within(LIMIT, outcome(chain().run(failing)), 'the end')).error, error)
    assert.equal(failing.returned, 0)
    const source = controlledSource()
    source.push(1, 2)
    const bad = map(() => {
      throw error
    })
    assert.equal((await within(LIMIT, outcome(chain().pipe(bad).run(source)), 'the end')).error, error)
    assert.equal(source.returned, 1)
    assert.equal(bad.metrics.failed, 1)
  })

  test('goes on by pulling where a step waits or makes many, and ends where take has enough', async () => {
    const sometimes = map((n) => (n === 3 ? Promise.resolve(n) : n))
    const twice = flatMap((n) => (n === 5 ? [n, n] : [n]))
    const source = controlledSource()
    source.push(1, 2, 3, 4, 5, 6, 7, 8)
    assert.deepEqual(await within(LIMIT, sometimes.pipe(twice).pipe(take(7)).run(source), 'the results'), [1, 2, 3, 4, 5, 5, 6])
    assert.equal(source.returned, 1)
    const mark = Symbol('a result')
    const symbols = controlledSource()
    symbols.push(1, 2)
    symbols.end()
    assert.deepEqual(await within(LIMIT, map(() => mark).run(symbols), 'the results'), [mark, mark])
  })
})

noUnhandledRejections('pushed')
