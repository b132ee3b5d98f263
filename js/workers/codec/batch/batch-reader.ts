// The receiving end of one direction of one stream: the bytes of a batch back to values.

import { VeloError } from '../../../kit/errors.js'
import type { Codec } from '../../../kit/types.js'
import * as frames from '../bytes/frames.js'
import { HEAD, readInteger } from '../bytes/frames.js'
import { sharedCopyOf } from '../bytes/shared-buffers.js'
import { readGraph, viewOfAll } from '../graph/graph-reader.js'
import { type ShapeTable, shapesOf } from '../values/shapes.js'
import { wrapped } from '../values/wrapped.js'
import { FlatReader } from './flat-reader.js'

/** Where batches are read from: the same memory thrice, because what a Buffer slices is a view, what a Uint8Array slices a copy, the cheapest there is, and numbers are read best by a DataView. */
export class BatchBytes {
  readonly plain: Uint8Array
  readonly bytes: frames.Bytes
  readonly view: DataView

  constructor(memory: Uint8Array) {
    this.plain = new Uint8Array(memory.buffer, memory.byteOffset, memory.byteLength)
    this.bytes = Buffer.from(memory.buffer, memory.byteOffset, memory.byteLength) as frames.Bytes
    this.view = new DataView(memory.buffer, memory.byteOffset, memory.byteLength)
  }
}

const range = { start: 0, end: 0 }

export class BatchReader {
  readonly #decode: ((bytes: Uint8Array) => unknown) | undefined
  readonly #reserve: number
  /** Byte values of a batch are views of one copy of it. */
  readonly #views: boolean
  readonly #transfers: frames.TransferReceiver | undefined
  // What the writer has told of its shapes.
  #shapes: ShapeTable | undefined
  #flat: FlatReader | undefined

  constructor(codec: Codec, options: { reserve: number; transfers: frames.TransferReceiver | undefined }) {
    this.#decode = typeof codec === 'object' ? (bytes) => codec.decode(bytes) : undefined
    this.#reserve = options.reserve
    this.#views = codec === 'binary'
    this.#transfers = options.transfers
  }

  /**
   * Decodes every value of a batch, which is the first `end` bytes, and appends them to `into`. The memory may be reused afterwards. Throws VeloError
   * `VELO_CODEC`; the values before the one at fault are in `into` then.
   */
  read({ bytes, plain, view }: BatchBytes, end: number, into: unknown[]): void {
    let at = this.#reserve
    let shared: ArrayBuffer | undefined
    while (at < end) {
      const kind = bytes[at]
      if (kind === frames.NUMBER) {
        into.push(view.getFloat64(at + 1, true))
        at += 9
      } else if (kind === frames.BYTES) {
        const start = at + HEAD
        at = start + readInteger(bytes, at + 1)
        if (at > end) throw cut(kind)
        if (this.#views) {
          shared ??= sharedCopyOf(plain, end)
          into.push(new Uint8Array(shared, start, at - start))
        } else into.push(plain.slice(start, at))
      } else if (kind === frames.FLAT) {
        at = (this.#flat as FlatReader).read(bytes, view, at, into)
      } else if (kind === frames.FLAT_KEYS) {
        this.#flat ??= new FlatReader()
        at = this.#flat.learn(bytes, at)
      } else if (kind >= frames.NULL && kind <= frames.FALSE) {
        into.push(kind === frames.NULL ? null : kind === frames.UNDEFINED ? undefined : kind === frames.TRUE)
        at += 1
      } else if (kind === frames.SHAPES) {
        at = this.#learn(bytes, at)
      } else if (kind === frames.TRANSFERRED) {
        into.push(new Uint8Array(this.#receive(readInteger(bytes, at + 1)) as ArrayBuffer))
        at += HEAD
      } else {
        const start = at + HEAD
        at = start + readInteger(bytes, at + 1)
        if (at > end) throw cut(kind)
        into.push(kind === frames.VIEW ? viewOfAll(bytes[start], plain.slice(start + 1, at).buffer) : this.#content(kind, bytes, start, at))
      }
    }
  }

  #content(kind: number, bytes: frames.Bytes, start: number, end: number): unknown {
    try {
      switch (kind) {
        case frames.PLAIN:
          return this.#plain(bytes, start, end)
        case frames.ERROR:
        case frames.MAP:
        case frames.SET:
          return wrapped(kind, this.#plain(bytes, start, end) as unknown[])
        case frames.BIGINT:
          return bytes.readBigInt64LE(start)
        case frames.ASCII:
          return bytes.latin1Slice(start, end)
        case frames.UTF8:
          return bytes.utf8Slice(start, end)
        case frames.UTF16:
          return bytes.ucs2Slice(start, end)
        case frames.GRAPH:
          return this.#graph(bytes, start, end)
        case frames.JSON_TEXT:
          return JSON.parse(bytes.utf8Slice(start, end))
        case frames.CUSTOM:
          return this.#decode?.(new Uint8Array(bytes.subarray(start, end)))
      }
    } catch (cause) {
      throw new VeloError('VELO_CODEC', `a value cannot be read from its bytes (kind ${kind})`, { cause })
    }
    throw new VeloError('VELO_CODEC', `a batch holds a value of unknown kind ${kind}`)
  }

  #plain(bytes: frames.Bytes, start: number, end: number): unknown {
    range.start = start
    range.end = end
    return (this.#shapes as ShapeTable).unpack(bytes, range)
  }

  #graph(bytes: frames.Bytes, start: number, end: number): unknown {
    const buffers: frames.Beside[] = []
    const count = readInteger(bytes, start)
    for (let index = 0; index < count; index++) buffers.push(this.#receive(readInteger(bytes, start + 4 + 4 * index)))
    return readGraph(bytes.subarray(start + 4 + 4 * count, end), buffers)
  }

  #receive(index: number): frames.Beside {
    if (this.#transfers === undefined) throw new VeloError('VELO_CODEC', 'a large binary came without a channel for it')
    return this.#transfers.receive(index)
  }

  #learn(bytes: frames.Bytes, at: number): number {
    const start = at + frames.SHAPES_HEAD
    const end = start + readInteger(bytes, at + 13)
    this.#shapes ??= shapesOf(readInteger(bytes, at + 1))
    this.#shapes.learn(readInteger(bytes, at + 5), readInteger(bytes, at + 9), bytes, start, end)
    return end
  }
}

function cut(kind: number): VeloError {
  return new VeloError('VELO_CODEC', `a batch ends within a value (kind ${kind})`)
}
