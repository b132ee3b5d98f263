// Buffers that several byte values share: the slabs that Node.js cuts small Buffers out of, and, with the codec 'binary', one copy of a batch under all byte
// values of that batch, because a buffer of its own costs a value of 1 KB more than all the rest of its way (0.8 us on the development machine). Such a buffer
// is never moved to another thread: its other values would be gone. And what there is to know of buffers that can be resized.

import * as threads from 'node:worker_threads'

/** Of batches. */
const copies = new WeakSet<ArrayBufferLike>()
const isMarked = (threads as { isMarkedAsUntransferable?: (object: object) => boolean }).isMarkedAsUntransferable

/** Bytes of a slab as Node.js makes it: some versions add to `Buffer.poolSize`, for the sake of alignment. */
const slabSize = Buffer.allocUnsafe(1).buffer.byteLength

/**
 * Whether a buffer may be detached. Node.js marks its slabs as untransferable, but
 * `ArrayBuffer.prototype.transfer` ignores the mark. Node.js 20 can neither query the mark nor
 * transfer without a message, and its `postMessage` copies marked buffers.
 */
export function isTransferable(buffer: ArrayBuffer): boolean {
  return !copies.has(buffer) && isMarked?.(buffer) !== true
}

/** Whether a view shares its buffer with strangers: Node.js cuts small Buffers out of slabs. */
export function isShared(view: ArrayBufferView): boolean {
  const { buffer } = view
  if (copies.has(buffer)) return true
  const size = buffer.byteLength
  if ((size !== slabSize && size !== Buffer.poolSize) || view.byteLength === size) return false
  if (!(buffer instanceof ArrayBuffer)) return false
  return isMarked === undefined ? Buffer.isBuffer(view) : isMarked(buffer)
}

/** A copy of the first `end` bytes of a batch, for its values to share. */
export function sharedCopyOf(batch: Uint8Array, end: number): ArrayBuffer {
  const copy = batch.slice(0, end).buffer as ArrayBuffer
  copies.add(copy)
  return copy
}

/** What an ArrayBuffer that can be resized, or a SharedArrayBuffer that can grow, has beyond others. */
interface Resizable {
  readonly byteLength: number
  readonly resizable?: boolean
  readonly growable?: boolean
  readonly maxByteLength: number
  resize(length: number): void
}

export function isResizable(buffer: ArrayBufferLike): boolean {
  return (buffer as unknown as Resizable).resizable === true
}

/** The same bytes in a buffer of its own, resizable as this one is. */
export function copyOf(buffer: ArrayBuffer): ArrayBuffer {
  if (!isResizable(buffer)) return buffer.slice(0)
  const { byteLength, maxByteLength } = buffer as unknown as Resizable
  const Class = ArrayBuffer as unknown as new (length: number, options: { maxByteLength: number }) => ArrayBuffer
  const copy = new Class(byteLength, { maxByteLength })
  new Uint8Array(copy).set(new Uint8Array(buffer))
  return copy
}

/** Whether a view grows and shrinks with its buffer, which nothing but a change of that can tell; where it cannot grow, a view up to its end is taken for one. */
export function isTracking(view: ArrayBufferView): boolean {
  const buffer = view.buffer as unknown as Resizable
  if (buffer.resizable !== true && buffer.growable !== true) return false
  const { byteLength: before } = buffer
  const { byteLength } = view
  const step = (view as { BYTES_PER_ELEMENT?: number }).BYTES_PER_ELEMENT ?? 1
  if (buffer.growable === true || before + step > buffer.maxByteLength) return view.byteOffset + byteLength === before
  buffer.resize(before + step)
  const tracks = view.byteLength !== byteLength
  buffer.resize(before)
  return tracks
}
