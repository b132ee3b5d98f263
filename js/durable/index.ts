// velo-stream/durable: streams that outlive their process.

export type { Durable } from '../api/keeping/durability.js'
export type { JournalMetrics } from '../kit/journal-metrics.js'
export { type DurableOptions, durable } from './durability.js'
export type { StreamLine } from './embedded/answers.js'
export { EmbeddedJournal, type EmbeddedOptions } from './embedded/embedded-journal.js'
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
export { type FolderJournal, type JournalOptions, journal } from './journal-in-folder.js'
export { keptValue } from './kept-value.js'
