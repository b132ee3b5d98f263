// The bytes of an outcome of `ctx.run` in a journal: a head of fixed size, name and key, then the record of the value or the text of what was thrown. Earlier versions wrote an object, as
// encodeRecord does.

import { decodeRecord } from '../../workers/codec/late-record.js'
import type { Position } from './delivery-queue.js'

/** Where an outcome belongs among everything that the function receives. */
export interface RecordedPosition extends Position {
  /** Number among the outcomes of its stage. */
  readonly order: number
  /** Events before the saved state that `events` and `pulls` are counted from; -1 if neither is known. */
  readonly base: number
}

export interface OutcomeRecord extends RecordedPosition {
  readonly name: string
  /** How often that name, with that key, was called before. */
  readonly turn: number
  readonly key: string | undefined
  /** The value, as the codec of the stream function wrote it. */
  readonly value: Uint8Array | undefined
  readonly thrown: string | undefined
}

/** First byte; records of encodeRecord begin with 1 to 5. */
const KIND = 64
const HAS_KEY = 1
const IS_THROWN = 2
/** Kind, flags, five numbers, two lengths. */
const HEAD = 2 + 5 * 8 + 2 * 4

export function writeOutcome({ name, turn, key, value, thrown, order, base, events, pulls }: OutcomeRecord): Buffer {
  const payload = thrown === undefined ? (value as Uint8Array) : Buffer.from(thrown)
  const [nameLength, keyLength] = [Buffer.byteLength(name), Buffer.byteLength(key ?? '')]
  const bytes = Buffer.allocUnsafeSlow(HEAD + nameLength + keyLength + payload.byteLength)
  bytes[0] = KIND
  bytes[1] = (key === undefined ? 0 : HAS_KEY) | (thrown === undefined ? 0 : IS_THROWN)
  let at = 2
  for (const number of [turn, order, base, events, pulls]) at = bytes.writeDoubleLE(number, at)
  at = bytes.writeUInt32LE(nameLength, at)
  at = bytes.writeUInt32LE(keyLength, at)
  at += bytes.write(name, at)
  at += bytes.write(key ?? '', at)
  bytes.set(payload, at)
  return bytes
}

/** Throws `VELO_CODEC` for bytes that are no outcome. */
export function readOutcome(record: Uint8Array): OutcomeRecord {
  if (record[0] !== KIND) return readEarlier(record)
  const bytes = Buffer.from(record.buffer, record.byteOffset, record.byteLength)
  const number = (index: number): number => bytes.readDoubleLE(2 + 8 * index)
  const key = HEAD + bytes.readUInt32LE(HEAD - 8)
  const payload = key + bytes.readUInt32LE(HEAD - 4)
  const flags = bytes[1] as number
  const isThrown = (flags & IS_THROWN) !== 0
  return {
    name: bytes.toString('utf8', HEAD, key),
    turn: number(0),
    key: (flags & HAS_KEY) === 0 ? undefined : bytes.toString('utf8', key, payload),
    value: isThrown ? undefined : new Uint8Array(record.buffer, record.byteOffset + payload, record.byteLength - payload),
    thrown: isThrown ? bytes.toString('utf8', payload) : undefined,
    order: number(1),
    base: number(2),
    events: number(3),
    pulls: number(4),
  }
}

function readEarlier(record: Uint8Array): OutcomeRecord {
  const { name, turn, value, thrown } = decodeRecord(record, 'structured') as OutcomeRecord
  return { name, turn, key: undefined, value, thrown, order: -1, base: -1, events: 0, pulls: 0 }
}
