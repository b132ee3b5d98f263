// A journal in JetStream, for durable streams of processes that share a server. Owns no connection and no durability beyond that of the server.

import { randomBytes } from 'node:crypto'
import type { Commit, EventRecord, Journal, Kept, Ownership, ReadLimit, StreamInit, StreamKey, Unfinished } from '../../durable/journal.js'
import { type Base, type Entry, NOTHING, seal, unseal } from '../../durable/kept/entries.js'
import { configError, duration, integer, onlyKnown, text, word } from '../../kit/check.js'
import { messageOf } from '../client/faults.js'
import { type NatsLike, wireOf } from '../client/wire.js'
import { Box, type Stored } from './box.js'
import { GONE, whyNot } from './log.js'
import { OwnedStream } from './owned-stream.js'
import type { PackHead } from './packs.js'
import { logsOf, refusal, subjectsOf, subjectsOfLog } from './subjects.js'

/** Options of `NatsJournal`. */
export interface NatsJournalOptions {
  /** The stream of JetStream, made where it is missing: its subjects are all that begin with its name and a dot. Default `'velo'`. */
  stream?: string
  /** Where a stream that is made lies. Default `'file'`. */
  storage?: 'file' | 'memory'
  /** How many servers have a stream that is made. Default 1. */
  replicas?: number
  /** Bytes that one durable stream may keep. Default: no limit. */
  maxBytes?: number
  /** ms after which a server that does not answer is given up. Default 10000. */
  timeout?: number
  /** The domain of JetStream, where there are several. */
  domain?: string
}

/** The first server that keeps messages for a time of their own. */
const OLDEST = [2, 11] as const

function isBefore(version: string | undefined, [major, minor]: readonly [number, number]): boolean {
  const [, own, part] = /^(\d+)\.(\d+)\./.exec(version ?? '') ?? []
  return own !== undefined && (Number(own) < major || (Number(own) === major && Number(part) < minor))
}

/** Streams asked for together. */
const PAGE = 200
const NONE = Buffer.alloc(0)

export class NatsJournal implements Journal {
  readonly #box: Box
  readonly #prefix: string
  readonly #maxBytes: number | undefined
  /** Those that were opened here and not by somebody else since, as far as is known here, by token. */
  readonly #owned = new Map<string, OwnedStream>()
  readonly #tokens = new Map<string, string>()
  /** Everything that was asked for and has no answer. */
  readonly #pending = new Set<Promise<unknown>>()
  #closed: Promise<void> | undefined

  /** @throws VeloError `VELO_CONFIG` for what is no connection, and for an option that is unknown or out of range. */
  constructor(connection: NatsLike, options: NatsJournalOptions = {}) {
    const field = 'NatsJournal(connection, options)'
    onlyKnown(options, field, ['stream', 'storage', 'replicas', 'maxBytes', 'timeout', 'domain'])
    const { stream = 'velo', maxBytes, domain } = options
    text(stream, `${field}.stream`)
    if (!/^[^\s.*>/\\]+$/.test(stream)) throw configError(`${field}.stream`, 'a name without dots, spaces, slashes and wildcards', stream)
    if (domain !== undefined) text(domain, `${field}.domain`)
    this.#prefix = stream
    const isBounded = maxBytes !== undefined && maxBytes !== Number.POSITIVE_INFINITY
    this.#maxBytes = isBounded ? integer(maxBytes, `${field}.maxBytes`, 1, 1) : undefined
    const wire = wireOf(connection, 'NatsJournal(connection)', domain)
    const { version } = wire
    if (isBefore(version, OLDEST)) throw configError('NatsJournal(connection)', `a server of NATS from ${OLDEST.join('.')} on`, version)
    this.#box = new Box(wire, {
      stream,
      storage: word(options.storage, `${field}.storage`, ['file', 'memory']),
      replicas: integer(options.replicas, `${field}.replicas`, 1, 1, 5),
      timeout: duration(options.timeout, `${field}.timeout`, 1, 10_000),
      config: { subjects: [`${stream}.>`] },
    })
  }

  open(key: StreamKey, init: StreamInit): Promise<Kept> {
    return this.#ask(key, async () => {
      const { stream, isNew } = await this.#claim(key, init)
      const { token } = stream.own
      const place = JSON.stringify([key.function, key.id])
      this.#owned.delete(this.#tokens.get(place) ?? '')
      this.#tokens.set(place, token)
      this.#owned.set(token, stream)
      return stream.load(isNew)
    })
  }

  append(own: Ownership, from: number, records: readonly EventRecord[]): Promise<void> {
    integer(from, 'append(own, from, records).from', 0, Number.NaN)
    return this.#with(own, (stream) => stream.append(from, records))
  }

  read(own: Ownership, from: number, limit: ReadLimit): Promise<readonly EventRecord[]> {
    integer(from, 'read(own, from, limit).from', 0, Number.NaN)
    return this.#with(own, (stream) => stream.read(from, limit))
  }

  commit(own: Ownership, commit: Commit): Promise<void> {
    const isRemoving = commit.over?.retain === 0
    const done = this.#with(
      own,
      (stream) => stream.commit(commit),
      (why) => isRemoving && why === GONE,
    )
    return isRemoving ? done.then(() => this.#forget(own)) : done
  }

  discard(key: StreamKey): Promise<boolean> {
    return this.#ask(key, async () => {
      const { all, log } = subjectsOf(this.#prefix, key)
      for (;;) {
        const last = await this.#box.last(log)
        if (last === undefined) return false
        const { head } = unseal<Entry>(last.data)
        const { l, at, seed, f, i, b } = head
        const entry: Entry = { l, at, seed, f, i, t: tokenOf(), n: 0, b, k: [0, 0, 0], z: NOTHING, v: 0 }
        const terms = { last: { subject: log, seq: last.seq }, rollup: true }
        const seq = isDue(head.v) ? last.seq : await this.#box.put(log, seal(entry, NONE), terms)
        if (seq === undefined) continue
        await this.#box.purge(all, seq)
        return !isDue(head.v)
      }
    })
  }

  unfinished(functionName: string): Promise<readonly Unfinished[]> {
    return this.#ask({ function: functionName, id: '' }, async () => {
      const logs = await this.#box.subjects(logsOf(this.#prefix, functionName))
      const found: Unfinished[] = []
      for (let at = 0; at < logs.length; at += PAGE) {
        const some = logs.slice(at, at + PAGE).map(subjectsOfLog)
        const lasts = await this.#box.lasts(some.flatMap(({ log, events, delivered }) => [log, events, delivered]))
        const bySubject = new Map(lasts.map((stored) => [stored.subject, stored]))
        for (const { log, events, delivered } of some) {
          const one = tell(bySubject.get(log), bySubject.get(events), bySubject.get(delivered))
          if (one !== undefined) found.push(one)
        }
      }
      return found
    })
  }

  close(): Promise<void> {
    this.#closed ??= Promise.allSettled(this.#pending).then(() => this.#owned.clear())
    return this.#closed
  }

  /** The next entry of its log is ours: whoever had it before writes nothing more. */
  async #claim(key: StreamKey, init: StreamInit): Promise<{ stream: OwnedStream; isNew: boolean }> {
    const subjects = subjectsOf(this.#prefix, key)
    const { log, all } = subjects
    const t = tokenOf()
    for (;;) {
      const last = await this.#box.last(log)
      const head = last && unseal<Entry>(last.data).head
      if (last !== undefined && isDue(head?.v)) {
        await this.#box.purge(all, last.seq)
        continue
      }
      // What is retained of an end goes when it would have gone.
      const isOver = head?.v !== undefined
      const entry: Entry = { ...(head === undefined ? birth(key, init) : isOver ? head : before(head)), t, n: 0 }
      const ttl = isOver ? (head?.v as number) - Date.now() : undefined
      const body = isOver && last !== undefined ? unseal(last.data).body : NONE
      const seq = await this.#box.put(log, seal(entry, body), { last: { subject: log, seq: last?.seq ?? 0 }, rollup: isOver, ttl })
      const now = seq ?? (await this.#stored(log, t))
      if (now === undefined) continue
      const base: Base = { f: key.function, i: key.id, at: entry.at, seed: entry.seed, l: entry.l, t, n: 0 }
      return { stream: new OwnedStream(this.#box, subjects, base, now, this.#maxBytes), isNew: head === undefined }
    }
  }

  /** Where our opening is, when its answer was lost. */
  async #stored(log: string, token: string): Promise<number | undefined> {
    const last = await this.#box.last(log)
    return last !== undefined && unseal<Entry>(last.data).head.t === token ? last.seq : undefined
  }

  #find({ token, epoch, key }: Ownership): OwnedStream | undefined {
    const stream = this.#owned.get(token)
    if (stream === undefined || stream.own.epoch !== epoch) return undefined
    return stream.own.key.id === key.id && stream.own.key.function === key.function ? stream : undefined
  }

  /** In the order in which it was asked for. `isFine`: why it is not ours does not matter. */
  #with<Answer>(own: Ownership, run: (stream: OwnedStream) => Promise<Answer>, isFine?: (why: string) => boolean): Promise<Answer> {
    return this.#ask(own.key, async () => {
      const stream = this.#find(own)
      if (stream !== undefined) return run(stream)
      const { message: why } = whyNot(await this.#box.last(subjectsOf(this.#prefix, own.key).log))
      if (isFine?.(why) === true) return undefined as Answer
      throw refusal(own.key, why)
    })
  }

  #forget({ key, token }: Ownership): void {
    const place = JSON.stringify([key.function, key.id])
    this.#owned.delete(token)
    if (this.#tokens.get(place) === token) this.#tokens.delete(place)
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
      await this.#box.ready()
      return await ask()
    } catch (error) {
      if ((error as { code?: unknown }).code === 'VELO_CHECKPOINT') throw error
      throw refusal(key, `the server: ${messageOf(error)}`, error)
    }
  }
}

function tokenOf(): string {
  return randomBytes(9).toString('base64url')
}

/** Whether what is retained of an end is to be gone by now. Clocks that differ make it stay for longer or shorter, which decides nothing else. */
function isDue(v: number | undefined): boolean {
  return v !== undefined && v <= Date.now()
}

/** The first entry of a log. */
function birth({ function: f, id: i }: StreamKey, { at, seed }: StreamInit): Omit<Entry, 't' | 'n'> {
  return { f, i, at, seed, l: tokenOf(), b: [0, 0], k: [0, 0, 0], z: NOTHING }
}

/** What an entry says beside what was committed with it. */
function before({ f, i, at, seed, l, b, k }: Entry): Omit<Entry, 't' | 'n'> {
  return { f, i, at, seed, l, b, k }
}

/** A stream by the last messages of its subjects. */
function tell(log: Stored | undefined, events: Stored | undefined, delivered: Stored | undefined): Unfinished | undefined {
  if (log === undefined) return undefined
  const { head } = unseal<Entry>(log.data)
  if (head.v !== undefined) return undefined
  const pack = events && unseal<PackHead>(events.data).head
  const isLater = events !== undefined && events.seq > head.b[1] && pack?.l === head.l
  const said = delivered && unseal<{ l: string; d: number }>(delivered.data).head
  const results = Math.max(head.d ?? 0, head.k[2], said?.l === head.l ? said.d : 0)
  const next = Math.max(head.k[1], pack?.l === head.l ? pack.f + pack.c : 0)
  return { id: head.i, events: next, results, bytes: (isLater ? (pack?.b ?? 0) : head.b[0]) + head.k[0] }
}
