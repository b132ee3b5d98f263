// js/redis/cluster/admin: looking after a cluster from outside. Knows nothing of what its functions do.
//
// `clusterAdmin()`: who hosts what, which sessions there are, and moving them. It hosts nothing and opens nothing.

import { configError, duration, onlyKnown, text } from '../../../kit/check.js'
import type { RedisClient } from '../../client/wire.js'
import { connectorOf } from '../../session/clients/connector.js'
import { keyOf, keysOf, refusal, tagOf } from '../../session/keys.js'
import { Scripts } from '../../session/scripts/script.js'
import { RESET, REVIVE } from '../lua-dead.js'
import { ENLIST, GROUP } from '../lua-directory.js'
import { ALL, type Names, namesOf, pausedOf, pausedWord } from '../names.js'
import { DRAIN, MOVE, PAUSE, SHOW, UNDRAIN, WORKERS } from './lua-admin.js'
import { type ServerFacts, serverFacts } from './server-facts.js'
import {
  type BehindSession,
  behindOf,
  type ClusterSession,
  type ClusterWorker,
  type DeadLetter,
  type DeadSession,
  deadLetterOf,
  deadOf,
  entryOf,
  fieldsOf,
  type Shown,
  sessionOf,
} from './shown.js'

export interface ClusterAdminOptions {
  /** Of the cluster. Default `'velo'`. */
  prefix?: string
  /** ms after which a server that does not answer is given up. Default 10000. */
  timeout?: number
}

const FIELD = 'clusterAdmin(client, options)'
/** Entries read at a time. */
const PAGE = 500
/** ms that a session that goes on again is kept until a worker claims it, which says then how long. */
const REVIVED = 3_600_000

/**
 * Looks after the cluster of a prefix. Connects at the first use.
 *
 * @throws VeloError `VELO_CONFIG` for what is no client, and when an option is unknown or out of range.
 */
export function clusterAdmin(client: RedisClient, options: ClusterAdminOptions = {}): ClusterAdmin {
  return new ClusterAdmin(client, options)
}

export class ClusterAdmin {
  readonly #connect: () => Scripts
  readonly #prefix: string
  readonly #names: Names
  #scripts: Scripts | undefined

  /** @internal */
  constructor(client: RedisClient, options: ClusterAdminOptions) {
    onlyKnown(options, FIELD, ['prefix', 'timeout'])
    const connector = connectorOf(client, 'clusterAdmin(client)')
    const { prefix = 'velo' } = options
    text(prefix, `${FIELD}.prefix`)
    if (/[{}]/.test(prefix)) throw configError(`${FIELD}.prefix`, 'a string without braces', prefix)
    const timeout = duration(options.timeout, `${FIELD}.timeout`, 1, 10_000)
    this.#connect = () => new Scripts(connector.connect(), timeout)
    this.#prefix = prefix
    this.#names = namesOf(prefix)
  }

  /** The processes that host sessions, those that are dead but were not cleared away yet among them. */
  async workers(): Promise<ClusterWorker[]> {
    const [, rows] = (await this.#run().run(WORKERS, this.#names.directory, [GROUP])) as [
      Buffer,
      [Buffer, number, number, number, number][],
    ]
    return rows.map(([id, age, lease, sessions, drained]) => {
      return { id: String(id), sessions, age, lease, alive: age <= lease, drained: drained === 1 }
    })
  }

  /** Every session that is not over, in the order in which they were opened. */
  async *sessions(): AsyncGenerator<ClusterSession, undefined, undefined> {
    const [directory] = this.#names.directory
    const seen = new Set<string>()
    for (let from = '-'; ; ) {
      const page = (await this.#run().call('XRANGE', directory, from, '+', 'COUNT', PAGE)) as [Buffer, Buffer[]][]
      const tags = page.map(([, [, tag]]) => String(tag)).filter((tag) => !seen.has(tag))
      // One that was listed twice is one.
      for (const tag of tags) seen.add(tag)
      for (const shown of await Promise.all([...new Set(tags)].map((tag) => this.#shown(tag)))) {
        if (shown !== undefined && shown.end === undefined) yield shown
      }
      const last = page.at(-1)
      if (last === undefined || page.length < PAGE) return
      from = `(${String(last[0])}`
    }
  }

  /** One session, over or not; `undefined` where none is kept. */
  session(name: string, id: string): Promise<ClusterSession | undefined> {
    text(name, 'session(name, id).name')
    text(id, 'session(name, id).id')
    return this.#shown(tagOf({ function: name, id }))
  }

  /** Sessions that were given up, the newest first. */
  async deadLetters(count = 100): Promise<DeadLetter[]> {
    return (await this.#dead(count)).map(deadLetterOf)
  }

  #dead(count: number): Promise<[Buffer, Buffer[]][]> {
    return this.#run().call('XREVRANGE', this.#names.dead, '+', '-', 'COUNT', count) as Promise<[Buffer, Buffer[]][]>
  }

  /** That worker gives back what it hosts, and takes no more; the others take it. Rejects with `VELO_CONFIG` where there is no such worker. */
  async drain(worker: string): Promise<void> {
    text(worker, 'drain(worker)')
    const [word] = (await this.#run().run(DRAIN, this.#names.directory, [worker])) as [Buffer]
    if (String(word) !== 'ok') throw configError('drain(worker)', 'a worker that is there', worker)
  }

  /** That worker takes sessions again. Rejects with `VELO_CONFIG` if there is no such worker. */
  async undrain(worker: string): Promise<void> {
    text(worker, 'undrain(worker)')
    const [word] = (await this.#run().run(UNDRAIN, this.#names.directory, [worker])) as [Buffer]
    if (String(word) !== 'ok') throw configError('undrain(worker)', 'a worker that is there', worker)
  }

  /** Sessions of that function, or of all, get no more events; what is being executed is finished, and sends are accepted up to `backlog`. Workers follow with their next beat. */
  async pause(name?: string): Promise<void> {
    if (name !== undefined) text(name, 'pause(name)')
    await this.#run().run(PAUSE, this.#names.directory, [pausedWord(name ?? ALL), 1])
  }

  /** Sessions of that function get events again; without a name, all do, whatever was paused. */
  async resume(name?: string): Promise<void> {
    if (name !== undefined) text(name, 'resume(name)')
    await this.#run().run(PAUSE, this.#names.directory, [name === undefined ? '' : pausedWord(name), 0])
  }

  /** What is paused: everything, or functions. */
  async paused(): Promise<{ all: boolean; functions: string[] }> {
    const names = pausedOf(String((await this.#run().call('HGET', this.#names.directory[1], 'pause:')) ?? ''))
    return { all: names.includes(ALL), functions: names.filter((name) => name !== ALL) }
  }

  /** Sessions with events that are not finished, those first that have finished none for the longest time; only those where that is `stuckFor` ms or longer. */
  async behind({ stuckFor = 0 }: { stuckFor?: number } = {}): Promise<BehindSession[]> {
    duration(stuckFor, 'behind(options).stuckFor', 0, 0)
    const found: BehindSession[] = []
    for await (const { function: name, id } of this.sessions()) {
      const tag = tagOf({ function: name, id })
      const one = behindOf(tag, await this.#ask(tag))
      if (one !== undefined && one.stalledFor >= stuckFor) found.push(one)
    }
    return found.sort((one, other) => other.stalledFor - one.stalledFor)
  }

  /** Deaths of its hosts count against that session no more; returns false if none did. Rejects with `VELO_CHECKPOINT` if it is not kept. */
  async resetTakeovers(name: string, id: string): Promise<boolean> {
    const key = { function: name, id }
    const [word, had] = (await this.#run().run(RESET, keysOf(this.#prefix, key).all, [])) as [Buffer, number]
    if (String(word) !== 'ok') throw refusal(key, 'it is not kept')
    return had === 1
  }

  /** A session as it was when it was given up; `undefined` if that is not retained. */
  async deadLetter(name: string, id: string): Promise<DeadSession | undefined> {
    const key = { function: name, id }
    return deadOf(tagOf(key), (await this.#run().run(SHOW, keysOf(this.#prefix, key).dead, [])) as Shown)
  }

  /** A session that was given up goes on as it was. Rejects with `VELO_CHECKPOINT` if its data is not retained, or it was opened from scratch meanwhile. */
  async replay(name: string, id: string): Promise<void> {
    const key = { function: name, id }
    const tag = tagOf(key)
    const { all, dead } = keysOf(this.#prefix, key)
    const [word] = (await this.#run().run(REVIVE, [...all, ...dead], [REVIVED])) as [Buffer]
    if (String(word) === 'open') throw refusal(key, 'it was opened from scratch after it was given up, and is not over')
    if (String(word) !== 'ok') throw refusal(key, 'nothing of it is retained: it was not given up, or more than seven days ago')
    await this.#run().run(ENLIST, this.#names.directory, [tag, this.#names.news])
    for (const [entry, fields] of await this.#dead(10_000))
      if (fieldsOf(fields).s === tag) await this.#run().call('XDEL', this.#names.dead, String(entry))
  }

  /**
   * A session is asked to go on at that worker; answers false where it is there already. Rejects with `VELO_CONFIG` where there is no such worker, with `VELO_CHECKPOINT` where the session is not kept or nobody
   * has it yet.
   */
  async move(name: string, id: string, worker: string): Promise<boolean> {
    text(worker, 'move(name, id, worker)')
    const key = { function: name, id }
    const entry = entryOf(await this.#ask(tagOf(key)))
    if (entry === undefined) throw refusal(key, 'it is not hosted, so it cannot be moved')
    const [word] = (await this.#run().run(MOVE, this.#names.directory, [GROUP, entry, worker])) as [Buffer]
    if (String(word) === 'gone') throw configError('move(name, id, worker)', 'a worker that is there', worker)
    if (String(word) === 'unhosted') throw refusal(key, 'it is not hosted, so it cannot be moved')
    return String(word) === 'ok'
  }

  /** What the server is, as far as sessions depend on it. */
  server(): Promise<ServerFacts> {
    return serverFacts(this.#run())
  }

  close(): void {
    this.#scripts?.close()
    this.#scripts = undefined
  }

  async #shown(tag: string): Promise<ClusterSession | undefined> {
    return sessionOf(tag, await this.#ask(tag))
  }

  async #ask(tag: string): Promise<Shown> {
    const { all } = keysOf(this.#prefix, keyOf(tag))
    return (await this.#run().run(SHOW, all, [])) as Shown
  }

  #run(): Scripts {
    this.#scripts ??= this.#connect()
    return this.#scripts
  }
}
