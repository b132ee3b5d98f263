// js/workers/codec: what the values of a stream become between two threads, and back.
//
// Owns how values are laid out in a batch, which of them travel as what, and how errors keep their class; the files beside this one do the work, a BatchWriter and
// a BatchReader for each direction of each stream. Knows nothing of ducts, threads, streams and who reads or writes.

export type { Codec } from '../../kit/types.js'
export { BatchBytes, BatchReader } from './batch/batch-reader.js'
export { BatchWriter } from './batch/batch-writer.js'
export type { Beside, TransferReceiver, TransferSender } from './bytes/frames.js'
export { copyOf } from './bytes/shared-buffers.js'
