// How a suspect session reads its events: one at a time, and before each the server records that it is executed. So a death counts against this event alone, and only if it was at work.

import { setTimeout as after } from 'node:timers/promises'
import type { EventRecord, Ownership, ReadLimit } from '../../../durable/journal.js'
import type { SessionKeys } from '../../session/keys.js'
import { MARK } from '../../session/scripts/lua-host.js'
import type { Scripts } from '../../session/scripts/script.js'
import type { Inbox } from './inbox.js'
import type { Turn } from './quarantine.js'

/** Why a session is suspect. */
export interface Suspicion {
  /** It is innocent once the function has finished the events before this index. */
  readonly until: number
  /** Events before this index were finished by an earlier host, and are executed again without a mark. */
  readonly finished: number
  /** Its time alone in this process; `undefined`: it executes beside others. */
  readonly turn: Turn | undefined
}

export interface SuspectOwner {
  readonly inbox: Inbox
  /** Events that the function has finished. */
  readonly done: number
  /** It has left this process, or its function has ended. */
  readonly isOver: boolean
  /** It must leave this process. */
  lost(why: string): void
}

/** ms between two checks whether the function has finished an event, at first and at most. */
const CHECKS = { first: 1, most: 20 }

export class Suspect {
  readonly #scripts: Scripts
  readonly #keys: SessionKeys
  readonly #own: Ownership
  readonly #suspicion: Suspicion
  readonly #owner: SuspectOwner
  #marked = -1

  constructor(scripts: Scripts, keys: SessionKeys, own: Ownership, suspicion: Suspicion, owner: SuspectOwner) {
    this.#scripts = scripts
    this.#keys = keys
    this.#own = own
    this.#suspicion = suspicion
    this.#owner = owner
    const { turn } = suspicion
    if (turn !== undefined) turn.onLate = () => (this.#marked < 0 ? Promise.resolve() : this.#mark(this.#marked))
  }

  get isProven(): boolean {
    return this.#owner.done >= this.#suspicion.until
  }

  /** One event at a time, each when the function has finished the one before. */
  async read(from: number, limit: ReadLimit): Promise<readonly EventRecord[]> {
    const { inbox } = this.#owner
    const { finished } = this.#suspicion
    if (from < finished) return inbox.read(from, { ...limit, events: Math.min(limit.events, finished - from) })
    for (let pause = CHECKS.first; this.#owner.done < from && !this.#owner.isOver; pause = Math.min(2 * pause, CHECKS.most))
      await after(pause)
    if (this.isProven) this.end()
    const records = await inbox.read(from, this.isProven ? limit : { events: 1, bytes: 1 })
    if (this.isProven || !(records.length > 0 || inbox.ended) || this.#owner.isOver) return records
    await this.#mark(from)
    // One that was not marked must not be executed.
    return this.#owner.isOver ? [] : records
  }

  /** Its turn is over. */
  end(): void {
    this.#suspicion.turn?.end()
  }

  async #mark(index: number): Promise<void> {
    this.#marked = index
    const { epoch, token } = this.#own
    const args = [epoch, token, index, this.#suspicion.turn?.isAlone === true ? 1 : 0]
    const [word] = (await this.#scripts.run(MARK, this.#keys.all, args).catch(() => ['away'])) as [Buffer | string]
    if (String(word) !== 'ok') this.#owner.lost(String(word))
  }
}
