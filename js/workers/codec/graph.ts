// The lane for every value that is not plain: V8's own serializer, which is structured clone, and beyond it
// - views of binary data, so that pooled Buffers travel without their neighbors and Buffers come out as Uint8Array,
// - errors with their class, cause, code and own properties (error-parts.ts),
// - array buffers that travel beside the batch.
//
// Host objects of V8's format: a kind (an index into `views`, or ERROR), then what graph-reader.ts reads. The two change together.

import { Serializer } from 'node:v8'
import { isError } from './error-class.js'
import { copyWithErrors, type ErrorCarriers } from './error-parts.js'
import { isShared } from './shared-buffers.js'

/** Kinds of views by the name of their class, in the order of their numbers on the wire. */
export const views = [
  'Int8Array',
  'Uint8Array',
  'Uint8ClampedArray',
  'Int16Array',
  'Uint16Array',
  'Int32Array',
  'Uint32Array',
  'Float32Array',
  'Float64Array',
  'BigInt64Array',
  'BigUint64Array',
  'DataView',
  'Float16Array',
]
/** Kind of a host object: a reference to an error; the errors themselves follow the value. */
export const ERROR = 100
/** How the bytes of a view travel. */
export const OWN_BYTES = 0
export const WITH_BUFFER = 1

/** A value in V8's format, and the buffers that belong beside it, in the order of their numbers there. */
export interface Graph {
  bytes: Buffer
  buffers: ArrayBuffer[]
}

interface HostSerializer {
  _setTreatArrayBufferViewsAsHostObjects(flag: boolean): void
}

const kindOf = Object.getOwnPropertyDescriptor(Object.getPrototypeOf(Uint8Array.prototype), Symbol.toStringTag)?.get as () =>
  | string
  | undefined

class GraphWriter extends Serializer {
  readonly #errors: ErrorCarriers | undefined

  constructor(errors: ErrorCarriers | undefined) {
    super()
    this.#errors = errors
    ;(this as unknown as HostSerializer)._setTreatArrayBufferViewsAsHostObjects(true)
  }

  _getDataCloneError(message: string): Error {
    return new TypeError(message)
  }

  _writeHostObject(object: object): void {
    if (!ArrayBuffer.isView(object)) throw new TypeError(`${Object.prototype.toString.call(object)} could not be cloned.`)
    const carried = this.#errors?.indexOf(object)
    if (carried !== undefined) {
      const { base, name, message } = (this.#errors as ErrorCarriers).parts[carried]
      this.writeUint32(ERROR)
      this.writeUint32(carried)
      this.writeValue(base)
      this.writeValue(name)
      this.writeValue(message)
      return
    }
    this.writeUint32(views.indexOf(kindOf.call(object) ?? 'DataView'))
    if (isShared(object) || !(object.buffer instanceof ArrayBuffer)) {
      this.writeUint32(OWN_BYTES)
      this.writeUint32(object.byteLength)
      this.writeRawBytes(object as Uint8Array)
    } else {
      this.writeUint32(WITH_BUFFER)
      this.writeDouble(object.byteOffset)
      this.writeDouble(object.byteLength)
      this.writeValue(object.buffer)
    }
  }
}

/** What a value holds that needs care: array buffers, each once, and whether there are errors. */
interface Survey {
  buffers: Set<ArrayBuffer>
  errors: boolean
}

function survey(value: unknown): Survey {
  const found: Survey = { buffers: new Set(), errors: false }
  const seen = new Set<unknown>()
  const left: unknown[] = [value]
  while (left.length > 0) {
    const next = left.pop()
    if (typeof next !== 'object' || next === null || seen.has(next)) continue
    seen.add(next)
    if (ArrayBuffer.isView(next)) {
      if (next.buffer instanceof ArrayBuffer && !isShared(next)) found.buffers.add(next.buffer)
      continue
    }
    if (next instanceof ArrayBuffer) found.buffers.add(next)
    else if (next instanceof Map) for (const [key, held] of next) left.push(key, held)
    else if (next instanceof Set) for (const held of next) left.push(held)
    else if (isError(next)) {
      found.errors = true
      left.push(next.cause, (next as AggregateError).errors)
    }
    for (const key of Object.keys(next)) left.push((next as Record<string, unknown>)[key])
  }
  return found
}

/**
 * Writes a value. Buffers for which `handOver` answers with a buffer (the same one or a copy) are left out and returned for sending; nothing has been
 * detached yet. Throws on what cannot travel.
 */
export function writeGraph(value: unknown, handOver?: (buffer: ArrayBuffer) => ArrayBuffer | undefined): Graph {
  const found = survey(value)
  const moved: ArrayBuffer[] = []
  const buffers: ArrayBuffer[] = []
  if (handOver !== undefined) {
    for (const buffer of found.buffers) {
      const handed = isDetached(buffer) ? undefined : handOver(buffer)
      if (handed === undefined) continue
      moved.push(buffer)
      buffers.push(handed)
    }
  }
  // V8 is the judge of what can be cloned, also where a copy with carriers for the errors is what travels.
  const bytes = write(value, moved)
  return { bytes: found.errors ? writeWithErrors(value, moved, false) : bytes, buffers }
}

/** Whether a value can travel at all. */
export function travels(value: unknown): boolean {
  try {
    writeGraph(value)
    return true
  } catch {
    return false
  }
}

/** Writes an error whatever hangs on it: what cannot travel is left out or, in the chain of causes, described. */
export function writeFailure(error: Error): Buffer {
  return writeWithErrors(error, [], true)
}

function writeWithErrors(value: unknown, moved: readonly ArrayBuffer[], lenient: boolean): Buffer {
  const { copy, carriers } = copyWithErrors(value, (held) => isCloneable(held, moved), lenient)
  return write(copy, moved, carriers)
}

/** Whether V8 would clone a value. The own properties of errors in it are not looked at. */
function isCloneable(value: unknown, moved: readonly ArrayBuffer[]): boolean {
  try {
    write(value, moved)
    return true
  } catch {
    return false
  }
}

function write(value: unknown, moved: readonly ArrayBuffer[], carriers?: ErrorCarriers): Buffer {
  const writer = new GraphWriter(carriers)
  writer.writeHeader()
  for (let index = 0; index < moved.length; index++) writer.transferArrayBuffer(index, moved[index])
  writer.writeValue(value)
  const parts = carriers?.parts ?? []
  writer.writeUint32(parts.length)
  for (const part of parts) writer.writeValue(part)
  return writer.releaseBuffer()
}

/** Such a buffer is not passed over: left to V8, it is refused. */
function isDetached(buffer: ArrayBuffer): boolean {
  if (buffer.byteLength > 0) return false
  try {
    new Uint8Array(buffer)
    return false
  } catch {
    return true
  }
}
