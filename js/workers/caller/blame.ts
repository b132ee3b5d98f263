// Whom the death of a worker thread counts against.

import type { Blame } from '../../engine/stages/harness.js'
import type { SegmentListener } from './worker-thread.js'

/** What each segment had to do with the death of its thread; `culprit`: number of the one that ended it, where that is known. */
export function blamed(listeners: ReadonlyMap<number, SegmentListener>, culprit: number): [SegmentListener, Blame][] {
  const working = new Set(
    [...listeners].filter(([number, { isWorking }]) => (culprit === 0 ? isWorking : number === culprit)).map(([number]) => number),
  )
  return [...listeners].map(([number, listener]) => [listener, working.size === 0 ? 'unknown' : working.has(number) ? 'working' : 'idle'])
}
