// What is counted of a journal in a folder.

import type { LatencyQuantiles } from './types.js'

/** The journal of a folder in `runtime.snapshot()`: a plain object. Counts begin when this process opened the folder, and end when it gives it back. */
export interface JournalMetrics {
  /** The folder, absolute; in `runtime.snapshot()` with links followed. */
  readonly path: string
  /** Streams kept, retained ends among them. */
  readonly streams: number
  /** What is kept of them, bytes. */
  readonly bytes: number
  /** Bytes of the file on disk, in which what was removed leaves room. */
  readonly fileBytes: number
  /** Format of what is in it; 0 before it was opened. */
  readonly format: number
  /** Events appended. */
  readonly events: number
  /** Commands that were done: appends, commits, reads, openings. */
  readonly commands: number
  /** Transactions of the store: one for all commands that waited. */
  readonly commits: number
  /** What each of the last 1024 commits took, its sync included, microseconds. */
  readonly commitLatency: LatencyQuantiles
  /** Syncs of the file (fsync). */
  readonly syncs: number
  /** Bytes written to the file. */
  readonly writtenBytes: number
  /** Submissions that wait for the writer, each with the commands of a turn of one thread, and their bytes. */
  readonly queued: number
  readonly queuedBytes: number
  /** Streams opened that had been kept, and events read back for them. */
  readonly replays: number
  readonly replayedEvents: number
  /** Appends and commits refused because of `maxBytes`. */
  readonly refused: number
  /** How often the store failed and was opened again. */
  readonly reopened: number
}
