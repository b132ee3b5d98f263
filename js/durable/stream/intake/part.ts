// Events on their way that were appended to the journal together.

import type { EventRecord } from '../../journal.js'
import type { Entry } from './entry.js'

/** One event, or the end of the input: the same object waits in line, is kept, and goes to the function. */
export interface Accepted extends EventRecord {
  /** Known when it is accepted. */
  at: number
}

export interface Part {
  readonly entry: Entry
  readonly from: number
  readonly events: readonly Accepted[]
  /** Their bytes. */
  readonly size: number
  state: 'flying' | 'kept' | 'refused'
}

/** Bytes of events that are on their way to the function. */
export const sizeOf = (events: readonly EventRecord[]): number => events.reduce((sum, { bytes }) => sum + bytes.byteLength, 0)
