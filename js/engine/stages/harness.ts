// What may stand between the library and the functions of one stream, on whichever thread they run: it changes what their events and results look like, and what
// `ctx` offers. Durable streams have one. The engine knows no more of it than this.

import type { VeloError } from '../../kit/errors.js'
import type { StreamGenerator } from '../../kit/types.js'

/** Where a function stands in its pipeline: its number, and whether it is the last one. */
export interface StagePlace {
  readonly index: number
  readonly last: boolean
}

/** Stages that cannot run any more although their functions did nothing wrong, as far as anybody knows. */
export interface StageLoss {
  readonly error: VeloError
  /** Their results are those of the stream: the error reaches its reader, and no further stage. */
  readonly last: boolean
  readonly blame: Blame
  /** Events that they had taken, and whether those are the events of the stream. */
  readonly taken: number
  readonly first: boolean
  /** They waited for the next event. */
  readonly isWaiting: boolean
}

/**
 * Whether stages were at work when their thread died: `'working'` on an event, or before the first one; `'idle'`: somebody else there was. `'unknown'`: nobody was, as far as
 * it can be told.
 */
export type Blame = 'working' | 'idle' | 'unknown'

/** A stream that nobody may share a thread with, because it may end it. */
export interface Isolation {
  /** It has proven harmless, or is over. */
  readonly isOver: boolean
}

/** Of one stream. */
export interface Harness {
  /** The function of a stage as it is to be called. */
  wrap(fn: StreamGenerator<never, unknown>, place: StagePlace): StreamGenerator<never, unknown>
  /** The same for another thread. */
  departure(): Departure
  /** Stages on other threads are lost. Called before the stream fails with the error. */
  lost?(loss: StageLoss): void
  /** Its stages must be alone on their thread. */
  readonly isolation?: Isolation | undefined
}

/** What takes a harness to another thread. */
export interface Departure {
  /** Address of a module that exports `arrive`, an `Arrive`. */
  readonly module: string
  /** Its argument, which structured clone can copy, and what is transferred with it. */
  readonly data: unknown
  readonly transfer: readonly object[]
  /** The thread must be able to tell that the stream ends it, also while it waits: by a timer, for example. Costs time. */
  readonly isTraced?: boolean
}

/** Makes the harness over there. */
export type Arrive = (data: unknown) => Pick<Harness, 'wrap'>
