// Scrapes while worker threads die, while streams of other threads end, and beside a second copy of the library: counters never go down, and the totals are those of an independent count.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import { runtime, streamFn } from 'velo-stream'
import { metricsText } from 'velo-stream/telemetry'
import { parsed } from '../support/exposition.mjs'
import { within } from '../support/within.mjs'

/** Scrapes until `work` is done; every counter only grows. Answers the last scrape. */
async function scraping(work) {
  const last = new Map()
  let isDone = false
  const scrape = () => {
    const { families, samples } = parsed(metricsText())
    for (const [id, value] of samples) {
      const name = id.slice(0, id.indexOf('{'))
      if (families.get(name) !== 'counter' && !/_(bucket|count)$/.test(name)) continue
      assert.ok(value >= (last.get(id) ?? 0), `${id}: ${value} after ${last.get(id)}`)
      last.set(id, value)
    }
    return samples
  }
  const scrapes = (async () => {
    while (!isDone) {
      scrape()
      await turn()
    }
  })()
  try {
    await within(60_000, work, 'the work')
  } finally {
    isDone = true
  }
  await scrapes
  return scrape()
}

test('worker threads die under load', async () => {
  const threads = []
  const onWorker = (worker) => threads.push(worker)
  process.on('worker', onWorker)
  runtime.configure({ workers: 2 })
  const leaves = streamFn(new URL('functions/leaves.mjs', import.meta.url), { name: 'dies', placement: 'worker' })
  const copy = streamFn(new URL('functions/copy.mjs', import.meta.url), { name: 'beside', placement: 'worker', maxConcurrent: 1000 })
  const told = { opened: 0, failed: 0, done: 0, deaths: 0 }
  const died = async () => {
    await assert.rejects(leaves.run([1]), { code: 'VELO_WORKER_EXITED' })
    told.deaths++
  }
  const beside = async () => {
    told.opened++
    try {
      await copy.run([1, 2, 3])
      told.done++
    } catch (error) {
      assert.equal(error.code, 'VELO_WORKER_EXITED')
      told.failed++
    }
  }
  const work = (async () => {
    for (let round = 0; round < 12; round++) await Promise.all([died(), ...Array.from({ length: 20 }, beside)])
  })()
  const samples = await scraping(work)
  process.off('worker', onWorker)
  const row = 'function="beside",placement="worker"'
  assert.equal(samples.get(`velo_streams_opened_total{${row}}`), told.opened)
  assert.equal(samples.get(`velo_streams_closed_total{${row},reason="done"}`), told.done)
  assert.equal(samples.get(`velo_streams_closed_total{${row},reason="failed"}`), told.failed)
  assert.equal(samples.get(`velo_streams_open{${row}}`), 0)
  assert.equal(samples.get('velo_streams_closed_total{function="dies",placement="worker",reason="failed"}'), told.deaths)
  assert.equal(samples.get('velo_worker_restarts_total{}'), told.deaths)
  assert.equal(samples.get('velo_worker_starts_total{}'), threads.length)
  assert.equal(samples.get('velo_workers{}'), [...samples.keys()].filter((id) => id.startsWith('velo_worker_streams{')).length)
})

test('streams of threads of the user end while they are scraped, and their functions are collected', async () => {
  const THREADS = 2
  const source = `
    import { streamFn } from ${JSON.stringify(import.meta.resolve('velo-stream'))}
    import { parentPort } from 'node:worker_threads'
    async function* copy(events) { for await (const event of events) yield event }
    const told = { opened: 0, events: 0 }
    for (let round = 0; round < 60; round++) {
      const fn = streamFn(copy, { name: 'of threads' })
      const streams = Array.from({ length: 1 + (round % 40) }, () => fn.open())
      for (const stream of streams) {
        told.opened++
        for (let event = 0; event < round % 5; event++) {
          await stream.send(event)
          told.events++
        }
      }
      await Promise.all(streams.map((stream) => stream.close()))
      if (round % 10 === 0) globalThis.gc?.()
    }
    parentPort.postMessage(told)`
  const told = { opened: 0, events: 0 }
  const url = new URL(`data:text/javascript,${encodeURIComponent(source)}`)
  const threads = Array.from(
    { length: THREADS },
    () =>
      new Promise((resolve, reject) => {
        const worker = new Worker(url)
        worker.on('message', ({ opened, events }) => {
          told.opened += opened
          told.events += events
        })
        worker.on('error', reject).on('exit', resolve)
      }),
  )
  const samples = await scraping(Promise.all(threads))
  const row = 'function="of threads",placement="local"'
  assert.equal(samples.get(`velo_streams_opened_total{${row}}`), told.opened)
  assert.equal(samples.get(`velo_events_in_total{${row}}`), told.events)
  assert.equal(samples.get(`velo_streams_open{${row}}`), 0)
  assert.equal(samples.get(`velo_events_buffered{${row}}`), 0)
})
