// The bytes of a batch while it is gathered: memory that grows, is given out by `cut`, and is given back where it is large. Writes the frames of
// values that need no thought; batch-writer.ts decides which value becomes which frame.

import * as frames from '../bytes/frames.js'
import { HEAD, writeInteger } from '../bytes/frames.js'

/** A writer starts with so many bytes, and keeps at most `KEPT` between batches. Powers of two, as every size is. */
const FIRST = 256
const KEPT = 65_536
/** After so many batches in a row that needed less than a quarter of its memory it takes less: the first value of a turn goes alone, and full batches follow. */
const SMALL = 8
/** Up to here a loop copies faster than a method of the array. */
const FEW_BYTES = 48
const FEW_CHARACTERS = 24

const none = Buffer.alloc(0) as frames.Bytes
const noView = new DataView(none.buffer, 0, 0)

export class BatchMemory {
  /** Bytes at the start that belong to the caller's header. */
  protected readonly reserve: number
  protected memory = none
  /** The same bytes, for numbers. */
  protected view = noView
  /** Where the next frame goes. */
  protected at: number
  // Bytes to start the next batch with, where the last ones were given back.
  #size = FIRST
  #small = 0

  constructor(reserve: number) {
    this.reserve = this.at = reserve
  }

  /** The memory that holds what was written, in its first `size` bytes, until something is written again; starts anew. */
  protected cut(): Uint8Array {
    if (this.memory.length < this.at) this.grow(this.at)
    const batch = this.memory
    const { length } = batch
    const used = this.at
    this.#small = used < length >> 2 ? this.#small + 1 : 0
    // One big batch must not cost a stream its size for good.
    if (length > KEPT || (length > FIRST && this.#small >= SMALL)) {
      this.memory = none
      this.view = noView
      this.#small = 0
      for (this.#size = FIRST; this.#size < used; ) this.#size *= 2
    }
    this.at = this.reserve
    return batch
  }

  /** Where the next frame goes, with room for `size` bytes. */
  protected room(size: number): number {
    const end = this.at + size
    if (end > this.memory.length) this.grow(end)
    return this.at
  }

  protected grow(end: number): void {
    let length = Math.max(this.#size, 2 * this.memory.length)
    while (length < end) length *= 2
    const memory = (length < 4096 ? Buffer.allocUnsafe(length) : Buffer.allocUnsafeSlow(length)) as frames.Bytes
    if (this.at > this.reserve) memory.set(this.memory.subarray(0, this.at))
    this.memory = memory
    this.view = new DataView(memory.buffer, memory.byteOffset, length)
  }

  /** Completes a frame whose `length` bytes of content are in their place, and makes it part of the batch. */
  protected close(kind: number, at: number, length: number): void {
    this.memory[at] = kind
    writeInteger(this.memory, at + 1, length)
    this.at = at + HEAD + length
  }

  protected writeNumber(value: number): void {
    const at = this.at
    if (at + 9 > this.memory.length) this.grow(at + 9)
    this.memory[at] = frames.NUMBER
    this.view.setFloat64(at + 1, value, true)
    this.at = at + 9
  }

  protected writeConstant(kind: number): void {
    const at = this.room(1)
    this.memory[at] = kind
    this.at = at + 1
  }

  protected writeString(value: string): void {
    const { length } = value
    const at = this.room(HEAD + 3 * length)
    const { memory } = this
    const start = at + HEAD
    if (length <= FEW_CHARACTERS) {
      let index = 0
      for (; index < length; index++) {
        const character = value.charCodeAt(index)
        if (character > 127) break
        memory[start + index] = character
      }
      if (index === length) return this.close(frames.ASCII, at, length)
    }
    if ((value as unknown as { isWellFormed(): boolean }).isWellFormed()) {
      this.close(frames.UTF8, at, memory.utf8Write(value, start, 3 * length))
    } else {
      this.close(frames.UTF16, at, memory.ucs2Write(value, start, 2 * length))
    }
  }

  protected writeContent(kind: number, content: Uint8Array): void {
    const { length } = content
    const at = this.room(HEAD + length)
    this.copy(content, at + HEAD, 0, length)
    this.close(kind, at, length)
  }

  /** Copies bytes `start` to `end` of `from`, for which there is room. */
  protected copy(from: Uint8Array, to: number, start: number, end: number): void {
    const { memory } = this
    const length = end - start
    if (length > FEW_BYTES) memory.set(length === from.length ? from : from.subarray(start, end), to)
    else for (let index = 0; index < length; index++) memory[to + index] = from[start + index]
  }
}
