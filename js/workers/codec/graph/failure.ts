// Whatever was thrown, or returned at the end, as a string, which every codec of ours carries, and back. None of these functions throws.

import { isError } from '../values/error-class.js'
import { describe } from '../values/refusal.js'
import { writeFailure, writeGraph } from './graph.js'
import { readGraph } from './graph-reader.js'

/** Anything thrown as something that travels. An error comes with whatever can travel of what hangs on it. */
export function packFailure(error: unknown): unknown {
  for (const attempt of [() => write(error), () => writeFailure(inPlaceOf(error))]) {
    try {
      return attempt().toString('base64')
    } catch {
      // The next attempt asks for less.
    }
  }
  return ''
}

/** What was thrown, from what `packFailure` made of it. */
export function unpackFailure(packed: unknown): unknown {
  try {
    return readGraph(Buffer.from(packed as string, 'base64'), [])
  } catch (cause) {
    return new Error('something was thrown that cannot travel to another thread', { cause })
  }
}

/** What a function returned; `undefined` where that cannot travel. */
export function packReturned(value: unknown): string | undefined {
  if (value === undefined) return undefined
  try {
    const { bytes, buffers } = writeGraph(value)
    return buffers.length === 0 ? bytes.toString('base64') : undefined
  } catch {
    return undefined
  }
}

export function unpackReturned(packed: string | undefined): unknown {
  if (packed === undefined) return undefined
  try {
    return readGraph(Buffer.from(packed, 'base64'), [])
  } catch {
    return undefined
  }
}

function write(error: unknown): Buffer {
  return typeof error === 'object' && error !== null && isError(error) ? writeFailure(error) : writeGraph(error).bytes
}

/** For what cannot travel: an error that says what it was. */
function inPlaceOf(thrown: unknown): Error {
  let message = describe(thrown)
  try {
    if (typeof thrown === 'object' && thrown !== null && isError(thrown)) message = `${thrown.name}: ${thrown.message}`
  } catch {
    // Not even that can be read.
  }
  return new Error(`something was thrown that cannot travel to another thread: ${message}`)
}
