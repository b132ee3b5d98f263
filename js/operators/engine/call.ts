// What a callback of an operator is told about its call, its second argument.

/** The second argument of the functions that operators are given. */
export interface Call {
  /** Fires when the result is not wanted any more: the stream was left, closed or aborted, or failed; or this attempt took too long. Pass it to `fetch` and friends. */
  readonly signal: AbortSignal
  /** Number of the event in its stream, from 0, as this operator counts them. */
  readonly index: number
  /** Number of the call for this event, from 1. */
  readonly attempt: number
}
