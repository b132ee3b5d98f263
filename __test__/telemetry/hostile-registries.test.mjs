// metricsInto() and metricsText() among hostile things: a registry that has the metrics already, or throws half way; a meter that throws; families that are none.

import assert from 'node:assert/strict'
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { AggregationTemporality, InMemoryMetricExporter, MeterProvider, PeriodicExportingMetricReader } from '@opentelemetry/sdk-metrics'
import client from 'prom-client'
import { streamFn } from 'velo-stream'
import { journal } from 'velo-stream/durable'
import { instrument, metricsInto, metricsText } from 'velo-stream/telemetry'

async function* copy(events) {
  for await (const event of events) yield event
}

test('a registry takes them once; the second time is refused, and takes nothing from the first', async () => {
  const registry = new client.Registry()
  const stop = metricsInto({ client, registry })
  assert.throws(() => metricsInto({ client, registry }), { code: 'VELO_CONFIG', field: 'metricsInto(options).registry' })
  await streamFn(copy, { name: 'once' }).run([1, 2])
  assert.match(await registry.metrics(), /velo_events_in_total\{function="once",placement="local"\} 2/)
  stop()
  const stopAgain = metricsInto({ client, registry })
  stop()
  assert.match(await registry.metrics(), /velo_events_in_total\{function="once",placement="local"\} 2/, 'it has ended what was its own')
  stopAgain()
  assert.equal(await registry.metrics(), '\n')
})

test('a metric of the user with a name of ours stays, and nothing of ours does', async () => {
  const registry = new client.Registry()
  const own = new client.Gauge({ name: 'velo_workers', help: 'Of the test.', registers: [registry] })
  own.set(7)
  assert.throws(() => metricsInto({ client, registry }), { code: 'VELO_CONFIG', field: 'metricsInto(options).registry' })
  assert.match(await registry.metrics(), /^# HELP velo_workers Of the test\.\n# TYPE velo_workers gauge\nvelo_workers 7\n+$/)
})

test('a client that throws half way leaves nothing behind', async () => {
  const registry = new client.Registry()
  let left = 12
  class Gauge extends client.Gauge {
    constructor(options) {
      if (--left === 0) throw new Error('no more')
      super(options)
    }
  }
  class Counter extends client.Counter {
    constructor(options) {
      if (--left === 0) throw new Error('no more')
      super(options)
    }
  }
  assert.throws(() => metricsInto({ client: { ...client, Gauge, Counter }, registry }), /no more/)
  assert.equal(await registry.metrics(), '\n')
})

test('a registry that throws while it lets go is told to its user, and asked for the rest', async () => {
  const registry = new client.Registry()
  const stop = metricsInto({ client, registry })
  const remove = registry.removeSingleMetric.bind(registry)
  let threw = false
  registry.removeSingleMetric = (name) => {
    if (!threw) {
      threw = true
      throw new Error('locked')
    }
    remove(name)
  }
  assert.throws(stop, /locked/)
  assert.equal((await registry.getMetricsAsJSON()).length <= 1, true)
})

test('what is no family is refused, by its name', () => {
  for (const extra of [5, {}, [5], [null], [{ name: 'x' }], [{ name: 'a b', type: 'gauge', help: '', samples: [] }]])
    assert.throws(() => metricsText({ extra }), { code: 'VELO_CONFIG' }, JSON.stringify(extra))
  for (const samples of [5, [5], [{ labels: 5, value: 1 }], [{ labels: { 'a b': 1 }, value: 1 }], [{ labels: {}, value: '1' }]])
    assert.throws(() => metricsText({ extra: [{ name: 'own', type: 'gauge', help: 'Own.', samples }] }), { code: 'VELO_CONFIG' })
  assert.throws(() => metricsText({ extra: [{ name: 'velo_workers', type: 'gauge', help: 'Ours.', samples: [] }] }), {
    code: 'VELO_CONFIG',
  })
})

test('every attribute of OpenTelemetry has a name of its own space', async () => {
  const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE)
  const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 3_600_000 })
  const stop = await instrument({ meterProvider: new MeterProvider({ readers: [reader] }) })
  const kept = streamFn(copy, { name: 'kept', durable: journal(mkdtempSync(join(tmpdir(), 'velo-attributes-'))) })
  const stream = kept.open({ id: 'one' })
  await stream.send(1)
  await reader.forceFlush()
  const { metrics } = exporter.getMetrics().at(-1).scopeMetrics[0]
  const keys = new Set(metrics.flatMap(({ dataPoints }) => dataPoints.flatMap(({ attributes }) => Object.keys(attributes))))
  assert.deepEqual(
    [...keys].filter((key) => !key.includes('.')),
    [],
  )
  assert.ok(keys.has('velo.journal.path'))
  await stream.close()
  stop()
  await reader.shutdown()
})

test('a meter that throws is told to whoever gave it', async () => {
  const fault = (at) => ({
    getMeter: () =>
      new Proxy(
        {},
        {
          get: (_target, key) => () => {
            if (key === at) throw new Error(at)
            return {}
          },
        },
      ),
  })
  for (const at of ['createObservableGauge', 'addBatchObservableCallback'])
    await assert.rejects(instrument({ meterProvider: fault(at) }), { message: at })
  const stop = await instrument({ meterProvider: fault('removeBatchObservableCallback') })
  assert.throws(stop, { message: 'removeBatchObservableCallback' })
})
