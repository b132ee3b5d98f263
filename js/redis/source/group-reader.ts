// Entries of streams by a consumer group: what is pending with us or with consumers that are not heard of comes first, then new ones.
//
// Owns: the order of reads, and a group that was lost. Not here: who has what pending (pending.ts).

import { adapterError, insist, isRefusal, messageOf, refusedForNow } from '../client/faults.js'
import { Pause } from '../client/pause.js'
import { streamsOf } from '../client/replies.js'
import type { Argument, Wire } from '../client/wire.js'
import type { Blocking } from './blocking.js'
import { Entry } from './entry.js'
import type { SourceSettings } from './options.js'
import { pauseKey } from './pause-key.js'
import type { Pending } from './pending.js'
import { countOf, type EntryReader } from './reader.js'

const PAUSE = 100
/** ms between two checks whether the group is paused. */
const CHECKS = 1000

export class GroupReader implements EntryReader {
  readonly #wire: Wire
  readonly #blocking: Blocking
  readonly #settings: SourceSettings
  readonly #pending: Pending
  readonly #pause = new Pause()
  #isMade = false
  #checkedAt = -Infinity
  #isPaused = false
  #isStopped = false
  /** What was delivered last, by stream: where a group that was lost begins again if it began at the tail. */
  readonly #last = new Map<string, string>()
  #reading: Promise<unknown> = Promise.resolve()

  constructor(wire: Wire, blocking: Blocking, settings: SourceSettings, pending: Pending) {
    this.#wire = wire
    this.#blocking = blocking
    this.#settings = settings
    this.#pending = pending
  }

  next(room: number): Promise<Entry[] | undefined> {
    const entries = this.#next(room)
    this.#reading = entries.catch(() => undefined)
    return entries
  }

  async #next(room: number): Promise<Entry[] | undefined> {
    while (!this.#isStopped) {
      try {
        if (!this.#isMade) await this.#make()
        if (this.#blocking.isDoubtful) {
          this.#blocking.isDoubtful = false
          this.#pending.lookAgain()
        }
        if (await this.#paused()) {
          await this.#pause.wait(PAUSE)
          continue
        }
        const recovered = await this.#pending.recover(room)
        if (recovered.length > 0 && !this.#isStopped) return recovered
        await this.#pending.handOver(recovered, true)
        if (this.#isStopped) break
        const entries = await this.#read(room)
        if (entries.length > 0) return entries
      } catch (error) {
        await this.#failed(error)
      }
    }
    return undefined
  }

  async stop(): Promise<void> {
    this.#isStopped = true
    this.#pause.cut()
    await this.#blocking.unblock()
    await this.#reading
    this.#blocking.close()
  }

  /** Somebody has paused the group. */
  async #paused(): Promise<boolean> {
    const now = performance.now()
    if (now - this.#checkedAt < CHECKS) return this.#isPaused
    this.#checkedAt = now
    const { streams, group } = this.#settings
    this.#isPaused = Number(await insist(this.#wire, ['EXISTS', ...streams.map((stream) => pauseKey(stream, group as string))])) > 0
    return this.#isPaused
  }

  async #read(room: number): Promise<Entry[]> {
    const { streams, group, consumer, block, codec } = this.#settings
    const ms = Math.min(block, this.#pending.patience)
    const command: Argument[] = [
      'XREADGROUP',
      'GROUP',
      group as string,
      consumer,
      'COUNT',
      countOf(this.#settings, room),
      'BLOCK',
      Math.ceil(ms),
      'STREAMS',
      ...streams,
    ]
    const reply = await this.#blocking.read([...command, ...streams.map(() => '>')], ms, codec.isBinary)
    const entries: Entry[] = []
    for (const { stream, entries: raw } of streamsOf(reply)) {
      for (const entry of raw) entries.push(new Entry(stream, entry, 1))
      const last = raw.at(-1)
      if (last !== undefined) this.#last.set(stream, last.id)
    }
    // It came with the stop: others may have it at once.
    if (this.#isStopped) {
      await this.#pending.handOver(entries, true)
      return []
    }
    return entries
  }

  async #failed(error: unknown): Promise<void> {
    if (this.#isStopped) return
    if (messageOf(error).includes('NOGROUP')) this.#isMade = false
    else if (isRefusal(error)) throw adapterError(`XREADGROUP ${this.#settings.group}`, error)
    else if (this.#wire.isEnded) throw adapterError('the client was closed', error)
    else {
      refusedForNow(this.#wire, 'XREADGROUP', error)
      await this.#pause.wait(PAUSE)
    }
  }

  /** Makes the group where there is none; also one that was lost, together with its stream or alone. */
  async #make(): Promise<void> {
    const { streams, group, from } = this.#settings
    for (const stream of streams) {
      const start = from === '$' ? (this.#last.get(stream) ?? from) : from
      try {
        await insist(this.#wire, ['XGROUP', 'CREATE', stream, group as string, start, 'MKSTREAM'])
      } catch (error) {
        if (!messageOf(error).includes('BUSYGROUP')) throw error
      }
    }
    this.#isMade = true
  }
}
