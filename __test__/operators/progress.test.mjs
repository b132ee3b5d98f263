// Progress: figures that are right at any moment, told no more often than asked for, and a bar that behaves where there is no terminal.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { map, progress, progressBar } from 'velo-stream/operators'
import { collect, controlledSource, slowConsumer, virtualClock } from 'velo-stream/testing'
import { deferred, outcome, until } from '../support/deferred.mjs'
import { noUnhandledRejections } from '../support/unhandled.mjs'
import { within } from '../support/within.mjs'

const LIMIT = 5_000
const later = (n) => Promise.resolve(n)

/** A source of `count` events, `ms` of the clock apart. */
async function* paced(clock, count, ms) {
  for (let n = 0; n < count; n++) {
    await clock.advance(ms)
    yield n
  }
}

describe('progress', () => {
  test('tells rate, time left and percent, at most once an interval and once at the end', async () => {
    const clock = virtualClock()
    const told = []
    const fn = progress((now) => told.push(now), { total: 10, interval: 100, clock })
    assert.equal((await fn.run(paced(clock, 10, 50))).length, 10)
    assert.deepEqual(
      told.map(({ done, elapsedMs, rate, etaMs, percent, ended }) => ({ done, elapsedMs, rate, etaMs, percent, ended })),
      [
        { done: 1, elapsedMs: 50, rate: 20, etaMs: 450, percent: 10, ended: false },
        { done: 3, elapsedMs: 150, rate: 20, etaMs: 350, percent: 30, ended: false },
        { done: 5, elapsedMs: 250, rate: 20, etaMs: 250, percent: 50, ended: false },
        { done: 7, elapsedMs: 350, rate: 20, etaMs: 150, percent: 70, ended: false },
        { done: 9, elapsedMs: 450, rate: 20, etaMs: 50, percent: 90, ended: false },
        { done: 10, elapsedMs: 500, rate: 20, etaMs: 0, percent: 100, ended: true },
      ],
    )
    assert.equal(clock.pending, 0)
    assert.equal(fn.metrics.done, 10)
  })

  test('without a total there is no percent and no time left', async () => {
    const told = []
    await progress((now) => told.push(now)).run([1, 2, 3])
    const last = told.at(-1)
    assert.deepEqual([last.done, last.total, last.percent, last.etaMs, last.ended], [3, undefined, undefined, undefined, true])
  })

  test('of another operator: its done, failed, skipped and under way, since this stream began', async () => {
    const gates = Array.from({ length: 4 }, deferred)
    const work = map((n) => gates[n].promise, { concurrency: 4, onError: 'skip', ordered: false })
    gates[0].resolve('before')
    assert.deepEqual(await work.run([0]), ['before'])

    const told = []
    const running = work.pipe(progress((now) => told.push(now), { total: 3, interval: 0, of: work })).run([1, 2, 3])
    await until(LIMIT, () => work.metrics.underWay === 3, 'three calls')
    gates[2].reject(new Error('skipped'))
    await until(LIMIT, () => work.metrics.skipped === 1, 'the skip')
    gates[1].resolve('b')
    await until(LIMIT, () => told.length === 1, 'a word')
    const { done, failed, skipped, underWay, percent } = told[0]
    assert.deepEqual({ done, failed, skipped, underWay }, { done: 1, failed: 0, skipped: 1, underWay: 1 })
    assert.equal(Math.round(percent), 67)
    gates[3].resolve('d')
    assert.deepEqual(await within(LIMIT, running, 'the results'), ['b', 'd'])
    assert.deepEqual([told.at(-1).done, told.at(-1).skipped, told.at(-1).percent, told.at(-1).ended], [2, 1, 100, true])
  })

  test('the last word comes however the stream ends', async () => {
    const error = new Error('mine')
    const ends = {
      fails: async (fn, source) => {
        source.fail(error)
        assert.equal((await outcome(fn.run(source))).error, error)
      },
      'is left': async (fn, source) => {
        const reader = slowConsumer(fn(source))
        await reader.take()
        await reader.leave()
      },
    }
    for (const end of Object.values(ends)) {
      const told = []
      const source = controlledSource()
      source.push(1)
      await within(
        LIMIT,
        end(
          progress((now) => told.push(now)),
          source,
        ),
        'the end',
      )
      assert.deepEqual(
        told.map(({ done, ended }) => [done, ended]),
        [
          [1, false],
          [1, true],
        ],
      )
    }
  })

  test('what the listener throws fails the stream, at an event and at the end', async () => {
    for (const at of [1, 2, 3]) {
      const error = new Error('mine')
      let words = 0
      const listener = () => {
        if (++words === at) throw error
      }
      for (const events of [progress(listener, { interval: 0 }), map(later).pipe(progress(listener, { interval: 0 }))]) {
        words = 0
        const source = controlledSource()
        source.push('a', 'b')
        source.end()
        assert.equal((await within(LIMIT, outcome(collect(events(source))), 'the end')).error, error)
        assert.equal(source.returned, at === 3 ? 0 : 1)
      }
    }
  })

  test('options are checked', () => {
    assert.throws(() => progress(), { code: 'VELO_CONFIG', field: 'progress(onProgress)' })
    assert.throws(() => progress(() => {}, { total: -1 }), { field: 'progress(onProgress, options).total' })
    assert.throws(() => progress(() => {}, { of: {} }), { field: 'progress(onProgress, options).of' })
    assert.throws(() => progress(() => {}, { every: 5 }), { field: 'progress(onProgress, options).every' })
    assert.throws(() => progressBar({ stream: {} }), { field: 'progressBar(options).stream' })
    assert.throws(() => progressBar({ label: 5 }), { field: 'progressBar(options).label' })
  })
})

describe('progressBar', () => {
  async function drawn(stream, options = {}) {
    const clock = virtualClock()
    let text = ''
    const output = { ...stream, write: (more) => void (text += more) }
    await progressBar({ total: 4, label: 'files', clock, stream: output, ...options }).run(paced(clock, 4, 3_000))
    return text
  }

  test('piped: plain lines now and then, no control characters', async () => {
    const text = await drawn({})
    assert.deepEqual(text.split('\n'), [
      'files 1/4  25%  0.3/s  9.0 s left',
      'files 3/4  75%  0.3/s  3.0 s left',
      'files 4/4  100%  0.3/s  in 12.0 s',
      '',
    ])
  })

  test('on a terminal: one line that changes, no wider than the terminal', async () => {
    const text = await drawn({ isTTY: true, columns: 200 })
    const lines = text.split('\r').slice(1)
    assert.equal(lines.length, 5)
    assert.equal(lines[1], `files [${'='.repeat(15)}${' '.repeat(15)}] 2/4  50%  0.3/s  6.0 s left\u001b[K`)
    assert.equal(lines.at(-1), `files [${'='.repeat(30)}] 4/4  100%  0.3/s  in 12.0 s\u001b[K\n`)
    const narrow = await drawn({ isTTY: true, columns: 20 })
    for (const line of narrow.split('\r').slice(1)) assert.ok(line.replace('\u001b[K', '').trimEnd().length < 20, line)
  })

  test('failed and skipped are shown where there are some', async () => {
    const work = map((n) => Promise.reject(n), { onError: 'skip' })
    let text = ''
    const stream = { write: (more) => void (text += more) }
    await work.pipe(progressBar({ total: 2, of: work, stream, clock: virtualClock() })).run([1, 2])
    assert.equal(text, '0/2  100%  2 skipped  0.0/s  in 0.0 s\n')
  })
})

noUnhandledRejections('progress')
