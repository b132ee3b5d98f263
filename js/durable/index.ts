// velo-stream/durable: streams that outlive their process.

export { EmbeddedJournal, type EmbeddedOptions, type JournalMetrics } from './embedded/embedded-journal.js'
export type {
  Checkpoint,
  Commit,
  EventRecord,
  Journal,
  Kept,
  KeptOutputs,
  Outcome,
  Ownership,
  ReadLimit,
  ResultHashes,
  StreamInit,
  StreamKey,
  Unfinished,
} from './journal.js'
