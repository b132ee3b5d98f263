// What the values of a stream become between two threads: the codecs a user may choose, and the two ends of one direction of one stream.
// Owns the words; batch-writer.ts and batch-reader.ts do the work.

export type { Codec } from '../../kit/types.js'

/** Sends large binaries beside the batch. */
export interface TransferSender {
  /** Hands a buffer over (it is detached by that) and answers with its index on this channel: 0 for the first, then one more each time. */
  send(buffer: ArrayBuffer): number
}

/** Receives large binaries beside the batch. */
export interface TransferReceiver {
  /** Gives the buffer with this index, once. */
  receive(index: number): ArrayBuffer
}

export { BatchBytes, BatchReader } from './batch-reader.js'
export { BatchWriter } from './batch-writer.js'
