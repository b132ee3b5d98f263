// The metrics as observable instruments of OpenTelemetry: all of them are read from one picture of the process, whenever a reader collects. It has no observable histograms, so those
// are counters of their buckets, sums and counts.

import type { BatchObservableCallback, MeterProvider, Observable } from '@opentelemetry/api'
import { collect, namesOf } from './collect.js'
import { attributesOf, metricName, SCOPE } from './conventions.js'
import type { Labels, MetricFamily } from './families.js'

/** A series of samples under a name of OpenTelemetry. */
interface Series {
  readonly name: string
  readonly unit: string
  readonly type: 'gauge' | 'counter'
  readonly help: string
  readonly samples: readonly { readonly labels: Labels; readonly value: number }[]
}

/** Answers what ends it. */
export function meter(provider: MeterProvider, maxNames: number | undefined, field: string): () => void {
  const names = namesOf(maxNames, field)
  const made = provider.getMeter(SCOPE)
  const instruments = new Map<string, Observable>()
  for (const { name, unit, type, help } of collect(names).flatMap(seriesOf)) {
    const options = { description: help, unit }
    instruments.set(name, type === 'gauge' ? made.createObservableGauge(name, options) : made.createObservableCounter(name, options))
  }
  const observe: BatchObservableCallback = (result) => {
    for (const { name, samples } of collect(names).flatMap(seriesOf)) {
      const instrument = instruments.get(name)
      if (instrument !== undefined) for (const { labels, value } of samples) result.observe(instrument, value, attributesOf(labels))
    }
  }
  const observed = [...instruments.values()]
  made.addBatchObservableCallback(observe, observed)
  return () => made.removeBatchObservableCallback(observe, observed)
}

function seriesOf(family: MetricFamily): Series[] {
  const { name, unit } = metricName(family.name)
  const { help } = family
  if (family.type !== 'histogram') return [{ name, unit, type: family.type, help, samples: family.samples }]
  const { bounds, samples } = family
  const counter = (part: string, of: string, values: Series['samples']): Series => ({
    name: `${name}.${part}`,
    unit: of,
    type: 'counter',
    help,
    samples: values,
  })
  return [
    counter(
      'sum',
      unit,
      samples.map(({ labels, sum }) => ({ labels, value: sum })),
    ),
    counter(
      'count',
      '1',
      samples.map(({ labels, count }) => ({ labels, value: count })),
    ),
    counter(
      'bucket',
      '1',
      samples.flatMap(({ labels, buckets, count }) => [
        ...bounds.map((le, index) => ({ labels: { ...labels, le }, value: buckets[index] ?? count })),
        { labels: { ...labels, le: '+Inf' }, value: count },
      ]),
    ),
  ]
}
