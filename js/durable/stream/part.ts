// Events on their way that were appended to the journal together.

import { HEAD } from '../harness/envelope.js'
import type { EventRecord } from '../journal.js'
import type { Entry } from './entry.js'

export interface Part {
  readonly entry: Entry
  readonly from: number
  readonly records: readonly EventRecord[]
  /** Their bytes. */
  readonly size: number
  state: 'flying' | 'kept' | 'refused'
}

/** Bytes of records that are on their way to the function. */
export const sizeOf = (envelopes: readonly Uint8Array[]): number => envelopes.reduce((sum, { byteLength }) => sum + byteLength - HEAD, 0)
