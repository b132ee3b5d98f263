// Looks a value over before V8 writes it: what in it travels beside the batch, and what V8 writes but nobody can read. Walks as V8 does, so that it meets
// everything at the same depth.

import { types } from 'node:util'
import { isShared } from '../bytes/shared-buffers.js'
import { isError } from './error-class.js'
import { MAX_DEPTH } from './plain.js'

/** What a value holds that needs care: array buffers and shared ones, each once, and whether there are errors. */
export interface Survey {
  /** True for a buffer that is in the value itself, or under a view of all its bytes: the value owns it. */
  readonly buffers: Map<ArrayBuffer, boolean>
  readonly shared: Set<SharedArrayBuffer>
  errors: boolean
  /** Shared memory itself, not only views of it. */
  bare: boolean
}

/** A value of more than `MAX_DEPTH` levels. */
export class TooDeep extends Error {}

/** Throws TooDeep, TypeError for what cannot be read elsewhere, and whatever a getter of the value throws. */
export function survey(value: unknown): Survey {
  const found: Survey = { buffers: new Map(), shared: new Set(), errors: false, bare: false }
  const seen = new Set<unknown>()
  const left: unknown[] = [value]
  const depths = [1]
  while (left.length > 0) {
    const next = left.pop()
    const depth = depths.pop() as number
    if (!isObject(next) || seen.has(next)) continue
    seen.add(next)
    if (depth > MAX_DEPTH) throw new TooDeep(`nested more than ${MAX_DEPTH} levels deep`)
    if (ArrayBuffer.isView(next)) {
      if (!isShared(next)) keep(found, next.buffer, next.byteLength === next.buffer.byteLength)
      continue
    }
    if (types.isAnyArrayBuffer(next)) {
      keep(found, next, true)
      found.bare ||= types.isSharedArrayBuffer(next)
    }
    const from = left.length
    if (next instanceof Map) for (const [key, held] of next) left.push(key, held)
    else if (next instanceof Set) for (const held of next) left.push(held)
    else if (isError(next)) {
      found.errors = true
      left.push(next.cause, (next as AggregateError).errors)
    } else if (isModule(next)) throw new TypeError('a WebAssembly.Module could not be cloned.')
    for (const key of Object.keys(next)) {
      const held = (next as Record<string, unknown>)[key]
      if (isObject(held)) left.push(held) // whatever else there is has nothing to look at, and there may be a million of it
    }
    while (depths.length < left.length) depths.push(depth + 1)
    turn(left, from) // the first is popped first
  }
  return found
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null
}

function keep(found: Survey, buffer: ArrayBufferLike, isWhole: boolean): void {
  if (buffer instanceof ArrayBuffer) found.buffers.set(buffer, isWhole || found.buffers.get(buffer) === true)
  else if (types.isSharedArrayBuffer(buffer)) found.shared.add(buffer)
}

function turn(list: unknown[], from: number): void {
  for (let low = from, high = list.length - 1; low < high; low++, high--) [list[low], list[high]] = [list[high], list[low]]
}

/** Not by its class alone, which each realm has its own of. */
function isModule(object: object): boolean {
  return Object.prototype.toString.call(object) === '[object WebAssembly.Module]'
}
