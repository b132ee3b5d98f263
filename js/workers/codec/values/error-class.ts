// The classes of errors that exist on every thread, so that an error can come back as an instance of its own class.

import { types } from 'node:util'
import { AbortError, ClosedError, OverloadedError, TimeoutError, VeloError } from '../../../kit/errors.js'

type ErrorClass = new (...args: never[]) => Error

const classes: readonly ErrorClass[] = [
  Error,
  EvalError,
  RangeError,
  ReferenceError,
  SyntaxError,
  TypeError,
  URIError,
  AggregateError as unknown as ErrorClass,
  VeloError,
  OverloadedError,
  ClosedError,
  TimeoutError,
  AbortError,
]
const byName = new Map(classes.map((kind) => [kind.name, kind]))
const byPrototype = new Map<object, ErrorClass>(classes.map((kind) => [kind.prototype, kind]))

export function isError(value: object): value is Error {
  return types.isNativeError(value) || value instanceof Error
}

export function isDomException(value: object): value is DOMException {
  return value instanceof DOMException
}

/** Name of the nearest class of an error that exists everywhere. */
export function baseOf(error: Error): string {
  if (isDomException(error)) return 'DOMException'
  for (let prototype = Object.getPrototypeOf(error); prototype !== null; prototype = Object.getPrototypeOf(prototype)) {
    const kind = byPrototype.get(prototype)
    if (kind !== undefined) return kind.name
  }
  // An error of another realm (node:vm) has the classes of that realm.
  return byName.has(error.name) ? error.name : 'Error'
}

/** Name of an error as people read it: its own, or that of its class where the class has not set one. */
export function nameOf(error: Error, base: string): string {
  const { name } = error
  if (typeof name !== 'string') return base
  const own = error.constructor?.name
  return name === byName.get(base)?.prototype.name && typeof own === 'string' && own !== '' && !isDomException(error) ? own : name
}

/** An error of that class, with no stack, code or message of its own yet; a DOMException has its message and name for good. */
export function shellOf(base: string, name: string, message: string): Error {
  if (base === 'DOMException') return new DOMException(message, name)
  const limit = Error.stackTraceLimit
  Error.stackTraceLimit = 0
  try {
    return Reflect.construct(Error, [], byName.get(base) ?? Error) as Error
  } finally {
    Error.stackTraceLimit = limit
  }
}
