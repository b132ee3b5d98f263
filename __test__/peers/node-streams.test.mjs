// Stream functions where Node's own streams and Web streams take a transform: each construct gives what it gives with a Transform, at every way to end.
// What it does with the source, with errors and with who leaves is what tests of those streams check of their own transforms.

import assert from 'node:assert/strict'
import { compose, Duplex, finished, PassThrough, pipeline, Readable, Transform, Writable } from 'node:stream'
import { pipeline as piped } from 'node:stream/promises'
import { ReadableStream, TransformStream, WritableStream } from 'node:stream/web'
import { test } from 'node:test'
import { output } from '../support/child.mjs'
import { deferred, outcome, until } from '../support/deferred.mjs'
import { describePlacements } from '../support/placements.mjs'
import { noUnhandledRejections } from '../support/unhandled.mjs'
import { within } from '../support/within.mjs'

const SOON = 5_000
const boom = new Error('boom')

/** What the function does, one word each; 2 of its events is the moment for most of them. */
const programs = {
  pass: { results: [1, 2, 3, 4] },
  twice: { results: [1, 1, 2, 2, 3, 3, 4, 4] },
  summary: { results: [1, 2, 3, 4, 'end'] },
  nothing: { results: [] },
  'returns early': { results: [1, 2] },
  'throws before it reads': { results: [], fails: true },
  'throws at an event': { results: [1], fails: true },
  'throws at the end': { results: [1, 2, 3, 4], fails: true },
  'throws after the end': { results: [1, 2, 3, 4], fails: true },
}

/** The function of a program. */
function made(place, what) {
  return place(
    async function* (events) {
      if (what === 'throws before it reads') throw boom
      for await (const event of events) {
        if (what === 'throws at an event' && event === 2) throw boom
        if (what !== 'nothing') yield event
        if (what === 'twice') yield event
        if (what === 'returns early' && event === 2) return
      }
      if (what === 'summary') yield 'end'
      if (what === 'throws after the end') await new Promise((resolve) => setImmediate(() => setImmediate(resolve)))
      if (what.startsWith('throws')) throw boom
    },
    {},
    { what, boom },
  )
}

/** The constructs: from a source of numbers to the results, which are added to `seen`, or an error. */
const nodeWays = {
  'pipeline with the function': (fn, source, seen) => piped(source, fn, sink(seen)),
  'pipeline with toDuplex()': (fn, source, seen) => piped(source, fn.open().toDuplex(), sink(seen)),
  'pipeline with both': (fn, source, seen, pass) => piped(source, pass, fn.open().toDuplex(), pass, sink(seen)),
  'pipe into toDuplex()': (fn, source, seen) => read(source.pipe(fn.open().toDuplex()), seen),
  'Readable.compose(function)': (fn, source, seen) => read(source.compose(fn), seen),
  'Readable.compose(toDuplex())': (fn, source, seen) => read(source.compose(fn.open().toDuplex()), seen),
  'compose() of three': (fn, source, seen) =>
    read(source.pipe(compose(new PassThrough({ objectMode: true }), fn.open().toDuplex(), through())), seen),
  'Readable.from(call)': (fn, source, seen) => read(Readable.from(fn(source)), seen),
  'Duplex.fromWeb(pair)': (fn, source, seen) => piped(source, Duplex.fromWeb(fn.open().toWeb(), { objectMode: true }), sink(seen)),
}
const webWays = {
  'pipeThrough and pipeTo': (fn, source, seen) => source.pipeThrough(fn.open().toWeb()).pipeTo(webSink(seen)),
  'between TransformStreams': (fn, source, seen) =>
    source.pipeThrough(new TransformStream()).pipeThrough(fn.open().toWeb()).pipeThrough(new TransformStream()).pipeTo(webSink(seen)),
  'for await over the readable': (fn, source, seen) => read(source.pipeThrough(fn.open().toWeb()), seen),
}

const through = () => new Transform({ objectMode: true, transform: (chunk, _, done) => done(null, chunk) })
const sink = (seen) =>
  new Writable({ objectMode: true, highWaterMark: 1, write: (chunk, _, done) => setImmediate(done, seen.push(chunk) * 0 || null) })
const webSink = (seen) => new WritableStream({ write: (chunk) => void seen.push(chunk) })

async function read(results, seen) {
  for await (const result of results) seen.push(result)
}

function numbers(count, { fail } = {}) {
  let n = 0
  return new Readable({
    objectMode: true,
    highWaterMark: 1,
    read() {
      if (n < count) this.push(++n)
      else if (fail === undefined) this.push(null)
      else this.destroy(fail)
    },
  })
}

function webNumbers(count, { fail } = {}) {
  let n = 0
  const pull = (controller) => {
    if (n < count) controller.enqueue(++n)
    else if (fail === undefined) controller.close()
    else controller.error(fail)
  }
  return new ReadableStream({ pull }, { highWaterMark: 0 })
}

describePlacements('a stream function where streams take a transform', (place) => {
  const pass = place(async function* (events) {
    for await (const event of events) yield event
  })
  for (const [kind, ways, from] of [
    ['Node', nodeWays, numbers],
    ['Web', webWays, webNumbers],
  ]) {
    for (const [way, run] of Object.entries(ways)) {
      for (const [what, { results, fails = false }] of Object.entries(programs)) {
        // Of a function, bare generators too, it makes an AbortError of an early return, and hears no error that comes after the last event.
        if (way === 'Readable.compose(function)' && (fails || what === 'returns early')) continue
        // Web streams tell the writer of an early end by an error, as after `terminate()`; and errors of writes that wait together get lost in this (Node 20).
        if (way === 'Duplex.fromWeb(pair)' && (fails || what === 'returns early')) continue
        test(`${kind}: ${way}: ${what}`, async () => {
          const fn = made(place, what)
          const seen = []
          const { error } = await within(SOON, outcome(run(fn, from(4), seen, pass)), 'the end')
          if (fails) assert.equal(error?.message, 'boom')
          else assert.equal(error, undefined)
          // An error may overtake results on the way; what came, came in order.
          assert.deepEqual(seen, fails ? results.slice(0, seen.length) : results)
          await until(SOON, () => fn.metrics.streamsOpen === 0, 'the end of the stream')
        })
      }

      // `pipe()` hands no errors on.
      if (way.startsWith('pipe into') || way.startsWith('compose() of')) continue
      test(`${kind}: ${way}: an error of the source`, async () => {
        const fn = made(place, 'pass')
        const source = from(2, { fail: boom })
        const { error } = await within(SOON, outcome(run(fn, source, [], pass)), 'the end')
        assert.equal(error?.message, 'boom')
        await until(SOON, () => fn.metrics.streamsOpen === 0, 'the end of the stream')
      })
    }
  }

  test('who leaves early destroys the source', async () => {
    for (const join of [
      (source, fn) => source.compose(fn),
      (source, fn) => source.compose(fn.open().toDuplex()),
      (source, fn) => fn(source),
    ]) {
      const fn = made(place, 'pass')
      const source = numbers(10_000)
      for await (const result of join(source, fn)) if (result === 3) break
      await until(SOON, () => source.destroyed && fn.metrics.streamsOpen === 0, 'the end of the source and of the stream')
    }
  })

  test('an error of the sink ends the function and the source', async () => {
    for (const join of [(fn) => fn, (fn) => fn.open().toDuplex()]) {
      const fn = made(place, 'pass')
      const source = numbers(10_000)
      const full = new Writable({ objectMode: true, write: (chunk, _, done) => done(chunk === 3 ? boom : null) })
      assert.equal((await within(SOON, outcome(piped(source, join(fn), full)))).error, boom)
      await until(SOON, () => source.destroyed && fn.metrics.streamsOpen === 0, 'the end of the source and of the stream')
    }
  })

  test('a Duplex that nobody reads has finished when the function has, and says what that threw', async () => {
    for (const [what, { results, fails = false }] of Object.entries(programs)) {
      const [duplexed, webbed] = [made(place, what), made(place, what)]
      const duplex = duplexed.open().toDuplex()
      const told = await within(SOON, outcome(piped(numbers(4), duplex)), what)
      const { readable, writable } = webbed.open().toWeb()
      const web = await within(SOON, outcome(webNumbers(4).pipeTo(writable)), what)
      for (const { error } of what === 'returns early' ? [told] : [told, web])
        assert.equal(error?.message, fails ? 'boom' : undefined, what)
      if (fails) {
        duplex.destroy()
        await outcome(readable.cancel())
        continue
      }
      const [seen, webSeen] = [[], []]
      await within(SOON, read(duplex, seen), 'what is left')
      await within(SOON, read(readable, webSeen), 'what is left')
      assert.deepEqual([seen, webSeen], [results, results])
    }
  })

  test('finished() is called once, with the error of the function', async () => {
    for (const [what, { fails = false }] of Object.entries(programs)) {
      const duplex = made(place, what).open().toDuplex()
      let calls = 0
      const end = deferred()
      finished(duplex, (error) => {
        calls++
        end.resolve(error)
      })
      const all = deferred()
      pipeline(numbers(4), duplex, sink([]), all.resolve)
      const told = await within(SOON, end.promise, what)
      assert.equal(told?.message, fails ? 'boom' : undefined, what)
      await within(SOON, all.promise, what)
      await place.settled(4)
      assert.equal(calls, 1)
    }
  })
})

test('a process lives until the function on a worker thread has finished what was piped into it', async () => {
  const source = `
    import { writeFileSync } from 'node:fs'
    import { Readable } from 'node:stream'
    import { pipeline } from 'node:stream/promises'
    import { ReadableStream } from 'node:stream/web'
    import { streamFn } from 'velo-stream'
    const module = 'data:text/javascript,' + encodeURIComponent(\`export default async function* (events) {
      for await (const event of events);
      for (let i = 0; i < 1000; i++) await new Promise(setImmediate)
    }\`)
    const fn = streamFn(new URL(module), { placement: 'worker' })
    await pipeline(Readable.from([1, 2]), fn.open().toDuplex().resume())
    await pipeline(Readable.from([1, 2]), fn.open().toDuplex())
    await new ReadableStream({ start: (controller) => controller.close() }).pipeTo(fn.open().toWeb().writable)
    console.log('done')`
  assert.equal(await output(source), 'done')
})

noUnhandledRejections('stream functions among streams')
