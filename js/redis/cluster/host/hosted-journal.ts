// The journal of one session that this process hosts: its events come from those who send, its results go along with what is committed.

import type { Commit, EventRecord, Ownership, ReadLimit } from '../../../durable/journal.js'
import { VeloError } from '../../../kit/errors.js'
import type { Argument } from '../../session/clients/connection.js'
import type { Replicas } from '../../session/clients/replicas.js'
import { commitArgs } from '../../session/commit-args.js'
import type { SessionKeys } from '../../session/keys.js'
import { HOST_COMMIT } from '../../session/scripts/lua-host.js'
import type { Scripts } from '../../session/scripts/script.js'
import { PartOfJournal } from '../part-of-journal.js'
import type { Inbox } from './inbox.js'

export interface HostedOwner {
  readonly inbox: Inbox
  /** Events that the function has finished. */
  readonly done: number
  /** The next events for the function. */
  read(from: number, limit: ReadLimit): Promise<readonly EventRecord[]>
  /** It is no more ours, or not as we know it. */
  lost(why: string): void
  /** Waits until readers may have taken something; false: it waits no more. */
  waitForReaders(): Promise<boolean>
}

export interface HostedLimits {
  /** ms that a session is kept. */
  readonly ttl: number
  /** Results that may wait for their readers. */
  readonly results: number
  /** Who must have a commit beside the server, before the function goes on. */
  readonly replicas: Replicas | undefined
  /** What is counted of all sessions of a worker. */
  readonly counts: { commits: number }
}

export class HostedJournal extends PartOfJournal {
  readonly #scripts: Scripts
  readonly #keys: SessionKeys
  readonly #limits: HostedLimits
  readonly #owner: HostedOwner
  /** Results from index `published` on, of which nobody knows. */
  #results: Uint8Array[] = []
  #published: number
  /** Results that were committed with a state before they were read. */
  #ahead = 0
  /** Events that were taken, and those that were finished, as the server knows. */
  #told = 0
  #finished = 0

  constructor(scripts: Scripts, keys: SessionKeys, limits: HostedLimits, published: number, owner: HostedOwner) {
    super()
    this.#scripts = scripts
    this.#keys = keys
    this.#limits = limits
    this.#published = published
    this.#owner = owner
  }

  /** Results that were committed. */
  get published(): number {
    return this.#published
  }

  /** Events of which the server knows that they were taken. */
  get told(): number {
    return this.#told
  }

  /** Events of which the server knows that they were finished. */
  get finished(): number {
    return this.#finished
  }

  get unpublished(): number {
    return this.#results.length
  }

  /** They go with the next commit. */
  add(records: readonly Uint8Array[]): void {
    const known = Math.min(this.#ahead, records.length)
    this.#ahead -= known
    this.#results.push(...records.slice(known))
  }

  override read(_: Ownership, from: number, limit: ReadLimit): Promise<readonly EventRecord[]> {
    return this.#owner.read(from, limit)
  }

  override async commit(own: Ownership, commit: Commit): Promise<void> {
    const { inbox, done } = this.#owner
    const rests = inbox.next
    const { ttl, results } = this.#limits
    const outputs = { from: this.#published, values: this.#with(commit) }
    const args = commitArgs(own, rests, commit, outputs, ttl, results, done)
    for (;;) {
      const [word, published] = await this.#ask(args)
      if (String(word) === 'ok') {
        this.#done(published, rests, done)
        return this.#limits.replicas?.reached()
      }
      if (String(word) !== 'full' || !(await this.#owner.waitForReaders())) throw this.#refused(own, String(word), undefined)
    }
  }

  async #ask(args: readonly Argument[]): Promise<[Buffer, number]> {
    try {
      return (await this.#scripts.run(HOST_COMMIT, this.#keys.all, args)) as [Buffer, number]
    } catch (error) {
      this.#owner.lost('away')
      throw error
    }
  }

  #refused({ key }: Ownership, word: string, cause: unknown): VeloError {
    if (word !== 'full') this.#owner.lost(word)
    return new VeloError('VELO_CHECKPOINT', `session ${key.id}: it is not hosted here any more (${word})`, { streamId: key.id, cause })
  }

  /** Another commit may have been under way with it, which had some of the same results. */
  #done(published: number, rests: number, finished: number): void {
    this.#limits.counts.commits++
    const done = Math.max(0, published - this.#published)
    this.#ahead += Math.max(0, done - this.#results.length)
    this.#results.splice(0, done)
    this.#published += done
    this.#told = Math.max(this.#told, rests)
    this.#finished = Math.max(this.#finished, finished)
  }

  /** Results that go along: those that were read, and with a state those before it that were not read yet. */
  #with({ state, outputs }: Commit): readonly Uint8Array[] {
    const read = this.#published + this.#results.length
    if (state === undefined || outputs === undefined || state.results <= read) return [...this.#results]
    return [...this.#results, ...outputs.values.slice(Math.max(0, read - outputs.from))]
  }
}
