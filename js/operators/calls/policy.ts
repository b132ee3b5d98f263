// The options that operators share which call a function for each event: how many calls at once, in which order, and what about those that fail.

import { configError, duration, flag, integer, onlyKnown } from '../../kit/check.js'
import { type Clock, clockOf } from '../../kit/clock.js'
import { type Retry, type RetryOptions, retryOf } from '../../kit/effects/retry.js'
import type { Call } from '../engine/call.js'

/** Options of operators that call a function for each event. `Returned` is what that function returns. */
export interface CallOptions<In, Returned> {
  /** How many calls may be under way at once. Integer from 1. Default 1. */
  concurrency?: number | undefined
  /** Results in the order of their events, each as early as that allows; `false`: as they come. Default `true`. */
  ordered?: boolean | undefined
  /**
   * How many finished results may wait, for the reader or for an earlier one, beside the calls under way. A call whose result finds no room keeps its place among those under way.
   * With 0, events are taken only while somebody waits for a result. Integer from 0. Default: `concurrency`, or 0 where that is 1.
   */
  buffer?: number | undefined
  /**
   * What about an event whose last call failed. `'fail'`: the stream fails with that very error, after the results before it. `'skip'`: the event is left out. A function: what it
   * returns stands for what the call would have returned; if it throws, the stream fails with that. Default `'fail'`.
   */
  onError?: 'fail' | 'skip' | ((error: unknown, event: In, call: Call) => Returned | PromiseLike<Returned>) | undefined
  /** Calls that failed are made again. Default: never. */
  retry?: RetryOptions | undefined
  /** How long a call may take, ms, from 1; then it failed with a `TimeoutError` (`VELO_TIMEOUT`) and its signal fires. Default: no limit. */
  timeout?: number | undefined
  /** Where `timeout` and `retry` get the time from. Default: the clock of the machine. */
  clock?: Clock | undefined
}

export type Handler = (error: unknown, event: unknown, call: Call) => unknown

/** Those options with every default filled in. */
export interface Policy {
  readonly concurrency: number
  readonly ordered: boolean
  readonly buffer: number
  readonly onError: 'fail' | 'skip' | Handler
  readonly retry: Retry
  readonly timeout: number
  readonly clock: Clock
}

const NAMES = ['concurrency', 'ordered', 'buffer', 'onError', 'retry', 'timeout', 'clock'] as const

/** Checks the options; `field` is the path to them, `words` what `onError` may be beside a function, `more` the names of further ones. */
export function policyOf(
  options: Omit<CallOptions<never, unknown>, 'onError'> & { onError?: unknown },
  field: string,
  words: readonly string[] = ['skip'],
  more: readonly string[] = [],
): Policy {
  onlyKnown(options, field, [...NAMES, ...more])
  const concurrency = integer(options.concurrency, `${field}.concurrency`, 1, 1)
  const { onError = 'fail' } = options
  if (typeof onError !== 'function' && onError !== 'fail' && !words.includes(onError as string)) {
    throw configError(`${field}.onError`, `${['fail', ...words].map((word) => `'${word}'`).join(', ')} or a function`, onError)
  }
  return {
    concurrency,
    ordered: flag(options.ordered, `${field}.ordered`, true),
    buffer: integer(options.buffer, `${field}.buffer`, 0, concurrency === 1 ? 0 : concurrency),
    onError: onError as Policy['onError'],
    retry: retryOf(options.retry, `${field}.retry`),
    timeout: duration(options.timeout, `${field}.timeout`, 1, 0),
    clock: clockOf(options.clock, `${field}.clock`),
  }
}

/** Whether nothing in these options needs more than a loop over the events. */
export function isPlain({ concurrency, onError, retry, timeout, buffer }: Policy): boolean {
  return concurrency === 1 && onError === 'fail' && retry.attempts === 1 && timeout === 0 && buffer === 0
}
