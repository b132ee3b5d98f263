// The log of one stream in the hands of one owner: what is kept of it beside its events, and the fence. Whoever opens a stream writes to its log, so the last sequence of the log, which
// every step names, is another one from then on. A step whose outcome nobody knows is cleared up before the next one: what of it is still on its way is refused from then on.

import type { Commit } from '../../durable/journal.js'
import { after, type Base, bodyOf, type Entry, everythingOf, headOf, seal, unseal } from '../../durable/kept/entries.js'
import { KeptStream } from '../../durable/kept/kept-stream.js'
import type { Box, Stored, Terms } from './box.js'
import type { EventShelf } from './event-shelf.js'
import type { Parts } from './parts.js'
import type { Subjects } from './subjects.js'

/** Entries after which everything is said anew, if that is less than half of what they say. */
const ENTRIES = 64
/** Entries read at a time. */
const PAGE = { messages: 256, bytes: 4 << 20 }
const NONE = Buffer.alloc(0)

export const GONE = 'it is not kept any more'

/** The stream is not ours, or not there. */
export class Lost extends Error {}

/** Of events that a step lets go of: the first that stays, and the bytes of those before. */
export interface Dropped {
  readonly first: number
  readonly bytes: number
}

export class Log {
  kept = new KeptStream()
  readonly #box: Box
  readonly #parts: Parts
  readonly #subjects: Subjects
  readonly #shelf: EventShelf
  #base: Base
  #seq: number
  /** When its end goes, Unix ms; 0: it is gone. */
  #due: number | undefined
  /** Since everything was said. */
  #entries = 0
  #entryBytes = 0
  #isDoubtful = false

  constructor(box: Box, parts: Parts, subjects: Subjects, shelf: EventShelf, base: Base, seq: number) {
    this.#box = box
    this.#parts = parts
    this.#subjects = subjects
    this.#shelf = shelf
    this.#base = base
    this.#seq = seq
  }

  /** What every step names. */
  get fence(): Terms['last'] {
    return { subject: this.#subjects.log, seq: this.#seq }
  }

  /** After a step that may or may not have been stored: what is there, and nothing that is still on its way comes after that. Throws `Lost`. */
  async sure(): Promise<void> {
    if (this.#due === 0) throw new Lost(GONE)
    if (!this.#isDoubtful) return
    const { log, all } = this.#subjects
    const last = await this.#box.last(log)
    if (last === undefined || !this.#isMine(last)) throw whyNot(last)
    const { b, k, n, v } = unseal<Entry>(last.data).head
    let { seq } = last
    if (v === undefined) {
      const entry: Entry = { ...this.#base, n: Math.max(this.#base.n, n) + 1, b, k }
      const put = await this.#box.put(log, seal(entry, NONE), { last: { subject: log, seq } })
      if (put === undefined) throw new Lost('what was asked of its server before has only arrived now: ask again')
      seq = put
      this.#base = { ...this.#base, n: entry.n }
    }
    this.#seq = seq
    if (v === 0) await this.#box.purge(all, seq)
    else await this.read()
    this.#due = v
    this.#isDoubtful = false
    if (v === 0) throw new Lost(GONE)
  }

  /** It is still ours. Throws `Lost`. */
  async check(): Promise<void> {
    const last = await this.#box.last(this.#subjects.log)
    if (last?.seq !== this.#seq) throw whyNot(last)
  }

  /** Nothing of it is there. */
  async isGone(): Promise<boolean> {
    if (this.#due === 0) return true
    const last = await this.#box.last(this.#subjects.log)
    return last === undefined || unseal<Entry>(last.data).head.v === 0
  }

  /** Throws `Lost` when it is not ours; whatever else fails may have been stored all the same. */
  async doing<Answer>(step: Promise<Answer | undefined>): Promise<Answer> {
    let answer: Answer | undefined
    try {
      answer = await step
    } catch (error) {
      this.#isDoubtful = true
      throw error
    }
    if (answer === undefined) throw whyNot(await this.#box.last(this.#subjects.log))
    return answer
  }

  async deliver(delivered: number): Promise<void> {
    if (delivered <= this.kept.delivered || this.kept.over !== undefined) return this.check()
    const data = seal({ l: this.#base.l, d: delivered }, NONE)
    await this.doing(this.#box.put(this.#subjects.delivered, data, { last: this.fence, rollup: true }))
    this.kept.deliver(delivered)
  }

  async commit(commit: Commit, dropped: Dropped): Promise<void> {
    if (this.#entries < ENTRIES || this.#entryBytes < 2 * this.kept.bytes) {
      await this.#write(headOf(commit), bodyOf(commit), dropped, false)
      this.kept.apply(commit)
    } else {
      // Should it be refused, the stream is not ours; should nobody know, it is read again.
      this.kept.apply(commit)
      await this.#whole(dropped)
    }
  }

  /** Nothing but its end stays, if that. */
  async end(commit: Commit, retain: number): Promise<void> {
    const { all, allEvents, delivered } = this.#subjects
    this.kept.apply(commit)
    // No event is there any more, but their count stays.
    this.kept.first = this.#shelf.next
    this.#due = retain === 0 ? 0 : Date.now() + Math.max(1, retain)
    await this.#whole({ first: this.kept.first, bytes: this.#shelf.bytes })
    if (retain === 0) return this.#box.purge(all, this.#seq)
    await Promise.all([this.#box.purge(allEvents, this.#seq), this.#box.purge(delivered, this.#seq)])
  }

  /** Reads it up to what we wrote last, and where events and deliveries stand. */
  async read(): Promise<void> {
    const { log, delivered } = this.#subjects
    let kept = new KeptStream()
    let entry: Entry | undefined
    let [at, entries, bytes] = [0, 0, 0]
    while (at < this.#seq) {
      const page = await this.#box.page(log, at + 1, PAGE)
      if (page.length === 0) {
        await this.check()
        // A replica that is behind knows no more yet.
        await this.#box.behind()
      }
      for (const { seq, data } of page) {
        if (seq > this.#seq) throw whyNot(await this.#box.last(log))
        const { head, body } = unseal<Entry>(data)
        const whole = head.p === undefined ? body : await this.#parts.get(head.p)
        kept = after(kept, head, whole)
        entry = head
        entries++
        bytes += whole.length
        at = seq
      }
    }
    const last = await this.#box.last(delivered)
    const told = last && unseal<{ l: string; d: number }>(last.data).head
    if (told?.l === this.#base.l) kept.deliver(told.d)
    this.kept = kept
    this.#entries = entries
    this.#entryBytes = bytes
    this.#due = entry?.v
    await this.#shelf.look(kept.first, entry?.b ?? [0, 0])
  }

  /** Writes everything in one entry, which takes the place of all before it. */
  async #whole(dropped: Dropped): Promise<void> {
    const before = this.#seq
    const { commit, z } = everythingOf(this.kept)
    const v = this.#due
    await this.#write({ ...headOf(commit), z, ...(v !== undefined && { v }) }, bodyOf(commit), dropped, true)
    this.#entries = 0
    this.#entryBytes = 0
    this.#parts.purge(this.#subjects.logParts, before)
  }

  async #write(head: Partial<Entry>, body: Buffer, dropped: Dropped, rollup: boolean): Promise<void> {
    const { log, logParts } = this.#subjects
    const ttl = this.#due === undefined || this.#due === 0 ? undefined : this.#due - Date.now()
    const terms = { ttl, last: this.fence }
    const n = this.#base.n + 1
    const b = [this.#shelf.bytes - dropped.bytes, this.#shelf.last] as const
    const k = [this.kept.bytes, dropped.first, this.kept.delivered] as const
    const write = async (): Promise<number | undefined> => {
      const isLarge = body.length > this.#box.room / 4
      const p = isLarge ? await this.#parts.put(logParts, body, terms) : undefined
      if (isLarge && p === undefined) return undefined
      const entry: Entry = { ...this.#base, n, b, k, ...head, ...(p && { p }) }
      const seq = await this.#box.put(log, seal(entry, isLarge ? NONE : body), { ...terms, rollup })
      if (seq !== undefined) return seq
      // It may have been stored before, and the answer was lost.
      const last = await this.#box.last(log)
      return last !== undefined && this.#isMine(last, n) ? last.seq : undefined
    }
    this.#seq = await this.doing(write())
    this.#base = { ...this.#base, n }
    this.#entries++
    this.#entryBytes += body.length
  }

  #isMine({ data }: Stored, n?: number): boolean {
    const { head } = unseal<Entry>(data)
    return head.t === this.#base.t && (n === undefined || head.n === n)
  }
}

/** Why a stream is not ours, by its last entry. */
export function whyNot(last: Stored | undefined): Lost {
  const isGone = last === undefined || unseal<Entry>(last.data).head.v === 0
  return new Lost(isGone ? GONE : 'it was opened by somebody else')
}
