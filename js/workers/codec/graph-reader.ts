// Reads what graph.ts writes. The two change together.

import { Deserializer } from 'node:v8'
import { type ErrorParts, emptyError, fillError } from './error-parts.js'
import { ERROR, OWN_BYTES, views } from './graph.js'

type ViewClass = new (buffer: ArrayBuffer, offset: number, length: number) => ArrayBufferView

const classes = views.map((name) => (globalThis as unknown as Record<string, ViewClass | undefined>)[name])

class GraphReader extends Deserializer {
  readonly errors: Error[] = []

  _readHostObject(): unknown {
    const kind = this.readUint32()
    if (kind === ERROR) {
      const index = this.readUint32()
      const [base, name, message] = [this.readValue(), this.readValue(), this.readValue()]
      return (this.errors[index] = emptyError({ base, name, message }))
    }
    const Class = classes[kind]
    if (Class === undefined) throw new TypeError(`${views[kind] ?? kind} does not exist here`)
    const isOwn = this.readUint32() === OWN_BYTES
    const offset = isOwn ? 0 : this.readDouble()
    const length = isOwn ? this.readUint32() : this.readDouble()
    // The raw bytes are a view of the batch, whose memory is used again.
    const buffer: ArrayBuffer = isOwn ? Uint8Array.from(this.readRawBytes(length)).buffer : this.readValue()
    const size = (Class as unknown as { BYTES_PER_ELEMENT?: number }).BYTES_PER_ELEMENT ?? 1
    return new Class(buffer, offset, length / size)
  }
}

/** Reads a value; `buffers` are those that traveled beside it. Nothing in the result refers to `bytes`. */
export function readGraph(bytes: Uint8Array, buffers: readonly ArrayBuffer[]): unknown {
  const reader = new GraphReader(bytes)
  reader.readHeader()
  for (let index = 0; index < buffers.length; index++) reader.transferArrayBuffer(index, buffers[index])
  const value = reader.readValue()
  const parts: ErrorParts[] = []
  const count = reader.readUint32()
  for (let index = 0; index < count; index++) parts.push(reader.readValue())
  for (let index = 0; index < count; index++) fillError(reader.errors[index], parts[index])
  return value
}
