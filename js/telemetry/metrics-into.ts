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
  /** Of whatever kind this client takes. */
  registers: never[]
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
 * @throws VeloError `VELO_CONFIG` when an option is missing, unknown or out of range, or where the registry has a metric of one of the names: then nothing is put into it.
 */
export function metricsInto(options: MetricsIntoOptions): () => void {
  onlyKnown(options, FIELD, ['client', 'registry', 'maxNames'])
  const { client, registry } = options
  record(client?.Gauge === undefined ? undefined : client, `${FIELD}.client`)
  if (typeof registry?.removeSingleMetric !== 'function' || typeof registry.getSingleMetric !== 'function')
    throw configError(`${FIELD}.registry`, 'a registry of prom-client', registry)
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
  const families = [...pictured().values()]
  const taken = families.flatMap(namesIn).find((name) => registry.getSingleMetric(name) !== undefined)
  if (taken !== undefined) throw configError(`${FIELD}.registry`, `a registry without ${taken}`, registry)
  const made = new Map<string, unknown>()
  try {
    for (const family of families) {
      // Before it is made: what throws may have put itself there already.
      for (const name of namesIn(family)) made.set(name, undefined)
      const metric = metricOf(client, registry, family, now)
      for (const name of namesIn(family)) made.set(name, metric)
    }
  } catch (error) {
    remove(registry, made)
    throw error
  }
  return () => {
    const faults = remove(registry, made)
    if (faults.length > 0) throw faults[0]
  }
}

/** A metric of the client's own, which says what the picture says. */
function metricOf(client: PromClient, registry: PromRegistry, family: MetricFamily, now: () => Map<string, MetricFamily>): PromMetric {
  const name = seriesOf(family)
  const { help, type } = family
  const configuration = { name, help, labelNames: LABELS, registers: [registry as never] }
  const metric =
    family.type === 'histogram'
      ? new client.Histogram({ ...configuration, buckets: [...family.bounds] })
      : new client[type === 'gauge' ? 'Gauge' : 'Counter'](configuration)
  const get = async () => ({ name: metric.name, help, type, aggregator: 'sum', values: valuesOf(now().get(name) as MetricFamily) })
  metric.get = metric.getForPromString = get
  return metric
}

/** Takes out what was put there, and nothing that somebody else has put there since. All of it, also where the registry throws meanwhile: answers what. */
function remove(registry: PromRegistry, made: Map<string, unknown>): unknown[] {
  const faults: unknown[] = []
  for (const [name, metric] of made) {
    try {
      const there = registry.getSingleMetric(name)
      if (there !== undefined && (metric === undefined || there === metric)) registry.removeSingleMetric(name)
    } catch (error) {
      faults.push(error)
    }
  }
  made.clear()
  return faults
}

const LABELS = ['function', 'stage', 'placement', 'reason', 'state', 'thread', 'journal']

/** A registry of OpenMetrics takes `_total` off the name. */
const namesIn = (family: MetricFamily): string[] => [...new Set([seriesOf(family), family.name])]

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
