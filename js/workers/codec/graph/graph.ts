// js/workers/codec/graph: values that only V8's serializer can carry, and failures. Knows nothing of the order of a batch.
//
// The lane for every value that is not plain: V8's own serializer, which is structured clone, and beyond it
// - views of binary data, so that pooled Buffers travel without their neighbors and Buffers come out as Uint8Array,
// - errors with their class, cause, code and own properties (error-parts.ts), and shared memory,
// - array buffers that travel beside the batch, as shared ones and resizable ones always do.
//
// Host objects of V8's format: a kind (an index into `views`, ERROR or SHARED), then what graph-reader.ts reads. The two change together.

import { Serializer } from 'node:v8'
import type { Beside } from '../bytes/frames.js'
import { isResizable, isShared, isTracking } from '../bytes/shared-buffers.js'
import { type Carriers, copyWithCarriers } from '../values/error-parts.js'
import { survey } from '../values/survey.js'

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
/** Kind of a host object: a shared buffer, by its number among those beside the batch. V8 writes them, and cannot read them here. */
export const SHARED = 101
/** How the bytes of a view travel. */
export const OWN_BYTES = 0
const WITH_BUFFER = 1
/** Added where the view is as long as its buffer happens to be. */
export const TRACKING = 2
/** Added where its buffer is shared. */
export const OVER_SHARED = 4

/** A value in V8's format, and the buffers that belong beside it, in the order of their numbers there. */
export interface Graph {
  bytes: Buffer
  buffers: Beside[]
}

/** What V8 leaves out: buffers that travel beside the value, each with its number there. */
interface LeftOut {
  moved: readonly ArrayBuffer[]
  shared: readonly SharedArrayBuffer[]
}

interface HostSerializer {
  _setTreatArrayBufferViewsAsHostObjects(flag: boolean): void
}

const kindOf = Object.getOwnPropertyDescriptor(Object.getPrototypeOf(Uint8Array.prototype), Symbol.toStringTag)?.get as () =>
  | string
  | undefined

/** The number of a view that is as long as its buffer, of bytes that nothing else needs; -1 for any other. */
export function wholeView(view: ArrayBufferView): number {
  const { buffer, byteLength } = view
  const isWhole = byteLength > 0 && byteLength === buffer.byteLength && buffer instanceof ArrayBuffer && !isResizable(buffer)
  return isWhole ? views.indexOf(kindOf.call(view) ?? 'DataView') : -1
}

class GraphWriter extends Serializer {
  readonly #carriers: Carriers | undefined
  readonly #leftOut: LeftOut

  constructor(leftOut: LeftOut, carriers: Carriers | undefined) {
    super()
    this.#carriers = carriers
    this.#leftOut = leftOut
    ;(this as unknown as HostSerializer)._setTreatArrayBufferViewsAsHostObjects(true)
  }

  _getDataCloneError(message: string): Error {
    return new TypeError(message)
  }

  /** Asked where V8 is the judge: what travels holds a carrier in its place. */
  _getSharedArrayBufferId(buffer: SharedArrayBuffer): number {
    const number = this.#numberOf(buffer)
    if (number === undefined) throw new TypeError('#<SharedArrayBuffer> could not be cloned.')
    return number
  }

  _writeHostObject(object: object): void {
    if (!ArrayBuffer.isView(object)) throw new TypeError(`${Object.prototype.toString.call(object)} could not be cloned.`)
    const held = this.#carriers?.held(object)
    if (held === undefined) return this.#writeView(object)
    if (typeof held === 'number') {
      const { base, name, message } = (this.#carriers as Carriers).parts[held]
      this.writeUint32(ERROR)
      this.writeUint32(held)
      this.writeValue(base)
      this.writeValue(name)
      this.writeValue(message)
    } else {
      this.writeUint32(SHARED)
      this.writeUint32(this._getSharedArrayBufferId(held))
    }
  }

  #writeView(view: ArrayBufferView): void {
    this.writeUint32(views.indexOf(kindOf.call(view) ?? 'DataView'))
    const { buffer } = view
    const number = this.#numberOf(buffer)
    if (isShared(view) || (number === undefined && !(buffer instanceof ArrayBuffer))) {
      this.writeUint32(OWN_BYTES)
      this.writeUint32(view.byteLength)
      this.writeRawBytes(view as Uint8Array)
      return
    }
    const tracks = isTracking(view)
    this.writeUint32(WITH_BUFFER | (tracks ? TRACKING : 0) | (number === undefined ? 0 : OVER_SHARED))
    this.writeDouble(view.byteOffset)
    if (!tracks) this.writeDouble(view.byteLength)
    if (number === undefined) this.writeValue(buffer)
    else this.writeUint32(number)
  }

  #numberOf(buffer: ArrayBufferLike): number | undefined {
    const { moved, shared } = this.#leftOut
    const index = shared.length === 0 ? -1 : shared.indexOf(buffer as SharedArrayBuffer)
    return index < 0 ? undefined : moved.length + index
  }
}

/**
 * Writes a value. Buffers for which `handOver` returns a buffer (the same one or a copy) are left
 * out and returned for sending, as are shared ones; nothing has been detached yet. `isOwned`: the
 * value holds all bytes of the buffer. Throws if the value cannot be cloned.
 */
export function writeGraph(value: unknown, handOver?: (buffer: ArrayBuffer, isOwned: boolean) => ArrayBuffer | undefined): Graph {
  const found = survey(value)
  const moved: ArrayBuffer[] = []
  const buffers: Beside[] = []
  if (handOver !== undefined) {
    for (const [buffer, isOwned] of found.buffers) {
      const handed = isDetached(buffer) ? undefined : handOver(buffer, isOwned)
      if (handed === undefined) continue
      moved.push(buffer)
      buffers.push(handed)
    }
  }
  const leftOut = { moved, shared: [...found.shared] }
  buffers.push(...leftOut.shared)
  // V8 is the judge of what can be cloned, also where a copy with carriers for the errors is what travels.
  const bytes = write(value, leftOut)
  return { bytes: found.errors || found.bare ? writeWithCarriers(value, leftOut, false) : bytes, buffers }
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
  return writeWithCarriers(error, { moved: [], shared: [] }, true)
}

function writeWithCarriers(value: unknown, leftOut: LeftOut, lenient: boolean): Buffer {
  const { copy, carriers } = copyWithCarriers(value, (held) => isCloneable(held, leftOut), lenient)
  return write(copy, leftOut, carriers)
}

/** Whether V8 would clone a value. The own properties of errors in it are not looked at. */
function isCloneable(value: unknown, leftOut: LeftOut): boolean {
  try {
    write(value, leftOut)
    return true
  } catch {
    return false
  }
}

function write(value: unknown, leftOut: LeftOut, carriers?: Carriers): Buffer {
  const { moved } = leftOut
  const writer = new GraphWriter(leftOut, carriers)
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
