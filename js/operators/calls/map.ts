// map: one result for each event.

import type { Call } from '../engine/call.js'
import type { Operator } from '../steps/operator.js'
import { asIs } from '../steps/step.js'
import { calling } from './calling.js'
import type { CallOptions } from './policy.js'

/**
 * Calls `fn` for each event; what it returns, or what the promise that it returns resolves with, is the result.
 *
 * @example
 * const pages = map((url: string, { signal }) => fetch(url, { signal }), { concurrency: 8, timeout: 5_000 })
 *
 * @throws VeloError `VELO_CONFIG` when `fn` is no function, or an option is unknown or out of range.
 */
export function map<In, Out>(
  fn: (event: In, call: Call) => Out | PromiseLike<Out>,
  options: CallOptions<In, NoInfer<Out>> = {},
): Operator<In, Out> {
  return calling('map', fn, asIs, options)
}
