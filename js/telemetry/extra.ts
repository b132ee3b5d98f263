// Checks of the families that a user adds to ours: whatever a scraper would refuse is refused here, with the path to it.

import { configError, record } from '../kit/check.js'
import type { MetricFamily } from './families.js'

const NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/
const LABEL = /^[a-zA-Z_][a-zA-Z0-9_]*$/
const TYPES = ['gauge', 'counter', 'histogram']

/** Those of the option, which may be `undefined`; `own` are ours. */
export function checkedExtra(given: unknown, own: readonly MetricFamily[], field: string): readonly MetricFamily[] {
  if (given === undefined) return []
  if (!Array.isArray(given)) throw configError(field, 'a list of families', given)
  const names = new Set(own.map(({ name }) => name))
  for (const [index, family] of given.entries()) {
    checkFamily(family, `${field}[${index}]`)
    const { name } = family as MetricFamily
    if (names.has(name)) throw configError(`${field}[${index}].name`, 'a name that no other family has', name)
    names.add(name)
  }
  return given
}

function checkFamily(family: MetricFamily, field: string): void {
  record(family, field)
  const { name, type, help, samples } = family
  if (typeof name !== 'string' || !NAME.test(name)) throw configError(`${field}.name`, 'a name of a metric', name)
  if (!TYPES.includes(type)) throw configError(`${field}.type`, `one of ${TYPES.join(', ')}`, type)
  if (type === 'counter' && name.endsWith('_total')) throw configError(`${field}.name`, 'the name of a counter without _total', name)
  if (typeof help !== 'string') throw configError(`${field}.help`, 'a string', help)
  const isHistogram = type === 'histogram'
  if (isHistogram) checkNumbers(family.bounds, `${field}.bounds`)
  if (!Array.isArray(samples)) throw configError(`${field}.samples`, 'a list of samples', samples)
  for (const [index, sample] of samples.entries()) checkSample(sample, `${field}.samples[${index}]`, isHistogram)
}

function checkSample(sample: Readonly<Record<string, unknown>>, field: string, isHistogram: boolean): void {
  record(sample, field)
  record(sample.labels, `${field}.labels`)
  for (const [label, value] of Object.entries(sample.labels as object)) {
    if (!LABEL.test(label)) throw configError(`${field}.labels`, 'names of labels', label)
    if (typeof value !== 'string' && typeof value !== 'number') throw configError(`${field}.labels.${label}`, 'a string or a number', value)
  }
  if (isHistogram) checkNumbers(sample.buckets, `${field}.buckets`)
  for (const part of isHistogram ? ['sum', 'count'] : ['value'])
    if (typeof sample[part] !== 'number') throw configError(`${field}.${part}`, 'a number', sample[part])
}

function checkNumbers(values: unknown, field: string): void {
  if (!Array.isArray(values) || values.some((value) => typeof value !== 'number')) throw configError(field, 'a list of numbers', values)
}
