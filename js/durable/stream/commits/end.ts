// What is kept of the end of a durable stream, for those who open it again.

import type { EndReason, StreamEnd } from '../../../kit/types.js'
import { decodeRecord, decodeThrown, encodeRecord, encodeThrown } from '../../../workers/codec/late-record.js'

interface Written {
  readonly reason: EndReason
  readonly error?: string
  readonly stage?: string
  readonly value?: Uint8Array
  /** Index of the next event; the end of the input has one, too. */
  readonly events: number
  readonly results: number
  /** Whether the end of the input is among the events. Absent in ends that earlier versions wrote. */
  readonly isInputOver?: boolean
}

/** How a stream ended, and how far it had come. */
export interface KeptEnd {
  readonly end: StreamEnd
  readonly events: number
  readonly results: number
  readonly isInputOver: boolean
}

export function writeEnd({ reason, error, stage, value }: StreamEnd, events: number, results: number, isInputOver = false): Uint8Array {
  const written: Written = {
    reason,
    events,
    results,
    ...(isInputOver && { isInputOver }),
    ...(error !== undefined && { error: encodeThrown(error) }),
    ...(stage !== undefined && { stage }),
    ...returned(value),
  }
  return encodeRecord(written, 'structured')
}

export function readEnd(bytes: Uint8Array): KeptEnd {
  const { reason, error, stage, value, events, results, isInputOver = false } = decodeRecord(bytes, 'structured') as Written
  const end: StreamEnd = {
    reason,
    dropped: { events: 0, results: 0 },
    refused: 0,
    detached: false,
    ...(error !== undefined && { error: decodeThrown(error) }),
    ...(stage !== undefined && { stage }),
    ...(value !== undefined && { value: decodeRecord(value, 'structured') }),
  }
  return { end, events, results, isInputOver }
}

/** What cannot be kept is left out. */
function returned(value: unknown): { value?: Uint8Array } {
  if (value === undefined) return {}
  try {
    return { value: encodeRecord(value, 'structured') }
  } catch {
    return {}
  }
}

/** Whether a stream was ended only because the process ends. */
export function isDrain(error: unknown): boolean {
  const { cause } = error as { cause?: { code?: unknown } }
  return cause?.code === 'VELO_DRAINING'
}
