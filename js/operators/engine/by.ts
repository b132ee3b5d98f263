// How operators read a key out of an event: the name of a property, or a function.

import { configError } from '../../kit/check.js'

/** The name of a property of the event, or a function of it. */
export type By<In> = keyof In | ((event: In) => unknown)

/** Reads it. Throws VELO_CONFIG for anything else. */
export function reader<In>(by: By<In>, field: string): (event: In) => unknown {
  if (typeof by === 'function') return by
  if (typeof by === 'string' || typeof by === 'number' || typeof by === 'symbol') return (event) => event[by]
  throw configError(field, 'the name of a property or a function', by)
}
