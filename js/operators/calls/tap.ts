// tap: a function that sees the events and changes nothing.

import type { Call } from '../engine/call.js'
import type { Operator } from '../steps/operator.js'
import { passOn } from '../steps/step.js'
import { calling } from './calling.js'
import type { CallOptions } from './policy.js'

/**
 * Calls `fn` for each event, which then goes on as it is: once the promise has settled where `fn` returns one. What `fn` returns is of no interest.
 *
 * @example
 * const logged = tap((order: Order) => log.info(order))
 *
 * @throws VeloError `VELO_CONFIG` when `fn` is no function, or an option is unknown or out of range.
 */
export function tap<In>(fn: (event: In, call: Call) => unknown, options: CallOptions<In, unknown> = {}): Operator<In, In> {
  return calling('tap', fn, passOn, options)
}
