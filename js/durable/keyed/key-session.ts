// js/durable/keyed: a stream function for each key of a partition, whose state and results are told event by event. Knows nothing of brokers, and of where it is stored.
//
// The instance of one key: events come from the partition in order; when it is through with one, its state and results are told in one step. One that fails begins again from
// its state, and the event at fault is put aside after so many tries.

import { randomUUID } from 'node:crypto'
import type { StreamEnd } from '../../kit/types.js'
import type { Commit, EventRecord, Journal, Ownership, ReadLimit } from '../journal.js'
import { isDrain } from '../stream/commits/end.js'
import type { Change, Coming, Encoder, Given, KeyOwner, Waiter } from './change.js'
import type { Hostable } from './definition.js'
import { KeyState } from './key-state.js'
import { MarkedLife, type MarkedOwner } from './marked-life.js'

const ELSEWHERE = "the partition is somebody else's"
const READ_AT_ONCE = 256
const ENDLESS = Number.MAX_SAFE_INTEGER

export class KeySession implements MarkedOwner {
  readonly key: string
  readonly isFeeding = true
  readonly output = { handed: 0, confirm(): void {} }
  /** Settles when nothing of it is at work any more. */
  readonly gone: Promise<void>
  readonly #hostable: Hostable
  readonly #owner: KeyOwner
  readonly #tries: number
  readonly #encoder: Encoder
  #state = new KeyState(undefined)
  /** Events that are not done and stored, and how many of them the life was given. */
  #line: Coming[] = []
  #taken = 0
  /** How many events of the line its life is through with, and how many of the results of the life each had. */
  #marks: { events: number; results: number }[] = []
  /** Events and results of this life that are no more in the line, and in `made`. */
  #pastEvents = 0
  #pastResults = 0
  #made: { index: number; bytes: Uint8Array }[] = []
  /** Of the line, done with the next change. */
  #covered = 0
  #results: Given[] = []
  #dead: Change['dead']
  #waiting: Waiter[] = []
  #wakes: (() => void)[] = []
  /** Of the life that is given events. */
  #number = 0
  #life: MarkedLife | undefined
  #culprit = { seq: 0, count: 0 }
  /** Events that are put aside when it is their turn, by sequence. */
  readonly #shunned = new Map<number, { error: unknown }>()
  #suspectUntil = 0
  #failure: { error: unknown } | undefined
  #isClosed = false
  /** When the last event came. */
  #since = performance.now()

  constructor(key: string, hostable: Hostable, tries: number, encoder: Encoder, owner: KeyOwner, kept: Promise<Buffer | undefined>) {
    this.key = key
    this.#hostable = hostable
    this.#tries = tries
    this.#encoder = encoder
    this.#owner = owner
    this.gone = this.#run(kept)
  }

  get isDry(): boolean {
    return this.#line.length === 0
  }

  /** Nothing came for so many ms, nothing waits, and nothing is to be stored. */
  isIdleFor(ms: number): boolean {
    return this.#line.length === 0 && this.#waiting.length === 0 && performance.now() - this.#since >= ms
  }

  /** About how many messages its change takes. */
  get weight(): number {
    return this.#results.length + 2
  }

  push(event: Coming): void {
    this.#line.push(event)
    this.#since = performance.now()
    this.#wakeAll()
  }

  /** Puts the event aside without trying it. */
  shun(event: Coming, error: unknown): void {
    this.#shunned.set(event.seq, { error })
    this.push(event)
  }

  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#wakeAll()
    this.#life?.inner.instance.close().catch(() => {})
    for (const { reject } of this.#waiting.splice(0)) reject(new Error(ELSEWHERE))
  }

  marked(events: number, results: number): void {
    this.#marks.push({ events, results })
  }

  played(): void {}

  fail(error: unknown): void {
    if (this.#isClosed || this.#failure !== undefined) return
    this.#failure = { error }
    this.#life?.inner.instance.abort(error)
  }

  /** What is to be stored now. */
  take(): Change {
    const done = this.#line.slice(0, this.#covered)
    const state = this.#state
    state.cursor = done.at(-1)?.seq ?? state.cursor
    return { session: this, results: this.#results.splice(0), state: state.message(), isEmpty: state.isEmpty, done, dead: this.#dead }
  }

  /** It was stored; whoever waited for what came with it goes on. */
  stored({ done, dead }: Change, waiting: readonly Waiter[]): void {
    this.#line.splice(0, done.length)
    this.#covered -= done.length
    this.#taken -= done.length
    this.#pastEvents += done.length
    if (this.#dead === dead) this.#dead = undefined
    for (const { resolve } of waiting) resolve()
    this.#wakeAll()
  }

  /** Those who wait for the change that is taken. */
  waiters(): readonly Waiter[] {
    return this.#waiting.splice(0)
  }

  async #run(loading: Promise<Buffer | undefined>): Promise<void> {
    try {
      this.#state = new KeyState(await loading)
      while (!this.#isClosed) {
        // What was done before a takeover comes again.
        const before = this.#line.findIndex(({ seq }) => seq > this.#state.cursor)
        this.#owner.passed(this.#line.splice(0, before < 0 ? this.#line.length : before))
        if (this.#line.length === 0) await this.#some(() => this.#line.length > 0)
        else if (this.#failure === undefined && !this.#isShunned(0)) await this.#over(await this.#live())
        else await this.#failed()
      }
    } catch (error) {
      if (!this.#isClosed) this.#owner.unfit(error)
    }
  }

  /** One life of the function; answers how it ended. */
  async #live(): Promise<StreamEnd> {
    const { def, state } = this.#hostable
    const number = ++this.#number
    const own: Ownership = { key: { function: def.options.name, id: this.key }, epoch: 1, token: randomUUID() }
    const journal = {
      read: (_: Ownership, __: number, limit: ReadLimit) => this.#read(limit, number),
      commit: (_: Ownership, said: Commit) => this.#commit(said),
    } as unknown as Journal
    const settings = { journal, retain: 0, onDivergence: 'fail', codec: def.options.codec, schema: undefined } as const
    this.#marks = []
    this.#made = []
    this.#taken = this.#pastEvents = this.#pastResults = this.output.handed = 0
    const life = new MarkedLife(
      def,
      { id: this.key, isForeign: true },
      undefined,
      { ...settings, state, survivesThreads: false, collects: false },
      this,
    )
    this.#life = life
    const kept = this.#state.told(own, ENDLESS)
    try {
      life.begin(kept, await life.opening(kept, false))
    } catch (error) {
      this.#owner.unfit(error)
    }
    for (;;) {
      const records = (await life.inner.output.recvBatch(READ_AT_ONCE).catch(() => [])) as Uint8Array[]
      if (records.length === 0) break
      for (const bytes of records) this.#made.push({ index: this.output.handed++, bytes })
      this.#forget()
    }
    const end = await life.inner.instance.whenEnded()
    await life.ledger?.flush().catch(() => {})
    life.end()
    this.#number++
    this.#wakeAll()
    return end
  }

  /** The function has ended: by itself, or at an event. */
  async #over({ reason, error }: StreamEnd): Promise<void> {
    if (this.#isClosed) return
    if (reason !== 'done' && error !== undefined && isDrain(error)) return this.#owner.unfit(error)
    if (this.#failure === undefined && reason !== 'done') this.#failure = { error }
    if (this.#failure !== undefined) return
    // It was through with all events it asked for but the last one.
    const event = this.#line[0]
    if (event === undefined) return
    this.#forget()
    let rest: Given[]
    try {
      rest = this.#made.map(({ bytes }, at) => ({ index: this.#state.results + at, event, payload: this.#encoder.encode(bytes) }))
    } catch (error) {
      this.#failure = { error }
      return
    }
    this.#state.end()
    this.#state.results += rest.length
    this.#results.push(...rest)
    this.#covered = 1
    await this.#tell()
  }

  /** Whatever was stored stays; the event at fault is tried again, or put aside. */
  async #failed(): Promise<void> {
    const [event] = this.#line as [Coming]
    const shunned = this.#shunned.get(event.seq)
    const { error } = shunned ?? (this.#failure as { error: unknown })
    this.#failure = undefined
    if (shunned === undefined) {
      const count = this.#culprit.seq === event.seq ? this.#culprit.count + 1 : 1
      this.#culprit = { seq: event.seq, count }
      this.#suspectUntil = this.#line.at(-1)?.seq ?? 0
      if (count < this.#tries) return
    }
    this.#shunned.delete(event.seq)
    this.#dead = { event, error }
    this.#covered = 1
    await this.#tell()
  }

  async #read({ events, bytes }: ReadLimit, life: number): Promise<readonly EventRecord[]> {
    const isOver = (): boolean => life !== this.#number || this.#failure !== undefined
    // Until everything is done that was there when one failed, each goes alone, so that the one at fault is known.
    const isAlone = (): boolean => (this.#line[0]?.seq ?? 0) <= this.#suspectUntil
    const isNext = (): boolean => this.#taken === 0 || (!isAlone() && !this.#isShunned(this.#taken))
    await this.#some(() => isOver() || (this.#line.length > this.#taken && isNext()))
    if (!isOver() && this.#taken === 0 && this.#isShunned(0)) this.fail(new Error('the next event is put aside'))
    if (this.#isClosed || isOver()) return []
    const most = isAlone() ? 1 : events
    const given: EventRecord[] = []
    for (let size = 0; given.length < most && size < bytes && this.#taken < this.#line.length && !this.#isShunned(this.#taken); ) {
      const { record } = this.#line[this.#taken++] as Coming
      given.push(record)
      size += record.bytes.length
    }
    return given
  }

  #commit({ state, outputs, outcomes }: Commit): Promise<void> {
    if (this.#isClosed) return Promise.reject(new Error(ELSEWHERE))
    let payloads: Uint8Array[]
    try {
      payloads = (outputs?.values ?? []).map((bytes) => this.#encoder.encode(bytes))
    } catch (error) {
      // Of this event nothing is stored, nor of any after it.
      this.fail(error)
      return Promise.reject(error)
    }
    this.#state.keep({ ...(outcomes && { outcomes }), ...(state && { state }) })
    for (const payload of payloads) {
      while ((this.#marks[0]?.results ?? Number.POSITIVE_INFINITY) <= this.#pastResults) this.#marks.shift()
      const at = (this.#marks[0]?.events ?? this.#pastEvents + 1) - 1 - this.#pastEvents
      this.#results.push({ index: this.#state.results++, event: this.#line[at] as Coming, payload })
      this.#pastResults++
    }
    this.#forget()
    if (state !== undefined) this.#covered = state.events - this.#pastEvents
    return this.#tell()
  }

  #isShunned(at: number): boolean {
    return this.#shunned.size > 0 && this.#shunned.has(this.#line[at]?.seq ?? 0)
  }

  /** What has been read is kept until it goes with a state, at the latest with the end of the function. */
  #forget(): void {
    const done = this.#made.findIndex(({ index }) => index >= this.#pastResults)
    this.#made.splice(0, done < 0 ? this.#made.length : done)
  }

  #tell(): Promise<void> {
    const told = new Promise<void>((resolve, reject) => void this.#waiting.push({ resolve, reject }))
    this.#owner.changed(this)
    return told
  }

  /** Waits for events, of which some are stored meanwhile. */
  async #some(isThere: () => boolean): Promise<void> {
    while (!this.#isClosed && !isThere()) await new Promise<void>((resolve) => void this.#wakes.push(resolve))
  }

  #wakeAll(): void {
    for (const wake of this.#wakes.splice(0)) wake()
  }
}
