// What the OTLP exporters of OpenTelemetry send over the wire, read with its official messages: spans and metrics of both placements, as they happened.

import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { context } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import { OTLPMetricExporter } from '@opentelemetry/exporter-metrics-otlp-proto'
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto'
import { MeterProvider, PeriodicExportingMetricReader } from '@opentelemetry/sdk-metrics'
import { BasicTracerProvider, BatchSpanProcessor } from '@opentelemetry/sdk-trace-base'
import { streamFn } from 'velo-stream'
import { instrument, metricsText } from 'velo-stream/telemetry'
import { attributesOf, collector, hex } from '../support/collector.mjs'
import { parsed } from '../support/exposition.mjs'
import { describePlacements } from '../support/placements.mjs'
import { within } from '../support/within.mjs'

const CUMULATIVE = 2
const INTERNAL = 1
const ERROR = 2

context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())
const stub = await collector()
const exporting = { concurrencyLimit: 1, timeoutMillis: 30_000 }
const spanProcessor = new BatchSpanProcessor(new OTLPTraceExporter({ url: `${stub.url}/v1/traces`, ...exporting }))
const tracerProvider = new BasicTracerProvider({ spanProcessors: [spanProcessor] })
const exporter = new OTLPMetricExporter({ url: `${stub.url}/v1/metrics`, ...exporting })
const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 3_600_000, exportTimeoutMillis: 30_000 })
const meterProvider = new MeterProvider({ readers: [reader] })
const dispose = await instrument({ tracerProvider, meterProvider })
after(async () => {
  dispose()
  await tracerProvider.shutdown()
  await meterProvider.shutdown()
  await stub.close()
  assert.deepEqual(stub.faults, [])
})

const REMOTE = { traceId: '0af7651916cd43dd8448eb211c80319c', spanId: 'b7ad6b7169203331' }
const traceparent = `00-${REMOTE.traceId}-${REMOTE.spanId}-01`

/** The spans of a function that have arrived. */
async function spansOf(name) {
  await within(30_000, spanProcessor.forceFlush(), 'the spans')
  return stub.spans.filter((span) => span.name === `stream ${name}`)
}

/** The points of a metric that are about a function, as the collector has them. */
function pointsOf(name, fn, placement) {
  const { sum, gauge, scope } = stub.metrics().get(name)
  assert.equal(scope.name, 'velo-stream')
  const { dataPoints, aggregationTemporality, isMonotonic } = sum ?? gauge
  if (sum !== undefined) assert.deepEqual([aggregationTemporality, isMonotonic], [CUMULATIVE, true])
  return dataPoints
    .map((point) => ({ value: point.asInt ?? point.asDouble, ...attributesOf(point) }))
    .filter((point) => point['velo.function.name'] === fn && point['velo.placement'] === placement)
}

describePlacements('otlp', (place) => {
  const { placement } = place

  test('a stream arrives as one span, with its parent, its link, its events and its end', async () => {
    const name = `spanned ${placement}`
    const fn = place(
      async function* spanned(events) {
        for await (const event of events) {
          if (event < 0) throw new RangeError('below zero')
          yield event
        }
      },
      { name },
    )
    const stream = fn.open({ headers: { traceparent } })
    await stream.send(1)
    await stream.recv()
    await stream.send(-1)
    await assert.rejects(stream.recv(), RangeError)
    await stream.closed
    const spans = await spansOf(name)
    assert.equal(spans.length, 1)
    const [span] = spans
    assert.equal(span.scope.name, 'velo-stream')
    assert.equal(span.kind, INTERNAL)
    assert.equal(hex(span.traceId), REMOTE.traceId)
    assert.equal(hex(span.parentSpanId), REMOTE.spanId)
    assert.deepEqual(
      span.links.map(({ traceId, spanId }) => [hex(traceId), hex(spanId)]),
      [[REMOTE.traceId, REMOTE.spanId]],
    )
    assert.deepEqual(
      span.events.map(({ name }) => name),
      ['velo.stream.start', 'velo.stream.first_result', 'exception', 'velo.stream.end'],
    )
    const times = span.events.map(({ timeUnixNano }) => timeUnixNano)
    assert.deepEqual(
      times.toSorted((a, b) => a - b),
      times,
    )
    assert.ok(span.startTimeUnixNano <= times[0] && times.at(-1) <= span.endTimeUnixNano)
    assert.deepEqual(attributesOf(span), {
      'velo.function.name': name,
      'velo.placement': placement,
      'velo.stream.id': stream.id,
      'velo.stream.close.reason': 'failed',
      'velo.stream.events.dropped': 0,
      'velo.stream.results.dropped': 0,
      'velo.stream.detached': false,
      'error.type': 'RangeError',
    })
    assert.deepEqual([span.status.code, span.status.message], [ERROR, 'below zero'])
  })

  test('what the function fetches belongs to its span', async () => {
    const name = `fetches ${placement}`
    const module = new URL('functions/fetches.mjs', import.meta.url)
    const options = { name, ...(place.worker ? { placement } : {}) }
    const fn = streamFn(place.worker ? module : (await import(module)).default, options)
    const [answered] = await within(30_000, fn.run([`${stub.url}/echo`]), 'the answer')
    const [span] = await spansOf(name)
    assert.equal(answered.traceparent, `00-${hex(span.traceId)}-${hex(span.spanId)}-01`)
  })

  test('the metrics that arrive are those of a scrape, and those of an independent count', async () => {
    const name = `metered ${placement}`
    const fn = place(
      async function* metered(events) {
        for await (const event of events) if (event % 3 !== 0) yield event
      },
      { name },
    )
    for (const count of [300, 30, 3]) await fn.run(Array.from({ length: count }, (_, index) => index))
    const open = fn.open()
    await open.send(1)
    await open.recv()
    await within(30_000, reader.forceFlush(), 'the metrics')
    const value = (metric, more = {}) => {
      const found = pointsOf(metric, name, placement).filter((point) => Object.entries(more).every(([key, of]) => point[key] === of))
      assert.equal(found.length, 1, metric)
      return found[0].value
    }
    assert.equal(value('velo.events.in'), 334)
    assert.equal(value('velo.events.out'), 223)
    assert.equal(value('velo.streams.opened'), 4)
    assert.equal(value('velo.streams.open'), 1)
    assert.equal(value('velo.streams.closed', { 'velo.stream.close.reason': 'done' }), 3)
    const { samples } = parsed(metricsText())
    const row = `function="${name}",placement="${placement}"`
    for (const part of ['count', 'sum'])
      assert.equal(value(`velo.latency.${part}`), samples.get(`velo_latency_seconds_${part}{${row}}`), part)
    const buckets = pointsOf('velo.latency.bucket', name, placement)
    for (const { 'velo.bound': le, value: count } of buckets)
      assert.equal(count, samples.get(`velo_latency_seconds_bucket{${row},le="${le}"}`), le)
    assert.equal(stub.metrics().get('velo.latency.sum').unit, 's')
    if (place.worker) {
      assert.equal(value('velo.bytes.in'), samples.get(`velo_bytes_in_total{${row}}`))
      const threads = stub.metrics().get('velo.worker.streams').gauge.dataPoints.map(attributesOf)
      assert.ok(threads.every((labels) => Number.isInteger(labels['thread.id'])) && threads.length > 0)
    }
    await open.close()
  })
})
