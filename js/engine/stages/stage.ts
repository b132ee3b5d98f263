// js/engine/stages: the functions of one instance, fused. Knows nothing of who reads the results, nor of how the stream ends.
//
// The words of stages: one generator function of a pipeline, the way from one to the next, and where one runs that is not on the caller's thread.

import type { StandardSchemaV1 } from '@standard-schema/spec'
import type { Failure } from '../../kit/errors.js'
import type { StageMetrics, StreamGenerator, StreamHeaders } from '../../kit/types.js'
import type { Input } from '../channels/input.js'
import type { InputOwner, Owner } from '../channels/owner.js'
import type { Harness } from './harness.js'

/** One generator function of a pipeline; a plain stream function has one. */
export interface Stage {
  readonly fn: StreamGenerator<never, unknown>
  readonly name: string
  readonly schema: StandardSchemaV1 | undefined
  /** Where it runs, if that is another thread; `fn` is never called then. */
  readonly placement?: Placement | undefined
}

export type AnyGenerator = AsyncGenerator<unknown, unknown, undefined>

/** The way from one stage to the next. */
export interface Link extends AsyncIterableIterator<unknown> {
  /** Ends the wait of the stage that reads it. */
  cut(failure: Failure | undefined): void
  /** Returns the stage that feeds it, once; a promise where that is worth waiting for. */
  release(patient?: boolean): PromiseLike<unknown> | undefined
  /** What that stage threw after the stage that reads it had stopped listening. */
  unheard(): Failure | undefined
  /** What the stage that feeds it threw. */
  thrown(): Promise<Failure | undefined>
  /** Whether the stage that reads it waits for the one that feeds it. */
  waits(): Promise<boolean>
  /** The same without a promise; `undefined`: it waits if the stage that feeds it was asked for a result. */
  readonly isAsked: boolean | undefined
  /** How many results went over. */
  readonly passed: number
}

/** What stages need of the instance that they are stages of. */
export interface StageHost extends Owner {
  readonly def: {
    readonly stages: readonly Stage[]
    /** Some stage runs on another thread. */
    readonly remote: boolean
    readonly options: { readonly name: string; readonly buffer: number; readonly closeTimeout: number }
  }
  readonly mode: {
    /** How far the stages may be ahead of whoever reads; 0 = lockstep: one result at a time is asked for. */
    readonly ahead: number
    /** Results wait in a channel until they are read. */
    readonly holdsResults: boolean
    /** Some wait there. */
    readonly hasUnread: boolean
  }
  /** Stands between the library and the functions. */
  readonly harness: Harness | undefined
  /** Runs user code of the caller's side. */
  inScope(work: () => void, owner: object): void
  /** What of its context can travel. */
  contextParts(): { headers: StreamHeaders | undefined; declared: unknown }
  /** Results that nobody wanted any more were yielded. */
  discarded(count: number): void
  /** A stage on another thread that was told to leave has ended, or does something of its own first. */
  leftElsewhere(): void
}

/** Where a stage runs that is not on the caller's thread. */
export interface Placement {
  /** The input channel of a live stream that begins there. */
  input(owner: InputOwner): Input<unknown>
  /** Whether values go straight from a stage here to one there. */
  joins(next: Placement, schema: StandardSchemaV1 | undefined): boolean
  /** One generator for neighboring stages, `first` the number of the first of them; `last`: its results are those of the stream. */
  make(
    host: StageHost,
    events: AsyncIterableIterator<unknown>,
    stages: readonly Stage[],
    first: number,
    last: boolean,
  ): AnyGenerator & Remote
}

/** Where a stream stands among stages on other threads: at which, where that can be told, and what that waits for; `undefined`: it works. */
export interface Standing {
  readonly stage: string | undefined
  readonly waits: 'event' | 'reader' | 'start' | undefined
}

/** Stages on other threads: what they hear and tell beyond their results. */
export interface Remote {
  /** Thread of the first of them, once they have started. */
  readonly thread: number
  /** A result that has arrived already. */
  take(): IteratorResult<unknown> | null
  /** Results were read: there is room for more. */
  report(): void
  /** Closed, or aborted with `failure`. */
  leave(failure: Failure | undefined): void
  /** Ends those that still run; a promise where that takes time. */
  release(): PromiseLike<unknown> | undefined
  /** What one of them threw when nobody listened any more. */
  unheard(): Failure | undefined
  /** Name of the one that failed. */
  stageOf(): string | undefined
  /** Whether one of them is at work, or something is on its way to or from them. */
  readonly isBusy: boolean
  /** Whether each of them waits for an event, and nothing is on its way to or from them. */
  readonly awaitsEvent: boolean
  /** Whether a result is asked for. */
  readonly isAsked: boolean
  /** Whether one of them was told to leave, and has not said yet whether it goes at once. */
  readonly isLeaving: boolean
  /** Counts the events that were dropped on their way, at the end. */
  account(): void
  /** They do not end: is their thread stuck? */
  suspect(): void
  /** At which of them the stream stands, and what that one waits for. */
  stands(): Standing
  /** The thread of one that is at work, and the number under which it is known there. */
  place(): { thread: number; segment: number } | undefined
  /** Bytes that its events and its results became. */
  bytes(): { in: number; out: number }
  /** What each of them has taken and given. */
  stageMetrics(): StageMetrics[]
}
