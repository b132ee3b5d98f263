// Bytes that may be kept for long.

/** The same bytes, copied if they are a small part of their memory: a view of one byte keeps the 64 KiB that were read with it. */
export function compact(bytes: Buffer): Buffer {
  return bytes.length * 8 < bytes.buffer.byteLength ? Buffer.from(bytes) : bytes
}
