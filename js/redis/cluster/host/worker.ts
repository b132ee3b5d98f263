// The sessions that this process hosts: taken as they are given by the others, started, looked after, given back.

import { randomBytes } from 'node:crypto'
import type { Kept } from '../../../durable/journal.js'
import { silence } from '../../../kit/promises.js'
import type { Connection, Subscriber } from '../../session/clients/connection.js'
import { keyOf, keysOf, type SessionKeys } from '../../session/keys.js'
import { ADOPT, CLAIM, RELEASE } from '../../session/scripts/lua-host.js'
import type { Scripts } from '../../session/scripts/script.js'
import type { Hostable } from '../definition.js'
import { GROUP, IS_LISTED, MINE } from '../lua-directory.js'
import { readInput } from '../messages.js'
import type { Names } from '../names.js'
import { type Claimed, claimed } from './claimed.js'
import { warnOfEviction } from './eviction.js'
import { giveUp } from './give-up.js'
import { HostedSession, type HostedSettings } from './hosted-session.js'
import { Membership, type MembershipOwner } from './membership.js'
import type { Orders } from './orders.js'
import { Pauses } from './pauses.js'
import { Quarantine, type Turn } from './quarantine.js'

/** What a worker has done. */
export interface WorkerCounts {
  takeovers: number
  commits: number
  deadLetters: number
}

export interface WorkerSettings extends Omit<HostedSettings, 'holds'> {
  readonly prefix: string
  readonly lease: number
  readonly maxTakeovers: number
  readonly capacity: number
  readonly counts: WorkerCounts
}

/** Every session is looked at once in so many ms, whatever it says. */
const LOOKED_AT = 30_000
const LOOKS_EVERY = 1000
/** A session runs alone after so many deaths: before that it may be any of those that were at work. */
const ALONE = 2

export class HostingWorker implements MembershipOwner {
  readonly #scripts: Scripts
  readonly #subscriber: Subscriber
  readonly #names: Names
  readonly #settings: WorkerSettings
  readonly #functions: ReadonlyMap<string, Hostable>
  readonly #membership: Membership
  readonly #sessions = new Map<string, HostedSession>()
  /** Entries that are being dealt with, or that nobody here can host. */
  readonly #entries = new Set<string>()
  readonly #quarantine: Quarantine
  readonly #pauses = new Pauses()
  /** Deaths of sessions that are not proven innocent. */
  readonly #doubtful = new Map<string, number>()
  #looks: NodeJS.Timeout | undefined
  #isStopping = false
  #isDrained = false
  /** What was done so far. */
  readonly counts: WorkerCounts

  constructor(
    scripts: Scripts,
    beats: Scripts,
    connection: Connection,
    subscriber: Subscriber,
    names: Names,
    functions: ReadonlyMap<string, Hostable>,
    settings: WorkerSettings,
  ) {
    this.#scripts = scripts
    this.#subscriber = subscriber
    this.#names = names
    this.#functions = functions
    this.#settings = settings
    this.counts = settings.counts
    this.#quarantine = new Quarantine(settings.lease, () => [...this.#sessions.values()].every(({ isResting }) => isResting))
    const id = `${process.pid}-${randomBytes(6).toString('base64url')}`
    this.#membership = new Membership(id, beats, subscriber, names, settings.lease, this)
    // The server that comes back may have lost its tail.
    connection.onReady(() => this.#lookAtAll())
    subscriber.onReady(() => void silence(this.#subscribeAgain()))
  }

  get id(): string {
    return this.#membership.id
  }

  get hosted(): number {
    return this.#sessions.size
  }

  get lag(): number {
    return [...this.#sessions.values()].reduce((sum, { lag }) => sum + lag, 0)
  }

  get room(): number {
    return this.#isStopping || this.#isDrained ? 0 : Math.max(0, this.#settings.capacity - this.known)
  }

  get known(): number {
    return this.#sessions.size + this.#entries.size
  }

  get patience(): number {
    let most = 0
    for (const [tag, takeovers] of this.#doubtful) {
      if (this.#sessions.get(tag)?.isProven === true) this.#doubtful.delete(tag)
      else most = Math.max(most, takeovers)
    }
    return 2 ** Math.min(most, this.#settings.maxTakeovers)
  }

  async start(): Promise<void> {
    await this.#membership.join()
    void silence(warnOfEviction(this.#scripts))
    this.#looks = setInterval(() => this.#lookAtSome(), LOOKS_EVERY)
  }

  /** Everything goes on elsewhere. */
  async stop(): Promise<void> {
    this.#isStopping = true
    clearInterval(this.#looks)
    const sessions = [...this.#sessions.values()]
    await this.#handOver(sessions)
    await this.#membership.leave()
    await Promise.all(sessions.map(({ gone }) => gone))
  }

  take(entry: string, tag: string): void {
    if (this.#entries.has(entry)) return
    const hosted = this.#sessions.get(tag)
    // It may have been somebody else's meanwhile.
    if (hosted?.entry === entry) return void silence(hosted.look())
    this.#entries.add(entry)
    void silence(
      this.#claim(entry, tag).finally(() => {
        this.#entries.delete(entry)
        this.#membership.beat()
      }),
    )
  }

  obey({ drains, moves, paused }: Orders): void {
    this.#isDrained = drains
    this.#pauses.set(paused)
    if (this.#isStopping) return
    if (drains && this.#sessions.size > 0) void silence(this.#handOver([...this.#sessions.values()]))
    else if (moves.length > 0) {
      const byEntry = new Map([...this.#sessions.values()].map((session) => [session.entry, session]))
      for (const [entry, to] of moves) {
        const session = byEntry.get(entry)
        if (session !== undefined) void silence(this.#handOver([session], to))
      }
    }
  }

  /** They go on elsewhere. */
  async #handOver(sessions: readonly HostedSession[], to?: string): Promise<void> {
    const given = await Promise.all(
      sessions.map(async (session) => ((await session.giveBack().catch(() => false)) ? session.entry : undefined)),
    )
    const entries = given.filter((entry) => entry !== undefined)
    await this.#membership.giveBack(entries, to)
  }

  wasAway(): void {
    this.#lookAtAll()
  }

  /** Answers may have been lost: what was given to this worker and is not known here. */
  async reconcile(): Promise<void> {
    const [, mine] = (await this.#scripts.run(MINE, this.#names.directory, [GROUP, this.id])) as [Buffer, [Buffer, Buffer][]]
    for (const [entry, tag] of mine) this.take(entry.toString(), tag.toString())
  }

  async #claim(entry: string, tag: string): Promise<void> {
    const key = keyOf(tag)
    const hostable = this.#functions.get(key.function)
    if (hostable === undefined) return this.#cannot(entry)
    const keys = keysOf(this.#settings.prefix, key)
    const token = randomBytes(6).toString('base64url')
    const answer = (await this.#scripts.run(CLAIM, keys.all, [this.id, token, entry, this.#settings.ttl])) as [Buffer, ...unknown[]]
    const [word, ...rest] = answer
    if (String(word) === 'other') {
      const other = String(rest[0])
      const [, listed] = (await this.#scripts.run(IS_LISTED, this.#names.directory, [GROUP, other])) as [Buffer, number]
      if (listed > 0) return this.#membership.strike(entry)
      await this.#scripts.run(ADOPT, keys.all, [other, entry])
      return this.#claim(entry, tag)
    }
    if (String(word) !== 'ok') return this.#membership.strike(entry)
    const kept = claimed(rest, key, token)
    const { maxTakeovers } = this.#settings
    if (kept.deaths > maxTakeovers && kept.diedAlone) {
      this.counts.deadLetters++
      await giveUp(this.#scripts, this.#names, tag, keys, kept, kept.deaths, this.#settings)
      return this.#membership.strike(entry)
    }
    if (kept.isTakenOver) this.counts.takeovers++
    if (kept.deaths > 0) {
      this.#doubtful.set(tag, kept.deaths)
      // What it does first may keep the thread busy: the others must know of the longer lease before.
      await this.#membership.renew()
    }
    const before = this.#sessions.get(tag)
    before?.leave('lost')
    await before?.gone
    const turn = kept.deaths >= Math.min(ALONE, maxTakeovers) ? await this.#quarantine.enter(tag, kept.deaths) : undefined
    if (!this.#isStopping) return this.#host(hostable, entry, tag, keys, kept, turn)
    turn?.end()
    await this.#release(keys, kept)
    await this.#membership.giveBack([entry])
  }

  async #host(hostable: Hostable, entry: string, tag: string, keys: SessionKeys, kept: Claimed, turn: Turn | undefined): Promise<void> {
    let session: HostedSession
    try {
      const settings = { ...this.#settings, holds: (one: string) => this.#quarantine.holds(one) ?? this.#pauses.holds(hostable.name) }
      session = new HostedSession(this.#scripts, hostable, tag, entry, keys, kept, settings, turn)
    } catch {
      turn?.end()
      this.#doubtful.delete(tag)
      await this.#release(keys, kept)
      return this.#cannot(entry)
    }
    this.#sessions.set(tag, session)
    void this.#watch(session, keys, kept)
    await this.#scripts.asked(() => this.#subscribe(session))
    await session.look()
  }

  async #watch(session: HostedSession, keys: SessionKeys, kept: Kept): Promise<void> {
    const { tag, entry } = session
    const how = await session.gone
    if (this.#sessions.get(tag) === session) {
      this.#sessions.delete(tag)
      this.#subscriber.unsubscribe(this.#inputOf(tag)).catch(() => {})
    }
    this.#doubtful.delete(tag)
    if (how === 'over') await silence(this.#membership.strike(entry)).catch(() => {})
    else if (how === 'regressed' && !this.#isStopping) this.take(entry, tag)
    else if (how === 'unfit' && !this.#isStopping) {
      this.#entries.add(entry)
      await this.#release(keys, kept)
      await this.#cannot(entry).catch(() => {})
      this.#entries.delete(entry)
    }
    this.#membership.beat()
  }

  /** That it could not be hosted here is no fault of the session. */
  async #release(keys: SessionKeys, { own }: Kept): Promise<void> {
    await this.#scripts.run(RELEASE, keys.all, [own.epoch, own.token]).catch(() => {})
  }

  /** Others may be able to; until then it is held for as long as a lease, so that it does not go round and round. */
  async #cannot(entry: string): Promise<void> {
    await new Promise<void>((resolve) => {
      setTimeout(resolve, this.#isStopping ? 0 : this.#settings.lease).unref()
    })
    await this.#membership.giveBack([entry])
  }

  #inputOf(tag: string): string {
    return keysOf(this.#settings.prefix, keyOf(tag)).input
  }

  #subscribe(session: HostedSession): Promise<void> {
    return this.#subscriber.subscribe(this.#inputOf(session.tag), (bytes) => this.#sessions.get(session.tag)?.hear(readInput(bytes)))
  }

  async #subscribeAgain(): Promise<void> {
    await Promise.all([this.#membership.listen(), ...[...this.#sessions.values()].map((session) => this.#subscribe(session))])
    this.#lookAtAll()
  }

  #lookAtAll(): void {
    for (const session of this.#sessions.values()) void silence(session.look())
  }

  #lookAtSome(): void {
    const share = Math.ceil((this.#sessions.size * LOOKS_EVERY) / LOOKED_AT)
    let left = share
    for (const [tag, session] of this.#sessions) {
      if (left-- === 0) break
      // To the end of the line.
      this.#sessions.delete(tag)
      this.#sessions.set(tag, session)
      void silence(session.look())
    }
  }
}
