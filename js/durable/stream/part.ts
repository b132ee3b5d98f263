// Events on their way that were appended to the journal together.

import type { Entry } from './entry.js'

export interface Part {
  readonly entry: Entry
  readonly from: number
  /** Each behind its time; the end of the input is an empty one. */
  readonly events: readonly Uint8Array[]
  /** Their bytes. */
  readonly size: number
  state: 'flying' | 'kept' | 'refused'
}

/** Bytes of events that are on their way to the function. */
export const sizeOf = (events: readonly Uint8Array[]): number => events.reduce((sum, { byteLength }) => sum + byteLength, 0)
