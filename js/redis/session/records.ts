// How what is kept stands in the server, and what its scripts answer, in words of the journal.

import type { EventRecord, Kept, Outcome, Ownership, StreamKey } from '../../durable/journal.js'

/** Before the bytes of an event: whether the input ended there, and when it was accepted. */
const HEAD = 9

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
  const [f, i, d, hf, of, sv, se, sr, sa, ov] = fields.map((field) => Number(field ?? 0)) as [
    number,
    number,
    number,
    number,
    number,
    number,
    number,
    number,
    number,
    number,
  ]
  const own: Ownership = { key: { function: key.function, id: key.id }, epoch: Number(epoch), token }
  const hasState = fields[5] !== null && ov === 0
  return {
    own,
    isNew: isNew === 1,
    at: Number(at),
    seed: Number(seed),
    first: f,
    events: i,
    delivered: d,
    hashes: { from: hf, values: readHashes(hashes) },
    outcomes: readOutcomes(outcomes),
    state: hasState ? { version: sv, events: se, results: sr, asked: sa, bytes: bytesOf(state) } : undefined,
    outputs: { from: of, values: outputs },
    over: ov === 0 ? undefined : state,
  }
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
