// js/redis/session: sessions in Redis and Valkey: where their events, results and state are, who may write to them, and the scripts that keep the law. Knows nothing of
// how a session is run, nor of those who talk to it from elsewhere (js/redis/cluster).
//
// A journal in Redis or Valkey, for durable streams of processes that share a server. Owns a connection of its own, and no durability beyond that of the server.

import { randomBytes } from 'node:crypto'
import type { Commit, EventRecord, Journal, Kept, Ownership, ReadLimit, StreamInit, StreamKey, Unfinished } from '../../durable/journal.js'
import { duration, integer, onlyKnown, text } from '../../kit/check.js'
import type { RedisClient } from '../client/wire.js'
import { connectorOf } from './clients/connector.js'
import { commitArgs } from './commit-args.js'
import { indexOf, journalKeysOf, keyOf, refusal, tagOf } from './keys.js'
import { Lane, type Step } from './lane.js'
import { type Opened, readEvent, readKept, writeEvent } from './records.js'
import { answerOf } from './refusals.js'
import { APPEND, DISCARD, FORGET, FORGET_OLD, OPEN, READ, TELL } from './scripts/lua.js'
import { COMMIT } from './scripts/lua-commit.js'
import { Scripts } from './scripts/script.js'

export interface RedisJournalOptions {
  /** What all names in the server begin with. Default `'velo'`. */
  prefix?: string
  /** Bytes that one stream may keep. Default: no limit. */
  maxBytes?: number
  /** ms after which a server that does not answer is given up. Default 10000. */
  timeout?: number
}

/** Asked for together. */
const PAGE = 100

export class RedisJournal implements Journal {
  readonly #prefix: string
  readonly #maxBytes: number | undefined
  readonly #scripts: Scripts
  readonly #lanes = new Map<string, Lane>()
  /** Everything that was asked for and has no answer. */
  readonly #pending = new Set<Promise<unknown>>()
  #closed: Promise<void> | undefined

  /** @throws VeloError `VELO_CONFIG` for what is no client, and for an option that is unknown or out of range. */
  constructor(client: RedisClient, options: RedisJournalOptions = {}) {
    const field = 'redisJournal(client, options)'
    onlyKnown(options, field, ['prefix', 'maxBytes', 'timeout'])
    const { prefix = 'velo', maxBytes, timeout } = options
    text(prefix, `${field}.prefix`)
    this.#prefix = prefix
    this.#maxBytes =
      maxBytes === undefined || maxBytes === Number.POSITIVE_INFINITY ? undefined : integer(maxBytes, `${field}.maxBytes`, 1, 1)
    const ms = duration(timeout, `${field}.timeout`, 1, 10_000)
    this.#scripts = new Scripts(connectorOf(client, 'redisJournal(client)').connect(), ms)
  }

  open(key: StreamKey, init: StreamInit): Promise<Kept> {
    return this.#ask(key, async () => {
      const [index, tag] = [indexOf(this.#prefix, key.function), tagOf(key)]
      const token = randomBytes(9).toString('base64url')
      // Whatever becomes of this process: what is there, is found.
      const listed = this.#scripts.call('ZADD', index, 'NX', 0, tag)
      const opened = this.#scripts.run(OPEN, this.#allOf(key), [token, init.at, init.seed, this.#maxBytes ?? ''])
      const [answer] = await Promise.all([opened, listed])
      const kept = readKept(answerOf(answer, key) as Opened, key, token)
      await this.#scripts.call('ZADD', index, 'GT', kept.own.epoch, tag)
      return kept
    })
  }

  append(own: Ownership, from: number, records: readonly EventRecord[]): Promise<void> {
    integer(from, 'append(own, from, records).from', 0, Number.NaN)
    return this.#step(own, new Append(this.#scripts, journalKeysOf(this.#prefix, own.key).all, own, from, records.map(writeEvent)))
  }

  read(own: Ownership, from: number, { events, bytes }: ReadLimit): Promise<readonly EventRecord[]> {
    integer(from, 'read(own, from, limit).from', 0, Number.NaN)
    const run = async (): Promise<EventRecord[]> => {
      const [records] = answerOf(await this.#run(READ, own, from, Math.max(1, events), bytes), own.key) as [Buffer[]]
      return records.map(readEvent)
    }
    return this.#step(own, { run })
  }

  commit(own: Ownership, commit: Commit): Promise<void> {
    const run = async (): Promise<void> => {
      const args = commitArgs(own, commit.delivered, commit, commit.outputs)
      answerOf(await this.#scripts.run(COMMIT, journalKeysOf(this.#prefix, own.key).all, args), own.key)
      if (commit.over?.retain === 0) await this.#forget(own.key, own.epoch)
    }
    return this.#step(own, { run })
  }

  discard(key: StreamKey): Promise<boolean> {
    return this.#ask(key, async () => {
      const [existed, epoch] = answerOf(await this.#scripts.run(DISCARD, this.#allOf(key), []), key)
      if (existed === 1) await this.#forget(key, Number(epoch))
      return existed === 1
    })
  }

  unfinished(functionName: string): Promise<readonly Unfinished[]> {
    return this.#ask({ function: functionName, id: '' }, async () => {
      const index = indexOf(this.#prefix, functionName)
      const tags = (await this.#scripts.call('ZRANGE', index, 0, -1)) as Buffer[]
      const found: Unfinished[] = []
      for (let at = 0; at < tags.length; at += PAGE) {
        const page = await Promise.all(tags.slice(at, at + PAGE).map((tag) => this.#tell(index, tag.toString())))
        found.push(...page.filter((one) => one !== undefined))
      }
      return found
    })
  }

  close(): Promise<void> {
    this.#closed ??= Promise.allSettled(this.#pending).then(() => this.#scripts.close())
    return this.#closed
  }

  async #tell(index: string, tag: string): Promise<Unfinished | undefined> {
    const key = keyOf(tag)
    const answer = (await this.#scripts.run(TELL, this.#allOf(key), [])) as [Buffer, Buffer, Buffer, number]
    const word = String(answer[0])
    // An end that was retained is due, or its opening was never finished.
    if (word === 'gone') await this.#scripts.run(FORGET_OLD, [index], [tag])
    if (word !== 'ok') return undefined
    return { id: key.id, events: Number(answer[1]), results: Number(answer[2]), bytes: answer[3] }
  }

  /** With the names of earlier versions. */
  #allOf(key: StreamKey): string[] {
    const { all, before } = journalKeysOf(this.#prefix, key)
    return [...all, ...before]
  }

  /** One that was opened again meanwhile stays listed: its epoch is a later one. */
  async #forget(key: StreamKey, epoch: number): Promise<void> {
    const index = indexOf(this.#prefix, key.function)
    const tag = tagOf(key)
    await this.#scripts.run(FORGET, [index], [tag, epoch])
  }

  #run(script: typeof READ, own: Ownership, ...args: Parameters<Scripts['run']>[2]): Promise<unknown> {
    return this.#scripts.run(script, journalKeysOf(this.#prefix, own.key).all, [own.epoch, own.token, ...args])
  }

  /** In the order of its ownership. */
  #step<Answer>(own: Ownership, step: Step): Promise<Answer> {
    const place = `${own.token} ${own.epoch}`
    return this.#ask(own.key, () => {
      const lane = this.#lanes.get(place) ?? new Lane()
      this.#lanes.set(place, lane)
      return lane.ask<Answer>(step).finally(() => {
        if (lane.isIdle && this.#lanes.get(place) === lane) this.#lanes.delete(place)
      })
    })
  }

  #ask<Answer>(key: StreamKey, ask: () => Promise<Answer>): Promise<Answer> {
    if (this.#closed !== undefined) return Promise.reject(refusal(key, 'the journal is closed'))
    const asked = this.#refusing(key, ask)
    this.#pending.add(asked)
    asked.then(
      () => this.#pending.delete(asked),
      () => this.#pending.delete(asked),
    )
    return asked
  }

  async #refusing<Answer>(key: StreamKey, ask: () => Promise<Answer>): Promise<Answer> {
    try {
      return await ask()
    } catch (error) {
      if ((error as { code?: unknown }).code === 'VELO_CHECKPOINT') throw error
      throw refusal(key, `the server: ${(error as Error).message}`, error)
    }
  }
}

/** Several that wait, and follow each other, are one. */
class Append implements Step {
  readonly apart = true

  private readonly scripts: Scripts
  private readonly keys: readonly string[]
  private readonly own: Ownership
  private readonly from: number
  private readonly records: readonly Buffer[]

  constructor(scripts: Scripts, keys: readonly string[], own: Ownership, from: number, records: readonly Buffer[]) {
    this.scripts = scripts
    this.keys = keys
    this.own = own
    this.from = from
    this.records = records
  }

  async run(): Promise<void> {
    const { epoch, token, key } = this.own
    answerOf(await this.scripts.run(APPEND, this.keys, [epoch, token, this.from, ...this.records]), key, this.from)
  }

  join(next: Step): Step | undefined {
    if (!(next instanceof Append) || next.from !== this.from + this.records.length || this.records.length >= PAGE) return undefined
    return new Append(this.scripts, this.keys, this.own, this.from, [...this.records, ...next.records])
  }
}
