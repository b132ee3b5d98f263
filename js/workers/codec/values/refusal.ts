// The refusal of a value: a VELO_CODEC whose message and `field` name the path of the part that keeps it from traveling. Only asked after something has failed.

import { VeloError } from '../../../kit/errors.js'

/** What a value is, in a few words. Never throws. */
export function describe(value: unknown): string {
  try {
    if (typeof value === 'function') return value.name === '' ? 'a function' : `a function (${value.name})`
    if (typeof value === 'symbol' || typeof value === 'bigint') return `a ${typeof value}`
    if (typeof value !== 'object' || value === null) return String(value)
    const name = value.constructor?.name
    return typeof name === 'string' && name !== '' && name !== 'Object' ? `an object of class ${name}` : 'an object'
  } catch {
    return 'an object'
  }
}

/** Steps of a path at most: each costs a test of all that lies below it. */
const MAX_STEPS = 100

/** The error for a value that was refused. `refuses` says whether a part of it, taken alone, would be refused too. */
export function refusal(
  value: unknown,
  refuses: (part: unknown) => boolean,
  cause: unknown,
  why = 'cannot travel to another thread',
): VeloError {
  let field = 'value'
  let part = value
  const passed = new Set<unknown>()
  try {
    for (let found: Part | undefined = [field, part]; found !== undefined && passed.size < MAX_STEPS; ) {
      ;[field, part] = found
      passed.add(part)
      found = undefined
      for (const [step, child] of partsOf(part)) {
        if (passed.has(child) || !refuses(child)) continue
        found = [field + step, child]
        break
      }
    }
  } catch {
    // A getter threw: what was found so far is the best there is.
  }
  return new VeloError('VELO_CODEC', `${field}: ${describe(part)} ${why}`, { field, cause })
}

/** The same for a value that JSON.stringify refuses. It leaves functions and symbols inside an object out; only a part that makes it throw is at fault. */
export function jsonRefusal(value: unknown, cause: unknown): VeloError {
  const refuses = (part: unknown) => {
    try {
      JSON.stringify(part)
      return false
    } catch {
      return true
    }
  }
  return refusal(value, refuses, cause, 'cannot be written as JSON')
}

type Part = [path: string, value: unknown]

function* partsOf(value: unknown): Generator<Part> {
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return
  if (value instanceof Map) {
    for (const [key, held] of value) {
      yield [`.get(${typeof key === 'string' ? JSON.stringify(key) : describe(key)})`, held]
      yield ['.keys()', key]
    }
  }
  if (value instanceof Set) for (const held of value) yield ['.values()', held]
  if (value instanceof Error) {
    yield ['.cause', value.cause]
    yield ['.errors', (value as AggregateError).errors]
  }
  const isList = Array.isArray(value)
  for (const key of Object.keys(value)) yield [step(key, isList), (value as Record<string, unknown>)[key]]
}

function step(key: string, isList: boolean): string {
  if (isList && /^\d+$/.test(key)) return `[${key}]`
  return /^[A-Za-z_$][\w$]*$/.test(key) ? `.${key}` : `[${JSON.stringify(key)}]`
}
