// js/durable/embedded: the journal in a folder of this machine, behind the binding. Knows nothing of streams that are open, only of what is kept of them.
//
// The commands of a turn on their way to Rust: one buffer that grows, little-endian. What follows what is said in crates/velo-journal/src/wire.rs.

import { endianness } from 'node:os'

/** What is kept of the buffer between turns. */
const USUAL = 256 * 1024
/** The order of bytes of this machine. */
export const IS_LITTLE = endianness() === 'LE'

/** A buffer that commands are written into. */
export class Submission {
  /** Bytes written. */
  size = 0
  #bytes = Buffer.allocUnsafeSlow(4096)
  #begun = 0

  /** Begins a command. */
  begin(id: number, what: number): void {
    this.#begun = this.size
    this.#room(9)
    this.size += 4
    this.word(id)
    this.byte(what)
  }

  /** Ends the command begun last. */
  end(): void {
    this.#bytes.writeUInt32LE(this.size - this.#begun - 4, this.#begun)
  }

  /** Takes the command begun last back. */
  undo(): void {
    this.size = this.#begun
  }

  byte(value: number): void {
    this.#room(1)
    this.#bytes[this.size++] = value
  }

  word(value: number): void {
    this.#room(4)
    this.size = this.#bytes.writeUInt32LE(value, this.size)
  }

  number(value: number): void {
    this.#room(8)
    this.size = this.#bytes.writeDoubleLE(value, this.size)
  }

  raw(bytes: Uint8Array): void {
    this.#room(bytes.length)
    this.#bytes.set(bytes, this.size)
    this.size += bytes.length
  }

  blob(bytes: Uint8Array): void {
    this.word(bytes.length)
    this.raw(bytes)
  }

  /** Words, behind their length in bytes. */
  words(values: Uint32Array): void {
    this.word(values.byteLength)
    if (IS_LITTLE) return this.raw(new Uint8Array(values.buffer, values.byteOffset, values.byteLength))
    for (const value of values) this.word(value)
  }

  /** Text of one byte a character, without its length. */
  latin(text: string): void {
    this.#room(text.length)
    this.size += this.#bytes.write(text, this.size, 'latin1')
  }

  text(text: string): void {
    this.#room(4 + text.length * 3)
    const length = this.#bytes.write(text, this.size + 4, 'utf8')
    this.#bytes.writeUInt32LE(length, this.size)
    this.size += 4 + length
  }

  /** The memory, of which `size` bytes are written. */
  get memory(): Uint8Array {
    return this.#bytes
  }

  /** Empty again. */
  clear(): void {
    this.size = 0
    if (this.#bytes.length > USUAL) this.#bytes = Buffer.allocUnsafeSlow(USUAL)
  }

  #room(more: number): void {
    const least = this.size + more
    if (least <= this.#bytes.length) return
    const grown = Buffer.allocUnsafeSlow(Math.max(least, this.#bytes.length * 2))
    this.#bytes.copy(grown, 0, 0, this.size)
    this.#bytes = grown
  }
}
