// Quantiles of what was timed in the last minute: of the difference between a histogram and the one a minute before. A chart of those since the start would say nothing of now.

import type { Overview } from '../../../telemetry/index.js'

type Look = Pick<Overview, 'at' | 'latencies'> & { readonly startedAt: number }

/** ms that the quantiles are of. */
const SPAN_MS = 60_000
/** Looks kept, whatever the clock does. */
const MOST = 120
const QUANTILES = [0.5, 0.95, 0.99]

export class Latencies {
  /** Those of the last minute and the one before them, the oldest first. */
  #looks: Look[] = []

  /** p50, p95 and p99 in microseconds, up to this look; `null` where nothing was timed. */
  of({ at, latencies, process: { startedAt } }: Overview): (number | null)[] {
    const last = this.#looks.at(-1)
    if (last !== undefined && isOther(last, { at, latencies, startedAt })) this.#looks = []
    this.#looks.push({ at, latencies, startedAt })
    while (this.#looks.length > MOST || (this.#looks[1]?.at ?? at) <= at - SPAN_MS) this.#looks.shift()
    return quantiles(this.#looks[0] as Look, latencies)
  }
}

/** Another process answers, its clock was set, or nobody looked for so long that the difference says nothing of the last minute. */
function isOther(last: Look, now: Look): boolean {
  const passed = now.at - last.at
  return passed < 0 || passed > SPAN_MS || now.startedAt - last.startedAt > 1000 || now.latencies.samples < last.latencies.samples
}

function quantiles({ latencies: before }: Look, now: Overview['latencies']): (number | null)[] {
  const samples = now.samples - before.samples
  if (samples <= 0) return QUANTILES.map(() => null)
  const counts = now.atMost.map((count, at) => count - (before.atMost[at] ?? 0))
  return QUANTILES.map((share) => quantile(counts, now.bounds, Math.max(1, share * samples)))
}

/** Between two bounds its samples are taken to lie evenly; above the last one there is nothing to tell but that. */
function quantile(counts: readonly number[], bounds: readonly number[], rank: number): number {
  const at = counts.findIndex((count) => count >= rank)
  if (at < 0) return bounds.at(-1) ?? 0
  const [from, under] = at === 0 ? [0, 0] : [bounds[at - 1] as number, counts[at - 1] as number]
  return from + (((bounds[at] as number) - from) * (rank - under)) / ((counts[at] as number) - under)
}
