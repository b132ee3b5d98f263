// How what is kept stands in the server, and what its scripts answer, in words of the journal.

import type { Checkpoint, EventRecord, Kept, Outcome, Ownership, StreamKey } from '../../durable/journal.js'

/** Before the bytes of an event: whether the input ended there, and when it was accepted. */
const HEAD = 9
/** Before an array, and before each string in it: what it is, and how long. */
const PART = 5

export function writeEvent({ at, end, bytes }: EventRecord): Buffer {
  const record = Buffer.allocUnsafe(HEAD + bytes.byteLength)
  record[0] = end ? 1 : 0
  record.writeDoubleBE(at, 1)
  record.set(bytes, HEAD)
  return record
}

export function readEvent(record: Buffer): EventRecord {
  return { at: record.readDoubleBE(1), end: record[0] === 1, bytes: record.subarray(HEAD) }
}

/** Many in one: an array of strings in MessagePack, which scripts of the server read, and news carry on. */
export function writeRecords(records: readonly Uint8Array[]): Buffer {
  let size = PART
  for (const { byteLength } of records) size += PART + byteLength
  const bytes = Buffer.allocUnsafe(size)
  bytes[0] = 0xdd
  bytes.writeUInt32BE(records.length, 1)
  let at = PART
  for (const record of records) {
    bytes[at] = 0xdb
    bytes.writeUInt32BE(record.byteLength, at + 1)
    bytes.set(record, at + PART)
    at += PART + record.byteLength
  }
  return bytes
}

/** From `from` on; none where nothing is there. */
export function readRecords(bytes: Buffer, from: number): Buffer[] {
  const records: Buffer[] = []
  for (let at = from + PART; at < bytes.length; ) {
    const size = bytes.readUInt32BE(at + 1)
    records.push(bytes.subarray(at + PART, at + PART + size))
    at += PART + size
  }
  return records
}

export function writeHashes(values: Uint32Array): Buffer {
  const bytes = Buffer.allocUnsafe(4 * values.length)
  for (let at = 0; at < values.length; at++) bytes.writeUInt32LE(values[at] as number, 4 * at)
  return bytes
}

export function readHashes(bytes: Buffer): Uint32Array {
  return Uint32Array.from({ length: bytes.length >> 2 }, (_, at) => bytes.readUInt32LE(4 * at))
}

/** What OPEN answers behind its word. */
export type Opened = [number, Buffer, Buffer, Buffer, (Buffer | null)[], Buffer, Buffer, Buffer[], Buffer[] | Record<string, Buffer>]

export function readKept([isNew, epoch, at, seed, fields, state, hashes, outputs, outcomes]: Opened, key: StreamKey, token: string): Kept {
  const number = (field: number): number => Number(fields[field] ?? 0)
  const own: Ownership = { key: { function: key.function, id: key.id }, epoch: Number(epoch), token }
  const isOver = number(9) !== 0
  return {
    own,
    isNew: isNew === 1,
    at: Number(at),
    seed: Number(seed),
    first: number(0),
    events: number(1),
    delivered: number(2),
    hashes: { from: number(3), values: readHashes(hashes) },
    outcomes: readOutcomes(outcomes),
    state: fields[5] === null || isOver ? undefined : readState(number, bytesOf(state)),
    outputs: { from: number(4), values: outputs },
    over: isOver ? state : undefined,
  }
}

/** From its version on, as `m` lists its fields. */
function readState(number: (field: number) => number, bytes: Uint8Array): Checkpoint {
  return { version: number(5), events: number(6), results: number(7), asked: number(8), bytes }
}

/** As journals give them. */
function bytesOf({ buffer, byteOffset, length }: Buffer): Uint8Array {
  return new Uint8Array(buffer, byteOffset, length)
}

/** In the order in which they were kept: the number before each. */
function readOutcomes(fields: Buffer[] | Record<string, Buffer>): Outcome[] {
  const flat = Array.isArray(fields) ? fields : Object.entries(fields).flatMap(([asked, bytes]) => [Buffer.from(asked), bytes])
  const read: { order: number; outcome: Outcome }[] = []
  for (let at = 0; at < flat.length; at += 2) {
    const bytes = flat[at + 1] as Buffer
    const colon = bytes.indexOf(58)
    const order = Number(bytes.toString('latin1', 0, colon))
    read.push({ order, outcome: { asked: Number(flat[at]), bytes: bytes.subarray(colon + 1) } })
  }
  return read.sort((a, b) => a.order - b.order).map(({ outcome }) => outcome)
}
