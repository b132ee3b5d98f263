// js/redis/cluster/host: sessions that this process runs. Knows nothing of those that it has open.
//
// One session that this process hosts: one life of its function, whose events come from the inbox and whose results are committed.

import type { Kept } from '../../../durable/journal.js'
import { writeEnd } from '../../../durable/stream/commits/end.js'
import { Life, type LifeOwner } from '../../../durable/stream/life.js'
import type { Failure } from '../../../kit/errors.js'
import { silence } from '../../../kit/promises.js'
import type { StreamHeaders } from '../../../kit/types.js'
import type { SessionKeys } from '../../session/keys.js'
import { READ } from '../../session/scripts/lua.js'
import { LOOK, RELEASE } from '../../session/scripts/lua-host.js'
import type { Scripts } from '../../session/scripts/script.js'
import type { Hostable, Often } from '../definition.js'
import { type Message, News } from '../messages.js'
import { HostedJournal, type HostedLimits, type HostedOwner } from './hosted-journal.js'
import { Inbox } from './inbox.js'

/** A session as it was claimed. */
export interface Claimed extends Kept {
  /** What whoever opened it first says. */
  readonly headers: StreamHeaders | undefined
  /** Whoever hosted it before had not given it back. */
  readonly isTakenOver: boolean
}

export interface HostedSettings extends HostedLimits {
  readonly commit: Often
}

/** How it left this process. */
export type Leaving = 'over' | 'lost' | 'regressed' | 'unfit' | 'given back'

const PAGE = { events: 512, bytes: 1 << 20 }
/** Results read at a time, and the most of which nobody knows. */
const READ_AT_ONCE = 256
const MOST_UNPUBLISHED = 4096
/** ms until events that brought no result are told as taken. */
const BY_AND_BY = 50
/** ms until it is looked whether readers have taken something, should nobody say so. */
const READERS = 250
/** More than ever come: the function is given events until they end. */
const ENDLESS = Number.MAX_SAFE_INTEGER

export class HostedSession implements LifeOwner, HostedOwner {
  readonly tag: string
  readonly entry: string
  readonly inbox: Inbox
  /** Settles when nothing of it is at work here any more. */
  readonly gone: Promise<Leaving>
  /** Nothing pulls here that says what has arrived. */
  readonly output = { handed: 0, confirm(): void {} }
  readonly #scripts: Scripts
  readonly #keys: SessionKeys
  readonly #kept: Kept
  readonly #journal: HostedJournal
  readonly #often: Often
  readonly #ttl: number
  readonly #life: Life
  #leaving: Leaving | undefined
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
  ) {
    this.tag = tag
    this.entry = entry
    this.#scripts = scripts
    this.#keys = keys
    this.#kept = { ...kept, events: ENDLESS }
    this.#often = settings.commit
    this.#ttl = settings.ttl
    this.inbox = new Inbox(
      kept.first,
      (from) => this.#readFrom(from),
      () => this.lost('away'),
    )
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

  get isFeeding(): boolean {
    return true
  }

  get isDry(): boolean {
    return this.inbox.isDry
  }

  /** Something was committed since it came here. */
  get isProven(): boolean {
    return this.#journal.isProven
  }

  /** Events that came here and were not told as taken. */
  get lag(): number {
    return Math.max(0, this.inbox.next - this.#journal.told)
  }

  hear(message: Message): void {
    if (message.news === News.Over) return this.leave('over')
    if (message.news === News.Room) return this.#onRoom()
    this.inbox.hear(message)
    this.#soon()
  }

  played(): void {
    if (this.#leaving === undefined && this.inbox.ended) this.#life.inner.endInput()
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
    if (String(word) !== 'ok') this.lost(String(word))
    else if (events < next || results < published) this.lost('lost')
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
      this.#life.begin(this.#kept, await this.#life.opening(this.#kept, false))
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
        await this.#life.ledger?.finish(bytes, this.#ttl)
        this.#leaving = 'over'
      } catch {
        this.#leaving ??= 'lost'
      }
    }
    this.inbox.close()
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
      else if (this.inbox.isDry || this.#journal.unpublished >= this.#often.every) this.#flush()
      else this.#timer ??= setTimeout(() => this.#flush(), this.#often.ms)
    }
  }

  #flush(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    const { ledger } = this.#life
    if (ledger !== undefined) void silence(ledger.flush())
  }

  /** Events that bring no result are told as taken by and by: whoever sends may be waiting for that. */
  #soon(): void {
    this.#progress ??= setTimeout(() => {
      this.#progress = undefined
      if (this.#leaving !== undefined || this.#journal.told >= this.inbox.next) return
      void silence(this.#journal.commit(this.#kept.own, {}))
    }, BY_AND_BY)
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
