// `metricsText()`: all metrics as text for a scrape.

import { flag, onlyKnown } from '../kit/check.js'
import { collect, namesOf } from './collect.js'
import { exposition, OPENMETRICS_TYPE, PROMETHEUS_TYPE } from './exposition.js'
import { checkedExtra } from './extra.js'
import type { MetricFamily } from './families.js'
import type { Names } from './names.js'

/** Options of `metricsText`. */
export interface MetricsTextOptions {
  /** OpenMetrics instead of the text format of Prometheus. Default false. */
  openMetrics?: boolean | undefined
  /** Names of functions with samples of their own; those that come after them are counted as `other`. Default 100. */
  maxNames?: number | undefined
  /** Families of your own, written after ours; their names must be others. A label `function` in them is bounded as in ours. */
  extra?: readonly MetricFamily[] | undefined
}

const FIELD = 'metricsText(options)'

/**
 * All metrics of the process as text: for the answer to a scrape, with `metricsType` as its content type.
 *
 * @example
 * app.get('/metrics', (req, res) => res.type(metricsType()).send(metricsText()))
 *
 * @throws VeloError `VELO_CONFIG` when an option is unknown or out of range.
 */
export function metricsText(options: MetricsTextOptions = {}): string {
  onlyKnown(options, FIELD, ['openMetrics', 'maxNames', 'extra'])
  const openMetrics = flag(options.openMetrics, `${FIELD}.openMetrics`, false)
  const names = namesOf(options.maxNames, FIELD)
  const families = collect(names)
  const extra = checkedExtra(options.extra, families, `${FIELD}.extra`)
  return exposition([...families, ...extra.map((family) => bounded(family, names))], openMetrics)
}

/** The content type of the text. */
export function metricsType({ openMetrics = false }: { openMetrics?: boolean } = {}): string {
  return openMetrics ? OPENMETRICS_TYPE : PROMETHEUS_TYPE
}

/** Samples whose labels have become the same are added up. */
function bounded(family: MetricFamily, names: Names): MetricFamily {
  if (family.type === 'histogram' || !family.samples.some(({ labels }) => 'function' in labels)) return family
  const found = new Map<string, { labels: MetricFamily['samples'][number]['labels']; value: number }>()
  for (const { labels, value } of family.samples) {
    const named = 'function' in labels ? { ...labels, function: names.of(String(labels.function)) } : labels
    const key = JSON.stringify(named)
    found.set(key, { labels: named, value: value + (found.get(key)?.value ?? 0) })
  }
  return { ...family, samples: [...found.values()] }
}
