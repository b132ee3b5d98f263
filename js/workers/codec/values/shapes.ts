// Plain data as MessagePack with shared shapes: an object with keys seen before travels as the number of its shape and its values.
//
// Owns the shapes of this isolate, which all its writers share, and the tables in which readers keep those of other isolates. A writer tells its
// reader of shapes it has not told yet (`SHAPES` frames), so batches of different streams may be read in any order. Loads msgpackr, when first used.

import { required } from '../../../kit/start/late.js'
import { thread } from '../../../kit/start/thread.js'
import { isText } from './plain.js'

/** Shapes of an isolate at most; objects beyond travel with their keys. Bounds what a new stream has to tell: some 10 KB at worst. */
const MAX_SHAPES = 256
/** An object with more keys is a dictionary. */
const MAX_KEYS = 128
/** A shape gets its number when it is seen for this time, so that dictionaries, whose keys differ, do not fill the table. */
const SIGHTINGS = 4
/** Keys of refused shapes after which the packer's index of keys, in which they stay, is made anew. */
const MAX_REFUSED = 10_000
const MAX_CANDIDATES = 512
const MAX_SCRATCH = 65_536
/** REUSE_BUFFER_MODE and RESET_BUFFER_MODE of msgpackr: it answers with its own buffer, which it may overwrite at the next call. */
const IN_PLACE = 512 | 1024

interface Structures extends Array<string[]> {
  sharedLength?: number
  transitions?: object | null
}

/** What `pack` answers: MessagePack from `start` to `end`, valid until the next call. */
export interface Packed extends Buffer {
  start: number
  end: number
}

interface Packr {
  structures: Structures
  pack(value: unknown, mode: number): Packed
  useBuffer(buffer: Buffer): void
}

interface Unpackr {
  unpack(bytes: Uint8Array, options: { start: number; end: number }): unknown
}

interface Msgpackr {
  Packr: new (options: object) => Packr
  Unpackr: new (options: object) => Unpackr
}

let loaded: Msgpackr | undefined

function msgpackr(): Msgpackr {
  if (loaded !== undefined) return loaded
  // Its optional native part makes small values slower to read (145 against 93 ns) and would be one more library in threads that get killed.
  const name = 'MSGPACKR_NATIVE_ACCELERATION_DISABLED'
  const before = process.env[name]
  process.env[name] = 'true'
  try {
    return (loaded = required('msgpackr') as Msgpackr)
  } finally {
    if (before === undefined) delete process.env[name]
    else process.env[name] = before
  }
}

/** Who this isolate is, in `SHAPES` frames. */
export const sender = thread()

let packr: Packr | undefined
let structures: Structures = []
let scratch: Packed | undefined
let refused = 0
const sightings = new Map<string, number>()
/** The keys of every shape as a line of JSON, and where each line ends. */
let text: Buffer = Buffer.alloc(0)
const ends: number[] = [0]

/** Packs a plain value. Throws where the value cannot be told exactly. */
export function pack(value: object): Packed {
  if (packr === undefined) {
    packr = new (msgpackr().Packr)({
      structures,
      maxSharedStructures: MAX_SHAPES + 1,
      maxOwnStructures: 0,
      useToJSON: false,
      shouldShareStructure,
    })
    structures = packr.structures
  } else if (scratch !== undefined && scratch.length > MAX_SCRATCH) {
    packr.useBuffer(Buffer.allocUnsafeSlow(8192))
  }
  if (refused > MAX_REFUSED) {
    structures.transitions = null
    refused = 0
  }
  scratch = packr.pack(value, IN_PLACE)
  if (structures.length >= ends.length) describe()
  return scratch
}

/** How many shapes there are. They are numbered from 0 and never change. */
export function shapeCount(): number {
  return ends.length - 1
}

/** The keys of shapes `from` and later, for a `SHAPES` frame. */
export function shapeText(from: number): Buffer {
  return text.subarray(ends[from])
}

/** A loop copies up to so many bytes faster than a call. */
const FEW_BYTES = 96
const page = Buffer.allocUnsafeSlow(8192)
const range = { start: 0, end: 0 }
let alone: { packr: Packr; unpackr: Unpackr } | undefined

function aloneOf(): { packr: Packr; unpackr: Unpackr } {
  const { Packr, Unpackr } = msgpackr()
  // Every object with its keys: whoever reads it knows nothing.
  const options = { useRecords: false, mapsAsObjects: true, useToJSON: false }
  return (alone ??= { packr: new Packr(options), unpackr: new Unpackr(options) })
}

/** A plain value that can be read without any shapes told, behind a byte of the caller's, in memory that `room` gives. */
export function packAlone(value: unknown, first: number, room: (size: number) => Uint8Array): Uint8Array {
  const { packr } = aloneOf()
  const packed = packr.pack(value, IN_PLACE)
  const { start, end } = packed
  const bytes = room(end - start + 1)
  bytes[0] = first
  if (end - start > FEW_BYTES) bytes.set(packed.subarray(start, end), 1)
  else for (let from = start, to = 1; from < end; from++, to++) bytes[to] = packed[from] as number
  if (packed.length > MAX_SCRATCH) packr.useBuffer(Buffer.allocUnsafeSlow(8192))
  return bytes
}

/** What `packAlone` wrote behind the caller's bytes. */
export function unpackAlone(bytes: Uint8Array, before: number): unknown {
  const { unpackr } = aloneOf()
  const end = bytes.byteLength
  if (end > page.length) return unpackr.unpack(bytes, { start: before, end })
  // In a page that is used again: of each buffer that it reads the unpacker makes a view first.
  page.set(bytes)
  range.start = before
  range.end = end
  return unpackr.unpack(page, range)
}

/** Called by the packer for an object whose shape has no number. Throws on keys that MessagePack cannot carry. */
function shouldShareStructure(keys: string[]): boolean {
  for (let index = 0; index < keys.length; index++) if (!isText(keys[index])) throw new TypeError('a key is no text')
  if (structures.length < MAX_SHAPES && keys.length <= MAX_KEYS) {
    if (sightings.size >= MAX_CANDIDATES) sightings.clear()
    const name = keys.join()
    const times = (sightings.get(name) ?? 0) + 1
    if (times >= SIGHTINGS) return sightings.delete(name)
    sightings.set(name, times)
  }
  refused += keys.length
  return false
}

function describe(): void {
  for (let index = ends.length - 1; index < structures.length; index++) {
    text = Buffer.concat([text, Buffer.from(`${JSON.stringify(structures[index])}\n`)])
    ends.push(text.length)
  }
}

/** The shapes of one sending isolate, as far as any reader here was told of them. */
export class ShapeTable {
  readonly #shapes: Array<string[] & { isShared?: boolean; highByte?: number }> & { sharedLength?: number } = []
  readonly #unpackr: Unpackr = new (msgpackr().Unpackr)({ structures: this.#shapes, mapsAsObjects: true })

  /** Takes in the keys of shapes `from` up to `to`, which a `SHAPES` frame told; those it knows already are passed over. */
  learn(from: number, to: number, bytes: Buffer, start: number, end: number): void {
    const shapes = this.#shapes
    if (to <= shapes.length) return
    const lines = bytes.toString('utf8', start, end).split('\n')
    for (let index = shapes.length; index < to; index++) {
      // As the unpacker itself marks the shapes it loads: numbers from 32 on take a second byte.
      shapes.push(
        Object.assign(JSON.parse(lines[index - from]) as string[], { isShared: true, ...(index >= 32 && { highByte: (index - 32) >> 5 }) }),
      )
    }
    shapes.sharedLength = shapes.length
  }

  /** `range` says where in `bytes` the MessagePack lies. Nothing in the result refers to `bytes`. */
  unpack(bytes: Uint8Array, range: { start: number; end: number }): unknown {
    return this.#unpackr.unpack(bytes, range)
  }
}

// Held by the readers only: the table of an isolate that has gone goes with the last of its streams.
const tables = new Map<number, WeakRef<ShapeTable>>()

/** The table of an isolate. Whoever keeps it may rely on what its writer told: a writer tells everything to each reader. */
export function shapesOf(from: number): ShapeTable {
  const known = tables.get(from)?.deref()
  if (known !== undefined) return known
  for (const [id, table] of tables) if (table.deref() === undefined) tables.delete(id)
  const table = new ShapeTable()
  tables.set(from, new WeakRef(table))
  return table
}
