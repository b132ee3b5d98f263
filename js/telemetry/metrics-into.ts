// `metricsInto()`: the metrics in a registry of prom-client that is passed in. Its classes make the metrics; what they say is read from the core at each scrape, once for all of them.

import { configError, onlyKnown, record } from '../kit/check.js'
import { collect, namesOf } from './collect.js'
import type { Labels, MetricFamily } from './families.js'

/** One value as prom-client keeps it. */
export interface PromValue {
  labels: Labels
  value: number
  metricName?: string
}

/** A metric of prom-client, as far as it is used. */
export interface PromMetric {
  readonly name: string
  get(): unknown
  getForPromString?(): unknown
}

/** A registry of prom-client. */
export interface PromRegistry {
  getSingleMetric(name: string): unknown
  removeSingleMetric(name: string): void
}

type Make = new (configuration: {
  name: string
  help: string
  labelNames: string[]
  buckets?: number[]
  // biome-ignore lint/suspicious/noExplicitAny: whatever kind of registry this client takes.
  registers: any[]
}) => PromMetric

/** The module `prom-client`, or `@prometheus-io/client`. */
export interface PromClient {
  readonly Gauge: Make
  readonly Counter: Make
  readonly Histogram: Make
}

/** Options of `metricsInto`. */
export interface MetricsIntoOptions {
  /** The module `prom-client`. */
  client: PromClient
  /** Where the metrics go: `client.register`, or one of your own. */
  registry: PromRegistry
  /** As with `metricsText`. Default 100. */
  maxNames?: number | undefined
}

const FIELD = 'metricsInto(options)'

/**
 * Puts all metrics into a registry of prom-client, where each scrape finds them as they are then. Call what it returns to take them out again.
 *
 * @throws VeloError `VELO_CONFIG` when an option is missing, unknown or out of range.
 */
export function metricsInto(options: MetricsIntoOptions): () => void {
  onlyKnown(options, FIELD, ['client', 'registry', 'maxNames'])
  const { client, registry } = options
  record(client?.Gauge === undefined ? undefined : client, `${FIELD}.client`)
  if (typeof registry?.removeSingleMetric !== 'function') throw configError(`${FIELD}.registry`, 'a registry of prom-client', registry)
  const names = namesOf(options.maxNames, FIELD)
  const pictured = () => new Map(collect(names).map((family) => [seriesOf(family), family]))
  let picture: Map<string, MetricFamily> | undefined
  // All metrics of a registry are asked one after the other, before anything else happens.
  const now = (): Map<string, MetricFamily> => {
    if (picture !== undefined) return picture
    picture = pictured()
    queueMicrotask(() => void (picture = undefined))
    return picture
  }
  const made = [...pictured().values()].map((family) => {
    const name = seriesOf(family)
    const { help, type } = family
    const configuration = { name, help, labelNames: LABELS, registers: [registry] }
    const metric =
      family.type === 'histogram'
        ? new client.Histogram({ ...configuration, buckets: [...family.bounds] })
        : new client[type === 'gauge' ? 'Gauge' : 'Counter'](configuration)
    // Of a registry of OpenMetrics it takes `_total` off the name.
    const get = async () => ({ name: metric.name, help, type, aggregator: 'sum', values: valuesOf(now().get(name) as MetricFamily) })
    metric.get = metric.getForPromString = get
    return [name, family.name]
  })
  return () => {
    for (const name of made.flat()) registry.removeSingleMetric(name)
  }
}

const LABELS = ['function', 'placement', 'reason', 'state', 'thread', 'journal']

const seriesOf = ({ name, type }: MetricFamily) => (type === 'counter' ? `${name}_total` : name)

function valuesOf(family: MetricFamily): PromValue[] {
  if (family.type !== 'histogram') return family.samples.map(({ labels, value }) => ({ labels, value }))
  const { name, bounds } = family
  return family.samples.flatMap(({ labels, buckets, sum, count }) => [
    ...bounds.map((le, index) => ({ labels: { le, ...labels }, value: buckets[index] ?? count, metricName: `${name}_bucket` })),
    { labels: { le: '+Inf', ...labels }, value: count, metricName: `${name}_bucket` },
    { labels, value: sum, metricName: `${name}_sum` },
    { labels, value: count, metricName: `${name}_count` },
  ])
}
