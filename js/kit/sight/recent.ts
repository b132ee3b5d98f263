// Quantiles of what was timed in the last minute: of the difference between a histogram and the one a minute before. Those since the start would say nothing of now.
// Whoever looks at a process reckons so, a terminal and a browser alike: nothing here needs Node.js.

/** How latencies spread when somebody looked. */
export interface Look {
  /** Unix ms. */
  readonly at: number
  /** When the process began, Unix ms. */
  readonly startedAt: number
  /** Samples at or below each bound, since the start of the process. */
  readonly latencies: { readonly bounds: readonly number[]; readonly atMost: readonly number[]; readonly samples: number }
}

/** p50, p95 and p99 in microseconds; `null` where nothing was timed. */
export type Quantiles = readonly [p50: number | null, p95: number | null, p99: number | null]

/** ms that the quantiles are of. */
const SPAN_MS = 60_000
/** Looks kept; those that come closer than that take each other's place. */
const MOST = 120
const APART_MS = SPAN_MS / MOST

/** Those of the last minute and the one before them, the oldest first, with one more. */
export function looked(looks: readonly Look[], now: Look): readonly Look[] {
  const last = looks.at(-1)
  if (last === undefined || isOther(last, now)) return [now]
  const before = looks.at(-2)
  const all = [...(before !== undefined && last.at - before.at < APART_MS ? looks.slice(0, -1) : looks), now]
  const from = all.findIndex((_, at) => (all[at + 1]?.at ?? now.at) > now.at - SPAN_MS)
  return all.slice(Math.max(0, from, all.length - MOST - 1))
}

/** Up to the last look. */
export function recentQuantiles(looks: readonly Look[]): Quantiles {
  const [first, last] = [looks[0], looks.at(-1)]
  const samples = first === undefined || last === undefined ? 0 : last.latencies.samples - first.latencies.samples
  if (first === undefined || last === undefined || samples <= 0) return [null, null, null]
  const { bounds, atMost } = last.latencies
  const counts = atMost.map((count, at) => count - (first.latencies.atMost[at] ?? 0))
  const of = (share: number) => quantile(counts, bounds, Math.max(1, share * samples))
  return [of(0.5), of(0.95), of(0.99)]
}

/** Another process answers, its clock was set, or nobody looked for so long that the difference says nothing of the last minute. */
function isOther(last: Look, now: Look): boolean {
  const passed = now.at - last.at
  return passed < 0 || passed > SPAN_MS || now.startedAt - last.startedAt > 1000 || now.latencies.samples < last.latencies.samples
}

/** Between two bounds its samples are taken to lie evenly; above the last one there is nothing to tell but that. */
function quantile(counts: readonly number[], bounds: readonly number[], rank: number): number {
  const at = counts.findIndex((count) => count >= rank)
  if (at < 0) return bounds.at(-1) ?? 0
  const [from, under] = at === 0 ? [0, 0] : [bounds[at - 1] as number, counts[at - 1] as number]
  return from + (((bounds[at] as number) - from) * (rank - under)) / ((counts[at] as number) - under)
}
