// Who has a partition: one message, which every step replaces, so that a step of whoever had it before is refused. It also says how far the partition is, and whether it kills those who have it.

import { randomBytes } from 'node:crypto'
import { afterDeath, type Care, isCareful } from '../../durable/keyed/care.js'
import type { Batched, Box } from '../session/box.js'

interface Owned extends Care {
  /** Token of the owner, and its steps. */
  readonly t: string
  readonly n: number
  /** Every event up to this sequence is done. */
  readonly l: number
  /** The event that was at work alone, and how often. */
  readonly y?: readonly [number, number]
}

/** In place of a count of deaths. */
const GIVEN = -1

export class Owner {
  readonly #box: Box
  readonly #subject: string
  readonly #token: string
  #seq = 0
  #owned: Owned

  readonly #member: string

  /** `member`: this process among those who work. */
  constructor(box: Box, subject: string, member: string) {
    this.#box = box
    this.#subject = subject
    this.#member = `${member}.`
    this.#token = this.#member + randomBytes(9).toString('base64url')
    this.#owned = { t: this.#token, n: 0, l: 0, x: 0, m: 0 }
  }

  /** Everything up to this sequence is done. */
  get low(): number {
    return this.#owned.l
  }

  get isCareful(): boolean {
    return isCareful(this.#owned, this.#owned.l)
  }

  /** Takes it; answers whether somebody else had it. */
  async claim(): Promise<boolean> {
    for (;;) {
      const last = await this.#box.last(this.#subject)
      const before = last && (JSON.parse(last.data.toString()) as Owned)
      if (last !== undefined && before?.t === this.#token) {
        this.#seq = last.seq
        this.#owned = before
        return true
      }
      const isHeld = before !== undefined && before.x !== GIVEN
      // What this process lost has killed nobody.
      const isTaken = isHeld && !before.t.startsWith(this.#member)
      const l = before?.l ?? 0
      const care = isTaken ? afterDeath(before, l) : isHeld ? { x: before.x, m: before.m } : { x: 0, m: l }
      this.#owned = { t: this.#token, n: 0, l, ...care, ...(isHeld && before.y && { y: before.y }) }
      const seq = await this.#box.put(this.#subject, this.#bytes(this.#owned), { last: this.#fence(last?.seq ?? 0), rollup: true })
      if (seq === undefined) continue
      this.#seq = seq
      return isTaken
    }
  }

  /** Stores messages in one step with where it is now. */
  store(messages: readonly Batched[], low: number): Promise<void> {
    const { y: _, ...rest } = this.#owned
    return this.#step(messages, { ...rest, l: low })
  }

  /** Stores what is too much for that step, before it. */
  before(messages: readonly Batched[]): Promise<void> {
    return this.#step(messages, this.#owned)
  }

  /** An event is tried alone: how often it was, with this time. */
  async tries(seq: number): Promise<number> {
    const [before, count] = this.#owned.y ?? [0, 0]
    const tries = before === seq ? count + 1 : 1
    await this.#step([], { ...this.#owned, y: [seq, tries] })
    return tries
  }

  /** Gives it back, so that the next one takes nothing over. */
  give(): Promise<void> {
    return this.#step([], { ...this.#owned, x: GIVEN })
  }

  async #step(messages: readonly Batched[], owned: Owned): Promise<void> {
    const next = { ...owned, n: this.#owned.n + 1 }
    const last = { subject: this.#subject, data: this.#bytes(next), headers: [] }
    let seq = await this.#box.commit(messages, last, this.#fence(this.#seq))
    if (seq === undefined) {
      const now = await this.#box.last(this.#subject)
      const { t, n } = now === undefined ? { t: '', n: 0 } : (JSON.parse(now.data.toString()) as Owned)
      // It was stored, and the answer was lost.
      if (now === undefined || t !== this.#token || n !== next.n) throw new Error('somebody else has taken it')
      seq = now.seq
    }
    this.#seq = seq
    this.#owned = next
  }

  #fence(seq: number): { subject: string; seq: number } {
    return { subject: this.#subject, seq }
  }

  #bytes(owned: Owned): Buffer {
    return Buffer.from(JSON.stringify(owned))
  }
}
