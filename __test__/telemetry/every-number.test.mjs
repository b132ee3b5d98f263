// Every number of a function that exact.test.mjs does not look at, compared with an independent count, on both placements: gauges while streams stand still, what is refused and detached, how
// streams end, what is timed, and where time is spent.

import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { runtime, streamFn } from 'velo-stream'
import { metricsText } from 'velo-stream/telemetry'
import { deferred, until } from '../support/deferred.mjs'
import { parsed } from '../support/exposition.mjs'
import { describePlacements } from '../support/placements.mjs'
import { within } from '../support/within.mjs'

const STATES = ['admission', 'event', 'reader', 'journal', 'code']
/** ms between two looks at where streams stand. */
const LOOK_MS = 1000

before(() => void metricsText()) // where streams spend their time is looked at from the first scrape on

describePlacements('every number', (place) => {
  const { placement } = place
  const read = (name) => {
    const { samples } = parsed(metricsText())
    return (family, more = '') => samples.get(`${family}{function="${name}",placement="${placement}"${more}}`) ?? 0
  }
  async function* copy(events) {
    for await (const event of events) yield event
  }

  test('what is open, waits in line, is refused; what waits in channels', async () => {
    const name = `gauges ${placement}`
    const fn = place(copy, { name, maxConcurrent: 3, queue: 2, buffer: 4 })
    const streams = Array.from({ length: 5 }, () => fn.open())
    for (let refused = 0; refused < 4; refused++) assert.throws(() => fn.open(), { code: 'VELO_OVERLOADED' })
    let sent = 0
    for (const stream of streams.slice(0, 3)) while (stream.trySend(sent)) sent++
    await until(30_000, () => read(name)('velo_results_buffered') === 12, 'every output is full')
    const of = read(name)
    assert.deepEqual(
      ['velo_streams_open', 'velo_streams_waiting', 'velo_streams_opened_total', 'velo_streams_refused_total'].map((one) => of(one)),
      [3, 2, 5, 4], // who waits in line was opened
    )
    let read_ = 0
    for (const stream of streams.slice(0, 3)) {
      await stream.recv()
      read_++
    }
    const accepted = read(name)('velo_events_in_total')
    assert.equal(accepted, sent)
    const ends = await Promise.all(
      streams.map(async (stream) => {
        await stream.close()
        return stream.closed
      }),
    )
    const after = read(name)
    const sum = (part) => ends.reduce((all, { dropped }) => all + dropped[part], 0)
    assert.equal(after('velo_events_dropped_total'), sum('events'))
    assert.equal(after('velo_results_dropped_total'), sum('results'))
    assert.equal(after('velo_events_out_total'), read_ + sum('results'))
    for (const family of ['velo_streams_open', 'velo_streams_waiting', 'velo_events_buffered', 'velo_results_buffered'])
      assert.equal(after(family), 0, family)
    // Those in line never ran; a place that was given back let them in, or they left the line.
    assert.equal(after('velo_streams_closed_total', ',reason="closed"'), after('velo_streams_opened_total'))
  })

  test('sends refused as overrun, how streams end, functions that go on, and what they throw then', async () => {
    const name = `ends ${placement}`
    const gate = place.gate()
    const fn = place(
      async function* ends(events, ctx) {
        for await (const event of events) {
          if (event === 'fail') throw new Error('fail')
          if (event === 'deaf') {
            await gate.promise
            throw new Error(`late ${ctx.id}`)
          }
          yield event
        }
      },
      { name, buffer: 1, closeTimeout: 200 },
      { gate },
    )
    const told = { refused: 0, done: 0, closed: 0, idle: 0, aborted: 0, failed: 0, detached: 0 }
    const end = async (stream) => {
      const { reason, refused, detached } = await within(30_000, stream.closed, 'the end')
      told[reason]++
      told.refused += refused
      if (detached) told.detached++
    }
    for (let round = 0; round < 3; round++) {
      await fn.run([1])
      told.done++
      await assert.rejects(fn.run(['fail']), /fail/)
      told.failed++
      const idle = fn.with({ idleTimeout: 50 }).open()
      await idle.send(1)
      await idle.recv()
      await end(idle)
      const flooded = fn.open()
      const sends = Promise.allSettled(Array.from({ length: 40 }, () => flooded.send(1)))
      await flooded.close()
      const overruns = (await sends).filter(({ reason }) => reason?.code === 'VELO_OVERRUN').length
      const before = told.refused
      await end(flooded)
      assert.equal(told.refused - before, overruns)
    }
    const deaf = Array.from({ length: 3 }, () => fn.open())
    for (const stream of deaf) await stream.send('deaf')
    const atWork = () => runtime.inspect({ function: name }).filter(({ waitingFor }) => waitingFor === 'user code').length
    await until(30_000, () => atWork() === 3, 'the functions have taken their events')
    for (const stream of deaf) stream.abort()
    for (const stream of deaf) await end(stream)
    const of = read(name)
    for (const reason of ['done', 'closed', 'idle', 'aborted', 'failed'])
      assert.equal(of('velo_streams_closed_total', `,reason="${reason}"`), told[reason], reason)
    assert.ok(told.idle === 3 && told.aborted === 3 && told.closed === 3 && told.refused > 0, JSON.stringify(told))
    assert.equal(of('velo_overruns_total'), told.refused)
    assert.deepEqual([told.detached, of('velo_streams_detached'), of('velo_late_errors_total')], [3, 3, 0])
    gate.open()
    await until(30_000, () => read(name)('velo_streams_detached') === 0, 'they have ended after all')
    assert.equal(read(name)('velo_late_errors_total'), 3)
  })

  test('what is timed is that of the streams', async () => {
    const name = `timed ${placement}`
    const fn = place(copy, { name })
    let samples = 0
    for (let round = 0; round < 4; round++) {
      const stream = fn.open()
      const feeding = stream.feed(Array.from({ length: 64 * 5 }, (_, index) => index))
      for await (const _ of feeding);
      await stream.closed
      samples += stream.metrics.latency.samples
    }
    assert.ok(samples >= 4, `${samples}`)
    const of = read(name)
    assert.equal(of('velo_latency_seconds_count'), samples)
    const { p99, samples: all } = fn.metrics.latency
    assert.equal(all, samples)
    const { samples: shown } = parsed(metricsText())
    const row = `function="${name}",placement="${placement}"`
    const buckets = [...shown]
      .filter(([id]) => id.startsWith(`velo_latency_seconds_bucket{${row}`))
      .map(([id, count]) => [/le="([^"]*)"/.exec(id)[1], count])
    const [le] = buckets.find(([, count]) => count >= Math.ceil(0.99 * samples))
    assert.ok(p99 / 1e6 <= Number(le.replace('+Inf', 'Infinity')) * 1.02, `${p99} us in ${le} s`)
  })

  test('where streams spend their time is what they waited for, as long as they did', async () => {
    const name = (state) => `${state} spent ${placement}`
    const gate = place.gate()
    const one = (state, options = {}) => place(copy, { name: name(state), ...options })
    const began = performance.now()
    const works = place(
      async function* works(events) {
        for await (const event of events) {
          await gate.promise
          yield event
        }
      },
      { name: name('code') },
      { gate },
    )
    const open = { event: one('event').open(), reader: one('reader', { buffer: 1 }).open(), code: works.open() }
    const lined = one('admission', { maxConcurrent: 1, queue: 1 })
    const [first, second] = [lined.open(), lined.open()]
    open.reader.sendBatch([1, 2, 3, 4, 5]).catch(() => {})
    await open.code.send(1)
    const spent = (state, of = state) => read(name(of))('velo_stream_state_seconds_total', `,state="${state}"`)
    const all = ['event', 'reader', 'code', 'admission']
    await until(60_000, () => all.every((state) => spent(state) >= 2), 'two looks')
    const passed = (performance.now() - began + LOOK_MS) / 1000
    for (const state of all) assert.ok(spent(state) <= passed, `${state}: ${spent(state)} s of ${passed} s`)
    // What is on its way to a thread at the first look is where it is going at the second.
    for (const of of ['event', 'reader', 'code'])
      for (const state of STATES) if (state !== of) assert.ok(spent(state, of) <= spent(of) / 2 + LOOK_MS / 1000, `${state} of ${of}`)
    assert.ok(read(name('reader'))('velo_room_wait_seconds_total') > 0, 'its sender waits for room')
    assert.equal(read(name('event'))('velo_room_wait_seconds_total'), 0)
    gate.open()
    await Promise.all([...Object.values(open), first, second].map((stream) => stream.close()))
  })
})

test('a function of a gauge that is held for long is one stream, whatever it is asked', async () => {
  const gate = deferred()
  const fn = streamFn(
    async function* held() {
      yield await gate.promise
    },
    { name: 'held' },
  )
  const outcome = fn.run([1])
  for (let scrape = 0; scrape < 50; scrape++) {
    const { samples } = parsed(metricsText())
    assert.equal(samples.get('velo_streams_open{function="held",placement="local"}'), 1)
  }
  gate.resolve(1)
  assert.deepEqual(await outcome, [1])
})
