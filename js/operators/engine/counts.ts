// What became of the events of an operator: every event it takes ends as exactly one of done, failed and skipped, or is given up at an early end.

import type { FunctionMetrics } from '../../index.js'

/** Counts of one operator, over all its streams in this thread. */
export interface OperatorCounts {
  /** Events that were dealt with: their results, if any, went on. */
  readonly done: number
  /** Events whose last call failed and ended the stream. */
  readonly failed: number
  /** Events that were left out: by a filter, by `skip`, or by `onError`. */
  readonly skipped: number
  /** Events whose call has not settled, waits for retries included. */
  readonly underWay: number
}

/** Metrics of a stream function, and the counts of the operator. */
export interface OperatorMetrics extends FunctionMetrics, OperatorCounts {}

export class Counts implements OperatorCounts {
  done = 0
  failed = 0
  skipped = 0
  underWay = 0
}
