// The stages of pipelines: what each has taken and given, compared with an independent count, on both placements and on every way to run them; live streams are in it, and names are bounded.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Worker } from 'node:worker_threads'
import { streamFn } from 'velo-stream'
import { metricsText } from 'velo-stream/telemetry'
import { deferred } from '../support/deferred.mjs'
import { parsed } from '../support/exposition.mjs'
import { describePlacements } from '../support/placements.mjs'
import { within } from '../support/within.mjs'

/** By stage: `[taken, given]`. */
function stagesOf(name, options) {
  const found = {}
  for (const [id, value] of parsed(metricsText(options)).samples) {
    const [, part, fn, stage, placement] =
      /^velo_stage_events_(in|out)_total\{function="([^"]*)",stage="([^"]*)",placement="([^"]*)"\}$/.exec(id) ?? []
    if (fn !== name) continue
    found[`${stage} ${placement}`] ??= [0, 0]
    found[`${stage} ${placement}`][part === 'in' ? 0 : 1] = value
  }
  return found
}

const numbers = (count) => Array.from({ length: count }, (_, index) => index)
async function* slowly(events) {
  for (const event of events) yield event
}

describePlacements('stages', (place) => {
  const { placement } = place
  const make = (name, leave) => {
    const even = place(
      async function* even(events) {
        for await (const event of events) if (event % 2 === 0) yield event
      },
      { name: 'even' },
    )
    const twice = async function* twice(events) {
      for await (const event of events) {
        yield event
        yield event
      }
    }
    const some = place(
      async function* some(events) {
        let left = leave
        for await (const event of events) {
          yield event
          if (--left === 0) return
        }
      },
      { name: 'some' },
      { leave },
    )
    return even.pipe(twice).pipe(some).with({ name })
  }
  const ways = {
    run: (fn, events) => fn.run(events),
    'run of an async source': (fn, events) => fn.run(slowly(events)),
    call: async (fn, events) => {
      for await (const _ of fn(events));
    },
    feed: async (fn, events) => {
      for await (const _ of fn.open().feed(events));
    },
    'send and read': async (fn, events) => {
      const stream = fn.open()
      const sent = stream.sendBatch(events).catch(() => {})
      void sent.then(() => stream.end())
      for await (const _ of stream);
      await sent
    },
  }
  for (const [way, go] of Object.entries(ways)) {
    test(`each has taken and given what went through it: ${way}`, async () => {
      const name = `through ${way} ${placement}`
      const fn = make(name, Number.POSITIVE_INFINITY)
      for (const count of [0, 1, 2, 10, 101]) await go(fn, numbers(count))
      // Of 0, 1, 2, 10 and 101 events 0, 1, 1, 5 and 51 are even.
      assert.deepEqual(stagesOf(name), { [`even ${placement}`]: [114, 58], 'twice local': [58, 116], [`some ${placement}`]: [116, 116] })
    })
  }

  test('what a stage gave to one that left, or failed, is counted', async () => {
    const name = `left ${placement}`
    const fn = make(name, 1)
    assert.deepEqual(await fn.run([0, 2, 4]), [0])
    const { [`some ${placement}`]: last, 'twice local': middle } = stagesOf(name)
    assert.deepEqual(last[1], 1)
    if (!place.worker)
      assert.deepEqual(
        [middle, last],
        [
          [1, 1],
          [1, 1],
        ],
      )
  })

  test('a live stream is counted as far as it is, and not twice', async () => {
    const name = `live ${placement}`
    const fn = make(name, Number.POSITIVE_INFINITY)
    const stream = fn.open()
    const read = []
    for (const event of [0, 1, 2]) await stream.send(event)
    while (read.length < 4) read.push(await stream.recv())
    const expected = { [`even ${placement}`]: [3, 2], 'twice local': [2, 4], [`some ${placement}`]: [4, 4] }
    assert.deepEqual(stagesOf(name), expected)
    assert.deepEqual(stagesOf(name), expected)
    stream.end()
    await within(30_000, stream.closed, 'the end')
    assert.deepEqual(stagesOf(name), expected)
  })
})

test('one function alone has no stages; stages of one name are one; names are bounded', async () => {
  const copy = async function* copy(events) {
    yield* events
  }
  await streamFn(copy, { name: 'alone' }).run([1])
  assert.deepEqual(stagesOf('alone'), {})
  await streamFn(copy).pipe(copy).pipe(copy).with({ name: 'same' }).run([1, 2])
  assert.deepEqual(stagesOf('same'), { 'copy local': [6, 6] })
  for (let ordinal = 0; ordinal < 80; ordinal++)
    await streamFn(copy, { name: `stage ${ordinal}` })
      .pipe(copy)
      .with({ name: 'many' })
      .run([1])
  const many = stagesOf('many', { maxNames: 60 })
  assert.ok(Object.keys(many).length <= 61, JSON.stringify(many))
  assert.equal(
    Object.values(many).reduce((sum, [taken]) => sum + taken, 0),
    160,
  )
})

test('what threads of the user count is in it when they have ended', async () => {
  const source = `
    import { streamFn } from ${JSON.stringify(import.meta.resolve('velo-stream'))}
    async function* copy(events) { yield* events }
    const fn = streamFn(copy, { name: 'first' }).pipe(copy).with({ name: 'of a thread' })
    for (let round = 0; round < 20; round++) await fn.run([1, 2, 3])`
  const ended = deferred()
  new Worker(new URL(`data:text/javascript,${encodeURIComponent(source)}`)).on('exit', ended.resolve).on('error', ended.reject)
  await within(30_000, ended.promise, 'the thread')
  assert.deepEqual(stagesOf('of a thread'), { 'copy local': [60, 60], 'first local': [60, 60] })
})
