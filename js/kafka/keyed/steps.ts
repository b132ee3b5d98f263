// What the sessions of a partition have done, stored step by step: what comes while one is under way goes with the next.

import type { Change, Waiter } from '../../durable/keyed/change.js'
import type { KeySession } from '../../durable/keyed/key-session.js'
import { typeOf } from '../client/faults.js'
import type { OutgoingLike, TopicMessages } from '../client/kafka-like.js'
import { type Changelog, emptyMessage, type Place, stateMessage } from './changelog.js'
import type { Intake } from './intake.js'
import type { Layout } from './layout.js'
import type { Roster } from './roster.js'
import type { Words } from './words.js'
import type { Writer } from './writer.js'

export interface Counts {
  events: number
  results: number
  commits: number
  deadLetters: number
  takeovers: number
}

export interface StepsOwner {
  /** Something is done. */
  moved(): void
  /** A step was refused, or nobody knows. */
  lost(error: unknown): void
}

interface Parts {
  readonly number: number
  readonly layout: Layout
  readonly words: Words
  readonly writer: Writer
  readonly changelog: Changelog
  readonly roster: Roster
  readonly intake: Intake
  readonly counts: Counts
  /** Events that the broker does not take what comes of them, by sequence. */
  readonly doomed: Map<number, unknown>
}

type Step = readonly { readonly change: Change; readonly waiting: readonly Waiter[] }[]

/** Sessions of one step, and the bytes from which on the others wait for the next. */
const MOST = 4096
const BYTES = 4 << 20
const TOO_LARGE = ['MESSAGE_TOO_LARGE', 'RECORD_LIST_TOO_LARGE']

export class Steps {
  place: Place
  readonly #parts: Parts
  readonly #owner: StepsOwner
  readonly #changed = new Set<KeySession>()
  #flushing: Promise<void> | undefined
  #isOver = false

  constructor(parts: Parts, place: Place, owner: StepsOwner) {
    this.#parts = parts
    this.place = place
    this.#owner = owner
  }

  changed(session: KeySession): void {
    this.#changed.add(session)
    this.#flush()
  }

  /** Removes what is kept of keys that nothing is kept of. */
  tidy(): void {
    if (this.#parts.changelog.empty.size > 0) this.#flush()
  }

  /** Says where it is, by itself. */
  async mark(place: Place): Promise<void> {
    await this.settled()
    this.place = place
    await this.#parts.writer.mark(place)
  }

  /** Settles when nothing is being stored. */
  async settled(): Promise<void> {
    while (this.#flushing !== undefined) await this.#flushing
  }

  /** Nothing more is stored. */
  end(): void {
    this.#isOver = true
  }

  #flush(): void {
    if (this.#isOver) return
    this.#flushing ??= this.#storeAll()
  }

  async #storeAll(): Promise<void> {
    await undefined
    try {
      do await this.#store()
      while (this.#changed.size > 0 && !this.#isOver)
      // With the look and not after it: whatever changes in between would wait for the next change.
      this.#flushing = undefined
    } catch (error) {
      this.#flushing = undefined
      this.#owner.lost(error)
    }
  }

  async #store(): Promise<void> {
    const { number, layout, words, writer, intake } = this.#parts
    const step: { change: Change; waiting: readonly Waiter[] }[] = []
    const states = this.#tombstones()
    const results: OutgoingLike[] = []
    const dead: OutgoingLike[] = []
    let bytes = 0
    for (const session of this.#changed) {
      if (step.length >= MOST || bytes >= BYTES) break
      this.#changed.delete(session)
      const change = session.take()
      step.push({ change, waiting: session.waiters() })
      results.push(...words.results(change))
      if (change.dead !== undefined) dead.push(words.deadLetter(change.dead))
      states.push(
        change.isEmpty ? emptyMessage(number, session.key, change.state, seqOf(change)) : stateMessage(number, session.key, change.state),
      )
      for (const { seq } of change.done) intake.done(seq)
      bytes += weightOf(change)
    }
    if (step.length === 0 && states.length === 0) return
    const place = { ...this.place, n: intake.first - 1 }
    const all: TopicMessages[] = [
      { topic: layout.results, messages: results },
      { topic: layout.deadLetter, messages: dead },
      { topic: layout.state, messages: states },
    ]
    try {
      await writer.store(all, place)
    } catch (error) {
      for (const { waiting } of step) for (const { reject } of waiting) reject(error)
      if (TOO_LARGE.includes(typeOf(error) ?? '')) this.#doom(step, error)
      throw error
    }
    this.place = place
    this.#stored(step)
  }

  #stored(step: Step): void {
    const { changelog, counts } = this.#parts
    counts.commits++
    for (const { change, waiting } of step) {
      const { session, state, isEmpty, results, dead } = change
      changelog.keep(session.key, state, isEmpty ? seqOf(change) : undefined)
      session.stored(change, waiting)
      counts.results += results.length
      if (dead !== undefined) counts.deadLetters++
    }
    this.#owner.moved()
  }

  /** Keys of which nothing is to be kept any more. */
  #tombstones(): OutgoingLike[] {
    const { number, changelog, roster } = this.#parts
    const gone: OutgoingLike[] = []
    for (const [key, seq] of changelog.empty) {
      if (gone.length >= MOST) break
      const session = roster.get(key)
      // An event that was done before its neighbors comes again when somebody takes the partition: until then it must be known.
      if (seq > this.place.n || (session !== undefined && (this.#changed.has(session) || !session.isIdleFor(0)))) continue
      changelog.forget(key)
      roster.close(key)
      gone.push(stateMessage(number, key, null))
    }
    return gone
  }

  /** Whatever the largest message comes of is put aside the next time: a state comes of the last event of its session. */
  #doom(step: Step, error: unknown): void {
    const [largest] = step
      .flatMap(({ change }) => [
        { seq: seqOf(change), size: change.state.length },
        ...change.results.map(({ event: { seq }, payload }) => ({ seq, size: payload.length })),
      ])
      .sort((a, b) => b.size - a.size)
    if (largest !== undefined) this.#parts.doomed.set(largest.seq, error)
  }
}

function weightOf({ state, results }: Change): number {
  return results.reduce((sum, { payload }) => sum + payload.length, state.length)
}

/** Of the last event that is done with it. */
function seqOf({ done }: Change): number {
  return done.at(-1)?.seq ?? 0
}
