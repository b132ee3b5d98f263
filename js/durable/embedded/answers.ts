// Answers out of their bytes. The other end is crates/velo-journal/src/wire.rs, which must change together with this file and `commands.ts`.

import type { Checkpoint, EventRecord, Kept, Outcome, StreamKey } from '../journal.js'
import { tokenOf } from './commands.js'
import { IS_LITTLE } from './submission.js'

/** Why a step failed, by the numbers of crates/velo-journal/src/failure.rs. */
export const Failure = {
  Fenced: 1,
  Gap: 2,
  Over: 3,
  Gone: 4,
  Full: 5,
  Corrupt: 6,
  InUse: 7,
  Version: 8,
  Io: 9,
  Bad: 10,
  Closed: 11,
} as const

/** Kinds of answers. */
export const Said = { Done: 0, Failed: 1, Kept: 2, Events: 3, Was: 4, Lines: 5, Damage: 6 } as const

/** One stream in a list. */
export interface StreamLine {
  readonly function: string
  readonly id: string
  /** When it was made, Unix ms. */
  readonly at: number
  /** Events that are kept: the index of the first, and of the next one to come. */
  readonly first: number
  readonly events: number
  /** Results delivered. */
  readonly results: number
  /** What is kept of it. */
  readonly bytes: number
  /** When what is retained of its end goes, Unix ms; `undefined`: it has not ended. */
  readonly over: number | undefined
  /** Why it cannot be read. */
  readonly damage: string | undefined
}

/** Fields out of bytes, one after the other. */
export class Fields {
  readonly #bytes: Buffer
  #at = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  }

  get isEmpty(): boolean {
    return this.#at >= this.#bytes.length
  }

  byte(): number {
    return this.#bytes.readUInt8(this.#at++)
  }

  word(): number {
    const value = this.#bytes.readUInt32LE(this.#at)
    this.#at += 4
    return value
  }

  number(): number {
    const value = this.#bytes.readDoubleLE(this.#at)
    this.#at += 8
    return value
  }

  /** A view of so many bytes, or of the rest. */
  take(count = this.#bytes.length - this.#at): Uint8Array {
    const bytes = new Uint8Array(this.#bytes.buffer, this.#bytes.byteOffset + this.#at, count)
    this.#at += count
    return bytes
  }

  blob(): Uint8Array {
    return this.take(this.word())
  }

  text(bytes = this.blob()): string {
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8')
  }

  /** Numbers under these names, in this order. */
  numbers<Name extends string>(...names: readonly Name[]): Record<Name, number> {
    return Object.fromEntries(names.map((name) => [name, this.number()])) as Record<Name, number>
  }

  list<T>(one: () => T): T[] {
    return Array.from({ length: this.word() }, one)
  }
}

export function readKept(fields: Fields, key: StreamKey): Kept & { readonly bytes: number } {
  const number = fields.number()
  const epoch = fields.number()
  const own = { key: { function: key.function, id: key.id }, epoch, token: tokenOf(number, fields.take(16)) }
  const has = fields.byte()
  const counts = fields.numbers('at', 'seed', 'first', 'events', 'delivered', 'bytes')
  const hashes = { from: fields.number(), values: words(fields.blob()) }
  const outcomes = fields.list((): Outcome => ({ asked: fields.number(), bytes: fields.blob() }))
  const outputs = { from: fields.number(), values: fields.list(() => fields.blob()) }
  const state = has & 2 ? readState(fields) : undefined
  const over = has & 4 ? fields.blob() : undefined
  return { own, isNew: (has & 1) === 1, ...counts, hashes, outcomes, state, outputs, over }
}

function readState(fields: Fields): Checkpoint {
  return { ...fields.numbers('version', 'events', 'results', 'asked'), bytes: fields.blob() }
}

export function readEvents(fields: Fields): EventRecord[] {
  const records: EventRecord[] = []
  while (!fields.isEmpty) {
    const at = fields.number()
    const length = fields.word()
    records.push({ at, end: (length & 1) === 1, bytes: fields.take(length >>> 1) })
  }
  return records
}

export function readLines(fields: Fields): StreamLine[] {
  const lines: StreamLine[] = []
  while (!fields.isEmpty) {
    const [name, id] = [fields.text(), fields.text()]
    const { over, ...counts } = fields.numbers('at', 'first', 'events', 'results', 'bytes', 'over')
    const damage = fields.text() || undefined
    lines.push({ function: name, id, ...counts, over: Number.isNaN(over) ? undefined : over, damage })
  }
  return lines
}

export function readTexts(fields: Fields): string[] {
  const texts: string[] = []
  while (!fields.isEmpty) texts.push(fields.text())
  return texts
}

/** Of little-endian bytes that may lie anywhere. */
function words(bytes: Uint8Array): Uint32Array {
  if (IS_LITTLE) return new Uint32Array(bytes.slice().buffer)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  return Uint32Array.from({ length: bytes.length / 4 }, (_, index) => view.getUint32(index * 4, true))
}
