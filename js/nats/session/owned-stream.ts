// One stream in the hands of one owner: what is asked of it happens one after the other, and is stored only as long as nobody else has opened it. Owns the order; what is kept, the log and
// the shelf of events know.

import type { Commit, EventRecord, Kept, Ownership, ReadLimit } from '../../durable/journal.js'
import type { Base } from '../../durable/kept/entries.js'
import type { Box } from './box.js'
import { EventShelf } from './event-shelf.js'
import { Log, Lost } from './log.js'
import { lots, weightOf } from './packs.js'
import { Parts } from './parts.js'
import { refusal, type Subjects } from './subjects.js'

/** Appends that are put together while they wait. */
const JOINED = 512

interface Appending {
  readonly from: number
  readonly records: readonly EventRecord[]
  resolve(): void
  reject(error: unknown): void
}

export class OwnedStream {
  readonly own: Ownership
  readonly #base: Base
  readonly #room: number
  readonly #most: number | undefined
  readonly #shelf: EventShelf
  readonly #log: Log
  #lastStep: Promise<unknown> = Promise.resolve()
  /** Appends that the last step will do, as long as it has not begun. */
  #joining: Appending[] | undefined

  /** `seq`: that of its opening. `most`: bytes that it may keep. */
  constructor(box: Box, subjects: Subjects, base: Base, seq: number, most: number | undefined) {
    const parts = new Parts(box)
    this.#base = base
    this.#room = box.room / 2
    this.#most = most
    this.own = { key: { function: base.f, id: base.i }, epoch: seq, token: base.t }
    this.#shelf = new EventShelf(box, parts, subjects, base.l)
    this.#log = new Log(box, parts, subjects, this.#shelf, base, seq)
  }

  /** Reads what is kept of it. */
  load(isNew: boolean): Promise<Kept> {
    return this.#step(async () => {
      if (!isNew) await this.#log.read()
      const { at, seed } = this.#base
      return { own: this.own, isNew, at, seed, events: this.#shelf.next, ...this.#log.kept.told() }
    })
  }

  append(from: number, records: readonly EventRecord[]): Promise<void> {
    return new Promise((resolve, reject) => {
      const one = { from, records, resolve, reject }
      if (this.#joining !== undefined && this.#joining.length < JOINED) return void this.#joining.push(one)
      const together = [one]
      const step = this.#step(async () => {
        if (this.#joining === together) this.#joining = undefined
        await this.#log.sure()
        await this.#append(together)
      })
      step.catch((error: unknown) => {
        for (const { reject: refuse } of together) refuse(error)
      })
      this.#joining = together
    })
  }

  read(from: number, limit: ReadLimit): Promise<readonly EventRecord[]> {
    return this.#step(async () => {
      await this.#log.sure()
      await this.#log.check()
      const { first } = this.#log.kept
      if (from < first) throw this.#refuse(`what was asked for is not kept any more: the first event is ${first}`)
      return this.#shelf.read(from, limit)
    })
  }

  commit(commit: Commit): Promise<void> {
    const { delivered = 0, over, ...rest } = commit
    return this.#step(async () => {
      if (over?.retain === 0 && (await this.#log.isGone())) return
      await this.#log.sure()
      const why = this.#log.kept.refuses(commit, this.#most === undefined ? undefined : { bytes: this.#bytes, most: this.#most })
      if (why !== undefined) throw this.#refuse(why)
      if (over !== undefined) return this.#log.end(commit, over.retain)
      if (Object.values(rest).every((part) => part === undefined)) return this.#log.deliver(delivered)
      await this.#commit(commit)
    })
  }

  get #bytes(): number {
    return this.#shelf.bytes + this.#log.kept.bytes
  }

  async #commit(commit: Commit): Promise<void> {
    const { first: before, delivered } = this.#log.kept
    const first = Math.max(before, commit.state?.events ?? 0)
    await this.#shelf.weighTo(before, first)
    const bytes = this.#shelf.drops(before, first)
    // What was delivered is said with what rests on it: the subject for that alone is not read in the order of the log.
    await this.#log.commit({ ...commit, delivered: Math.max(commit.delivered ?? 0, delivered) }, { first, bytes })
    this.#shelf.drop(first, bytes)
  }

  async #append(together: readonly Appending[]): Promise<void> {
    if (this.#log.kept.over !== undefined) throw this.#refuse('it has ended')
    const [records, taken]: [EventRecord[], Appending[]] = [[], []]
    let bytes = this.#bytes
    // Each by itself: it may be the fault of one.
    for (const one of together) {
      const next = this.#shelf.next + records.length
      const fresh = one.records.slice(next - one.from)
      const sum = fresh.reduce((all, record) => all + weightOf(record), bytes)
      const isFull = this.#most !== undefined && sum > this.#most && !(fresh.length === 1 && fresh[0]?.end === true)
      if (one.from > next) one.reject(this.#refuse(`a gap: event ${one.from} was given where ${next} is the next`))
      else if (isFull && fresh.length > 0) one.reject(this.#refuse(`it would keep ${sum} bytes, and may keep ${this.#most}`))
      else {
        bytes = sum
        records.push(...fresh)
        taken.push(one)
      }
    }
    for (const lot of lots(records, this.#room)) await this.#log.doing(this.#shelf.put(lot, this.#log.fence))
    if (records.length === 0) await this.#log.check()
    for (const { resolve } of taken) resolve()
  }

  /** One after the other, and after a refusal the next one all the same. */
  #step<Answer>(run: () => Promise<Answer>): Promise<Answer> {
    // What is appended after this step waits for it.
    this.#joining = undefined
    const step = this.#lastStep.then(run).catch((error: unknown) => {
      throw error instanceof Lost ? this.#refuse(error.message) : error
    })
    this.#lastStep = step.catch(() => {})
    return step
  }

  #refuse(why: string): Error {
    return refusal(this.own.key, why)
  }
}
