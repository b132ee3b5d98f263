// How the record of an event goes to the function: with the time at which it was accepted before it.

/** Bytes of the time. */
export const HEAD = 8

/** Eight bytes of Unix ms, then the record. */
export function envelope(at: number, record: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(HEAD + record.byteLength)
  new DataView(bytes.buffer).setFloat64(0, at)
  bytes.set(record, HEAD)
  return bytes
}

export function openEnvelope(bytes: Uint8Array): { at: number; record: Uint8Array } {
  const at = new DataView(bytes.buffer, bytes.byteOffset).getFloat64(0)
  return { at, record: bytes.subarray(HEAD) }
}
