// What `runtime.inspect()` says of a stream.

import type { StreamHeaders, StreamState } from '../types.js'

/**
 * What a stream waits for: `'event'` that somebody sends; `'user code'`, its function; `'reader'`, because its output is full or nobody asks for a result; `'room'`: a send waits, and the function
 * works; `'admission'`: a place under `maxConcurrent`; `'journal'`; `'nothing'`: something is on its way, or it is about to end.
 */
export type WaitingFor = 'event' | 'user code' | 'reader' | 'room' | 'admission' | 'journal' | 'nothing'

/** One live stream. */
export interface StreamInspection {
  readonly id: string
  /** Name of its stream function. */
  readonly function: string
  /** In a pipeline: the stage at which it stands, where that can be told. */
  readonly stage?: string
  /** Where its function runs; of a pipeline, `'worker'` where one of its stages does. */
  readonly placement: 'local' | 'worker'
  /** `threadId` of the thread of its first stage; 0 until a stream on a worker thread starts. */
  readonly thread: number
  readonly state: StreamState
  /** Since it was admitted; while it waits for that, since it was opened. */
  readonly ageMs: number
  readonly waitingFor: WaitingFor
  /** For how long it has waited for that, without an event or a result since. Exact to a second. */
  readonly waitingMs: number
  /** What waits in its channels; bytes where they are known. */
  readonly buffered: { readonly events: number; readonly results: number; readonly bytes: number }
  readonly eventsIn: number
  readonly eventsOut: number
  /** What it failed with or was aborted with, while it is on its way out. */
  readonly lastError?: string
  /** What `open({ headers })` was given; values that are nobody's business are `'[redacted]'`, those that cannot be read `'[unreadable]'`. */
  readonly headers?: StreamHeaders
}
