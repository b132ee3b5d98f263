// Operators that call a function for each event: steps where their options are the usual ones, else calls that run beside each other.

import { callable } from '../../kit/check.js'
import type { Call } from '../engine/call.js'
import type { Counts } from '../engine/counts.js'
import { type Operator, operator } from '../steps/operator.js'
import { callStep, type Reading, type StepMaker } from '../steps/step.js'
import { limitOf } from './attempt.js'
import { Calls } from './calls.js'
import { type CallOptions, isPlain, type Policy, policyOf } from './policy.js'

/** The operator `name` out of `fn`; `reading` says what its results mean, `after` are steps that they go through, made for the counts of the operator. */
export function calling<In, Out>(
  name: string,
  fn: (event: never, call: Call) => unknown,
  reading: Reading,
  options: CallOptions<never, unknown>,
  after: (counts: Counts, policy: Policy) => readonly StepMaker[] = () => [],
): Operator<In, Out> {
  callable(fn, `${name}(fn)`)
  const policy = policyOf(options, `${name}(fn, options)`)
  return operator(name, (counts) => {
    const steps = after(counts, policy)
    if (isPlain(policy)) return { steps: [callStep(fn, reading, counts), ...steps] }
    const work = { name, fn: fn as (event: unknown, call: Call) => unknown, reading, policy, limit: limitOf(name, policy), counts }
    return { make: (events, ctx) => new Calls(work, events, ctx), steps }
  })
}
