// Buffers that several byte values share: the slabs that Node.js cuts small Buffers out of, and, with the codec 'binary', one copy of a batch under all byte
// values of that batch, because a buffer of its own costs a value of 1 KB more than all the rest of its way (0.8 us on the development machine). Such a buffer
// is never moved to another thread: its other values would be gone.

import * as threads from 'node:worker_threads'

/** Of batches. */
const copies = new WeakSet<ArrayBufferLike>()
const isMarked = (threads as { isMarkedAsUntransferable?: (object: object) => boolean }).isMarkedAsUntransferable

/** Bytes of a slab as Node.js makes it: some versions add to `Buffer.poolSize`, for the sake of alignment. */
const slabSize = Buffer.allocUnsafe(1).buffer.byteLength

/** Whether a view shares its buffer with strangers: Node.js cuts small Buffers out of slabs. */
export function isShared(view: ArrayBufferView): boolean {
  const { buffer } = view
  if (copies.has(buffer)) return true
  const size = buffer.byteLength
  if ((size !== slabSize && size !== Buffer.poolSize) || view.byteLength === size) return false
  return isMarked === undefined ? Buffer.isBuffer(view) : isMarked(buffer)
}

/** A copy of the first `end` bytes of a batch, for its values to share. */
export function sharedCopyOf(batch: Uint8Array, end: number): ArrayBuffer {
  const copy = batch.slice(0, end).buffer as ArrayBuffer
  copies.add(copy)
  return copy
}
