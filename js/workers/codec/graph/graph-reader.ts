// Reads what graph.ts writes. The two change together.

import { Deserializer } from 'node:v8'
import type { Beside } from '../bytes/frames.js'
import { type ErrorParts, emptyError, fillError } from '../values/error-parts.js'
import { ERROR, OVER_SHARED, OWN_BYTES, SHARED, TRACKING, views } from './graph.js'

type ViewClass = new (buffer: Beside, offset: number, length?: number) => ArrayBufferView

const classes = views.map((name) => (globalThis as unknown as Record<string, ViewClass | undefined>)[name])

class GraphReader extends Deserializer {
  readonly errors: Error[] = []
  readonly #buffers: readonly Beside[]

  constructor(bytes: Uint8Array, buffers: readonly Beside[]) {
    super(bytes)
    this.#buffers = buffers
  }

  _readHostObject(): unknown {
    const kind = this.readUint32()
    if (kind === ERROR) {
      const index = this.readUint32()
      const [base, name, message] = [this.readValue(), this.readValue(), this.readValue()]
      return (this.errors[index] = emptyError({ base, name, message }))
    }
    if (kind === SHARED) return this.#buffers[this.readUint32()]
    const Class = classes[kind]
    if (Class === undefined) throw new TypeError(`${views[kind] ?? kind} does not exist here`)
    const way = this.readUint32()
    // The raw bytes are a view of the batch, whose memory is used again.
    if (way === OWN_BYTES) return viewOf(Class, Uint8Array.from(this.readRawBytes(this.readUint32())).buffer, 0)
    const offset = this.readDouble()
    const length = way & TRACKING ? undefined : this.readDouble()
    const buffer: Beside = way & OVER_SHARED ? this.#buffers[this.readUint32()] : this.readValue()
    return viewOf(Class, buffer, offset, length)
  }
}

/** A view of a whole buffer, by the number of its kind. */
export function viewOfAll(kind: number, buffer: Beside): ArrayBufferView {
  const Class = classes[kind]
  if (Class === undefined) throw new TypeError(`${views[kind] ?? kind} does not exist here`)
  return new Class(buffer, 0)
}

/** Without `length` up to the end of the buffer, wherever that is. */
function viewOf(Class: ViewClass, buffer: Beside, offset: number, length?: number): ArrayBufferView {
  if (length === undefined) return new Class(buffer, offset)
  const size = (Class as unknown as { BYTES_PER_ELEMENT?: number }).BYTES_PER_ELEMENT ?? 1
  return new Class(buffer, offset, length / size)
}

/** Reads a value; `buffers` are those that traveled beside it. Nothing in the result refers to `bytes`. */
export function readGraph(bytes: Uint8Array, buffers: readonly Beside[]): unknown {
  const reader = new GraphReader(bytes, buffers)
  reader.readHeader()
  for (const [index, buffer] of buffers.entries()) if (buffer instanceof ArrayBuffer) reader.transferArrayBuffer(index, buffer)
  const value = reader.readValue()
  const parts: ErrorParts[] = []
  const count = reader.readUint32()
  for (let index = 0; index < count; index++) parts.push(reader.readValue())
  for (let index = 0; index < count; index++) fillError(reader.errors[index], parts[index])
  return value
}
