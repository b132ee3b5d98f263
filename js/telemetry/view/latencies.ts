// Latencies since the start as a histogram: what two looks differ in came between them, so whoever looks twice knows the quantiles of the time between. It is finer than that of the
// metrics, which a monitoring system keeps for each function.

import type { FunctionMeasures } from '../../kit/sight/measures.js'

/** How the latencies of all events that were timed spread. */
export interface ViewLatencies {
  /** Microseconds, which ascend. */
  readonly bounds: readonly number[]
  /** Samples at or below each bound, since the start of the process. */
  readonly atMost: readonly number[]
  readonly samples: number
}

/** So many bounds to a decade, from 1 us to 100 s: a quantile is some 15 % off at most. */
const TO_A_DECADE = 8
const DECADES = 8

/** Microseconds. */
export const VIEW_BOUNDS: readonly number[] = Array.from({ length: DECADES * TO_A_DECADE + 1 }, (_, at) =>
  Number((10 ** (at / TO_A_DECADE)).toPrecision(3)),
)

/** Of all functions but those of this library: what a page that looks asks for itself is not what it looks for. */
export function latenciesOf(functions: readonly FunctionMeasures[]): ViewLatencies {
  const atMost: number[] = new Array(VIEW_BOUNDS.length).fill(0)
  let samples = 0
  for (const { name, latencySpread } of functions) {
    if (name.startsWith('velo:')) continue
    samples += latencySpread.samples
    for (const [at, count] of latencySpread.atMost.entries()) atMost[at] = (atMost[at] as number) + count
  }
  return { bounds: VIEW_BOUNDS, atMost, samples }
}
