// Plain data in MessagePack, with what its reader must know of its shapes, and what little more than plain data is: errors, Maps and Sets that hold nothing else, views of a
// whole small buffer, integers of 64 bits. Nothing is written where a value is none of these; batch-writer.ts decides what becomes of it then.

import * as frames from '../bytes/frames.js'
import { HEAD, SHAPES_HEAD, writeInteger } from '../bytes/frames.js'
import { wholeView } from '../graph/graph.js'
import { forget, isPlain } from '../values/plain.js'
import { pack, sender, shapeCount, shapeText } from '../values/shapes.js'
import { unwrapped } from '../values/wrapped.js'
import { FlatMemory } from './flat-memory.js'

/** Binaries of so many bytes are copied into a buffer of their own and travel beside the batch; below, one copy into the batch is cheaper. */
export const TRANSFERRED_FROM = 65_536

const none = Buffer.alloc(0)

export class PlainMemory extends FlatMemory {
  // Shapes of this isolate that the reader knows of; -1: not even whose they are.
  #told = -1

  /** False where the value is not plain; then nothing was added. */
  protected writePlain(value: object, kind: number): boolean {
    try {
      if (!isPlain(value)) return false
      const packed = pack(value)
      const { start, end } = packed
      const size = end - start
      const known = shapeCount()
      const text = this.#told < known ? shapeText(Math.max(0, this.#told)) : none
      this.room(size + HEAD + SHAPES_HEAD + text.length)
      if (this.#told < known) this.#tell(text, known)
      this.copy(packed, this.at + HEAD, start, end)
      this.close(kind, this.at, size)
      return true
    } catch {
      // Too deep, a getter that throws, a key that is no text: the other lane says what is wrong, if anything is.
      return false
    } finally {
      forget()
    }
  }

  /** The same for a view of all of a small buffer, and for plain data in an error, a Map or a Set. */
  protected writeWrapped(value: object, prototype: unknown, views: boolean): boolean {
    if (ArrayBuffer.isView(value)) return views && value.byteLength < TRANSFERRED_FROM && this.#writeView(value, wholeView(value))
    try {
      const held = unwrapped(value, prototype)
      return held !== undefined && this.writePlain(held.content, held.kind)
    } catch {
      return false // a getter that throws
    }
  }

  #writeView(value: ArrayBufferView, kind: number): boolean {
    if (kind < 0) return false
    const { buffer, byteLength } = value
    const at = this.room(HEAD + 1 + byteLength)
    this.memory[at + HEAD] = kind
    this.copy(new Uint8Array(buffer), at + HEAD + 1, 0, byteLength)
    this.close(frames.VIEW, at, 1 + byteLength)
    return true
  }

  protected writeBigInt(value: bigint): void {
    const at = this.room(HEAD + 8)
    this.view.setBigInt64(at + HEAD, value, true)
    this.close(frames.BIGINT, at, 8)
  }

  /** Tells the reader of the shapes it does not know yet. The room is there. */
  #tell(text: Buffer, known: number): void {
    const bytes = this.memory
    const at = this.at
    bytes[at] = frames.SHAPES
    writeInteger(bytes, at + 1, sender)
    writeInteger(bytes, at + 5, Math.max(0, this.#told))
    writeInteger(bytes, at + 9, known)
    writeInteger(bytes, at + 13, text.length)
    bytes.set(text, at + SHAPES_HEAD)
    this.#told = known
    this.tells = true
    this.at = at + SHAPES_HEAD + text.length
  }
}
