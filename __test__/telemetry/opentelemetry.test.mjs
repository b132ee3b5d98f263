// instrument(): one span for each stream and the metrics, as the SDK of OpenTelemetry receives them; the context inside the function, on both placements.

import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { context, trace } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import { AggregationTemporality, InMemoryMetricExporter, MeterProvider, PeriodicExportingMetricReader } from '@opentelemetry/sdk-metrics'
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base'
import { OverloadedError, streamFn } from 'velo-stream'
import { instrument } from 'velo-stream/telemetry'

context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())
const spans = new InMemorySpanExporter()
const tracerProvider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(spans)] })
const dispose = await instrument({ tracerProvider })
after(dispose)

const named = (name) => spans.getFinishedSpans().filter((span) => span.name === `stream ${name}`)
const module = new URL('functions/traced.mjs', import.meta.url)
const REMOTE = { traceId: '0af7651916cd43dd8448eb211c80319c', spanId: 'b7ad6b7169203331' }
const traceparent = `00-${REMOTE.traceId}-${REMOTE.spanId}-01`

for (const placement of ['local', 'worker']) {
  const traced =
    placement === 'worker'
      ? streamFn(module, { name: `traced ${placement}`, placement })
      : streamFn((await import(module)).default, { name: `traced ${placement}` })

  test(`a stream is one span, with its events, and its context is that of its function (${placement})`, async () => {
    const stream = traced.open({ headers: { traceparent, accept: 'x' } })
    const inside = []
    for (let i = 0; i < 3; i++) {
      await stream.send(i)
      inside.push(await stream.recv())
    }
    stream.end()
    await assert.rejects(stream.recv(), { code: 'VELO_CLOSED' })
    await stream.closed
    const [span] = named(`traced ${placement}`)
    const { traceId, spanId } = span.spanContext()
    assert.deepEqual(
      span.events.map(({ name }) => name),
      ['velo.stream.start', 'velo.stream.first_result', 'velo.stream.end'],
    )
    assert.equal(span.attributes['velo.stream.id'], stream.id)
    assert.equal(span.attributes['velo.function.name'], `traced ${placement}`)
    assert.equal(span.attributes['velo.placement'], placement)
    assert.equal(span.attributes['velo.stream.close.reason'], 'done')
    assert.deepEqual(
      span.links.map(({ context: { traceId, spanId } }) => ({ traceId, spanId })),
      [REMOTE],
    )
    assert.equal(traceId, REMOTE.traceId)
    assert.equal(span.parentSpanContext.spanId, REMOTE.spanId)
    for (const { active, header, accept } of inside) {
      assert.deepEqual(active, { traceId, spanId })
      assert.equal(header, `00-${traceId}-${spanId}-01`)
      assert.equal(accept, 'x')
    }
    spans.reset()
  })
}

test('what is active where the stream is opened is the parent; calls and runs are spans too', async () => {
  const seen = []
  const fn = streamFn(async function* inner(events) {
    for await (const event of events) {
      seen.push(trace.getSpan(context.active())?.spanContext().spanId)
      yield event
    }
  })
  const tracer = tracerProvider.getTracer('test')
  const parent = tracer.startSpan('parent')
  await context.with(trace.setSpan(context.active(), parent), async () => {
    await fn.run([1])
    for await (const _ of fn([1]));
  })
  parent.end()
  const both = named('inner')
  assert.equal(both.length, 2)
  for (const [index, span] of both.entries()) {
    assert.equal(span.parentSpanContext.spanId, parent.spanContext().spanId)
    assert.equal(seen[index], span.spanContext().spanId)
    assert.deepEqual(
      span.events.map(({ name }) => name),
      ['velo.stream.start', 'velo.stream.first_result', 'velo.stream.end'],
    )
  }
  spans.reset()
})

test('a failure and a refusal are errors', async () => {
  const fn = streamFn(
    async function* bad() {
      throw Object.assign(new TypeError('bad'), { code: 'E_BAD' })
    },
    { maxConcurrent: 1 },
  )
  await assert.rejects(fn.run([1]), TypeError)
  const open = fn.open()
  assert.throws(() => fn.open(), OverloadedError)
  await open.close()
  const [failed, refused] = named('bad')
  assert.deepEqual([failed.attributes['error.type'], failed.status.code, failed.status.message], ['E_BAD', 2, 'bad'])
  assert.ok(failed.events.some(({ name }) => name === 'exception'))
  assert.deepEqual([refused.attributes['error.type'], refused.status.code], ['VELO_OVERLOADED', 2])
  spans.reset()
})

test('the metrics are observable instruments', async () => {
  const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE)
  const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 3_600_000 })
  const meterProvider = new MeterProvider({ readers: [reader] })
  const stop = await instrument({ meterProvider })
  const fn = streamFn(async function* metered(events) {
    yield* events
  })
  await fn.run(Array.from({ length: 1000 }, (_, i) => i))
  await reader.forceFlush()
  const metrics = exporter.getMetrics().at(-1).scopeMetrics[0].metrics
  const points = (name) =>
    metrics
      .find(({ descriptor }) => descriptor.name === name)
      .dataPoints.filter(({ attributes }) => attributes['velo.function.name'] === 'metered')
  assert.equal(points('velo.events.in')[0].value, 1000)
  assert.equal(points('velo.streams.closed').find(({ attributes }) => attributes['velo.stream.close.reason'] === 'done').value, 1)
  assert.equal(metrics.find(({ descriptor }) => descriptor.name === 'velo.latency.sum').descriptor.unit, 's')
  assert.ok(points('velo.latency.count')[0].value >= 15)
  stop()
  await meterProvider.shutdown()
})

test('nothing is traced after its end; what is no provider is refused', async () => {
  await assert.rejects(instrument({}), { code: 'VELO_CONFIG', field: 'instrument(options).tracerProvider' })
  await assert.rejects(instrument({ tracerProvider: {} }), { code: 'VELO_CONFIG' })
  await assert.rejects(instrument({ meterProvider: 5 }), { code: 'VELO_CONFIG' })
  dispose()
  await streamFn(async function* untraced() {}).run([1])
  assert.deepEqual(named('untraced'), [])
})
