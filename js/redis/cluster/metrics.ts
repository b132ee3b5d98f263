// Numbers of a session as the process that opened it counts them: latencies are those of the process that hosts it, and not known here.

import type { StreamMetrics } from '../../kit/types.js'

const UNKNOWN = { p50: Number.NaN, p95: Number.NaN, p99: Number.NaN }

export function metricsOf(eventsIn: number, eventsOut: number, dropped: number, durationMs: number): StreamMetrics {
  return {
    eventsIn,
    eventsOut,
    dropped: { events: 0, results: dropped },
    latency: { ...UNKNOWN, samples: 0 },
    processing: { ...UNKNOWN },
    durationMs,
    thread: 0,
  }
}
