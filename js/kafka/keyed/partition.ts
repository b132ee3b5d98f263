// js/kafka/keyed: sessions of keys over the partitions of a topic: who has a partition, and where it is stored what its sessions do. Knows nothing of sources and sinks.
//
// One partition in the hands of this process: it is claimed, its changelog is read, then its events come in order, each to the session of its key. As soon as anything that is stored is refused or unknown the
// partition is let go of, and whoever has it next begins where the changelog says.

import { afterDeath, isCareful } from '../../durable/keyed/care.js'
import type { Coming, Held } from '../../durable/keyed/change.js'
import type { Hostable } from '../../durable/keyed/definition.js'
import { KeySession } from '../../durable/keyed/key-session.js'
import type { PayloadCodec } from '../../kit/payload-codec.js'
import type { KafkaLike, RecordLike } from '../client/kafka-like.js'
import { Changelog } from './changelog.js'
import { Intake } from './intake.js'
import type { Layout } from './layout.js'
import { Roster } from './roster.js'
import { soon } from './soon.js'
import { type Counts, Steps } from './steps.js'
import { Words } from './words.js'
import { Writer } from './writer.js'

export interface PartitionSettings {
  readonly codec: PayloadCodec
  /** How often an event is tried before it is put aside. */
  readonly tries: number
  /** ms without events after which a session is closed. */
  readonly idle: number
  readonly counts: Counts
}

export interface PartitionOwner {
  /** Messages of one of its topics are wanted, from an offset on where one is given, or not. */
  flow(partition: number, what: 'events' | 'state', isOpen: boolean, from?: number): void
  lost(partition: Partition, error: unknown): void
}

/** ms for what the broker is asked at the end. */
const GRACE = 2000

/** What this process knows of a partition over all its claims. */
export interface Memory {
  readonly tokens: Set<string>
  /** Events that the broker does not take what comes of them, by sequence, and why. */
  readonly doomed: Map<number, unknown>
}

/** What there is once the changelog is read. */
interface Work {
  readonly intake: Intake
  readonly steps: Steps
}

export class Partition {
  readonly number: number
  readonly #layout: Layout
  readonly #settings: PartitionSettings
  readonly #owner: PartitionOwner
  readonly #writer: Writer
  readonly #words: Words
  readonly #memory: Memory
  readonly #changelog: Changelog
  readonly #roster: Roster
  readonly #sweep: NodeJS.Timeout
  readonly #claiming: Promise<void>
  #work: Work | undefined
  #isTaking = false
  #isHeld = false
  #isPaused = false
  #isLost = false
  #wakes: (() => void)[] = []

  constructor(
    number: number,
    kafka: KafkaLike,
    layout: Layout,
    hostable: Hostable,
    settings: PartitionSettings,
    memory: Memory,
    owner: PartitionOwner,
  ) {
    this.number = number
    this.#layout = layout
    this.#settings = settings
    this.#owner = owner
    this.#memory = memory
    this.#writer = new Writer(kafka, layout, number)
    this.#words = new Words(settings.codec, layout, number, hostable)
    this.#changelog = new Changelog(this.#writer.token, new Set(memory.tokens))
    remember(memory.tokens, this.#writer.token)
    this.#roster = new Roster((key, before) => {
      const kept = before.then(() => this.#changelog.states.get(key))
      return new KeySession(key, hostable, settings.tries, this.#words, this, kept)
    })
    this.#sweep = setInterval(() => this.#tidy(), Math.max(100, settings.idle / 2)).unref()
    this.#claiming = this.#claim()
  }

  get held(): Held {
    return { sessions: this.#roster.size, events: this.#work?.intake.size ?? 0 }
  }

  get isReady(): boolean {
    return this.#work !== undefined && !this.#isLost
  }

  /** Messages of the changelog. */
  told(messages: readonly RecordLike[]): void {
    if (this.#isLost || this.#work !== undefined) return
    try {
      if (!this.#changelog.read(messages)) return
    } catch (error) {
      // Somebody else has written there.
      this.lost(error)
      return
    }
    this.#owner.flow(this.number, 'state', false)
    this.#begin().catch((error: unknown) => this.lost(error))
  }

  /** Messages of the events. */
  arrived(messages: readonly RecordLike[]): void {
    if (this.#isLost || this.#work === undefined) return
    this.#work.intake.push(messages)
    this.#take(this.#work)
  }

  /** Nothing new is begun; settles when everything that was begun is stored, or it is lost. */
  async rest(): Promise<void> {
    this.#isHeld = true
    while (!this.#isLost && this.#work !== undefined && this.#work.intake.size > 0) await this.#move()
    await this.#work?.steps.settled()
  }

  /** The group has given it to this process again. */
  goOn(): void {
    this.#isHeld = false
    if (this.#isLost) return
    const { number } = this
    if (this.#work === undefined) {
      this.#owner.flow(number, 'events', false)
      this.#owner.flow(number, 'state', true, 0)
      return
    }
    this.#owner.flow(number, 'state', false)
    this.#owner.flow(number, 'events', !this.#isPaused, this.#work.intake.next)
    this.#take(this.#work)
  }

  /** What is being stored is stored, where the broker answers; nothing more is. Settles when nothing is at work any more. */
  async release(): Promise<void> {
    this.#isHeld = true
    await soon(GRACE, this.#work?.steps.settled())
    const isOurs = this.isReady
    this.#end()
    await soon(GRACE, this.#claiming)
    await this.#roster.gone()
    if (isOurs) await soon(GRACE, this.#writer.give())
    await this.#writer.end()
  }

  changed(session: KeySession): void {
    this.#work?.steps.changed(session)
  }

  passed(events: readonly Coming[]): void {
    for (const { seq } of events) this.#work?.intake.done(seq)
    if (events.length > 0) this.moved()
  }

  unfit(error: unknown): void {
    this.lost(error)
  }

  moved(): void {
    for (const wake of this.#wakes.splice(0)) wake()
  }

  lost(error: unknown): void {
    if (this.#isLost) return
    this.#end()
    this.#owner.lost(this, error)
  }

  async #claim(): Promise<void> {
    try {
      await this.#writer.claim()
      if (!this.#isLost && !this.#isHeld) this.#owner.flow(this.number, 'state', true, 0)
    } catch (error) {
      this.lost(error)
    }
  }

  async #begin(): Promise<void> {
    const { number } = this
    const changelog = this.#changelog
    const { n } = changelog.place
    const place = changelog.isHeld
      ? { ...changelog.place, ...afterDeath(changelog.place, n) }
      : changelog.isOurs
        ? changelog.place
        : { n, x: 0, m: n }
    if (changelog.isHeld) {
      this.#settings.counts.takeovers++
      await this.#writer.mark(place)
    }
    if (this.#isLost) return
    for (const seq of this.#memory.doomed.keys()) if (seq <= n) this.#memory.doomed.delete(seq)
    const intake = new Intake(n)
    const { counts } = this.#settings
    const parts = {
      number,
      layout: this.#layout,
      words: this.#words,
      writer: this.#writer,
      changelog,
      roster: this.#roster,
      intake,
      counts,
    }
    this.#work = { intake, steps: new Steps({ ...parts, doomed: this.#memory.doomed }, place, this) }
    if (!this.#isHeld) this.#owner.flow(number, 'events', true, n)
  }

  #end(): void {
    this.#isLost = true
    clearInterval(this.#sweep)
    this.#work?.steps.end()
    this.#roster.closeAll()
    this.moved()
  }

  /** Gives events to their sessions, for as long as there is room. */
  #take(work: Work): void {
    if (this.#isTaking) return
    this.#isTaking = true
    this.#takeAll(work).catch((error: unknown) => this.lost(error))
  }

  async #takeAll({ intake, steps }: Work): Promise<void> {
    while (!this.#isLost && !this.#isHeld && !intake.isDry) {
      if (!intake.hasRoom) {
        this.#pause(true)
        await this.#move()
        continue
      }
      const { key, event, error } = this.#words.read(intake.shift())
      const session = this.#roster.of(key)
      this.#settings.counts.events++
      const wrong = error ?? this.#memory.doomed.get(event.seq)
      if (wrong !== undefined) session.shun(event, wrong)
      else if (!isCareful(steps.place, steps.place.n)) session.push(event)
      else await this.#carefully({ intake, steps }, session, event)
    }
    // With the look and not after it: what arrives in between would wait for the next arrival.
    this.#isTaking = false
    if (!this.#isLost && intake.isDry) this.#pause(false)
  }

  #pause(on: boolean): void {
    if (this.#isPaused === on) return
    this.#isPaused = on
    this.#owner.flow(this.number, 'events', !on)
  }

  /** Something kills processes: it is noted what is tried, and nothing else is at work meanwhile. */
  async #carefully({ intake, steps }: Work, session: KeySession, event: Coming): Promise<void> {
    while (intake.size > 1 && !this.#isLost) await this.#move()
    await steps.settled()
    if (this.#isLost) return
    const [before, count] = steps.place.y ?? [0, 0]
    const tries = before === event.seq ? count + 1 : 1
    await steps.mark({ ...steps.place, y: [event.seq, tries] })
    if (tries > this.#settings.tries) session.shun(event, new Error('the process ended each time it was worked on'))
    else session.push(event)
    while (intake.has(event.seq) && !this.#isLost) await this.#move()
  }

  #tidy(): void {
    this.#roster.closeIdle(this.#settings.idle)
    this.#work?.steps.tidy()
  }

  /** Settles when something is done. */
  #move(): Promise<void> {
    return new Promise((resolve) => void this.#wakes.push(resolve))
  }
}

/** The last few. */
function remember(tokens: Set<string>, token: string): void {
  tokens.add(token)
  const [first] = tokens
  if (tokens.size > 16 && first !== undefined) tokens.delete(first)
}
