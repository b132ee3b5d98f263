// One picture of the process as families: asked for by everything that shows metrics, each time in one call of Rust.

import { runtime } from '../index.js'
import { integer } from '../kit/check.js'
import { measuresOf } from '../kit/sight/measures.js'
import { clusterFamilies } from './cluster-families.js'
import { BOUNDS, familiesOf, type MetricFamily } from './families.js'
import { Names } from './names.js'

/** Names of functions that have their own samples, where nothing else is said. */
const MAX_NAMES = 100

/** More would be no bound. */
const LARGEST = 10_000

/** The bounds in microseconds, as the core counts. */
const MICROS = BOUNDS.map((seconds) => Math.round(seconds * 1e9) / 1e3)

/** By their bound: names that have their own keep it from one scrape to the next, whoever asks. */
const known = new Map<number, Names>()

/** The names with the bound of an option, which is checked. */
export function namesOf(maxNames: number | undefined, field: string): Names {
  const max = integer(maxNames, `${field}.maxNames`, 1, MAX_NAMES, LARGEST)
  const names = known.get(max) ?? new Names(max)
  known.set(max, names)
  return names
}

/** All families now. */
export function collect(names: Names): MetricFamily[] {
  const measures = measuresOf(runtime, { bounds: MICROS, names: names.own, most: names.most })
  return [...familiesOf(measures, names.bounded(measures.functions)), ...clusterFamilies()]
}
