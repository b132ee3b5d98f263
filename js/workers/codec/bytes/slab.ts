// Memory that small byte values share, so that each costs a view and no buffer of its own: a buffer is the larger part of making and collecting one. For values that
// live a short while, and whose views alone are looked at; what is cloned or transferred whole needs memory of its own.

/** Bytes of a buffer. */
const SLAB = 32 * 1024
/** Larger values have a buffer of their own. */
const LARGE = 2 * 1024

let slab = new ArrayBuffer(SLAB)
let used = 0

/** A view of so many bytes that nobody else has. */
export function shared(size: number): Uint8Array<ArrayBuffer> {
  if (size > LARGE) return new Uint8Array(size)
  if (used + size > SLAB) {
    slab = new ArrayBuffer(SLAB)
    used = 0
  }
  const view = new Uint8Array(slab, used, size)
  used += size
  return view
}

/** The same with a buffer of its own. */
export function alone(size: number): Uint8Array<ArrayBuffer> {
  return new Uint8Array(size)
}
