// The stream function of sessions, as they run it: records go through it, and its state is told after each event.

import { DURABILITY } from '../../api/keeping/durability.js'
import type { StateOptions } from '../../api/options.js'
import { Definition, definitions } from '../../engine/definition.js'
import { configError, LONGEST } from '../../kit/check.js'
import { durable } from '../durability.js'
import type { Journal } from '../journal.js'
import { type ResolvedState, resolveState } from '../state.js'

export interface Hostable {
  readonly def: Definition
  readonly state: ResolvedState
}

/** Throws `VELO_CONFIG`. */
export function hostable(fn: unknown, field: string): Hostable {
  const given = definitions.get(fn)
  if (given === undefined) throw configError(field, 'a stream function', fn)
  const state = given.options.state as StateOptions<unknown> | undefined
  if (state === undefined)
    throw configError(
      field,
      'a stream function with the option state: events are not kept for longer than it takes to be through with them',
      fn,
    )
  const [first] = given.given
  if (first?.schema !== undefined)
    throw configError(field, 'a stream function without a schema: anybody may publish, so it checks its events itself', fn)
  const stages = durable(NOWHERE)[DURABILITY].stages(given.given, given.options)
  const { name } = given.options
  // How many run here, whoever sends says; how long they wait for events, too.
  const def = new Definition(stages, { ...given.options, name, idleTimeout: 0, maxConcurrent: LONGEST, queue: 0 }, given.gates, given.given)
  return { def, state: resolveState({ ...state, every: 1 }) }
}

/** A session is kept by whoever has its partition. */
const NOWHERE = Object.fromEntries(
  (['open', 'append', 'read', 'commit', 'discard', 'unfinished', 'close'] as const).map((name) => [
    name,
    () => Promise.reject(new Error(name)),
  ]),
) as unknown as Journal
