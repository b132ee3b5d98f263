// What differs between the ways to use a stream function (live, run, call): where its events come from, where its results go, who is told of the end.
// Not here: the generator and the order of things at the end, which are the same for all (instance.ts).

import type { Failure } from '../kit/errors.js'
import type { Puller } from '../kit/iteration/pulled.js'
import type { Inlet } from './channels/inlet.js'
import type { AnyGenerator } from './stages/stage.js'

export interface Mode {
  /** Whether the links of a pipeline hand promises on as they are (`run`), or own their waits. */
  readonly direct: boolean
  /** How many results, and events, the function may be ahead of whoever reads; 0 = lockstep: it is asked for one result at a time. */
  readonly ahead: number
  /** Whether results wait in a channel until they are read. */
  readonly holdsResults: boolean
  /** ms of the idle timer in force, 0 = none. */
  readonly idleMs: number
  /** Somebody waits for a result, or to send. */
  readonly isAwaited: boolean
  /** Somebody waits to send. */
  readonly isSending: boolean
  /** Results wait to be read. */
  readonly hasUnread: boolean
  /** Events are on their way into a journal, or come out of it. */
  readonly isKeeping?: boolean
  /** Events may come from elsewhere at any time: its silence is no end. */
  readonly isFeeding?: boolean
  /** Where its values become bytes, who counts them. */
  readonly puller?: Puller | undefined
  /** Its events are pulled from a source. */
  readonly isPulled: boolean
  /**
   * A result of the function, where it is not done and its results are wanted. Called by promises only: optimized code that calls a closure of one
   * instance is thrown away with that instance.
   */
  readonly onResult: (result: IteratorResult<unknown>) => void
  /** Makes the events of the function's first stage. */
  openInlet(): Inlet<unknown>
  /** Takes the results of a generator that can push them; else it is asked for one after the other. */
  drive?(generator: AnyGenerator): boolean
  /** It has a permit now. */
  admitted(): void
  /** The function waited too long for an event, and the input has ended. */
  idle(): void
  /** Closed or aborted: waits of the caller settle at once, unread results are dropped. */
  cut(failure: Failure | undefined): void
  /** The end: the caller's waits settle; `failure` is what the function threw. */
  end(failure: Failure | undefined): void
  /** The process ends for want of work: whoever is left waiting is told. */
  processEnds?(): void
  /** Drops results that were left unread at the end. */
  dropUnread?(): void
}
