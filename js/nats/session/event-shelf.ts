// The events of one stream: written by its owner in messages of several, read from any of them on, and removed from the front by and by.

import type { EventRecord, ReadLimit } from '../../durable/journal.js'
import { seal, unseal } from '../../durable/kept/entries.js'
import type { Box, Stored, Terms } from './box.js'
import { type PackHead, Packs, readEvents, weightOf, writeEvents } from './packs.js'
import type { Parts } from './parts.js'
import type { Subjects } from './subjects.js'

/** Messages without events that are needed, until they are removed. */
const DEAD = 64
/** Messages read at a time. */
const PAGE = 64

export class EventShelf {
  readonly #box: Box
  readonly #parts: Parts
  readonly #subjects: Subjects
  readonly #life: string
  readonly #packs = new Packs()
  /** Index of the next event to come. */
  next = 0
  /** Of events that are kept. */
  bytes = 0
  /** Sequence of the last message. */
  last = 0

  constructor(box: Box, parts: Parts, subjects: Subjects, life: string) {
    this.#box = box
    this.#parts = parts
    this.#subjects = subjects
    this.#life = life
  }

  /** Where it stands: `counted` are the bytes that the log knows of, and up to which message. */
  async look(first: number, [bytes, upTo]: readonly [number, number]): Promise<void> {
    this.#packs.forget()
    this.next = first
    this.bytes = bytes
    this.last = upTo
    const last = await this.#box.last(this.#subjects.events)
    if (last === undefined) return
    const { head } = unseal<PackHead>(last.data)
    if (head.l !== this.#life) return
    this.next = Math.max(first, head.f + head.c)
    if (last.seq > upTo) this.bytes = head.b
    this.last = last.seq
  }

  /** Stores events behind the others; `undefined`: the stream is somebody else's. */
  async put(records: readonly EventRecord[], last: Terms['last']): Promise<true | undefined> {
    const body = writeEvents(records)
    const isLarge = body.length > this.#box.room
    const p = isLarge ? await this.#parts.put(this.#subjects.eventParts, body, { last }) : undefined
    if (isLarge && p === undefined) return undefined
    const bytes = records.reduce((sum, record) => sum + weightOf(record), this.bytes)
    const head: PackHead = { l: this.#life, f: this.next, c: records.length, b: bytes, ...(p && { p }) }
    const seq = await this.#box.put(this.#subjects.events, seal(head, isLarge ? Buffer.alloc(0) : body), { last })
    if (seq === undefined) return undefined
    this.#packs.add(this.next, seq, records)
    this.next += records.length
    this.bytes = bytes
    this.last = seq
    return true
  }

  /** Events from an index on, which are there up to the last one. */
  async read(from: number, { events, bytes }: ReadLimit): Promise<EventRecord[]> {
    const read: EventRecord[] = []
    let size = 0
    let seq = this.#packs.seqOf(from)
    for (let at = from; at < this.next; ) {
      const page = await this.#box.page(this.#subjects.events, seq, { messages: PAGE, bytes: Math.max(1 << 16, Math.min(bytes, 4 << 20)) })
      // A replica that is behind knows no more yet.
      if (page.length === 0) await this.#box.behind()
      for (const message of page) {
        seq = message.seq + 1
        const { head, records } = await this.#open(message)
        // One of another life, or one that was sent twice.
        if (head.l !== this.#life || head.f > at || head.f + head.c <= at) continue
        for (const record of records.slice(at - head.f)) {
          if (read.length > 0 && (read.length >= events || size >= bytes)) return read
          read.push(record)
          size += record.bytes.length
          at++
        }
      }
    }
    return read
  }

  /** Sees to it that the bytes of events between two indexes are known. */
  async weighTo(from: number, to: number): Promise<void> {
    const end = Math.min(to, this.next)
    if (to < this.next && this.#packs.weigh(from, end) === undefined)
      await this.read(from, { events: end - from, bytes: Number.POSITIVE_INFINITY })
  }

  /** Bytes of events between two indexes. */
  drops(from: number, to: number): number {
    return to >= this.next ? this.bytes : (this.#packs.weigh(from, to) ?? 0)
  }

  /** Events below this index are needed no more. */
  drop(first: number, bytes: number): void {
    this.bytes -= bytes
    this.next = Math.max(this.next, first)
    this.#packs.drop(first)
    if (this.#packs.dropped < DEAD) return
    this.#packs.dropped = 0
    this.#box.purge(this.#subjects.allEvents, this.#packs.dead).catch(() => {})
  }

  async #open({ data, seq }: Stored): Promise<{ head: PackHead; records: EventRecord[] }> {
    const { head, body } = unseal<PackHead>(data)
    if (head.l !== this.#life) return { head, records: [] }
    const records = readEvents(head.p === undefined ? body : await this.#parts.get(head.p), head.c)
    this.#packs.add(head.f, seq, records)
    return { head, records }
  }
}
