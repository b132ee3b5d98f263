// What whoever looks after a process asks of the library: one stream with its changes, and its abort by its id. The key is one of the whole process, and its property is for
// `velo-stream/telemetry` alone.

import type { StreamState } from '../types.js'
import type { StreamInspection, WaitingFor } from './inspection.js'

/** Key of the property of `runtime`. */
export const OVERSIGHT: unique symbol = Symbol.for('velo-stream.oversight') as never

/** A moment at which a stream was seen in another state, or to wait for something else, than before. */
export interface StreamChange {
  /** Unix ms. */
  readonly at: number
  readonly state: StreamState
  readonly waitingFor: WaitingFor
  /** In a pipeline: the stage at which it stood, where that could be told. */
  readonly stage?: string
  /** As many as it had then. */
  readonly eventsIn: number
  readonly eventsOut: number
}

export interface Oversight {
  /** Changes are kept from now on: of each stream the last ones, as they are seen at a look a second. */
  keepChanges(): void
  /** A live stream of this thread, and its changes, the oldest first, with how it stands now. The other streams are not looked at. */
  look(id: string): { readonly stream: StreamInspection; readonly changes: readonly StreamChange[] } | undefined
  /** Aborts the live streams of this thread with this id; answers how many there were. A durable stream and its inner one are one. */
  abort(id: string, reason: unknown): number
}

export function oversightOf(runtime: object): Oversight {
  return (runtime as { [OVERSIGHT]: Oversight })[OVERSIGHT]
}
