// What a life of a durable stream begins with, from what the journal kept: the data of its harness, the results that come first, and where the events go on.

import { VeloError } from '../../kit/errors.js'
import type { Codec } from '../../kit/types.js'
import { decodeRecord, encodeRecord } from '../../workers/codec/late-record.js'
import type { HarnessData, Saved } from '../harness/data.js'
import { Random } from '../harness/random.js'
import type { Kept, StreamInit } from '../journal.js'
import { type ResolvedState, stateOf } from '../state.js'
import { isEndMark } from './commits/end-mark.js'

export interface Opening {
  readonly data: HarnessData
  /** Results before the state that were not delivered. */
  readonly earlier: readonly Uint8Array[]
  /** Index of the first event that is played again. */
  readonly from: number
}

export interface Subject {
  readonly id: string
  readonly codec: Codec
  readonly state: ResolvedState | undefined
  readonly closeTimeout: number
  readonly onDivergence: 'fail' | 'warn'
}

/** Of a stream that is new. */
export function birth(): StreamInit {
  return { at: Date.now(), seed: Math.floor(Math.random() * Number.MAX_SAFE_INTEGER) }
}

/** Throws or rejects with `VELO_CHECKPOINT` where what is kept does not fit the function. `ended`: the last event is the end of the input. */
export async function opening(kept: Kept, ended: boolean, handed: number, subject: Subject): Promise<Opening> {
  const { id, codec, state } = subject
  if (kept.state !== undefined && state === undefined)
    throw new VeloError(
      'VELO_CHECKPOINT',
      `stream ${id}: it was kept with the option state, version ${kept.state.version}, and its history is gone`,
      { streamId: id },
    )
  const saved = kept.state === undefined ? undefined : (decodeRecord(kept.state.bytes, 'structured') as Saved)
  const value = state === undefined ? undefined : await stateOf(state, saved, kept.state?.version, id)
  const events = kept.state?.events ?? 0
  const data: HarnessData = {
    codec,
    at: saved?.at ?? kept.at,
    random: saved?.random ?? Random.seeded(kept.seed),
    events,
    results: kept.state?.results ?? 0,
    asked: kept.state?.asked ?? 0,
    counts: saved?.counts ?? {},
    delivered: Math.max(kept.delivered, handed),
    accepted: Math.max(events, kept.events - (ended ? 1 : 0)),
    patience: subject.closeTimeout,
    onDivergence: subject.onDivergence,
    outcomes: kept.outcomes.filter((outcome) => !isEndMark(outcome)).map(({ bytes }) => bytes),
    state: state && { bytes: encodeRecord(value, 'structured'), version: state.version, events: state.events, ms: state.ms },
  }
  const { from, values } = kept.outputs
  const earlier = values.slice(Math.max(0, data.delivered - from))
  return { data, earlier, from: Math.max(kept.first, events) }
}
