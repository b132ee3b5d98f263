// Errors inside a value on their way to another thread: structured clone knows neither their class, code and own properties nor, on every version
// of Node.js, their cause. A copy of the value holds a carrier in the place of each error; the parts of the errors follow the value.

import { types } from 'node:util'
import { baseOf, isDomException, isError, nameOf, shellOf } from './error-class.js'
import { describe } from './refusal.js'

const { isAnyArrayBuffer, isSharedArrayBuffer, isBoxedPrimitive, isDate, isRegExp } = types

/** What is told of one error. Fields are left out where the error has none. */
export interface ErrorParts {
  base: string
  name: string
  message: string
  stack?: string
  cause?: unknown
  errors?: unknown
  own: Record<string, unknown>
}

/** What stands for the errors and the shared memory of one value: empty views, because these are what V8 asks us to write. */
export class Carriers {
  readonly parts: ErrorParts[] = []
  readonly #held = new Map<object, number | SharedArrayBuffer>()

  /** What a carrier stands for: an error by the number of its parts, or shared memory. */
  held(object: object): number | SharedArrayBuffer | undefined {
    return this.#held.get(object)
  }

  /** A carrier for an error whose parts will be `parts`, or for shared memory. */
  add(held: ErrorParts | SharedArrayBuffer): object {
    const carrier = new Uint8Array(0)
    this.#held.set(carrier, isSharedArrayBuffer(held) ? held : this.parts.push(held) - 1)
    return carrier
  }
}

/**
 * A copy of a value, which must be one that V8 clones, in which carriers stand for errors and shared memory. `isCloneable` judges what hangs on errors, which V8
 * does not look at: what it refuses is an error, or, where the copy is `lenient`, is left out (in a chain of causes: described).
 */
export function copyWithCarriers(
  value: unknown,
  isCloneable: (value: unknown) => boolean,
  lenient: boolean,
): { copy: unknown; carriers: Carriers } {
  const carriers = new Carriers()
  const copies = new Map<object, object>()

  function copy(from: unknown): unknown {
    if (typeof from !== 'object' || from === null) return from
    const known = copies.get(from)
    if (known !== undefined) return known
    if (isSharedArrayBuffer(from)) {
      const carrier = carriers.add(from)
      copies.set(from, carrier)
      return carrier
    }
    if (isLeaf(from)) return from
    if (isError(from)) return copyError(from)
    const to = Array.isArray(from) ? new Array(from.length) : from instanceof Map ? new Map() : from instanceof Set ? new Set() : {}
    copies.set(from, to)
    if (from instanceof Map) for (const [key, held] of from) (to as Map<unknown, unknown>).set(copy(key), copy(held))
    else if (from instanceof Set) for (const held of from) (to as Set<unknown>).add(copy(held))
    else for (const key of Object.keys(from)) define(to, key, copy((from as Record<string, unknown>)[key]))
    return to
  }

  function copyError(error: Error): object {
    const parts = partsOf(error)
    const carrier = carriers.add(parts)
    copies.set(error, carrier)
    // A chain is followed whatever hangs on its links.
    const follow = (link: unknown) =>
      isObject(link) && isError(link) ? copy(link) : judge(link) ? copy(link) : copy(new Error(describe(link)))
    if (Object.hasOwn(error, 'cause')) parts.cause = follow(error.cause)
    const { errors } = error as AggregateError
    if (error instanceof AggregateError && Array.isArray(errors)) parts.errors = errors.map(follow)
    for (const key of ownKeys(error)) {
      const held = readOwn(error, key)
      if (isObject(held) && isError(held)) define(parts.own, key, copy(held))
      else if (judge(held)) define(parts.own, key, copy(held))
    }
    return carrier
  }

  function judge(held: unknown): boolean {
    if (isCloneable(held)) return true
    if (lenient) return false
    throw new TypeError(`${describe(held)} could not be cloned.`)
  }

  function readOwn(error: Error, key: string): unknown {
    try {
      return (error as unknown as Record<string, unknown>)[key]
    } catch (thrown) {
      if (lenient) return undefined
      throw thrown
    }
  }

  return { copy: copy(value), carriers }
}

/** Keys of what an error has beside its parts: its own enumerable properties, and a code that its class gives it. */
export function ownKeys(error: Error): string[] {
  const keys = Object.keys(error).filter((key) => key !== 'cause' && key !== 'message' && key !== 'stack')
  const isCoded = 'code' in error && !isDomException(error)
  return isCoded && !keys.includes('code') ? ['code', ...keys] : keys
}

/** What is told of an error, but for its cause, its errors and its own properties. */
export function partsOf(error: Error): ErrorParts {
  const base = baseOf(error)
  const { message, stack } = error
  const parts: ErrorParts = { base, name: nameOf(error, base), message: typeof message === 'string' ? message : '', own: {} }
  if (typeof stack === 'string') parts.stack = stack
  return parts
}

/** Objects that V8 writes by what they are, not by their properties. */
function isLeaf(object: object): boolean {
  return ArrayBuffer.isView(object) || isAnyArrayBuffer(object) || isDate(object) || isRegExp(object) || isBoxedPrimitive(object)
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null
}

/** The error that a reference names, still empty: it may be named again, by itself, before its parts are read. */
export function emptyError(parts: Pick<ErrorParts, 'base' | 'name' | 'message'>): Error {
  return shellOf(parts.base, parts.name, parts.message)
}

/** Gives an empty error its parts. */
export function fillError(error: Error, parts: ErrorParts): void {
  hide(error, 'stack', parts.stack ?? `${parts.name}: ${parts.message}`)
  if (!isDomException(error)) {
    hide(error, 'message', parts.message)
    if (error.name !== parts.name) hide(error, 'name', parts.name)
  }
  if ('cause' in parts) hide(error, 'cause', parts.cause)
  if ('errors' in parts) hide(error, 'errors', parts.errors)
  for (const key of Object.keys(parts.own)) define(error, key, parts.own[key])
}

function hide(error: Error, key: string, value: unknown): void {
  Object.defineProperty(error, key, { value, writable: true, configurable: true, enumerable: false })
}

function define(object: object, key: string, value: unknown): void {
  if (key === '__proto__') Object.defineProperty(object, key, { value, writable: true, configurable: true, enumerable: true })
  else (object as Record<string, unknown>)[key] = value
}
