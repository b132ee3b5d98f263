// Entries of a group that were delivered and not acknowledged: ours after a restart or a lost answer, those of consumers that are not heard of, and which of them kill
// whoever works on them. Entries in work here are kept from being taken over.
//
// Owns: when is looked for them, and their claims. Delivery counts are those of the server: each claim counts, keeping does not.

import { isPoison, mustBeAlone } from '../../kit/executions.js'
import { insist, messageOf, settled } from '../client/faults.js'
import { entriesOf } from '../client/replies.js'
import type { Argument, Wire } from '../client/wire.js'
import type { DeadLetters } from './dead-letters.js'
import { byStream, Entry } from './entry.js'
import type { SourceSettings } from './options.js'

/** ms that a read waits while some of those wait for their turn. */
const HURRY = 10
/** Most entries that one command keeps. */
const KEPT = 500

export interface InWork {
  /** Entries that were given and are not acknowledged. */
  readonly entries: Iterable<Entry>
  /** Resolves with true when there are none; with false after `ms`, or when nothing more is read. */
  whenIdle(ms: number): Promise<boolean>
}

export class Pending {
  readonly #wire: Wire
  readonly #settings: SourceSettings
  readonly #inWork: InWork
  readonly #deadLetters: DeadLetters
  #lookedAt = -Infinity
  /** Where to go on looking and up to where, by stream; none: it was looked through. */
  readonly #from = new Map<string, { from: string; to: string }>()
  #own = true
  /** An entry was delivered alone. */
  #isAlone = false
  /** The function holds entries for longer than it may: then none can be alone. */
  #isNeverIdle = false
  #suspectsWait = false

  constructor(wire: Wire, settings: SourceSettings, inWork: InWork, deadLetters: DeadLetters) {
    this.#wire = wire
    this.#settings = settings
    this.#inWork = inWork
    this.#deadLetters = deadLetters
  }

  /** ms between two looks. */
  get every(): number {
    return this.#settings.reclaimAfter / 3
  }

  /** How long a read may wait: not long while entries wait for their turn alone. */
  get patience(): number {
    return this.#suspectsWait ? HURRY : this.every
  }

  /** Something that was delivered to us may have been lost on its way. */
  lookAgain(): void {
    this.#own = true
    this.#lookedAt = -Infinity
  }

  /** Entries to be delivered again, [] where there are none for now. While one must be alone, it waits until that one is acknowledged. */
  async recover(room: number): Promise<Entry[]> {
    if (this.#isAlone) await this.#idle()
    this.#isAlone = false
    const now = performance.now()
    if (this.#from.size === 0) {
      if (now - this.#lookedAt < this.every && !this.#suspectsWait) return []
      this.#suspectsWait = false
      this.#lookedAt = now
      for (const stream of this.#settings.streams) await this.#begin(stream)
    }
    for (const [stream, { from, to }] of this.#from) {
      const entries = await this.#look(stream, from, to, room)
      if (entries.length > 0) return entries
    }
    if (this.#from.size === 0 && !this.#suspectsWait) this.#own = false
    return []
  }

  /** What is in work here is no business of others: its idle time begins anew, and no delivery is counted. */
  async keep(): Promise<void> {
    const { group, consumer } = this.#settings
    for (const [stream, ids] of byStream([...this.#inWork.entries])) {
      for (let at = 0; at < ids.length; at += KEPT)
        await this.#once(['XCLAIM', stream, group as string, consumer, 0, ...ids.slice(at, at + KEPT), 'JUSTID'])
    }
  }

  /** Entries that nothing here works on: others may have them immediately. With `unseen` they have not reached the function, and this delivery does not count. */
  async handOver(entries: readonly Entry[], unseen = false): Promise<void> {
    const { group, consumer, reclaimAfter } = this.#settings
    const idle = Math.ceil(reclaimAfter) + 1
    for (const deliveries of new Set(entries.map((entry) => entry.deliveries))) {
      const count = unseen ? ['RETRYCOUNT', deliveries - 1] : []
      for (const [stream, ids] of byStream(entries.filter((entry) => entry.deliveries === deliveries)))
        await insist(this.#wire, ['XCLAIM', stream, group as string, consumer, 0, ...ids, 'IDLE', idle, ...count, 'JUSTID'])
    }
  }

  /** What is done again by and by anyway is not insisted on while the server is away, or when the client was closed. */
  #once(command: readonly Argument[]): Promise<unknown> {
    return settled(this.#wire.send(command), this.every, () => new Error(`no answer to ${command[0]}`))
  }

  /** A look ends at what is the newest now, or what is delivered meanwhile would keep it going. That may be newer than all that is in work: an answer that was lost was the last one. */
  async #begin(stream: string): Promise<void> {
    const [count, , newest] = (await insist(this.#wire, ['XPENDING', stream, this.#settings.group as string])) as unknown[]
    if (Number(count) > 0) this.#from.set(stream, { from: '-', to: String(newest) })
  }

  /** The next page of what is pending in a stream. */
  async #look(stream: string, from: string, to: string, room: number): Promise<Entry[]> {
    const { group, consumer, reclaimAfter } = this.#settings
    const batch = Math.min(this.#settings.batch, room)
    const reply = await insist(this.#wire, ['XPENDING', stream, group as string, from, to, batch])
    const page = (reply as [string, string, number, number][]).map(([id, owner, idle, deliveries]) => ({
      id: String(id),
      isOurs: String(owner) === consumer,
      idle: Number(idle),
      deliveries: Number(deliveries),
    }))
    const inWork = new Set<string>()
    for (const entry of this.#inWork.entries) if (entry.stream === stream) inWork.add(entry.id)
    const wanted = page.filter(
      ({ id, isOurs, idle }) => !inWork.has(id) && (isOurs ? this.#own || idle >= reclaimAfter : idle >= reclaimAfter),
    )
    const calm = wanted.filter(({ deliveries }) => !mustBeAlone(deliveries))
    const suspect = wanted.find(({ deliveries }) => mustBeAlone(deliveries))
    if (calm.length === 0 && suspect !== undefined) {
      // A death must be its fault, and its alone.
      await this.#idle()
      this.#isAlone = true
      this.#suspectsWait = true
      return this.#claim(stream, [suspect])
    }
    const last = page.at(-1)
    // Suspects come after all others; they are looked for again.
    if (page.length < batch || last === undefined) this.#from.delete(stream)
    else this.#from.set(stream, { from: `(${last.id}`, to })
    if (suspect !== undefined) this.#suspectsWait = true
    return this.#claim(stream, calm)
  }

  /** Waits until no entry is at work here. A function that never gets there, because it holds entries until others come, is not waited for again. */
  async #idle(): Promise<void> {
    if (!this.#isNeverIdle) this.#isNeverIdle = !(await this.#inWork.whenIdle(this.#settings.reclaimAfter))
  }

  async #claim(stream: string, wanted: readonly { id: string; isOurs: boolean; deliveries: number }[]): Promise<Entry[]> {
    if (wanted.length === 0) return []
    const { group, consumer, reclaimAfter, codec, maxDeliveries } = this.#settings
    const claimed: Entry[] = []
    for (const ours of [true, false]) {
      const those = wanted.filter(({ isOurs }) => isOurs === ours)
      if (those.length === 0) continue
      const ids = those.map(({ id }) => id)
      // What somebody else took over meanwhile is not idle any more, and does not come.
      const idle = ours ? 0 : Math.ceil(reclaimAfter)
      const reply = await insist(this.#wire, ['XCLAIM', stream, group as string, consumer, idle, ...ids], codec.isBinary)
      const entries = entriesOf(reply)
      for (const entry of entries) {
        const deliveries = (those.find(({ id }) => id === entry.id)?.deliveries ?? 0) + 1
        if (entry.fields !== undefined) claimed.push(new Entry(stream, entry, deliveries))
      }
      await this.#forgetTrimmed(
        stream,
        ids,
        entries.filter(({ fields }) => fields !== undefined).map(({ id }) => id),
      )
    }
    claimed.sort((one, other) => compareIds(one.id, other.id))
    const fit: Entry[] = []
    for (const entry of claimed) {
      const isAside = this.#settings.deadLetter !== undefined && isPoison(entry.deliveries - 1, maxDeliveries)
      if (!isAside) fit.push(entry)
      else await this.#deadLetters.put(entry, new Error(`its process died ${entry.executions} times or more while it was executed`))
    }
    return fit
  }

  /** Entries that are pending, and whose stream has been trimmed: nobody can have them any more. */
  async #forgetTrimmed(stream: string, asked: readonly string[], came: readonly string[]): Promise<void> {
    const { group } = this.#settings
    for (const id of asked.filter((id) => !came.includes(id))) {
      const there = await insist(this.#wire, ['XRANGE', stream, id, id]).catch((error) => {
        if (messageOf(error).includes('WRONGTYPE')) throw error
        return []
      })
      if (entriesOf(there).length === 0) await insist(this.#wire, ['XACK', stream, group as string, id])
    }
  }
}

/** Ids of a stream by time and number. */
export function compareIds(one: string, other: string): number {
  const [ms = '', number = '0'] = one.split('-')
  const [otherMs = '', otherNumber = '0'] = other.split('-')
  return Number(ms) - Number(otherMs) || Number(number) - Number(otherNumber)
}
