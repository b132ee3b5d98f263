// Rule 18: nothing leaks. Heap, handles, registry and permits return to the start over a hundred thousand streams, over aborts at random points, with one
// signal for all of them, and over functions that are made and dropped. Each case is a process of its own with a garbage collector at hand.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { output } from '../support/child.mjs'

const MB = 1 << 20
/** What a heap may grow by from caches, tables that doubled and optimized code. A leak of 50 bytes a stream is more. */
const HEAP = 4 * MB
/** The same for the whole process, whose allocators keep what they once had. */
const RSS = 48 * MB

const prelude = `
  import { streamFn, runtime } from 'velo-stream'
  import { random } from './__test__/support/random.mjs'
  async function* double(events) { for await (const event of events) yield event * 2 }
  const turns = async (count = 4) => { for (let i = 0; i < count; i++) await new Promise(setImmediate) }
  process.on('warning', (warning) => { throw warning })
  const handles = () => process.getActiveResourcesInfo().filter((name) => name !== 'Immediate' && name !== 'TTYWrap' && name !== 'PipeWrap').sort().join()
  /** What there is when everything that can go has gone. */
  async function picture() {
    for (let i = 0; i < 6; i++) { await turns(2); globalThis.gc() }
    const { streamsOpen, streamsWaiting, streamsDetached, functions } = runtime.snapshot()
    const { heapUsed, rss, arrayBuffers, external } = process.memoryUsage()
    return { heapUsed, rss, outside: arrayBuffers + external, handles: handles(), streamsOpen, streamsWaiting, streamsDetached, functions: functions.length }
  }
  const tell = (value) => console.log(JSON.stringify(value))
`

// A small young generation: what V8 keeps in reserve for a large one hides a leak, or looks like one.
const flags = ['--expose-gc', '--max-semi-space-size=2']
const run = async (body) => JSON.parse(await output(`${prelude}\n${body}`, { flags, ms: 300_000 }))

function assertSame({ before, after }) {
  const { heapUsed, rss, outside, ...counts } = after
  const expected = Object.fromEntries(Object.keys(counts).map((name) => [name, before[name]]))
  assert.deepEqual(counts, expected)
  assert.deepEqual([after.streamsOpen, after.streamsWaiting, after.streamsDetached], [0, 0, 0])
  const grown = (now, then) => `grew by ${((now - then) / MB).toFixed(1)} MB`
  assert.ok(heapUsed - before.heapUsed < HEAP, `the heap ${grown(heapUsed, before.heapUsed)}`)
  assert.ok(outside - before.outside < MB, `memory outside the heap ${grown(outside, before.outside)}`)
  assert.ok(rss - before.rss < RSS, `the process ${grown(rss, before.rss)}`)
}

describe('everything returns to the start', { timeout: 600_000 }, () => {
  const cycles = {
    'open, send, recv, close': `async (i) => {
      const stream = fn.open()
      await stream.send(i)
      if ((await stream.recv()) !== i * 2) throw new Error('wrong result')
      await stream.close()
    }`,
    'open, send, end, iterate': `async (i) => {
      const stream = fn.open({ id: 'stream-' + i, headers: { i } })
      stream.send(i)
      stream.end()
      for await (const result of stream) if (result !== i * 2) throw new Error('wrong result')
      if ((await stream.closed).reason !== 'done') throw new Error('wrong reason')
    }`,
    'run and call': `async (i) => {
      if ((await fn.run([i]))[0] !== i * 2) throw new Error('wrong result')
      for await (const _ of fn([i, i])) break
    }`,
    'pipelines with every timer': `async (i) => {
      const stream = piped.open()
      await stream.send(i)
      if ((await stream.recv({ timeout: 60000 })) !== i * 4) throw new Error('wrong result')
      stream.abort()
      await stream.closed
    }`,
  }
  for (const [name, cycle] of Object.entries(cycles)) {
    test(`rule 18: over 100 000 cycles of ${name}`, async () => {
      const result = await run(`
        const fn = streamFn(double)
        const piped = streamFn(double, { maxDuration: 60000, maxStall: 60000, closeTimeout: 60000 }).pipe(double)
        const cycle = ${cycle}
        // As many as are measured: what allocators and compilers take for a load they keep, once.
        for (let i = 0; i < 100000; i++) await cycle(i)
        const before = await picture()
        const opened = runtime.snapshot().streamsOpened
        for (let i = 0; i < 100000; i++) await cycle(i)
        const after = await picture()
        const snapshot = runtime.snapshot()
        const ended = Object.values(snapshot.closedBy).reduce((sum, count) => sum + count)
        tell({ before, after, cycles: snapshot.streamsOpened - opened, unended: snapshot.streamsOpened - ended })`)
      assertSame(result)
      assert.equal(result.cycles, name === 'run and call' ? 200_000 : 100_000)
      assert.equal(result.unended, 0)
    })
  }

  test('rule 18: over 20 000 streams aborted at random points', async () => {
    const seed = 20_240_607
    const result = await run(`
      const { below, float } = random(${seed})
      const passing = async function* (events, ctx) {
        try {
          for await (const event of events) {
            if (event % 3 === 0) await null
            if (event % 7 === 0) await new Promise(setImmediate)
            if (event % 11 === 0) ctx.signal.addEventListener('abort', () => {})
            for (let i = 0; i < event % 4; i++) yield event
          }
          yield 'summary'
        } finally {
          if (ctx.id.length % 2) await null
        }
      }
      const plain = streamFn(passing, { buffer: 4, maxConcurrent: 64, queue: 1000, closeTimeout: 60000 })
      const kinds = [plain, plain.pipe(double), plain.with({ maxDuration: 60000, maxStall: 60000 })]
      const quiet = () => {}
      const source = async function* (count) { for (let i = 0; i < count; i++) { if (i % 5 === 0) await null; yield i } }
      async function one() {
        const fn = kinds[below(kinds.length)]
        const controller = new AbortController()
        const how = below(10)
        let abort = (reason) => controller.abort(reason)
        let over
        if (how < 7) {
          const stream = fn.open(how < 2 ? { signal: controller.signal } : {})
          if (how >= 2) abort = (reason) => stream.abort(reason)
          over = stream.closed
          const reading = how % 3
          if (reading === 0) (async () => { for await (const _ of stream); })().catch(quiet)
          else if (reading === 1) (async () => { for (;;) await stream.recv({ timeout: 60000 }) })().catch(quiet)
          ;(async () => {
            for (let i = 0; i < below(40); i++) {
              const sending = how % 2 ? stream.send(i, { signal: controller.signal }) : stream.sendBatch([i, i + 1])
              if (below(3) > 0) await sending
              if (below(12) === 0) await new Promise(setImmediate)
            }
            if (below(2)) stream.end()
          })().catch(quiet)
        } else if (how < 9) {
          over = fn.run(source(below(60)), { signal: controller.signal }).catch(quiet)
        } else {
          over = (async () => { for await (const _ of fn(source(below(60)), { signal: controller.signal })); })().catch(quiet)
        }
        const point = below(6)
        if (point === 1) await null
        else if (point === 2) for (let i = below(30); i > 0; i--) await null
        else if (point > 2) await turns(below(4))
        abort(new Error('at random'))
        await over
      }
      async function many(count) {
        const started = runtime.snapshot().streamsOpened
        let left = count
        await Promise.all(Array.from({ length: 50 }, async () => { while (left-- > 0) await one() }))
        for (let i = 0; i < 10000 && runtime.snapshot().streamsOpen > 0; i++) await turns(1)
        return runtime.snapshot().streamsOpened - started
      }
      await many(20000)
      const before = await picture()
      const opened = await many(20000)
      const after = await picture()
      const snapshot = runtime.snapshot()
      const ended = Object.values(snapshot.closedBy).reduce((sum, count) => sum + count)
      // Every permit is back: as many as the limit can be open again.
      const again = Array.from({ length: 64 }, () => plain.open())
      const states = [...new Set(again.map((stream) => stream.state))]
      const next = plain.open()
      states.push(next.state)
      await Promise.all([...again, next].map((stream) => stream.close()))
      tell({ before, after, opened, unended: snapshot.streamsOpened - ended, aborted: snapshot.closedBy.aborted, states })`)
    assertSame(result)
    assert.equal(result.unended, 0, `seed ${seed}`)
    assert.ok(result.opened > 15_000, `${result.opened} were opened`)
    assert.ok(result.aborted > 5_000, `${result.aborted} were aborted`)
    assert.deepEqual(result.states, ['open', 'waiting'])
  })

  test('rule 18: over 10 000 detached functions that finish at last', async () => {
    const result = await run(`
      let free = []
      const stuck = streamFn(async function* (events) { for await (const event of events) { await new Promise((resolve) => free.push(resolve)); yield event } }, { closeTimeout: 1, maxConcurrent: 1000 })
      async function many(count) {
        for (let i = 0; i < count; i += 500) {
          const streams = Array.from({ length: 500 }, () => stuck.open())
          await Promise.all(streams.map((stream) => stream.send(1)))
          await Promise.all(streams.map((stream) => stream.close()))
          const detached = runtime.snapshot().streamsDetached
          if (detached !== 500) throw new Error(detached + ' are detached')
          for (const resolve of free) resolve()
          free = []
          for (let i = 0; i < 1000 && runtime.snapshot().streamsDetached > 0; i++) await turns(1)
        }
      }
      await many(10000)
      const before = await picture()
      await many(10000)
      tell({ before, after: await picture() })`)
    assertSame(result)
  })

  test('rule 18: over 10 000 streams that time out, become idle or stall', async () => {
    const result = await run(`
      const idle = streamFn(double, { idleTimeout: 1, maxConcurrent: 2000 })
      const short = streamFn(double, { maxDuration: 1, maxConcurrent: 2000 })
      const stalled = streamFn(double, { maxStall: 1, maxConcurrent: 2000 })
      const quiet = () => {}
      async function many(count) {
        for (let i = 0; i < count; i += 500) {
          await Promise.all(Array.from({ length: 500 }, async (_, n) => {
            const fn = [idle, short, stalled][n % 3]
            const stream = fn.open()
            if (fn !== idle) stream.send(1)
            if (fn !== stalled) stream.recv({ timeout: 1 + (n % 2) * 60000 }).catch(quiet)
            await stream.closed
          }))
        }
      }
      const keep = setInterval(() => {}, 1000)
      await many(10000)
      const before = await picture()
      await many(10000)
      const after = await picture()
      clearInterval(keep)
      tell({ before, after })`)
    assertSame(result)
  })

  test('rule 18: over 20 000 functions that are made, used and dropped', async () => {
    const result = await run(`
      async function many(count) {
        for (let i = 0; i < count; i++) {
          const fn = streamFn(async function* (events) { for await (const event of events) yield event + i }, { name: 'made-' + i })
          if ((await fn.run([1]))[0] !== 1 + i) throw new Error('wrong result')
          const stream = fn.pipe(double).with({ buffer: 2 }).open()
          await stream.send(1)
          await stream.close()
          if (i % 500 === 0) { await turns(2); globalThis.gc() }
        }
        for (let i = 0; i < 10; i++) { await turns(4); globalThis.gc() }
      }
      await many(10000)
      const before = await picture()
      await many(20000)
      const after = await picture()
      // The collector need not find the very last ones.
      const functions = after.functions
      after.functions = before.functions
      tell({ before, after, functions })`)
    assertSame(result)
    assert.ok(result.functions < 200, `${result.functions} functions are still known`)
  })

  test('rule 18: a stream function that is dropped while its stream is open stays known until the stream ends', async () => {
    const result = await run(`
      const open = () => streamFn(double, { name: 'dropped', idleTimeout: 0 }).open()
      const stream = open()
      for (let i = 0; i < 10; i++) { await turns(4); globalThis.gc() }
      await stream.send(2)
      const value = await stream.recv()
      const open_ = runtime.snapshot().functions.find(({ name }) => name === 'dropped')?.streamsOpen
      await stream.close()
      tell({ value, open: open_ })`)
    assert.deepEqual(result, { value: 4, open: 1 })
  })
})

describe('one signal for all of them', { timeout: 300_000 }, () => {
  const uses = {
    'streams, runs and calls': `
      if (n % 5 === 4) return fn.run([1, 2, 3], { signal })
      if (n % 5 === 3) { for await (const _ of fn([1, 2, 3], { signal })); return }
      const stream = fn.open({ signal })
      await stream.send(1)
      await stream.recv()
      if (n % 5 === 0) stream.abort()
      if (n % 5 === 1) await stream.close()
      if (n % 5 === 2) { stream.end(); for await (const _ of stream); }
      await stream.closed`,
    'waiting sends and reads': `
      const stream = fn.open()
      const reading = stream.recv({ signal, timeout: 60000 })
      const sends = [0, 1, 2, 3, 4, 5].map((event) => stream.send(event, { signal }))
      await reading
      for (let event = 1; event < 6; event++) await stream.recv({ signal })
      await Promise.all(sends)
      const last = [stream.recv({ signal }).catch(() => {}), stream.recv({ signal }).catch(() => {})]
      if (n % 2) await stream.close()
      else stream.abort()
      await Promise.all(last)
      await stream.closed`,
  }
  for (const [name, use] of Object.entries(uses)) {
    test(`rule 18: one long-lived AbortSignal over 10 000 streams leaves no listener and prints no warning (${name})`, async () => {
      const result = await run(`
        const { getEventListeners } = await import('node:events')
        const { signal } = new AbortController()
        const fn = streamFn(double, { buffer: 1, maxConcurrent: 1000 })
        const use = async (n) => { ${use} }
        async function many(count) {
          for (let i = 0; i < count; i += 100) await Promise.all(Array.from({ length: 100 }, (_, n) => use(n)))
        }
        await many(10000)
        const before = await picture()
        await many(10000)
        tell({ before, after: await picture(), left: getEventListeners(signal, 'abort').length })`)
      assertSame(result)
      assert.equal(result.left, 0)
    })
  }

  test('rule 18: one AbortSignal ends 10 000 open streams, without a warning', async () => {
    const result = await run(`
      const { getEventListeners } = await import('node:events')
      const controller = new AbortController()
      const listeners = () => getEventListeners(controller.signal, 'abort').length
      const fn = streamFn(double, { maxConcurrent: 10000 })
      const open = Array.from({ length: 10000 }, () => fn.open({ signal: controller.signal }))
      const most = listeners()
      controller.abort('all at once')
      const ends = await Promise.all(open.map((stream) => stream.closed))
      tell({ few: most <= 10, reasons: [...new Set(ends.map((end) => end.reason + ' ' + end.error.cause))], left: listeners() })`)
    assert.deepEqual(result, { few: true, reasons: ['aborted all at once'], left: 0 })
  })
})

describe('many at once', { timeout: 300_000 }, () => {
  test('rule 18: 100 000 streams open at once, one event each, every result correct', async () => {
    const result = await run(`
      const fn = streamFn(double, { maxConcurrent: 100000 })
      const before = await picture()
      const streams = Array.from({ length: 100000 }, () => fn.open())
      await Promise.all(streams.map((stream, i) => stream.send(i)))
      const open = runtime.snapshot().streamsOpen
      const results = await Promise.all(streams.map((stream) => stream.recv()))
      const wrong = results.filter((result, i) => result !== i * 2).length
      const ids = new Set(streams.map((stream) => stream.id)).size
      for (const stream of streams) stream.end()
      const ends = await Promise.all(streams.map((stream) => stream.closed))
      const reasons = [...new Set(ends.map((end) => end.reason))]
      const { eventsIn, eventsOut, dropped, streamsOpen } = fn.metrics
      tell({ open, wrong, ids, reasons, eventsIn, eventsOut, dropped, streamsOpen })`)
    assert.deepEqual(result, {
      open: 100_000,
      wrong: 0,
      ids: 100_000,
      reasons: ['done'],
      eventsIn: 100_000,
      eventsOut: 100_000,
      dropped: { events: 0, results: 0 },
      streamsOpen: 0,
    })
  })
})

describe('those who watch async resources', { timeout: 60_000 }, () => {
  test('rule 18: are told of the end of each stream, so that what they keep of it goes', async () => {
    const result = await run(`
      const { createHook } = await import('node:async_hooks')
      const kept = new Set()
      createHook({
        init: (id, type) => { if (type === 'VeloStream') kept.add(id) },
        destroy: (id) => kept.delete(id),
      }).enable()
      const fn = streamFn(double)
      const piped = fn.pipe(double)
      let most = 0
      for (let i = 0; i < 500; i++) {
        await fn.run([i])
        for await (const _ of piped([i, i])) break
        const stream = piped.open()
        await stream.send(i)
        await stream.close()
        most = Math.max(most, kept.size)
      }
      await picture()
      tell({ seen: most > 0, left: kept.size })`)
    assert.equal(result.seen, true)
    assert.ok(result.left < 10, `${result.left} are kept`)
  })
})
