// `journal(path)`: the embedded journal as the option `durable` takes it.

import type { Durable } from '../api/keeping/durability.js'
import { onlyKnown } from '../kit/check.js'
import type { JournalMetrics } from '../kit/journal-metrics.js'
import { type DurableOptions, durable } from './durability.js'
import { EmbeddedJournal, type EmbeddedOptions } from './embedded/embedded-journal.js'

/** Options of `journal(path)`. */
export interface JournalOptions extends EmbeddedOptions, DurableOptions {}

/** A journal in a folder, for the option `durable`. */
export interface FolderJournal extends Durable, AsyncDisposable {
  /** The folder, absolute. */
  readonly path: string
  /** What is counted of it in this process, as in `runtime.snapshot().journals`: a plain object, made anew at each access. */
  readonly metrics: JournalMetrics
  /** Gives the folder back when everything asked for before is done; streams that are open cannot go on. */
  close(): Promise<void>
}

/**
 * Keeps durable streams in a folder of this machine. The same path twice in a process is one journal; a folder belongs to one process at a time, and whoever comes second learns
 * of the owner by the first stream that it opens (`VELO_CHECKPOINT`).
 *
 * @throws VeloError `VELO_CONFIG` when an option is unknown or out of range.
 */
export function journal(path: string, options: JournalOptions = {}): FolderJournal {
  onlyKnown(options, 'journal(path, options)', ['sync', 'maxBytes', 'retain', 'onDivergence'])
  const { retain, onDivergence, ...embedded } = options
  const store = new EmbeddedJournal(path, embedded)
  const ways = durable(store, { ...(retain !== undefined && { retain }), ...(onDivergence !== undefined && { onDivergence }) })
  return {
    ...ways,
    path: store.path,
    get metrics() {
      return store.metrics
    },
    close: () => store.close(),
    [Symbol.asyncDispose]: () => store.close(),
  }
}
