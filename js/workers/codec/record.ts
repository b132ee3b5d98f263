// A value by itself, for a journal: bytes that need nothing told before, and that a later version of Node.js reads too. A kind byte, then the content.
// Not here: batches of values (batch-writer.ts), whose lanes tell a reader of shapes as they go.

import { VeloError } from '../../kit/errors.js'
import type { Codec } from '../../kit/types.js'
import { alone } from './bytes/slab.js'
import { packFailure, unpackFailure } from './graph/failure.js'
import { travels, writeGraph } from './graph/graph.js'
import { readGraph } from './graph/graph-reader.js'
import { encodedBy, jsonOf } from './values/encoding.js'
import { forget, isPlain } from './values/plain.js'
import { refusal } from './values/refusal.js'
import { packAlone, unpackAlone } from './values/shapes.js'
import { TooDeep } from './values/survey.js'

type Room = (size: number) => Uint8Array

const BYTES = 1
const MESSAGE_PACK = 2
const V8 = 3
const JSON_TEXT = 4
const CUSTOM = 5

/** What may stand at the top of a MessagePack record: whatever it gives back as it was. */
function isSimple(value: unknown): boolean {
  switch (typeof value) {
    case 'number':
      return value !== 0 || 1 / value > 0
    case 'boolean':
    case 'undefined':
      return true
    case 'object':
      return value === null || isPlainObject(value)
    default:
      return false
  }
}

function isPlainObject(value: object): boolean {
  try {
    return isPlain(value)
  } catch {
    return false // a getter that throws: the other lane says so
  } finally {
    forget()
  }
}

/** The bytes of a value, in memory that `room` gives: one of slab.ts. Throws VeloError `VELO_CODEC` with `field` naming the part at fault. */
export function encodeRecord(value: unknown, codec: Codec, room: Room = alone): Uint8Array {
  if (codec === 'json') return framed(JSON_TEXT, Buffer.from(jsonOf(value)), room)
  if (typeof codec === 'object') return framed(CUSTOM, encodedBy(codec, value), room)
  if (value instanceof Uint8Array && value.byteLength > 0 && value.buffer instanceof ArrayBuffer) return framed(BYTES, value, room)
  if (isSimple(value) || (typeof value === 'string' && (value as unknown as { isWellFormed(): boolean }).isWellFormed())) {
    return packAlone(value, MESSAGE_PACK, room)
  }
  return framed(V8, graphOf(value), room)
}

/** The value of the bytes from index `from` on again. Throws VeloError `VELO_CODEC`. */
export function decodeRecord(record: Uint8Array, codec: Codec, from = 0): unknown {
  const kind = record[from]
  try {
    if (kind === MESSAGE_PACK) return unpackAlone(record, from + 1)
    // Whose memory is looked at here has a buffer already, or is about to be copied.
    const content = Buffer.from(record.buffer, record.byteOffset + from + 1, record.byteLength - from - 1)
    switch (kind) {
      case BYTES:
        return new Uint8Array(content)
      case V8:
        return readGraph(content, [])
      case JSON_TEXT:
        return JSON.parse(content.toString())
      case CUSTOM:
        if (typeof codec === 'object') return codec.decode(new Uint8Array(content))
    }
  } catch (cause) {
    throw new VeloError('VELO_CODEC', `a record cannot be read from its bytes (kind ${kind})`, { cause })
  }
  throw new VeloError('VELO_CODEC', `a record is of kind ${kind}, which the option codec of the stream function does not read`)
}

/** Whatever was thrown, as text; never throws. */
export const encodeThrown = (error: unknown): string => packFailure(error) as string

export const decodeThrown = (text: string): unknown => unpackFailure(text)

function framed(kind: number, content: Uint8Array, room: Room): Uint8Array {
  const record = room(1 + content.byteLength)
  record[0] = kind
  record.set(content, 1)
  return record
}

function graphOf(value: unknown): Buffer {
  try {
    const { bytes, buffers } = writeGraph(value)
    if (buffers.length === 0) return bytes
  } catch (cause) {
    if (cause instanceof TooDeep)
      throw new VeloError('VELO_CODEC', `value: ${cause.message}, which cannot be kept`, { field: 'value', cause })
    throw refusal(value, (part) => !travels(part), cause, 'cannot be kept in a journal')
  }
  throw new VeloError('VELO_CODEC', 'value: shared memory in it cannot be kept in a journal', { field: 'value' })
}
