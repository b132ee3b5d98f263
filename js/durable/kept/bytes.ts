// js/durable/kept: what is kept of a stream, in memory and as bytes that lie in messages. Knows nothing of where those are.
//
// Bytes that follow each other.

export class Writer {
  readonly #chunks: Uint8Array[] = []
  #length = 0

  get length(): number {
    return this.#length
  }

  raw(bytes: Uint8Array): this {
    this.#chunks.push(bytes)
    this.#length += bytes.byteLength
    return this
  }

  number(value: number): this {
    const bytes = Buffer.allocUnsafe(8)
    bytes.writeDoubleLE(value)
    return this.raw(bytes)
  }

  word(value: number): this {
    const bytes = Buffer.allocUnsafe(4)
    bytes.writeUInt32LE(value)
    return this.raw(bytes)
  }

  blob(bytes: Uint8Array): this {
    return this.word(bytes.byteLength).raw(bytes)
  }

  bytes(): Buffer {
    return Buffer.concat(this.#chunks, this.#length)
  }
}

export class Reader {
  readonly #bytes: Buffer
  #at = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }

  raw(length: number): Uint8Array {
    const { buffer, byteOffset } = this.#bytes
    const bytes = new Uint8Array(buffer, byteOffset + this.#at, length)
    this.#at += length
    return bytes
  }

  number(): number {
    const value = this.#bytes.readDoubleLE(this.#at)
    this.#at += 8
    return value
  }

  word(): number {
    const value = this.#bytes.readUInt32LE(this.#at)
    this.#at += 4
    return value
  }

  blob(): Uint8Array {
    return this.raw(this.word())
  }
}
