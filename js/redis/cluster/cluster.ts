// `cluster()`: sessions that processes share over one Redis or Valkey: this process may host them, and may open any of them.

import { Stream } from '../../api/stream.js'
import type { StreamFunction } from '../../api/stream-fn.js'
import { configError, duration, integer, onlyKnown, record, streamId, text } from '../../kit/check.js'
import { ClosedError } from '../../kit/errors.js'
import { SHARING, type SharedFunction, type Sharing } from '../../kit/keeping/keeping.js'
import { type ClusterMetrics, showCluster } from '../../kit/sight/measures.js'
import type { RedisClient } from '../client/wire.js'
import type { Connection, Subscriber } from '../session/clients/connection.js'
import { connectorOf } from '../session/clients/connector.js'
import { type ReplicaOptions, Replicas } from '../session/clients/replicas.js'
import { Scripts } from '../session/scripts/script.js'
import { type Hostable, hostable } from './definition.js'
import { frontOf } from './front.js'
import { Audience } from './handle/audience.js'
import { Handles } from './handle/handles.js'
import { HostingWorker } from './host/worker.js'
import { type Names, namesOf } from './names.js'
import { PartOfJournal } from './part-of-journal.js'

/** What a cluster is made of. All processes of a prefix have the same functions. */
export interface ClusterOptions<Functions extends ClusterFunctions = ClusterFunctions> {
  /** A client of ioredis or node-redis; the cluster makes connections of its own like it. */
  client: RedisClient
  /** The stream functions of sessions, by name. What they keep is kept here: `durable` is not needed, and not used. */
  functions: Functions
  /** ms without a sign of life after which the sessions of a process are taken over. One that is dead for certain, its connections being gone, is not waited for that long. Default 10000. */
  lease?: number
  /** What all names in the server begin with. Default `'velo'`. */
  prefix?: string
  /** What was done is committed as soon as no event waits, at the latest after so many results, or ms. Default `{ every: 64, ms: 5 }`. */
  commit?: { every?: number; ms?: number }
  /** How often a session may be taken over without a commit in between, before it is given up. Default 5. */
  maxTakeovers?: number
  /** ms after which a session with which nothing happens is forgotten. Default 3600000. */
  ttl?: number
  /** Events of a session that may wait for its host, and results that may wait for its reader. Default 4096. */
  backlog?: number
  /** `send`, and what a function keeps (`ctx.run`, states), wait until so many replicas have it, at most `ms` (1000). Default: for none. */
  wait?: { replicas: number; ms?: number }
  /** ms after which a server that does not answer is given up. Default 10000. */
  timeout?: number
}

/** Whatever they take and give. */
export type ClusterFunctions = Readonly<Record<string, StreamFunction<never, unknown>>>

export interface WorkOptions {
  /** Sessions that this process hosts at a time, at most. Default 1000. */
  capacity?: number
}

type InOf<Fn> = Fn extends StreamFunction<infer In, unknown> ? In : never
type OutOf<Fn> = Fn extends StreamFunction<never, infer Out> ? Out : never

interface Connected {
  readonly connection: Connection
  readonly scripts: Scripts
  readonly beats: Scripts
  readonly subscriber: Subscriber
  readonly handles: Handles
  readonly replicas: Replicas | undefined
}

/** A session is kept by whoever hosts it. */
class Nowhere extends PartOfJournal {}

const FIELD = 'cluster(options)'
const KNOWN = ['client', 'functions', 'lease', 'prefix', 'commit', 'maxTakeovers', 'ttl', 'backlog', 'wait', 'timeout']

/**
 * Sessions that processes share. Connections are made at the first use.
 *
 * @throws VeloError `VELO_CONFIG` for what is no client, and when an option is unknown or out of range.
 */
export function cluster<Functions extends ClusterFunctions>(options: ClusterOptions<Functions>): Cluster<Functions> {
  return new Cluster(options)
}

export class Cluster<Functions extends ClusterFunctions = ClusterFunctions> {
  readonly #client: RedisClient
  readonly #prefix: string
  readonly #names: Names
  readonly #functions = new Map<string, Hostable>()
  readonly #lease: number
  readonly #commit: { every: number; ms: number }
  readonly #maxTakeovers: number
  readonly #ttl: number
  readonly #backlog: number
  readonly #wait: ReplicaOptions | undefined
  readonly #timeout: number
  /** @internal For servers. */
  readonly [SHARING]: Sharing
  #connected: Connected | undefined
  #worker: HostingWorker | undefined
  /** It is shown among the numbers of the process no more. */
  #hide: (() => void) | undefined
  #stopping: Promise<void> | undefined

  /** @internal */
  constructor(options: ClusterOptions<Functions>) {
    onlyKnown(options, FIELD, KNOWN)
    const { client, functions, prefix = 'velo', commit = {} } = options
    const { isCluster } = connectorOf(client, `${FIELD}.client`)
    record(functions, `${FIELD}.functions`)
    text(prefix, `${FIELD}.prefix`)
    if (/[{}]/.test(prefix)) throw configError(`${FIELD}.prefix`, 'a string without braces', prefix)
    onlyKnown(commit, `${FIELD}.commit`, ['every', 'ms'])
    this.#client = client
    this.#prefix = prefix
    this.#names = namesOf(prefix)
    this.#lease = duration(options.lease, `${FIELD}.lease`, 100, 10_000)
    this.#commit = { every: integer(commit.every, `${FIELD}.commit.every`, 1, 64), ms: duration(commit.ms, `${FIELD}.commit.ms`, 0, 5) }
    this.#maxTakeovers = integer(options.maxTakeovers, `${FIELD}.maxTakeovers`, 1, 5, 30)
    this.#ttl = duration(options.ttl, `${FIELD}.ttl`, 1000, 3_600_000)
    this.#backlog = integer(options.backlog, `${FIELD}.backlog`, 1, 4096)
    this.#wait = options.wait === undefined ? undefined : waitOf(options.wait)
    // Each of its servers has replicas of its own, and nobody can be asked for all of them.
    if (isCluster && options.wait !== undefined) throw configError(`${FIELD}.wait`, 'left out with a client of Redis Cluster', options.wait)
    this.#timeout = duration(options.timeout, `${FIELD}.timeout`, 1, 10_000)
    for (const [name, fn] of Object.entries(functions)) {
      this.#functions.set(name, hostable(name, fn, this.#commit, new Nowhere(), `${FIELD}.functions`))
    }
    const shared = [...this.#functions].map(([name, one]): [string, SharedFunction] => [
      name,
      { fn: functions[name] as object, durable: frontOf(one, () => this.#connect().handles) },
    ])
    this[SHARING] = { functions: new Map(shared), backlog: this.#backlog }
  }

  /** Hosts sessions in this process; resolves when it has begun. */
  async work(options: WorkOptions = {}): Promise<void> {
    onlyKnown(options, 'work(options)', ['capacity'])
    const capacity = integer(options.capacity, 'work(options).capacity', 1, 1000)
    if (this.#worker !== undefined) throw configError('work(options)', 'to be called once', options)
    const { connection, scripts, beats, subscriber, replicas } = this.#connect()
    this.#worker = new HostingWorker(scripts, beats, connection, subscriber, this.#names, this.#functions, {
      capacity,
      prefix: this.#prefix,
      lease: this.#lease,
      maxTakeovers: this.#maxTakeovers,
      ttl: this.#ttl,
      results: this.#backlog,
      commit: this.#commit,
      replicas,
      counts: { takeovers: 0, commits: 0, deadLetters: 0 },
    })
    await this.#worker.start()
  }

  /** How many sessions this process hosts. */
  get hosted(): number {
    return this.#worker?.hosted ?? 0
  }

  /** What this process does in the cluster: a plain object, made anew at each access. */
  get metrics(): ClusterMetrics {
    const { takeovers = 0, commits = 0, deadLetters = 0 } = this.#worker?.counts ?? {}
    const open = this.#connected?.handles.count ?? 0
    const unreplicated = this.#connected?.replicas?.missed ?? 0
    return { prefix: this.#prefix, hosted: this.hosted, open, takeovers, commits, lag: this.#worker?.lag ?? 0, deadLetters, unreplicated }
  }

  /**
   * Opens a session, which begins with that or goes on where it was: events go to whichever process hosts it, results come from there, each with an index. Whoever opens it last is the one who
   * sends; others may read on. `close()` gives it back for later, `abort()` ends it.
   */
  async open<Name extends keyof Functions & string>(
    name: Name,
    id: string,
  ): Promise<Stream<InOf<Functions[Name]>, OutOf<Functions[Name]>>> {
    const found = this.#functions.get(name)
    if (found === undefined) throw configError('open(name, id)', `one of ${[...this.#functions.keys()].join(', ')}`, name)
    streamId(id, 'open(name, id).id')
    return new Stream(await this.#connect().handles.open(found, id))
  }

  /** Hands the sessions that this process hosts over to the others, and closes what it opened; the sessions live. */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop()
    return this.#stopping
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop()
  }

  async #stop(): Promise<void> {
    await this.#worker?.stop()
    const connected = this.#connected
    await connected?.handles.close()
    this.#connected = undefined
    this.#hide?.()
    connected?.scripts.close()
    connected?.beats.close()
    connected?.subscriber.close()
    connected?.replicas?.close()
  }

  #connect(): Connected {
    if (this.#stopping !== undefined) throw new ClosedError('VELO_CLOSED', 'the cluster was stopped', { reason: 'closed' })
    if (this.#connected !== undefined) return this.#connected
    const connector = connectorOf(this.#client, `${FIELD}.client`)
    const connection = connector.connect()
    const subscriber = connector.subscriber()
    const marks = this.#wait && connector.connect()
    const replicas = this.#wait && marks && new Replicas(marks, this.#names.mark, this.#wait)
    const beating = connector.connect()
    const renew = (): void => {
      for (const one of [connection, beating, subscriber, marks]) one?.renew()
    }
    const [scripts, beats] = [connection, beating].map((one) => new Scripts(one, this.#timeout, renew)) as [Scripts, Scripts]
    const limits = { ttl: this.#ttl, backlog: this.#backlog, replicas }
    const audience = new Audience(subscriber, scripts)
    const handles = new Handles(scripts, audience, this.#prefix, this.#names, limits)
    connection.onReady(() => audience.back())
    this.#hide = showCluster(() => this.metrics)
    this.#connected = { connection, scripts, beats, subscriber, handles, replicas }
    return this.#connected
  }
}

function waitOf(wait: NonNullable<ClusterOptions['wait']>): ReplicaOptions {
  const field = `${FIELD}.wait`
  onlyKnown(wait, field, ['replicas', 'ms'])
  if (wait.replicas === undefined) throw configError(`${field}.replicas`, 'an integer from 1 up', wait.replicas)
  return { replicas: integer(wait.replicas, `${field}.replicas`, 1, 1), ms: integer(wait.ms, `${field}.ms`, 1, 1000, 600_000) }
}
