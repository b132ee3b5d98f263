// Whom the death of a worker thread counts against.

import type { Blame } from '../../engine/stages/harness.js'

/** What each segment had to do with the death of its thread; `culprit`: number of the one that ended it, where that is known. */
export function blamed<Listener extends { readonly isWorking: boolean }>(
  listeners: ReadonlyMap<number, Listener>,
  culprit: number,
): [Listener, Blame][] {
  const working = new Set(
    [...listeners].filter(([number, { isWorking }]) => (culprit === 0 ? isWorking : number === culprit)).map(([number]) => number),
  )
  return [...listeners].map(([number, listener]) => [listener, working.size === 0 ? 'unknown' : working.has(number) ? 'working' : 'idle'])
}
