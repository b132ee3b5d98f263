// Ratios of a run beside those of a committed one. Owns: what counts as noise, and what as slower. Not here: running a bench (check.mjs).

import { median } from './harness.mjs'

/** Less than this is noise on any machine. */
const LEAST = 0.05

/** Every ratio of some documents by the name of its row, `bench: group: row of peer`: `{ group, row, peer, ratio, bar, value, unit }`. */
export function ratiosOf(documents) {
  const ratios = new Map()
  for (const { name, groups } of documents)
    for (const { title, rows } of groups)
      for (const row of rows)
        for (const { peer, ratio, most, bar } of row.claims ?? []) {
          if (!Number.isFinite(ratio)) continue
          // A bar on a time is turned over: more is better in all of them.
          const key = `${name}: ${title}: ${row.name}${peer === undefined ? '' : ` of ${peer}`}`
          const [own, wanted] = [ratio, bar].map((value) => (most && value !== undefined ? 1 / value : value))
          ratios.set(key, { group: title, row: row.name, peer, ratio: own, bar: wanted, value: row.value, unit: row.unit })
        }
  return ratios
}

/** Several runs as one: the median of each ratio and of what it was made from, and how far the ratios lie apart as a part of theirs. */
export function summary(runs) {
  const rows = {}
  for (const [name, { group, row, peer, bar, unit }] of runs[0]) {
    const each = runs.map((run) => run.get(name)).filter(Boolean)
    const ratios = each.map(({ ratio }) => ratio)
    const middle = median(ratios)
    const range = [Math.min(...ratios), Math.max(...ratios)]
    const own = Number(median(each.map(({ value }) => value)).toPrecision(3))
    const noise = rounded((range[1] - range[0]) / middle)
    rows[name] = { group, row, peer, ratio: rounded(middle), range: range.map(rounded), noise, value: own, unit }
    if (bar !== undefined) rows[name].bar = rounded(bar)
  }
  return rows
}

/** What became slower than `before`, beyond the noise of both runs; `gone`: rows that are there no more. */
export function compare(before, now) {
  const slower = []
  const gone = []
  for (const [name, old] of Object.entries(before)) {
    const row = now[name]
    if (row === undefined) {
      gone.push(name)
      continue
    }
    const band = Math.max(LEAST, old.noise, row.noise)
    if (row.ratio < old.ratio * (1 - band)) slower.push({ name, before: old.ratio, now: row.ratio, band: rounded(band) })
  }
  return { slower, gone }
}

function rounded(value) {
  return Math.round(value * 1000) / 1000
}
