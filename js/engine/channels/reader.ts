// A read that waits for a result.

import type { Resolve } from '../../kit/promises.js'

/** What it wants: one value, an iterator's result, or up to `max` values. */
export const Want = { Value: 0, Result: 1, Batch: 2 } as const

export interface Reader {
  want: number
  max: number
  resolve: Resolve
  /** Takes its timer and its listener off. */
  forget: (() => void) | undefined
}

/** Bounds of one read. */
export interface ReadOptions {
  signal: AbortSignal | undefined
  /** ms. */
  timeout: number | undefined
}
