// js/workers/codec/batch: the order of values in a batch, both ways. Knows nothing of where a batch goes.
//
// The sending end of one direction of one stream: values to bytes, each exactly once, gathered in a batch.
// Owns the choice of the lane for each value, and the bytes until they are taken. frames.ts says how they are laid out.

import { types } from 'node:util'
import { VeloError } from '../../../kit/errors.js'
import type { Codec } from '../../../kit/types.js'
import * as frames from '../bytes/frames.js'
import { HEAD, writeInteger } from '../bytes/frames.js'
import { copyOf, isResizable, isTransferable } from '../bytes/shared-buffers.js'
import { travels, writeGraph } from '../graph/graph.js'
import { encodedBy, jsonOf } from '../values/encoding.js'
import { isInt64 } from '../values/plain.js'
import { refusal } from '../values/refusal.js'
import { TooDeep } from '../values/survey.js'
import { PlainMemory, TRANSFERRED_FROM } from './plain-memory.js'

const noFrames: readonly Uint8Array[] = []
/** How many writers of this isolate are at work on a value whose getters, or a codec of the user, may come back here. */
let atWork = 0
const bufferPrototype = Buffer.prototype
const bytesPrototype = Uint8Array.prototype

export class BatchWriter extends PlainMemory {
  /** Values since the last take. */
  count = 0
  readonly #codec: Codec
  // 'json' or the user's functions.
  readonly #custom: Exclude<Codec, 'structured' | 'binary'> | undefined
  readonly #binary: boolean
  readonly #transfer: boolean
  readonly #transfers: frames.TransferSender | undefined
  // Bytes that travel beside the batch.
  #transferredBytes = 0
  // A value is being written.
  #busy = false
  // Frames of values that came while one was written, which go after it.
  #within = noFrames
  // Its values go by lanes that hold nothing from one value to the next.
  #careful = false

  constructor(codec: Codec, options: { reserve: number; transfer: boolean; transfers: frames.TransferSender | undefined }) {
    super(options.reserve)
    this.#codec = codec
    this.#custom = codec === 'structured' || codec === 'binary' ? undefined : codec
    this.#binary = codec === 'binary'
    this.#transfer = options.transfer
    this.#transfers = options.transfers
  }

  /** Bytes of the batch itself since the last take. */
  get inline(): number {
    return this.at - this.reserve
  }

  /** Bytes since the last take, large binaries included. */
  get bytes(): number {
    return this.at - this.reserve + this.#transferredBytes
  }

  /** Takes a value. Throws VeloError `VELO_CODEC` with `field` naming the part at fault; then nothing was added and nothing detached. */
  add(value: unknown): void {
    if (atWork > 0) return this.#addWithin(value)
    if (this.#custom === undefined && typeof value === 'number') this.writeNumber(value)
    else this.#work(value)
    this.count += 1
  }

  #work(value: unknown): void {
    this.#busy = true
    atWork++
    try {
      const custom = this.#custom
      if (custom === undefined) this.#addStructured(value)
      else if (custom === 'json') this.#addJson(value)
      else this.writeContent(frames.CUSTOM, encodedBy(custom, value))
    } finally {
      this.#busy = false
      atWork--
      if (this.#within.length > 0) this.#addFrames()
    }
  }

  /** A getter of a value that is being written sends another one: that has a writer of its own, so that it disturbs nobody's bytes. */
  #addWithin(value: unknown): void {
    const side = new BatchWriter(this.#codec, { reserve: 0, transfer: this.#transfer, transfers: this.#transfers })
    side.#careful = true
    side.#work(value)
    this.#transferredBytes += side.#transferredBytes
    const { size } = side
    this.#within = [...this.#within, side.cut().slice(0, size)]
    if (!this.#busy) this.#addFrames()
  }

  #addFrames(): void {
    const added = this.#within
    this.#within = noFrames
    for (const bytes of added) {
      const at = this.room(bytes.length)
      this.memory.set(bytes, at)
      this.at = at + bytes.length
      this.count += 1
    }
  }

  /** Bytes of the batch itself, the `reserve` included: what `take` would give. */
  get size(): number {
    return this.at
  }

  /** The memory of the batch, valid until the next `add`; its first `size` bytes are `reserve` free ones, then the frames. What travels beside it is on its way. */
  take(): Uint8Array {
    this.#transfers?.flush()
    this.#transferredBytes = 0
    this.count = 0
    this.tells = false
    return this.cut()
  }

  #addStructured(value: unknown): void {
    switch (typeof value) {
      case 'string':
        return this.writeString(value)
      case 'boolean':
        return this.writeConstant(value ? frames.TRUE : frames.FALSE)
      case 'undefined':
        return this.writeConstant(frames.UNDEFINED)
      case 'object':
        return value === null ? this.writeConstant(frames.NULL) : this.#addObject(value)
      case 'bigint':
        return isInt64(value) ? this.writeBigInt(value) : this.#addGraph(value)
      default:
        this.#addGraph(value)
    }
  }

  #addObject(value: object): void {
    const prototype = Object.getPrototypeOf(value)
    if (prototype === bytesPrototype || prototype === bufferPrototype) {
      // An empty one may be detached, which the other lane finds out.
      if ((value as Uint8Array).length > 0) return this.#addBytes(value as Uint8Array)
    } else if (this.#binary && value instanceof ArrayBuffer && value.byteLength > 0) {
      return this.#addBytes(new Uint8Array(value))
    } else if (
      !this.#careful &&
      (this.#addFlat(value, prototype) || this.writePlain(value, frames.PLAIN) || this.writeWrapped(value, prototype, !this.#transfer))
    ) {
      return
    }
    this.#addGraph(value)
  }

  #addBytes(value: Uint8Array): void {
    const { buffer, byteLength } = value
    const isOurs = buffer instanceof ArrayBuffer // of this realm, that is, which is found out faster than whether it is shared
    // Raw bytes are copies whatever they are views of.
    if (!this.#binary && (isResizable(buffer) || (!isOurs && types.isSharedArrayBuffer(buffer)))) return this.#addGraph(value)
    const transfers = this.#transfers
    if (transfers !== undefined && isOurs) {
      // The bytes of a view of a part only are copied: the rest of the buffer belongs to others.
      if (this.#transfer && byteLength === buffer.byteLength && isTransferable(buffer))
        return this.#addTransferred(transfers, buffer, false)
      if (byteLength >= TRANSFERRED_FROM) return this.#addTransferred(transfers, bytesOf(value), true)
    }
    this.writeContent(frames.BYTES, value)
  }

  #addTransferred(transfers: frames.TransferSender, buffer: ArrayBuffer, own: boolean): void {
    const at = this.room(HEAD)
    const bytes = this.memory
    const size = buffer.byteLength
    writeInteger(bytes, at + 1, this.#send(transfers, [buffer], own))
    bytes[at] = frames.TRANSFERRED
    this.#transferredBytes += size
    this.at = at + HEAD
  }

  /** False where the value is not flat; then nothing was added. */
  #addFlat(value: object, prototype: unknown): boolean {
    try {
      return this.writeFlat(value, prototype)
    } catch {
      return false // a getter that throws: the other lanes say so
    }
  }

  #addGraph(value: unknown): void {
    const transfers = this.#transfers
    const handOver = transfers === undefined ? undefined : this.#transfer ? moved : copiedIfLarge
    let graph: ReturnType<typeof writeGraph>
    try {
      graph = writeGraph(value, handOver)
    } catch (cause) {
      if (cause instanceof TooDeep)
        throw new VeloError('VELO_CODEC', `value: ${cause.message}, which cannot travel to another thread`, { field: 'value', cause })
      throw refusal(value, (part) => !travels(part), cause)
    }
    const { bytes: content, buffers } = graph
    const head = 4 + 4 * buffers.length
    const at = this.room(HEAD + head + content.length)
    const bytes = this.memory
    const size = buffers.reduce((sum, buffer) => sum + (buffer instanceof ArrayBuffer ? buffer.byteLength : 0), 0)
    const first = buffers.length === 0 ? 0 : this.#send(transfers, buffers, !this.#transfer)
    this.#transferredBytes += size
    writeInteger(bytes, at + HEAD, buffers.length)
    for (let index = 0; index < buffers.length; index++) writeInteger(bytes, at + HEAD + 4 + 4 * index, first + index)
    bytes.set(content, at + HEAD + head)
    this.close(frames.GRAPH, at, head + content.length)
  }

  #addJson(value: unknown): void {
    const text = jsonOf(value)
    const at = this.room(HEAD + 3 * text.length)
    this.close(frames.JSON_TEXT, at, this.memory.utf8Write(text, at + HEAD, 3 * text.length))
  }

  #send(transfers: frames.TransferSender | undefined, buffers: readonly frames.Beside[], own: boolean): number {
    if (transfers === undefined)
      throw new VeloError('VELO_CODEC', 'value: a shared buffer in it has no way to the other side', { field: 'value' })
    try {
      return transfers.send(buffers, own)
    } catch (cause) {
      throw new VeloError('VELO_CODEC', 'value: a buffer in it cannot be transferred', { field: 'value', cause })
    }
  }
}

const moved = (buffer: ArrayBuffer, isOwned: boolean) => (isOwned && isTransferable(buffer) ? buffer : copiedIfLarge(buffer))
const copiedIfLarge = (buffer: ArrayBuffer) => (buffer.byteLength >= TRANSFERRED_FROM || isResizable(buffer) ? copyOf(buffer) : undefined)

function bytesOf(view: Uint8Array): ArrayBuffer {
  return (view.buffer as ArrayBuffer).slice(view.byteOffset, view.byteOffset + view.byteLength)
}
