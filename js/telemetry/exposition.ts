// The text formats: that of Prometheus, and OpenMetrics.

import type { HistogramSample, Labels, MetricFamily } from './families.js'

/** Content types of both. */
export const PROMETHEUS_TYPE = 'text/plain; version=0.0.4; charset=utf-8'
export const OPENMETRICS_TYPE = 'application/openmetrics-text; version=1.0.0; charset=utf-8'

/** Families as text. */
export function exposition(families: readonly MetricFamily[], openMetrics: boolean): string {
  let text = ''
  for (const family of families) {
    const { type } = family
    const series = type === 'counter' ? `${family.name}_total` : family.name
    // In OpenMetrics a family of counters has the name without `_total`.
    const name = openMetrics ? family.name : series
    text += `# HELP ${name} ${escapedHelp(family.help)}\n# TYPE ${name} ${type}\n`
    const unit = openMetrics && /_(seconds|bytes|ratio)$/.exec(family.name)?.[1]
    if (unit) text += `# UNIT ${name} ${unit}\n`
    if (type === 'histogram') for (const sample of family.samples) text += buckets(name, family.bounds, sample)
    else for (const { labels, value } of family.samples) text += `${series}${shown(pairs(labels))} ${number(value)}\n`
  }
  return openMetrics ? `${text}# EOF\n` : text
}

function buckets(name: string, bounds: readonly number[], { labels, buckets, sum, count }: HistogramSample): string {
  const known = pairs(labels)
  const start = `${name}_bucket{${known === '' ? '' : `${known},`}le="`
  let text = ''
  for (const [index, bound] of bounds.entries()) text += `${start}${number(bound)}"} ${number(buckets[index] ?? count)}\n`
  return `${text}${start}+Inf"} ${number(count)}\n${name}_sum${shown(known)} ${number(sum)}\n${name}_count${shown(known)} ${number(count)}\n`
}

function pairs(labels: Labels): string {
  let text = ''
  for (const label in labels) text += `${text === '' ? '' : ','}${label}="${escaped(String(labels[label]))}"`
  return text
}

const shown = (pairs: string) => (pairs === '' ? '' : `{${pairs}}`)

function number(value: number): string {
  return value === Number.POSITIVE_INFINITY ? '+Inf' : value === Number.NEGATIVE_INFINITY ? '-Inf' : String(value)
}

function escaped(text: string): string {
  return /[\\"\n]/.test(text) ? text.replace(/[\\"\n]/g, (char) => (char === '\n' ? '\\n' : `\\${char}`)) : text
}

function escapedHelp(text: string): string {
  return text.replace(/[\\\n]/g, (char) => (char === '\n' ? '\\n' : '\\\\'))
}
