// Values that are plain data but for what holds it: an error, a Map, a Set. What is inside travels as an array in MessagePack, several times as fast as V8's
// serializer, which needs an object of its own for each value. Whatever holds anything else is left to that (graph.ts). batch-reader.ts reads what this unwraps.

import { types } from 'node:util'
import * as frames from '../bytes/frames.js'
import { emptyError, fillError, ownKeys, partsOf } from './error-parts.js'

/** What is inside: not known yet to be plain. */
export interface Unwrapped {
  readonly kind: number
  readonly content: unknown[]
}

/** `undefined` where a value has no such wrapping, or where more hangs on it. Throws what a getter of it throws. */
export function unwrapped(value: object, prototype: unknown): Unwrapped | undefined {
  if (prototype === Map.prototype) return { kind: frames.MAP, content: entriesOf(value as Map<unknown, unknown>) }
  if (prototype === Set.prototype) return { kind: frames.SET, content: [...(value as Set<unknown>)] }
  // Nothing that only passes for one: V8 refuses it.
  return types.isNativeError(value) ? unwrappedError(value) : undefined
}

/** The value again. */
export function wrapped(kind: number, content: unknown[]): unknown {
  if (kind === frames.SET) return new Set(content)
  if (kind === frames.ERROR) return errorOf(content)
  const map = new Map()
  for (let index = 0; index < content.length; index += 2) map.set(content[index], content[index + 1])
  return map
}

function entriesOf(map: Map<unknown, unknown>): unknown[] {
  const entries: unknown[] = []
  for (const [key, value] of map) entries.push(key, value)
  return entries
}

function unwrappedError(error: Error): Unwrapped | undefined {
  if (Object.hasOwn(error, 'cause') || error instanceof AggregateError) return undefined
  const { base, name, message, stack } = partsOf(error)
  const content: unknown[] = [base, name, message, stack]
  for (const key of ownKeys(error)) content.push(key, (error as unknown as Record<string, unknown>)[key])
  return { kind: frames.ERROR, content }
}

function errorOf(content: unknown[]): Error {
  const [base, name, message, stack] = content as [string, string, string, string | undefined]
  const error = emptyError({ base, name, message })
  const own: Record<string, unknown> = {}
  for (let index = 4; index < content.length; index += 2) own[content[index] as string] = content[index + 1]
  fillError(error, { base, name, message, own, ...(stack === undefined ? {} : { stack }) })
  return error
}
