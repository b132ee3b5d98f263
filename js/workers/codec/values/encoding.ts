// A value by a codec that is no lane of ours: `'json'`, or functions of the user.

import { VeloError } from '../../../kit/errors.js'
import type { Codec } from '../../../kit/types.js'
import { describe, jsonRefusal } from './refusal.js'

export function jsonOf(value: unknown): string {
  let text: string | undefined
  try {
    text = JSON.stringify(value)
  } catch (cause) {
    throw jsonRefusal(value, cause)
  }
  if (text === undefined) throw jsonRefusal(value, undefined)
  return text
}

export function encodedBy(codec: Exclude<Codec, string>, value: unknown): Uint8Array {
  let bytes: unknown
  try {
    bytes = codec.encode(value)
  } catch (cause) {
    throw new VeloError('VELO_CODEC', `value: codec.encode failed on ${describe(value)}`, { field: 'value', cause })
  }
  if (bytes instanceof Uint8Array) return bytes
  throw new VeloError('VELO_CODEC', `codec.encode: expected a Uint8Array, got ${describe(bytes)}`, { field: 'codec.encode' })
}
