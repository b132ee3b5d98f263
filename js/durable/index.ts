// velo-stream/durable: streams that outlive their process.

export type { StreamLine } from './embedded/answers.js'
export { EmbeddedJournal, type EmbeddedOptions, type JournalMetrics } from './embedded/embedded-journal.js'
export { type ExportLine, type ExportPart, Inspector, type PruneOptions, type ShownStream } from './embedded/inspector.js'
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
