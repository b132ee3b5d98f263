// The journal in a folder: the interface of every journal in commands of the writer. Owns no state but its options.

import { resolve } from 'node:path'
import { configError, integer, onlyKnown, text, word } from '../../kit/check.js'
import { VeloError } from '../../kit/errors.js'
import type { JournalMetrics } from '../../kit/journal-metrics.js'
import type { Commit, EventRecord, Journal, Kept, Ownership, ReadLimit, StreamInit, StreamKey, Unfinished } from '../journal.js'
import { readEvents, readKept, readLines } from './answers.js'
import { putAppend, putCommit, putKey, putOpen, putRead, What } from './commands.js'
import { type Link, linkTo } from './link.js'

/** What a journal in a folder promises, and what it keeps of one stream at most. */
export interface EmbeddedOptions {
  /**
   * When a step counts as kept. `'disk'` (default): its data was synced, so that it survives a crash of the system. `'process'`: the system has it, so that
   * it survives the end of the process however that comes; a crash of the system may leave nothing that can be read.
   */
  sync?: 'disk' | 'process'
  /** Bytes that one stream may keep. Default: no limit. */
  maxBytes?: number
}

/** A journal in a folder, which belongs to one process at a time. The same path twice in a process is one journal. */
export class EmbeddedJournal implements Journal {
  /** The folder, absolute. */
  readonly path: string
  readonly #maxBytes: number
  readonly #link: Link

  /** @throws VeloError `VELO_CONFIG` for an option that is unknown or out of range, and for another `sync` than the folder is open with. */
  constructor(path: string, options: EmbeddedOptions = {}) {
    text(path, 'journal(path)')
    onlyKnown(options, 'journal(path, options)', ['sync', 'maxBytes'])
    const sync = word(options.sync, 'journal(path, options).sync', ['disk', 'process'])
    const most = Number.MAX_SAFE_INTEGER
    this.#maxBytes =
      options.maxBytes === Number.POSITIVE_INFINITY ? most : integer(options.maxBytes, 'journal(path, options).maxBytes', 1, most)
    this.path = resolve(path)
    this.#link = linkTo(this.path, sync === 'disk', true)
  }

  async open(key: StreamKey, init: StreamInit): Promise<Kept> {
    const read = (fields: Parameters<typeof readKept>[0]): Kept => {
      const { bytes: _, ...kept } = readKept(fields, key)
      return kept
    }
    return await this.#link.ask({ ...about(key), what: What.Open, put: (into) => putOpen(into, key, init), read })
  }

  async append(own: Ownership, from: number, records: readonly EventRecord[]): Promise<void> {
    counts(own.key, { from })
    const put: Put = (into) => putAppend(into, own, this.#maxBytes, from, records)
    return await this.#link.ask({ ...about(own.key), what: What.Append, put, read: nothing })
  }

  async read(own: Ownership, from: number, limit: ReadLimit): Promise<readonly EventRecord[]> {
    counts(own.key, { from })
    return await this.#link.ask({ ...about(own.key), what: What.Read, put: (into) => putRead(into, own, from, limit), read: readEvents })
  }

  async commit(own: Ownership, commit: Commit): Promise<void> {
    const put: Put = (into) => putCommit(into, own, this.#maxBytes, commit)
    return await this.#link.ask({ ...about(own.key), what: What.Commit, put, read: nothing })
  }

  async discard(key: StreamKey): Promise<boolean> {
    return await this.#link.ask({
      ...about(key),
      what: What.Discard,
      put: (into) => putKey(into, key),
      read: (fields) => fields.byte() === 1,
    })
  }

  async unfinished(functionName: string): Promise<readonly Unfinished[]> {
    const ask = { about: functionName, streamId: undefined, what: What.Unfinished }
    const lines = await this.#link.ask({ ...ask, put: (into) => into.text(functionName), read: readLines })
    return lines.map(({ id, events, results, bytes }) => ({ id, events, results, bytes }))
  }

  close(): Promise<void> {
    return this.#link.close()
  }

  /** What the writer of the folder counted. */
  get metrics(): JournalMetrics {
    return this.#link.metrics
  }
}

type Put = Parameters<Link['ask']>[0]['put']

function nothing(): void {}

/** For messages: which stream. */
export function about(key: StreamKey): { about: string; streamId: string } {
  for (const name of [key.function, key.id]) {
    // A lone half of a pair cannot be told from another one once it is UTF-8.
    if (/\p{Surrogate}/u.test(name))
      throw new VeloError('VELO_CHECKPOINT', `${JSON.stringify(name)}: expected well-formed Unicode`, { streamId: key.id })
  }
  return { about: `${key.function} ${JSON.stringify(key.id)}`, streamId: key.id }
}

/** A number that is no index would be cut to one on its way. */
function counts(key: StreamKey, named: Record<string, number>): void {
  for (const [name, value] of Object.entries(named)) {
    if (!Number.isSafeInteger(value) || value < 0) throw configError(`${key.function}: ${name}`, 'an integer from 0 up', value)
  }
}
