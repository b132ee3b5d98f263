// The totals are those of an independent count, whatever thread the functions run on, also while it is scraped.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { metricsText } from 'velo-stream/telemetry'
import { parsed } from '../support/exposition.mjs'
import { describePlacements } from '../support/placements.mjs'
import { random } from '../support/random.mjs'
import { within } from '../support/within.mjs'

/** Gives each event back twice, drops every seventh, and fails for what is negative. */
async function* odd(events) {
  for await (const event of events) {
    if (event < 0) throw new Error('negative')
    if (event % 7 === 0) continue
    yield event
    yield event
  }
}

const STREAMS = 120

describePlacements('exact', (place) => {
  test('totals equal what was sent, read, dropped and how it ended', async () => {
    const name = `exact ${place.placement}`
    const fn = place(odd, { name, buffer: 64, maxConcurrent: STREAMS })
    const told = { events: 0, results: 0, read: 0, events_dropped: 0, results_dropped: 0, opened: 0, reasons: {} }
    const row = `{function="${name}",placement="${place.placement}"}`
    const scrape = () => parsed(metricsText()).samples
    const { float: draw } = random(7)
    let done = false
    const scrapes = (async () => {
      let last = 0
      while (!done) {
        const now = scrape().get(`velo_events_in_total${row}`) ?? 0
        assert.ok(now >= last, `${now} after ${last}`)
        last = now
        await new Promise(setImmediate)
      }
    })()
    const one = async (ordinal) => {
      const stream = fn.open()
      told.opened++
      const count = Math.floor(draw() * 300)
      const fails = ordinal % 5 === 0
      const leaves = ordinal % 3 === 0
      const sending = (async () => {
        for (let event = 0; event < count; event++) {
          try {
            await stream.send(event)
            told.events++
          } catch {
            return
          }
        }
        if (fails && !leaves) {
          await stream.send(-1)
          told.events++
        }
        stream.end()
      })()
      let read = 0
      try {
        for await (const _ of stream) if (++read === 20 && leaves) break
      } catch (error) {
        assert.equal(error.message, 'negative')
      }
      await sending
      const end = await stream.closed
      told.read += read
      told.results += read + end.dropped.results
      told.events_dropped += end.dropped.events
      told.results_dropped += end.dropped.results
      told.reasons[end.reason] = (told.reasons[end.reason] ?? 0) + 1
    }
    await within(60_000, Promise.all(Array.from({ length: STREAMS }, (_, ordinal) => one(ordinal))), 'the load')
    done = true
    await scrapes
    const samples = scrape()
    assert.equal(samples.get(`velo_streams_opened_total${row}`), told.opened)
    assert.equal(samples.get(`velo_streams_open${row}`), 0)
    assert.equal(samples.get(`velo_events_in_total${row}`), told.events)
    assert.equal(samples.get(`velo_events_out_total${row}`), told.results)
    assert.equal(samples.get(`velo_events_dropped_total${row}`), told.events_dropped)
    assert.equal(samples.get(`velo_results_dropped_total${row}`), told.results_dropped)
    assert.equal(samples.get(`velo_events_buffered${row}`), 0)
    for (const [reason, count] of Object.entries(told.reasons))
      assert.equal(samples.get(`velo_streams_closed_total${row.slice(0, -1)},reason="${reason}"}`), count, reason)
    assert.ok(told.reasons.failed > 0 && told.reasons.done > 0 && told.reasons.closed > 0, JSON.stringify(told.reasons))
  })

  test('bytes are those of the streams, and none where nothing travels', async () => {
    const name = `bytes ${place.placement}`
    const fn = place(odd, { name })
    let [bytesIn, bytesOut] = [0, 0]
    for (let i = 0; i < 5; i++) {
      const stream = fn.open()
      await stream.sendBatch(Array.from({ length: 100 }, (_, event) => event))
      stream.end()
      for await (const _ of stream);
      await stream.closed
      bytesIn += stream.metrics.bytesIn ?? 0
      bytesOut += stream.metrics.bytesOut ?? 0
    }
    const live = fn.open()
    await live.send(1)
    await live.recv()
    const { samples } = parsed(metricsText())
    const row = `{function="${name}",placement="${place.placement}"}`
    if (place.worker) {
      assert.ok(bytesIn > 500 && bytesOut > 500)
      assert.equal(samples.get(`velo_bytes_in_total${row}`), bytesIn + live.metrics.bytesIn)
      assert.equal(samples.get(`velo_bytes_out_total${row}`), bytesOut + live.metrics.bytesOut)
    } else {
      assert.equal(samples.has(`velo_bytes_in_total${row}`), false)
    }
    await live.close()
  })
})
