// What nobody has to look at is told all the same: sends that were refused, results that were dropped, a process that ends while sends wait, and what
// the function returned.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { streamFn } from 'velo-stream'
import { child } from '../support/child.mjs'
import { turns, until } from '../support/deferred.mjs'
import { describePlacements } from '../support/placements.mjs'
import { noUnhandledRejections } from '../support/unhandled.mjs'
import { within } from '../support/within.mjs'

const SOON = 10_000

async function* same(events) {
  for await (const event of events) yield event
}

/** The warnings of ours while `work` runs. */
async function warningsOf(work) {
  const warnings = []
  const listen = (warning) => void (warning.name === 'VeloWarning' && warnings.push(warning))
  process.on('warning', listen)
  try {
    await work()
    await turns()
  } finally {
    process.off('warning', listen)
  }
  return warnings
}

describePlacements('sends that nobody awaits', (place) => {
  test('rule 4: refused ones are counted in closed, in the metrics, and told once a function', async () => {
    const fn = place(same)
    const ends = []
    const warnings = await warningsOf(async () => {
      for (let round = 0; round < 2; round++) {
        const stream = fn.open()
        let accepted = 0
        for (let n = 0; n < 1_000; n++)
          stream.send(n).then(
            () => accepted++,
            () => {},
          )
        stream.end()
        const results = []
        for await (const result of stream) results.push(result)
        const end = await within(SOON, stream.closed)
        assert.equal(results.length + end.refused, 1_000)
        assert.equal(accepted, results.length)
        ends.push(end)
      }
    })
    assert.ok(ends[0].refused > 0)
    assert.equal(fn.metrics.overruns, ends[0].refused + ends[1].refused)
    assert.deepEqual(
      warnings.map(({ code }) => code),
      ['VELO_OVERRUN'],
    )
    assert.match(warnings[0].message, /same: an event was refused, because 256 sends of stream \S+ wait already/)
  })
})

describePlacements('rule 19: what the function returns', (place) => {
  test('is closed.value', async () => {
    const fn = place(async function* (events) {
      let sum = 0
      for await (const event of events) sum += event
      return { sum }
    })
    const stream = fn.open()
    await stream.sendBatch([1, 2, 3])
    stream.end()
    assert.deepEqual(await within(SOON, stream.closed), {
      reason: 'done',
      value: { sum: 6 },
      dropped: { events: 0, results: 0 },
      refused: 0,
      detached: false,
    })
  })

  test('is that of the last stage of a pipeline', async () => {
    const counts = place(async function* counts(events) {
      let count = 0
      for await (const event of events) {
        count++
        yield event
      }
      return new Map([['count', count]])
    })
    const local = streamFn(async function* (events) {
      yield* events
      return 'local'
    })
    for (const [fn, value] of [
      [local.pipe(counts), new Map([['count', 2]])],
      [counts.pipe(counts), new Map([['count', 2]])],
      [counts.pipe(local), 'local'],
    ]) {
      const stream = fn.open()
      await stream.sendBatch([1, 2])
      stream.end()
      const results = []
      for await (const result of stream) results.push(result)
      assert.deepEqual(results, [1, 2])
      assert.deepEqual((await within(SOON, stream.closed)).value, value)
    }
  })

  if (place.worker) {
    test('is left out where it cannot travel, and that is no error', async () => {
      for (const fn of [
        place(async function* () {
          return () => {}
        }),
        place(async function* () {
          return { shared: new SharedArrayBuffer(8) }
        }),
        place(async function* () {
          return Object.defineProperty({}, 'bad', {
            enumerable: true,
            get() {
              throw new Error('it cannot be read')
            },
          })
        }),
      ]) {
        const end = await within(
          SOON,
          (async () => {
            const stream = fn.open()
            stream.end()
            return stream.closed
          })(),
        )
        assert.deepEqual([end.reason, 'value' in end], ['done', false])
      }
    })
  }

  test('is left out where there is nothing, and where something else ended the stream', async () => {
    const idle = place(
      async function* (events) {
        for await (const event of events) yield event
        return 7
      },
      { idleTimeout: 20 },
    ).open()
    assert.deepEqual(await within(SOON, idle.recvBatch(1)), [])
    assert.equal('value' in (await idle.closed), false)
    const plain = place(same).open()
    plain.end()
    assert.equal('value' in (await within(SOON, plain.closed)), false)
  })
})

describe('results that are dropped', () => {
  test('give their place back, and that is told once a function', async () => {
    const fn = streamFn(same, { maxConcurrent: 1_000 })
    let returned = 0
    const source = () => ({
      [Symbol.asyncIterator]: () => ({
        next: async () => ({ value: 1, done: false }),
        return: async () => {
          returned++
          return { value: undefined, done: true }
        },
      }),
    })
    const warnings = await warningsOf(async () => {
      await (async () => {
        for (let i = 0; i < 1_000; i++) assert.equal((await fn(source()).next()).value, 1)
      })()
      assert.throws(() => fn.open(), { code: 'VELO_OVERLOADED' })
      await until(
        SOON,
        () => {
          globalThis.gc()
          return fn.metrics.streamsOpen === 0
        },
        'the places of dropped results',
      )
    })
    assert.equal(returned, 1_000)
    assert.deepEqual(
      warnings.map(({ code }) => code),
      ['velo:dropped-results'],
    )
  })

  test('but not while somebody waits for one', async () => {
    const fn = streamFn(same)
    let give
    const source = { [Symbol.asyncIterator]: () => ({ next: () => new Promise((resolve) => void (give = resolve)) }) }
    const read = fn(source).next()
    for (let i = 0; i < 5; i++) {
      globalThis.gc()
      await turns()
    }
    assert.equal(fn.metrics.streamsOpen, 1)
    give({ value: 1, done: false })
    assert.deepEqual(await within(SOON, read), { value: 1, done: false })
  })
})

test('rule 18: a process that ends while sends wait for a read names the stream, and what waits', async () => {
  const { code, stderr } = await child(`
    import { streamFn } from 'velo-stream'
    const stream = streamFn(async function* (events) { yield* events }, { buffer: 4 }).open({ id: 'the stuck one' })
    for (let n = 0; n < 20; n++) await stream.send(n)
    console.log(await stream.recv())`)
  assert.equal(code, 13)
  assert.match(stderr, /velo:stuck-sends.*stream the stuck one: the process ends while 1 sends wait for room, 4 results wait to be read/s)
})

noUnhandledRejections('what is told')
