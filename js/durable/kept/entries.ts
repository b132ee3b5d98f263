// Messages of the log: what each says of a stream, and the bytes behind it. An entry says what a commit said, or everything, and then those before it are needed no more.

import type { Commit } from '../journal.js'
import { Reader, Writer } from './bytes.js'
import { KeptStream } from './kept-stream.js'

/** What every entry says, so that the last one is enough to know whose the stream is. */
export interface Base {
  /** Function and id. */
  readonly f: string
  readonly i: string
  readonly at: number
  readonly seed: number
  /** Of this life of the id: events of another one are none of its. */
  readonly l: string
  /** Token of the owner. */
  readonly t: string
  /** Steps of the owner: whether one whose answer was lost has come here. */
  readonly n: number
}

export interface Entry extends Base {
  /** It says everything: first, delivered, indexes of hashes and of outputs, asked. */
  readonly z?: readonly [number, number, number, number, number]
  /** Bytes of events that are kept, up to this sequence of events. */
  readonly b: readonly [number, number]
  /** Bytes of the rest, the first event that is kept, results delivered. */
  readonly k: readonly [number, number, number]
  /** Parts behind it: delivered, hashes, outcomes, version and counts of a state, outputs, when the end goes (Unix ms; 0: at once). */
  readonly d?: number
  readonly h?: number
  readonly c?: number
  readonly s?: readonly [number, number, number, number]
  readonly o?: readonly [number, number]
  readonly v?: number
  /** Where the bytes are, when they are not here: sequences. */
  readonly p?: readonly number[]
}

/** What of a commit goes into the head of its entry; when the end goes is said beside it. */
export function headOf({ delivered, hashes, outcomes, state, outputs }: Commit): Partial<Entry> {
  return {
    ...(delivered !== undefined && { d: delivered }),
    ...(hashes !== undefined && { h: hashes.from }),
    ...(outcomes !== undefined && outcomes.length > 0 && { c: outcomes.length }),
    ...(state !== undefined && { s: [state.version, state.events, state.results, state.asked] as const }),
    ...(outputs !== undefined && { o: [outputs.from, outputs.values.length] as const }),
  }
}

export function bodyOf({ hashes, outcomes, state, outputs, over }: Commit): Buffer {
  const writer = new Writer()
  if (hashes !== undefined) {
    writer.word(hashes.values.length)
    for (const hash of hashes.values) writer.word(hash)
  }
  for (const { asked, bytes } of outcomes ?? []) writer.number(asked).blob(bytes)
  if (state !== undefined) writer.blob(state.bytes)
  for (const bytes of outputs?.values ?? []) writer.blob(bytes)
  if (over !== undefined) writer.blob(over.bytes)
  return writer.bytes()
}

/** The commit that an entry says. */
export function commitOf({ d, h, c = 0, s, o, v }: Entry, body: Uint8Array): Commit {
  const reader = new Reader(body)
  const hashes = h === undefined ? undefined : { from: h, values: Uint32Array.from({ length: reader.word() }, () => reader.word()) }
  const outcomes = Array.from({ length: c }, () => ({ asked: reader.number(), bytes: reader.blob() }))
  const state = s && { version: s[0], events: s[1], results: s[2], asked: s[3], bytes: reader.blob() }
  const outputs = o && { from: o[0], values: Array.from({ length: o[1] }, () => reader.blob()) }
  return {
    ...(d !== undefined && { delivered: d }),
    ...(hashes !== undefined && { hashes }),
    ...(c > 0 && { outcomes }),
    ...(state !== undefined && { state }),
    ...(outputs !== undefined && { outputs }),
    ...(v !== undefined && { over: { bytes: reader.blob(), retain: v } }),
  }
}

/** A stream as a commit that says all of it, and the indexes that go with it. */
export function everythingOf(kept: KeptStream): { commit: Commit; z: NonNullable<Entry['z']> } {
  const { hashes, outcomes, state, outputs, over } = kept.told()
  const commit: Commit = {
    ...(hashes.values.length > 0 && { hashes }),
    ...(outcomes.length > 0 && { outcomes }),
    ...(state !== undefined && { state }),
    ...(outputs.values.length > 0 && { outputs }),
    ...(over !== undefined && { over: { bytes: over, retain: 0 } }),
  }
  return { commit, z: [kept.first, kept.delivered, kept.hashesFrom, kept.outputsFrom, kept.asked] }
}

/** A stream of which nothing is kept yet. */
export const NOTHING: NonNullable<Entry['z']> = [0, 0, 0, 0, 0]

/** The stream after an entry. */
export function after(kept: KeptStream, entry: Entry, body: Uint8Array): KeptStream {
  const commit = commitOf(entry, body)
  if (entry.z === undefined) {
    kept.apply(commit)
    return kept
  }
  const [first, delivered, hashesFrom, outputsFrom, asked] = entry.z
  const whole = new KeptStream()
  Object.assign(whole, { first, delivered, hashesFrom, outputsFrom, asked, state: commit.state, over: commit.over?.bytes })
  whole.hashes = [...(commit.hashes?.values ?? [])]
  whole.restore(commit.outcomes ?? [], commit.outputs?.values ?? [])
  return whole
}

/** A head, and the bytes behind it. */
export function seal(head: object, body: Uint8Array): Buffer {
  const text = Buffer.from(JSON.stringify(head))
  return new Writer().blob(text).raw(body).bytes()
}

export function unseal<Head>(data: Buffer): { head: Head; body: Uint8Array } {
  const length = data.readUInt32LE(0)
  return { head: JSON.parse(data.toString('utf8', 4, 4 + length)) as Head, body: data.subarray(4 + length) }
}
