// js/redis/cluster/host: sessions that this process runs. Knows nothing of those that it has open.
//
// One session that this process hosts: one life of its function, whose events come from the inbox and whose results are committed.

import type { EventRecord, Kept, ReadLimit } from '../../../durable/journal.js'
import { writeEnd } from '../../../durable/stream/commits/end.js'
import { Life, type LifeOwner } from '../../../durable/stream/life.js'
import type { Failure } from '../../../kit/errors.js'
import { silence } from '../../../kit/promises.js'
import { line } from '../../../kit/sight/log.js'
import type { SessionKeys } from '../../session/keys.js'
import { READ } from '../../session/scripts/lua.js'
import { LOOK, RELEASE } from '../../session/scripts/lua-host.js'
import type { Scripts } from '../../session/scripts/script.js'
import type { Hostable, Often } from '../definition.js'
import { type Message, News } from '../messages.js'
import type { Claimed } from './claimed.js'
import { HostedJournal, type HostedLimits, type HostedOwner } from './hosted-journal.js'
import { Inbox } from './inbox.js'
import type { Turn } from './quarantine.js'
import { Suspect } from './suspect.js'

export interface HostedSettings extends HostedLimits {
  readonly commit: Often
  /** What a session waits for before it gets an event, while another one must be alone. */
  holds(tag: string): Promise<void> | undefined
}

/** How it left this process. */
export type Leaving = 'over' | 'lost' | 'regressed' | 'unfit' | 'given back'

const PAGE = { events: 512, bytes: 1 << 20 }
/** Results read at a time, and the most of which nobody knows. */
const READ_AT_ONCE = 256
const MOST_UNPUBLISHED = 4096
/** ms until events that brought no result are reported as taken and finished, at first and at most. */
const PROGRESS = { first: 50, most: 1000 }
/** ms until it is looked whether readers have taken something, should nobody say so. */
const READERS = 250
/** More than ever come: the function is given events until they end. */
const ENDLESS = Number.MAX_SAFE_INTEGER

export class HostedSession implements LifeOwner, HostedOwner {
  readonly tag: string
  readonly entry: string
  readonly inbox: Inbox
  readonly isFeeding = true
  /** Settles when nothing of it is at work here any more. */
  readonly gone: Promise<Leaving>
  /** Nothing pulls here that says what has arrived. */
  readonly output = { handed: 0, confirm(): void {} }
  readonly #scripts: Scripts
  readonly #keys: SessionKeys
  readonly #kept: Kept
  readonly #journal: HostedJournal
  readonly #settings: HostedSettings
  readonly #life: Life
  readonly #suspect: Suspect | undefined
  /** Index of the first event that the function gets. */
  #from = 0
  #pause = PROGRESS.first
  /** Events that the server is known to have. */
  #known = 0
  #leaving: Leaving | undefined
  /** Events that hosts before this one had finished. */
  readonly #finishedBefore: number
  #failure: Failure | undefined
  #timer: NodeJS.Timeout | undefined
  #progress: NodeJS.Timeout | undefined
  #onRoom: () => void = () => {}
  #isStaying = true

  /** Throws OverloadedError, or `VELO_CONFIG` for an id in use. */
  constructor(
    scripts: Scripts,
    { def, state }: Hostable,
    tag: string,
    entry: string,
    keys: SessionKeys,
    kept: Claimed,
    settings: HostedSettings,
    turn: Turn | undefined,
  ) {
    this.tag = tag
    this.entry = entry
    this.#scripts = scripts
    this.#keys = keys
    this.#kept = { ...kept, events: ENDLESS }
    this.#settings = settings
    this.inbox = new Inbox(
      kept.first,
      (from) => this.#readFrom(from),
      () => this.lost('away'),
      () => settings.holds(tag),
    )
    const { suspectUntil, finished } = kept
    this.#finishedBefore = finished
    this.#suspect = kept.deaths > 0 ? new Suspect(scripts, keys, kept.own, { until: suspectUntil, finished, turn }, this) : undefined
    this.output.handed = kept.delivered
    this.#journal = new HostedJournal(scripts, keys, settings, kept.delivered, this)
    const { codec } = def.options
    this.#life = new Life(
      def,
      { id: kept.own.key.id, isForeign: true, headers: kept.headers },
      undefined,
      {
        journal: this.#journal,
        retain: settings.ttl,
        onDivergence: 'fail',
        codec,
        schema: undefined,
        state,
        survivesThreads: false,
        collects: false,
      },
      this,
    )
    this.gone = this.#run()
  }

  /** A suspect gets its next event when it has finished the last one, and one that is held later: nothing is in flight to them. */
  get isDry(): boolean {
    return this.inbox.isDry || this.#suspect?.isProven === false || this.inbox.isHeld
  }

  /** Events that the function has finished: it asks for the next one. */
  get done(): number {
    const { row } = this.#life.inner
    return this.#from + Math.max(0, row.delivered - (row.slot >= 0 && row.isWaiting ? 0 : 1))
  }

  /** Its function executes no event, and none is on its way to it. */
  get isResting(): boolean {
    return this.isOver || this.done >= this.inbox.given
  }

  get isOver(): boolean {
    return this.#leaving !== undefined || this.#life.isLeaving
  }

  /** Nothing, or nothing any more, speaks against it. */
  get isProven(): boolean {
    return this.#suspect === undefined || this.#suspect.isProven
  }

  /** Events that the server has, as far as is known here, and the function has not finished. */
  get lag(): number {
    return Math.max(0, Math.max(this.inbox.next, this.#known) - this.done)
  }

  hear(message: Message): void {
    if (message.news === News.Over) return this.leave('over')
    if (message.news === News.Room) return this.#onRoom()
    this.#known = Math.max(this.#known, message.from + Math.max(1, message.records.length))
    this.inbox.hear(message)
    this.#soon()
  }

  read(from: number, limit: ReadLimit): Promise<readonly EventRecord[]> {
    return this.#suspect?.read(from, limit) ?? this.inbox.read(from, limit)
  }

  played(): void {
    if (this.#leaving === undefined && this.inbox.ended) this.#life.inner.endInput()
  }

  /** A failure on an event that an earlier host had finished is that of another version of the function, and finishes nothing (rule 29). */
  ending(life: Life, failure: Failure | undefined): Failure | undefined {
    if (failure !== undefined && life.taken <= this.#finishedBefore) this.diverged(failure.error)
    return failure
  }

  diverged(error: unknown): void {
    if (this.#leaving !== undefined) return
    const { function: name, id } = this.#kept.own.key
    const { message } = (error ?? {}) as { message?: unknown }
    const text = `session ${id} of ${name} cannot be replayed here, and is given back for another host: ${String(message ?? error)}`
    line('error', { code: 'VELO_CHECKPOINT', function: name, stream: id, err: error }, text)
    process.emitWarning(text, { type: 'VeloWarning', code: 'VELO_CHECKPOINT' })
    this.leave('unfit')
  }

  fail(error: unknown): void {
    if (this.#leaving !== undefined || this.#failure !== undefined) return
    this.#failure = { error }
    this.#life.inner.instance.abort(error)
  }

  lost(why: string): void {
    this.leave(why === 'lost' ? 'regressed' : why === 'over' || why === 'gone' ? 'over' : 'lost')
  }

  /** It goes on elsewhere, or nowhere. */
  leave(how: Leaving): void {
    if (this.#leaving !== undefined) return
    this.#leaving = how
    this.#rest()
    void silence(this.#life.inner.instance.close())
  }

  async waitForReaders(): Promise<boolean> {
    if (this.#isStaying) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, READERS)
        this.#onRoom = () => {
          clearTimeout(timer)
          resolve()
        }
      })
    }
    return this.#isStaying
  }

  /** Whether it is still ours, as we know it. */
  async look(): Promise<void> {
    if (this.#leaving !== undefined) return
    const { epoch, token } = this.#kept.own
    const published = this.#journal.published
    const next = this.inbox.next
    const [word, events, results] = (await this.#scripts.run(LOOK, this.#keys.all, [epoch, token])) as [Buffer, number, number]
    if (String(word) !== 'ok') return this.lost(String(word))
    this.#known = Math.max(this.#known, events)
    if (events < next || results < published) this.lost('lost')
    else this.inbox.look()
  }

  /** What was done is committed, and others may take it. False: it is not ours to give. */
  async giveBack(): Promise<boolean> {
    if (this.#leaving !== undefined) return false
    this.#rest()
    const { ledger } = this.#life
    if (ledger !== undefined) await silence(ledger.flush()).catch(() => {})
    if (this.#leaving !== undefined) return false
    this.#leaving = 'given back'
    const { epoch, token } = this.#kept.own
    const [word] = (await this.#scripts.run(RELEASE, this.#keys.all, [epoch, token])) as [Buffer]
    void silence(this.#life.inner.instance.close())
    return String(word) === 'ok'
  }

  /** No more than what is under way. */
  #rest(): void {
    this.#isStaying = false
    this.inbox.close()
    this.#onRoom()
  }

  async #run(): Promise<Leaving> {
    const { inner } = this.#life
    try {
      const opening = await this.#life.opening(this.#kept, false)
      this.#from = opening.from
      this.#life.begin(this.#kept, opening)
    } catch {
      this.leave('unfit')
    }
    this.inbox.look()
    if (this.#leaving === undefined) await this.#publish().catch(() => {})
    const end = await inner.instance.whenEnded()
    this.#life.end()
    clearTimeout(this.#timer)
    clearTimeout(this.#progress)
    if (this.#leaving === undefined) {
      const failure = this.#failure
      const known = failure === undefined ? end : { ...end, reason: 'failed' as const, error: failure.error }
      const bytes = writeEnd(known, this.inbox.next, this.output.handed)
      try {
        await this.#life.ledger?.finish(bytes, this.#settings.ttl)
        this.#leaving = 'over'
      } catch {
        this.#leaving ??= 'lost'
      }
    }
    this.inbox.close()
    this.#suspect?.end()
    return this.#leaving ?? 'over'
  }

  /** Reads what the function yields, and commits it. */
  async #publish(): Promise<void> {
    const { inner } = this.#life
    for (;;) {
      const records = (await inner.output.recvBatch(READ_AT_ONCE)) as Uint8Array[]
      if (records.length === 0) return
      this.#journal.add(records)
      this.output.handed += records.length
      this.#life.ledger?.deliver(this.output.handed)
      if (this.#journal.unpublished >= MOST_UNPUBLISHED) await this.#life.ledger?.flush()
      else if (this.inbox.isDry || this.#journal.unpublished >= this.#settings.commit.every) this.#flush()
      else this.#timer ??= setTimeout(() => this.#flush(), this.#settings.commit.ms)
    }
  }

  #flush(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    const { ledger } = this.#life
    if (ledger !== undefined) void silence(ledger.flush())
  }

  /** Events that bring no result are reported later: the sender may be waiting for them to be taken, and a death counts against those that are not finished. */
  #soon(): void {
    this.#progress ??= setTimeout(() => {
      this.#progress = undefined
      if (this.#leaving !== undefined) return
      const { next } = this.inbox
      if (this.#journal.told < next || this.#journal.finished < this.done) void silence(this.#journal.commit(this.#kept.own, {}))
      this.#pause = this.done < next ? Math.min(2 * this.#pause, PROGRESS.most) : PROGRESS.first
      if (this.done < next) this.#soon()
    }, this.#pause)
  }

  async #readFrom(from: number): Promise<readonly Buffer[]> {
    const { epoch, token } = this.#kept.own
    const args = [epoch, token, from, PAGE.events, PAGE.bytes]
    const [word, records] = (await this.#scripts.run(READ, this.#keys.all, args)) as [Buffer, Buffer[]]
    if (String(word) === 'ok') {
      if (records.length > 0) this.#soon()
      return records
    }
    this.lost(String(word))
    return []
  }
}
