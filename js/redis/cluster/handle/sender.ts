// Events on their way to a session, from a process that opened it: appended one batch after the other, each again until its outcome is known. What was appended lately is remembered, because a
// server that comes back may have lost the last of it.

import type { EventRecord, Ownership, ReadLimit } from '../../../durable/journal.js'
import { ClosedError, TimeoutError, type VeloError } from '../../../kit/errors.js'
import { messageOf } from '../../client/faults.js'
import type { Replicas } from '../../session/clients/replicas.js'
import type { SessionKeys } from '../../session/keys.js'
import { refusal } from '../../session/keys.js'
import { Lane, type Step } from '../../session/lane.js'
import { readEvent, writeEvent, writeRecords } from '../../session/records.js'
import { SEND, SENT } from '../../session/scripts/lua-remote.js'
import type { Scripts } from '../../session/scripts/script.js'
import { PartOfJournal } from '../part-of-journal.js'
import { inputEnded, movedOn } from './refusals.js'

export interface SenderOwner {
  readonly token: string
  /** The session, or that it was opened here, was lost with the tail of the server: opens it again. Settles with the index of its next event; `undefined`: somebody else has it. */
  again(): Promise<number | undefined>
  /** Whoever sends now is another. */
  moved(): void
}

export interface SenderLimits {
  /** ms that a session is kept. */
  readonly ttl: number
  /** Events that may wait for the host. */
  readonly backlog: number
  /** Who must have an event beside the server. */
  readonly replicas: Replicas | undefined
}

/** Of what was appended so many ms ago, a server that syncs every second may have lost nothing. */
const REMEMBERED = { ms: 5000, bytes: 8 << 20 }
/** What goes one by one is remembered in parts of about this size. */
const PART = { events: 64, bytes: 65_536 }
const AT_ONCE = 512
/** ms until it is looked whether there is room for events, should nobody say so. */
const LOOKS = 50
/** Stands for an event that the host is through with. */
const DONE: EventRecord = { at: 0, end: false, bytes: new Uint8Array(0) }

interface Past {
  /** When the last of it was appended. */
  at: number
  readonly from: number
  readonly records: Buffer[]
  bytes: number
  end: boolean
}

export class Sender extends PartOfJournal {
  readonly #scripts: Scripts
  readonly #keys: SessionKeys
  readonly #limits: SenderLimits
  readonly #owner: SenderOwner
  readonly #lane = new Lane()
  #past: Past[] = []
  #pastBytes = 0
  #onTaken: (() => void)[] = []

  constructor(scripts: Scripts, keys: SessionKeys, limits: SenderLimits, owner: SenderOwner) {
    super()
    this.#scripts = scripts
    this.#keys = keys
    this.#limits = limits
    this.#owner = owner
  }

  override append(own: Ownership, from: number, records: readonly EventRecord[]): Promise<void> {
    const end = records.at(-1)?.end === true
    return this.#lane.ask(new Append((step) => this.#send(own.key.id, step), from, records.map(writeEvent), end))
  }

  /** What the server has: asked for where the outcome of an append is not known. */
  override async read(own: Ownership, from: number, limit: ReadLimit): Promise<readonly EventRecord[]> {
    const { id } = own.key
    const args = [this.#owner.token, from, limit.events]
    const answer = (await this.#ask(id, () => this.#scripts.run(SENT, this.#keys.all, args))) as [Buffer, number, Buffer[]]
    const [word, done, records] = answer
    if (String(word) === 'ok') return [...Array.from({ length: done }, () => DONE), ...records.map(readEvent)]
    // It is opened again by the next append, with what is remembered.
    if (String(word) !== 'moved') return []
    await this.#made(id)
    return this.read(own, from, limit)
  }

  /** Events that the server does not have any more are sent again. */
  resend(id: string): Promise<void> {
    const last = this.#past.at(-1)
    if (last === undefined) return Promise.resolve()
    const { from, records, end } = last
    return this.#lane.ask({ run: () => this.#put(id, from, records, end) })
  }

  /** There may be room for events, or nobody sends any more. */
  wake(): void {
    const waiting = this.#onTaken
    this.#onTaken = []
    for (const wake of waiting) wake()
  }

  async #send(id: string, { from, records, end }: Append): Promise<void> {
    await this.#put(id, from, records, end)
    this.#remember(from, records, end)
  }

  async #put(id: string, from: number, records: readonly Buffer[], end: boolean): Promise<void> {
    for (;;) {
      const { ttl, backlog } = this.#limits
      const args = [`${this.#owner.token} ${from} ${ttl} ${backlog} ${end ? 1 : 0}`, writeRecords(records)]
      const [word, next] = (await this.#ask(id, () => this.#scripts.run(SEND, this.#keys.all, args))) as [Buffer, number]
      switch (String(word)) {
        case 'ok':
          return this.#limits.replicas?.reached()
        case 'full':
          await this.#whenTaken()
          break
        case 'gap':
          await this.#rewind(id, Number(next), from)
          break
        case 'gone':
        // One who opened it before: the server may have lost who did since.
        case 'moved':
          await this.#rewind(id, await this.#made(id), from)
          break
        case 'ended':
          throw inputEnded(id)
        default:
          throw new ClosedError('VELO_CLOSED', `session ${id}: it is over`, { streamId: id })
      }
    }
  }

  /** Events were taken, or a while has passed. */
  #whenTaken(): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => resolve(), LOOKS)
      this.#onTaken.push(() => {
        clearTimeout(timer)
        resolve()
      })
    })
  }

  /** The server lost what comes before. */
  async #rewind(id: string, next: number, from: number): Promise<void> {
    const missing = this.#past.filter((part) => part.from + part.records.length > next && part.from < from)
    if (next < from && (missing[0]?.from ?? from) > next) {
      const key = { function: 'session', id }
      throw refusal(
        key,
        `the server lost events from index ${next} on, and those before index ${missing[0]?.from ?? from} are not remembered any more`,
      )
    }
    for (const part of missing) await this.#put(id, part.from, part.records, part.end)
  }

  async #made(id: string): Promise<number> {
    const next = (await this.#ask(id, () => this.#owner.again())) as number | undefined
    if (next === undefined) throw this.#moved(id)
    return next
  }

  #moved(id: string): VeloError {
    this.#owner.moved()
    return movedOn(id)
  }

  async #ask(id: string, ask: () => Promise<unknown>): Promise<unknown> {
    try {
      return await ask()
    } catch (cause) {
      const message = `session ${id}: ${messageOf(cause)}; whether the events were kept is not known`
      throw new TimeoutError('VELO_TIMEOUT', message, { streamId: id, cause })
    }
  }

  #remember(from: number, records: readonly Buffer[], end: boolean): void {
    const at = performance.now()
    const bytes = records.reduce((sum, { length }) => sum + length, 0)
    this.#pastBytes += bytes
    const last = this.#past.at(-1)
    if (last !== undefined && last.records.length < PART.events && last.bytes < PART.bytes && last.from + last.records.length === from) {
      last.records.push(...records)
      last.at = at
      last.bytes += bytes
      last.end = end
      return
    }
    this.#past.push({ at, from, records: [...records], bytes, end })
    const late = at - REMEMBERED.ms
    let done = 0
    for (let first = this.#past[0]; first !== undefined && done < this.#past.length - 1; first = this.#past[++done]) {
      if (first.at >= late && this.#pastBytes <= REMEMBERED.bytes) break
      this.#pastBytes -= first.bytes
    }
    if (done > 0) this.#past.splice(0, done)
  }
}

/** Several that wait are one. */
class Append implements Step {
  readonly from: number
  readonly records: readonly Buffer[]
  readonly end: boolean
  private readonly send: (step: Append) => Promise<void>

  constructor(send: (step: Append) => Promise<void>, from: number, records: readonly Buffer[], end: boolean) {
    this.send = send
    this.from = from
    this.records = records
    this.end = end
  }

  run(): Promise<void> {
    return this.send(this)
  }

  join(next: Step): Step | undefined {
    if (!(next instanceof Append) || this.end || this.records.length + next.records.length > AT_ONCE) return undefined
    if (next.from !== this.from + this.records.length) return undefined
    return new Append(this.send, this.from, [...this.records, ...next.records], next.end)
  }
}
