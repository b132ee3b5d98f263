// flatMap: any number of results for each event.

import type { Call } from '../engine/call.js'
import type { Operator } from '../steps/operator.js'
import { calling } from './calling.js'
import { flatten, Many } from './many.js'
import type { CallOptions } from './policy.js'

/**
 * Calls `fn` for each event; the values of the iterable or async iterable that it returns (or that
 * its promise resolves with) are the results, those of one event after those of another. Promises
 * among the values are awaited, one after the other. `concurrency` counts calls of `fn`: the
 * iterables are read one at a time, no faster than the results are. An iterable that throws, or holds
 * a promise that rejects, is a failed call: `onError` decides, but as its first values have gone on
 * already, it is not made again.
 *
 * @example
 * const words = flatMap((line: string) => line.split(' '))
 *
 * @throws VeloError `VELO_CONFIG` when `fn` is no function, or an option is unknown or out of range.
 */
export function flatMap<In, Out>(
  fn: (event: In, call: Call) => Values<Out> | PromiseLike<Values<Out>>,
  options: CallOptions<In, Values<NoInfer<Out>>> = {},
): Operator<In, Out> {
  const reading = (values: unknown, event: unknown, call: Call) => new Many(values, event, call)
  return calling('flatMap', fn, reading, options, (counts, policy) => [flatten(counts, policy)])
}

/** What `flatMap` takes results from. */
export type Values<Out> = Iterable<Out | PromiseLike<Out>> | AsyncIterable<Out>
