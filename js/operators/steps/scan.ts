// scan: a state that each event changes, told after each of them.

import { callable } from '../../kit/check.js'
import { isThenable, silence } from '../../kit/promises.js'
import type { Call } from '../engine/call.js'
import { type Operator, operator } from './operator.js'
import { callStep } from './step.js'

/**
 * Calls `fn` with the state and each event; what it returns, or what the promise that it returns resolves with, is the result and the next state. The first state is `initial`; a
 * function is called for it, once for each stream, which is what to give where a state is changed in place.
 * A promise of the first state is awaited.
 *
 * @example
 * const totals = scan((total: number, event: number) => total + event, 0)
 * await totals.run([1, 2, 3]) // [1, 3, 6]
 *
 * @throws VeloError `VELO_CONFIG` when `fn` is no function.
 */
export function scan<In, State>(
  fn: (state: State, event: In, call: Call) => State | PromiseLike<State>,
  initial: State | PromiseLike<State> | (() => State | PromiseLike<State>),
): Operator<In, State> {
  callable(fn, 'scan(fn)')
  return operator('scan', (counts) => ({
    steps: [
      (host) => {
        const first = typeof initial === 'function' ? (initial as () => State | PromiseLike<State>)() : initial
        let state = first as State
        let pending = isThenable(first) ? silence(Promise.resolve(first)) : undefined
        const next = (event: In, call: Call) => {
          if (pending === undefined) return fn(state, event, call)
          const before = pending
          pending = undefined
          return before.then((given) => fn(given, event, call))
        }
        const remember = (result: unknown) => (state = result as State)
        return callStep(next, remember, counts)(host)
      },
    ],
  }))
}
