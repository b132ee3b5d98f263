// What the page and its process say to each other. Both sides take the types alone.

import type { Overview, StreamDetail, StreamList } from '../telemetry/index.js'

/** What the page looks at. */
export interface View {
  /** Text in the id, function, stage, state, wait or error of a stream. */
  readonly search: string
  /** What they wait for; empty for all. */
  readonly waitingFor: string
  readonly sort: string
  readonly order: string
  /** Rows before the first one that is wanted, and how many are. */
  readonly offset: number
  readonly limit: number
  /** The stream whose detail is open; empty for none. */
  readonly stream: string
}

/** One look: all that the page shows. */
export interface Picture {
  readonly overview: Overview
  readonly list: StreamList
  /** Where `list` begins. */
  readonly offset: number
  /** The stream that was asked for; `null` when it is over. */
  readonly detail: StreamDetail | null
}
