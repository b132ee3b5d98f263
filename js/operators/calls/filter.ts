// filter: the events for which a function says yes.

import type { Call } from '../engine/call.js'
import type { Operator } from '../steps/operator.js'
import { verdict } from '../steps/step.js'
import { calling } from './calling.js'
import type { CallOptions } from './policy.js'

/**
 * Lets an event go on if what `fn` returns for it, or what the promise that it returns resolves with, is truthy. What an `onError` function returns is a verdict, too.
 *
 * @example
 * const even = filter((n: number) => n % 2 === 0)
 *
 * @throws VeloError `VELO_CONFIG` when `fn` is no function, or an option is unknown or out of range.
 */
export function filter<In, Out extends In>(
  fn: (event: In, call: Call) => event is Out,
  options?: CallOptions<In, unknown>,
): Operator<In, Out>
export function filter<In>(fn: (event: In, call: Call) => unknown, options?: CallOptions<In, unknown>): Operator<In, In>
export function filter<In>(fn: (event: In, call: Call) => unknown, options: CallOptions<In, unknown> = {}): Operator<In, In> {
  return calling('filter', fn, verdict, options)
}
