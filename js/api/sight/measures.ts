// js/api/sight: what `runtime` shows of its streams, and how that is configured. Knows nothing of who looks: no format, no page, no monitoring system.
//
// All numbers of the process, for `velo-stream/telemetry`: those of Rust in one call, and those of this thread that it does not know.

import { native } from '../../engine/border/native.js'
import { remoteLeases } from '../../engine/lease.js'
import { reportStages } from '../../engine/stages/stage-counts.js'
import { watch } from '../../engine/watch.js'
import { reportBytes } from '../../kit/bytes/byte-sum.js'
import type { Measures, MeasuresQuestion } from '../../kit/sight/measures.js'
import { threadCounts, workersSnapshot } from '../../workers/caller/pool.js'

/** They begin with the first question: where streams spend their time is looked at from then on. */
export function measures({ bounds, names, most }: MeasuresQuestion): Measures {
  watch()
  reportBytes() // what this thread has not reported yet is in the picture
  for (const { holder } of remoteLeases) holder.countBytes()
  reportStages()
  const { starts, losses } = threadCounts
  return { ...native.measures(bounds, names, most), workers: workersSnapshot(), workerStarts: starts, workerLosses: losses }
}
