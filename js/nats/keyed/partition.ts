// js/nats/keyed: sessions of keys over partitions of a stream: who has a partition, and where it is stored what its sessions do. Knows nothing of sources and sinks.
//
// One partition in the hands of this process: its events in order, however they come, each to the session of its key; what sessions have done is stored in one step, with the fence. As
// soon as anything of that is refused or unknown the partition is let go of, and whoever has it next begins where the server says.

import type { Change, Coming, Held, Waiter } from '../../durable/keyed/change.js'
import type { Hostable } from '../../durable/keyed/definition.js'
import { KeySession } from '../../durable/keyed/key-session.js'
import type { NatsMessageLike, Wire } from '../client/wire.js'
import type { Batched, Box } from '../session/box.js'
import { Delivery, headOf } from '../source/delivery.js'
import { keyOf, type Layout } from './layout.js'
import { Owner } from './owner.js'
import { REPLY, Words, type WordsSettings } from './words.js'

export interface PartitionSettings extends WordsSettings {
  /** This process among those who work. */
  readonly member: string
  /** How often an event is tried before it is put aside. */
  readonly tries: number
  /** ms without events after which a session is closed. */
  readonly idle: number
  readonly counts: { events: number; results: number; commits: number; deadLetters: number; takeovers: number }
}

/** Messages of one step: a server takes a thousand. */
const MOST = 900
/** Events that wait here. */
const WAITING = 1024
const PAGE = { messages: 256, bytes: 4 << 20 }
/** Events that are done are removed after so many. */
const DONE = 512

export class Partition {
  readonly number: number
  readonly #box: Box
  readonly #wire: Wire
  readonly #layout: Layout
  readonly #hostable: Hostable
  readonly #settings: PartitionSettings
  readonly #owner: Owner
  readonly #words: Words
  readonly #onLost: (error: unknown) => void
  readonly #sessions = new Map<string, KeySession>()
  /** Sessions that are closed and still at work. */
  readonly #leaving = new Map<string, Promise<void>>()
  readonly #changed = new Set<KeySession>()
  /** Sequences of events that are not done, in order. */
  readonly #open = new Set<number>()
  /** Acknowledgements of messages that came, by sequence, in order. */
  readonly #acks = new Map<number, string>()
  readonly #sweep: NodeJS.Timeout
  /** The last event that was taken. */
  #position = 0
  /** The number of the delivery that is to come next, and whether the last one that was a first one is known to be ours. */
  #nextDelivery = 0
  #isFollowing = false
  #removed = 0
  #taking: Promise<void> = Promise.resolve()
  #flushing: Promise<void> | undefined
  #wake: (() => void) | undefined
  #isLost = false

  constructor(
    number: number,
    box: Box,
    wire: Wire,
    layout: Layout,
    hostable: Hostable,
    settings: PartitionSettings,
    onLost: (error: unknown) => void,
  ) {
    this.number = number
    this.#box = box
    this.#wire = wire
    this.#layout = layout
    this.#hostable = hostable
    this.#settings = settings
    this.#onLost = onLost
    this.#words = new Words(wire, layout, number, hostable, settings)
    this.#owner = new Owner(box, layout.owner(number), settings.member)
    this.#sweep = setInterval(() => this.#closeIdle(), Math.max(100, settings.idle / 2)).unref()
    this.#then(async () => {
      const takeover = await this.#owner.claim()
      if (takeover) this.#settings.counts.takeovers++
      this.#position = this.#removed = this.#owner.low
    })
  }

  get room(): number {
    return Math.max(0, WAITING - this.#open.size)
  }

  get held(): Held {
    return { sessions: this.#sessions.size, events: this.#open.size }
  }

  /** A message of the consumer; those before it that did not come are read. */
  arrived(message: NatsMessageLike): void {
    const reply = message.reply ?? ''
    const delivery = new Delivery(message, reply, headOf(reply))
    const { sequence: seq, number, time, deliveries } = delivery
    const event = { seq, at: time, key: keyOf(message.subject), payload: message.data, reply: message.headers?.values(REPLY)[0] }
    this.#then(async () => {
      this.#acks.set(seq, reply)
      if (seq <= this.#owner.low) this.#acknowledge()
      // Nothing lies between messages that are delivered for the first time one after the other; between others there may be what was delivered to somebody else.
      const isFirst = deliveries === 1
      const isNext = isFirst && this.#isFollowing && number === this.#nextDelivery
      this.#isFollowing = isFirst || (this.#isFollowing && number === this.#nextDelivery)
      this.#nextDelivery = number + 1
      if (seq <= this.#position) return
      if (!isNext) await this.#fill(seq)
      if (seq > this.#position) await this.#take(event)
    })
  }

  /** What is being stored is stored; nothing more is. Settles when nothing is at work any more. */
  async release(): Promise<void> {
    await this.#flushing?.catch(() => {})
    const wasLost = this.#isLost
    this.#end()
    await Promise.all(this.#leaving.values())
    if (!wasLost) await this.#owner.give().catch(() => {})
  }

  changed(session: KeySession): void {
    this.#changed.add(session)
    this.#flush()
  }

  passed(events: readonly Coming[]): void {
    for (const { seq } of events) this.#open.delete(seq)
    this.#wake?.()
  }

  unfit(error: unknown): void {
    this.#lost(error)
  }

  #then(step: () => Promise<void>): void {
    this.#taking = this.#taking.then(() => (this.#isLost ? undefined : step())).catch((error: unknown) => this.#lost(error))
  }

  #lost(error: unknown): void {
    if (this.#isLost) return
    this.#end()
    this.#onLost(error)
  }

  #end(): void {
    this.#isLost = true
    clearInterval(this.#sweep)
    this.#wake?.()
    for (const [key, session] of this.#sessions) this.#leave(key, session)
  }

  /** Reads events up to one that came, and what a page has beyond: those that are delivered again come one by one, each without its neighbors. */
  async #fill(upTo: number): Promise<void> {
    while (this.#position < upTo && !this.#isLost) {
      const page = await this.#box.page(this.#layout.events(this.number), this.#position + 1, PAGE)
      // A replica that is behind knows no more yet.
      if (page.length === 0) await this.#box.behind()
      for (const { seq, at, subject, data, header } of page) {
        if (this.#isLost) return
        await this.#take({ seq, at, key: keyOf(subject), payload: data, reply: header(REPLY) })
      }
    }
  }

  async #take({
    seq,
    at,
    key,
    payload,
    reply,
  }: {
    seq: number
    at: number
    key: string
    payload: Uint8Array
    reply: string | undefined
  }): Promise<void> {
    this.#position = seq
    this.#open.add(seq)
    const { error, record } = this.#words.read(payload, at)
    const session = this.#sessionOf(key)
    const event: Coming = { seq, record, payload, reply }
    this.#settings.counts.events++
    if (error !== undefined) session.shun(event, error)
    else if (!this.#owner.isCareful) session.push(event)
    else await this.#carefully(session, event)
    while (this.#open.size >= WAITING * 2 && !this.#isLost) await this.#pause()
  }

  /** Something kills processes: it is noted what is tried, and nothing else is at work meanwhile. */
  async #carefully(session: KeySession, event: Coming): Promise<void> {
    while (this.#open.size > 1 && !this.#isLost) await this.#pause()
    const tries = await this.#owner.tries(event.seq)
    if (tries > this.#settings.tries) session.shun(event, new Error('the process ended each time it was worked on'))
    else session.push(event)
    while (this.#open.has(event.seq) && !this.#isLost) await this.#pause()
  }

  #sessionOf(key: string): KeySession {
    let session = this.#sessions.get(key)
    if (session !== undefined) return session
    // Its predecessor has the id as long as it is at work.
    const before = this.#leaving.get(key) ?? Promise.resolve()
    const kept = before.then(() => this.#box.last(this.#layout.state(this.number, key))).then((last) => last?.data)
    session = new KeySession(key, this.#hostable, this.#settings.tries, this.#words, this, kept)
    this.#sessions.set(key, session)
    return session
  }

  #closeIdle(): void {
    for (const [key, session] of this.#sessions) {
      if (!session.isIdleFor(this.#settings.idle)) continue
      this.#sessions.delete(key)
      this.#leave(key, session)
    }
  }

  #leave(key: string, session: KeySession): void {
    session.close()
    const { gone } = session
    this.#leaving.set(key, gone)
    void gone.then(() => {
      if (this.#leaving.get(key) === gone) this.#leaving.delete(key)
    })
  }

  #pause(): Promise<void> {
    return new Promise((resolve) => void (this.#wake = resolve))
  }

  #flush(): void {
    this.#flushing ??= this.#storeAll()
  }

  async #storeAll(): Promise<void> {
    await undefined
    try {
      while (this.#changed.size > 0 && !this.#isLost) await this.#store()
      // With the look and not after it: whatever changes in between would wait for the next change.
      this.#flushing = undefined
    } catch (error) {
      this.#flushing = undefined
      this.#lost(error)
    }
  }

  async #store(): Promise<void> {
    const changes: { change: Change; waiting: readonly Waiter[] }[] = []
    const messages: Batched[] = []
    for (const session of this.#changed) {
      if (messages.length > 0 && messages.length + session.weight > MOST) break
      this.#changed.delete(session)
      const change = session.take()
      changes.push({ change, waiting: session.waiters() })
      messages.push(...this.#words.messages(change))
    }
    for (const { change } of changes) for (const { seq } of change.done) this.#open.delete(seq)
    const [first] = this.#open
    const low = first === undefined ? this.#position : first - 1
    try {
      // A step that is too large for one batch goes in several: results first, then the state.
      while (messages.length > MOST) await this.#owner.before(messages.splice(0, MOST))
      await this.#owner.store(messages, low)
    } catch (error) {
      for (const { waiting } of changes) for (const { reject } of waiting) reject(error)
      throw error
    }
    this.#settings.counts.commits++
    for (const { change, waiting } of changes) {
      change.session.stored(change, waiting)
      this.#settings.counts.results += change.results.length
      if (change.dead !== undefined) this.#settings.counts.deadLetters++
      this.#words.answer(change)
    }
    this.#acknowledge()
    this.#wake?.()
  }

  /** One acknowledgement for everything that is done. What is done is removed by and by. */
  #acknowledge(): void {
    const { low } = this.#owner
    let last: string | undefined
    for (const [seq, reply] of this.#acks) {
      if (seq > low) break
      last = reply
      this.#acks.delete(seq)
    }
    if (last !== undefined) this.#wire.connection.publish(last, '+ACK')
    if (low - this.#removed < DONE) return
    this.#removed = low
    this.#box.purge(this.#layout.events(this.number), low).catch(() => {})
  }
}
