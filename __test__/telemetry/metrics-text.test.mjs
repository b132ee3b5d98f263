// metricsText(): the text formats, what is in them, names without end, and what a scrape costs.

import '../support/shared-native.mjs'
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { streamFn } from 'velo-stream'
import { metricsText, metricsType } from 'velo-stream/telemetry'
import { until } from '../support/deferred.mjs'
import { parsed } from '../support/exposition.mjs'
import { native } from '../support/native.mjs'
import { promtool, withPromtool } from '../support/promtool.mjs'

async function* copy(events) {
  for await (const event of events) yield event
}

const scrape = (options) => parsed(metricsText(options), options).samples
const of = (name, more = '') => `{function="${name}",placement="local"${more}}`

test('functions of one name are one row, and its name may be anything', async () => {
  const name = 'two\nlines'
  const copies = Array.from({ length: 3 }, () => streamFn(copy, { name }))
  for (const [index, fn] of copies.entries()) await fn.run(Array.from({ length: 10 * (index + 1) }, (_, i) => i))
  const stream = copies[0].open()
  await stream.send(1)
  await until(1000, () => stream.metrics.eventsOut === 1, 'the result')
  const samples = scrape()
  const row = of('two\\nlines')
  assert.equal(samples.get(`velo_streams_open${row}`), 1)
  assert.equal(samples.get(`velo_streams_opened_total${row}`), 4)
  assert.equal(samples.get(`velo_events_in_total${row}`), 61)
  assert.equal(samples.get(`velo_results_buffered${row}`), 1)
  assert.equal(samples.get(`velo_streams_closed_total${of('two\\nlines', ',reason="done"')}`), 3)
  await stream.close()
  assert.equal(scrape().get(`velo_results_dropped_total${row}`), 1)
})

test('a latency is a histogram: its buckets grow up to the count, and its sum is that of the samples', async () => {
  const fn = streamFn(copy, { name: 'timed' })
  await fn.run(Array.from({ length: 64 * 50 }, (_, i) => i))
  const samples = scrape()
  for (const family of ['velo_latency_seconds', 'velo_processing_seconds']) {
    const row = 'function="timed",placement="local"'
    const buckets = [...samples].filter(([id]) => id.startsWith(`${family}_bucket{${row}`)).map(([, value]) => value)
    const count = samples.get(`${family}_count{${row}}`)
    assert.ok(count >= 49, `${count}`)
    assert.ok(buckets.every((value, index) => index === 0 || value >= buckets[index - 1]))
    assert.equal(buckets.at(-1), count)
    const sum = samples.get(`${family}_sum{${row}}`)
    assert.ok(sum > 0 && sum < 60, `${sum}`)
  }
  assert.equal(samples.has(`velo_latency_seconds_count${of('never timed')}`), false)
})

test('what a call or a run yields is read at once, and waits nowhere', async () => {
  const fn = streamFn(copy, { name: 'lockstep' })
  const iterator = fn([1, 2, 3])[Symbol.asyncIterator]()
  await iterator.next()
  await iterator.next()
  assert.equal(scrape().get(`velo_events_out_total${of('lockstep')}`), 2)
  assert.equal(scrape().get(`velo_results_buffered${of('lockstep')}`), 0)
  await iterator.return()
})

test('OpenMetrics has the same numbers, families without _total, units and an end', async () => {
  const fn = streamFn(copy, { name: 'open' })
  await fn.run([1, 2])
  const text = metricsText({ openMetrics: true })
  const { families, samples } = parsed(text, { openMetrics: true })
  assert.equal(families.get('velo_events_in'), 'counter')
  assert.equal(samples.get(`velo_events_in_total${of('open')}`), 2)
  assert.match(text, /\n# UNIT velo_latency_seconds seconds\n/)
  assert.match(metricsType({ openMetrics: true }), /openmetrics/)
  assert.equal(metricsType(), 'text/plain; version=0.0.4; charset=utf-8')
})

test('names beyond maxNames are other, those that were there first keep their own, and nothing is lost', async () => {
  const count = 30
  const before = scrape({ maxNames: 12 }).get(`velo_events_in_total${of('other')}`) ?? 0
  const total = () =>
    [...scrape({ maxNames: 12 })].filter(([id]) => id.startsWith('velo_events_in_total{')).reduce((sum, [, value]) => sum + value, 0)
  const start = total()
  for (let i = 0; i < count; i++) await streamFn(copy, { name: `many ${i}` }).run([1, 2, 3])
  const samples = scrape({ maxNames: 12 })
  const names = new Set([...samples.keys()].map((id) => /function="([^"]*)"/.exec(id)?.[1]).filter((name) => name !== undefined))
  assert.equal(names.size, 13)
  assert.ok(samples.get(`velo_events_in_total${of('other')}`) - before >= 3 * (count - 12))
  assert.equal(total() - start, 3 * count)
})

test('a function that was collected leaves its counts', async () => {
  const row = `velo_streams_opened_total${of('collected')}`
  for (let i = 0; i < 50; i++) await streamFn(copy, { name: 'collected' }).run([1])
  assert.equal(scrape().get(row), 50)
  for (let round = 0; round < 5; round++) {
    globalThis.gc()
    await new Promise(setImmediate)
  }
  assert.equal(scrape().get(row), 50)
})

test('families of the user come after ours, with names that are bounded as ours', () => {
  const samples = ['many 29', 'many 28', 'collected'].map((fn) => ({ labels: { function: fn }, value: 1 }))
  const extra = [{ name: 'own', type: 'counter', help: 'Of the test.', samples }]
  const text = metricsText({ maxNames: 12, extra })
  assert.ok(text.endsWith('own_total{function="other"} 3\n'), text.slice(-200))
})

test('unknown options are refused', () => {
  assert.throws(() => metricsText({ openmetrics: true }), { code: 'VELO_CONFIG', field: 'metricsText(options).openmetrics' })
  assert.throws(() => metricsText({ maxNames: 0 }), { code: 'VELO_CONFIG', field: 'metricsText(options).maxNames' })
})

test('a scrape is one call of Rust', () => {
  scrape()
  const names = Object.keys(native)
  const calls = []
  const before = names.map((name) => native[name])
  for (const [index, name] of names.entries()) {
    native[name] = (...args) => {
      calls.push(name)
      return before[index](...args)
    }
  }
  metricsText()
  for (const [index, name] of names.entries()) native[name] = before[index]
  assert.deepEqual(calls, ['measures'])
})

test('promtool finds nothing wrong with it', withPromtool('metrics'), async () => {
  await streamFn(copy, { name: 'checked' }).run(Array.from({ length: 1000 }, (_, i) => i))
  assert.equal(promtool(['check', 'metrics'], metricsText()), '')
})
