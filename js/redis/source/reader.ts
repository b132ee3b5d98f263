// Entries of streams without a group: all that come after an id, to whoever reads.

import { adapterError, insist, isRefusal } from '../client/faults.js'
import { Pause } from '../client/pause.js'
import { entriesOf, recordOf, streamsOf } from '../client/replies.js'
import type { Wire } from '../client/wire.js'
import type { Blocking } from './blocking.js'
import { Entry } from './entry.js'
import type { SourceSettings } from './options.js'

/** Where entries come from. */
export interface EntryReader {
  /** The next ones, at least one, and no more than `room`, about. `undefined`: it was stopped. Rejects with what no retry mends. */
  next(room: number): Promise<Entry[] | undefined>
  /** Resolves when nothing is on its way any more. */
  stop(): Promise<void>
}

/** ms before a read that failed is tried again. */
const PAUSE = 100

export class TailReader implements EntryReader {
  readonly #wire: Wire
  readonly #blocking: Blocking
  readonly #settings: SourceSettings
  /** After which id to go on, by stream. */
  readonly #after = new Map<string, string>()
  readonly #pause = new Pause()
  #isStopped = false

  constructor(wire: Wire, blocking: Blocking, settings: SourceSettings) {
    this.#wire = wire
    this.#blocking = blocking
    this.#settings = settings
  }

  async next(room: number): Promise<Entry[] | undefined> {
    const { streams, block, codec } = this.#settings
    while (!this.#isStopped) {
      try {
        if (this.#after.size < streams.length) await this.#begin()
        const ids = streams.map((stream) => this.#after.get(stream) as string)
        const reply = await this.#blocking.read(
          ['XREAD', 'COUNT', countOf(this.#settings, room), 'BLOCK', block, 'STREAMS', ...streams, ...ids],
          block,
          codec.isBinary,
        )
        const entries = streamsOf(reply).flatMap(({ stream, entries }) => entries.map((entry) => new Entry(stream, entry, 1)))
        for (const { stream, id } of entries) this.#after.set(stream, id)
        if (entries.length > 0) return entries
      } catch (error) {
        if (this.#isStopped) break
        if (isRefusal(error)) throw adapterError(`XREAD ${streams.join(' ')}`, error)
        if (this.#wire.isEnded) throw adapterError('the client was closed', error)
        await this.#pause.wait(PAUSE)
      }
    }
    return undefined
  }

  async stop(): Promise<void> {
    this.#isStopped = true
    this.#pause.cut()
    this.#blocking.close()
  }

  /** The tail is an id, so that what comes between two reads is not missed. */
  async #begin(): Promise<void> {
    for (const stream of this.#settings.streams) {
      const { from } = this.#settings
      if (!this.#after.has(stream)) this.#after.set(stream, from === '$' ? await tailOf(this.#wire, stream) : from)
    }
  }
}

/** Servers count the entries of each stream. */
export function countOf({ batch, streams }: SourceSettings, room: number): number {
  return Math.max(1, Math.floor(Math.min(batch, room) / streams.length))
}

/** The id of the last entry that a stream ever had. */
export async function tailOf(wire: Wire, stream: string): Promise<string> {
  try {
    return String(recordOf(await insist(wire, ['XINFO', 'STREAM', stream]))['last-generated-id'])
  } catch (error) {
    if (!isRefusal(error)) throw error
    const [last] = entriesOf(await insist(wire, ['XREVRANGE', stream, '+', '-', 'COUNT', 1]))
    return last?.id ?? '0-0'
  }
}
