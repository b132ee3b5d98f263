// A look into a folder without owning a stream: for commands of the terminal, and for whoever wants to know what is kept. Owns no stream and fences nobody.

import { resolve } from 'node:path'
import { configError, duration, onlyKnown, text } from '../../kit/check.js'
import type { Checkpoint, EventRecord, Kept, ReadLimit, StreamKey } from '../journal.js'
import { type Fields, readEvents, readKept, readLines, readTexts, type StreamLine } from './answers.js'
import { putKey, putPage, What } from './commands.js'
import { about } from './embedded-journal.js'
import { Link } from './link.js'

/** What is kept of one stream beside its events. */
export type ShownStream = Omit<Kept, 'own' | 'isNew'> & { readonly bytes: number }

/** One line of an export: a stream, then what is kept of it. Bytes are what `decode` makes of them, or base64. */
export type ExportLine =
  | { kind: 'stream'; function: string; id: string; at: number; first: number; events: number; results: number; bytes: number }
  | { kind: 'event'; index: number; at: number; end: boolean; value: unknown }
  | { kind: 'outcome'; asked: number; value: unknown }
  | { kind: 'state'; version: number; events: number; results: number; asked: number; value: unknown }
  | { kind: 'output'; index: number; value: unknown }
  | { kind: 'over'; value: unknown }
  | { kind: 'damage'; text: string }

/** What bytes are a part of. */
export type ExportPart = 'event' | 'outcome' | 'state' | 'output' | 'over'

/** Which streams go. With both, those that fit both. */
export interface PruneOptions {
  /** Those that have ended, whose end is retained. */
  ended?: boolean
  /** Those made longer ago than so many ms. */
  olderThan?: number
}

const PAGE: ReadLimit = { events: 1000, bytes: 1024 * 1024 }

/** Looks into the folder of a journal. Rejects with `VELO_CHECKPOINT` where there is none, and where another process has it: the message names that. */
export class Inspector {
  /** The folder, absolute. */
  readonly path: string
  readonly #link: Link

  constructor(path: string) {
    text(path, 'journal(path)')
    this.path = resolve(path)
    this.#link = new Link(this.path, true, false)
  }

  /** The format of what is in it; 0 before anything was asked. */
  get format(): number {
    return this.#link.metrics.format
  }

  /** Every stream; one that cannot be read says so in `damage`. */
  async list(): Promise<StreamLine[]> {
    return await this.#link.ask({ about: '', streamId: undefined, what: What.List, put() {}, read: readLines })
  }

  /** What is kept of one stream beside its events. */
  async show(key: StreamKey): Promise<ShownStream> {
    const read = (fields: Fields): ShownStream => {
      const { own: _own, isNew: _isNew, ...shown } = readKept(fields, key)
      return shown
    }
    return await this.#link.ask({ ...about(key), what: What.Show, put: (into) => putKey(into, key), read })
  }

  /** Events of one stream from an index on; none if there are no more. */
  async events(key: StreamKey, from: number, limit: ReadLimit = PAGE): Promise<EventRecord[]> {
    return await this.#link.ask({
      ...about(key),
      what: What.Peek,
      put(into) {
        putKey(into, key)
        putPage(into, from, limit)
      },
      read: readEvents,
    })
  }

  /** Reads everything there is, and answers what is damaged: nothing, if all is well. */
  async verify(): Promise<string[]> {
    return await this.#link.ask({ about: '', streamId: undefined, what: What.Verify, put() {}, read: readTexts })
  }

  /** Everything, line by line. `decode` makes a value of bytes. */
  async *export(decode: (bytes: Uint8Array, part: ExportPart) => unknown = base64): AsyncGenerator<ExportLine, void, undefined> {
    for (const line of await this.list()) {
      const { damage, over: _, ...stream } = line
      yield { kind: 'stream', ...stream }
      if (damage !== undefined) yield { kind: 'damage', text: damage }
      else yield* this.#exportOne(line, decode)
    }
  }

  /** Removes streams; answers which. */
  async prune(options: PruneOptions): Promise<StreamKey[]> {
    onlyKnown(options, 'prune(options)', ['ended', 'olderThan'])
    const { ended = false } = options
    const age = duration(options.olderThan, 'prune(options).olderThan', 0, 0)
    if (!ended && options.olderThan === undefined) throw configError('prune(options)', '`ended`, `olderThan` or both', options)
    const now = Date.now()
    const going = (await this.list()).filter(({ at, over }) => (!ended || over !== undefined) && at <= now - age)
    const keys = going.map((line): StreamKey => ({ function: line.function, id: line.id }))
    await Promise.all(keys.map((key) => this.discard(key)))
    return keys
  }

  /** Removes one stream, also one that cannot be read. */
  async discard(key: StreamKey): Promise<boolean> {
    return await this.#link.ask({
      ...about(key),
      what: What.Discard,
      put: (into) => putKey(into, key),
      read: (fields) => fields.byte() === 1,
    })
  }

  close(): Promise<void> {
    return this.#link.close()
  }

  async *#exportOne(
    key: StreamKey & { first: number },
    decode: (bytes: Uint8Array, part: ExportPart) => unknown,
  ): AsyncGenerator<ExportLine, void, undefined> {
    try {
      const { state, outcomes, outputs, over } = await this.show(key)
      if (state !== undefined) yield stateLine(state, decode(state.bytes, 'state'))
      for (const { asked, bytes } of outcomes) yield { kind: 'outcome', asked, value: decode(bytes, 'outcome') }
      for (const [at, bytes] of outputs.values.entries()) yield { kind: 'output', index: outputs.from + at, value: decode(bytes, 'output') }
      if (over !== undefined) yield { kind: 'over', value: decode(over, 'over') }
      let index = key.first
      for (let page = await this.events(key, index); page.length > 0; page = await this.events(key, index)) {
        for (const { at, end, bytes } of page)
          yield { kind: 'event', index: index++, at, end, value: end ? undefined : decode(bytes, 'event') }
      }
    } catch (error) {
      // The others have nothing to do with it.
      yield { kind: 'damage', text: (error as Error).message }
    }
  }
}

function stateLine({ version, events, results, asked }: Checkpoint, value: unknown): ExportLine {
  return { kind: 'state', version, events, results, asked, value }
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('base64')
}
