// Stream functions as sessions run them: records go through them, whatever they say of `durable`.

import { DURABILITY } from '../../api/keeping/durability.js'
import type { StateOptions } from '../../api/options.js'
import { durable } from '../../durable/durability.js'
import type { Journal } from '../../durable/journal.js'
import { type ResolvedState, resolveState } from '../../durable/state.js'
import { Definition, definitions } from '../../engine/definition.js'
import { configError, LONGEST } from '../../kit/check.js'

/** How often what a session has done is committed. */
export interface Often {
  /** Events. */
  readonly every: number
  readonly ms: number
}

export interface Hostable {
  readonly name: string
  /** As sessions of it are run. */
  readonly def: Definition
  /** As its user gave it. */
  readonly plain: Definition
  readonly state: ResolvedState | undefined
}

/** Throws `VELO_CONFIG`. */
export function hostable(name: string, fn: unknown, often: Often, journal: Journal, field: string): Hostable {
  const plain = definitions.get(fn)
  if (plain === undefined) throw configError(`${field}.${name}`, 'a stream function', fn)
  const { given, gates, options } = plain
  const stages = durable(journal)[DURABILITY].stages(given, options)
  const state = options.state as StateOptions<unknown> | undefined
  const every = state?.every ?? { events: often.every, ms: often.ms }
  return {
    name,
    plain,
    // How many run here, the capacity of the process says; how long they wait for events, whoever sends.
    def: new Definition(stages, { ...options, name, idleTimeout: 0, maxConcurrent: LONGEST, queue: 0 }, gates, given),
    state: state === undefined ? undefined : resolveState({ ...state, every }),
  }
}
