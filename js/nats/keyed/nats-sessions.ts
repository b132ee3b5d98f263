// `natsSessions()`: a session for each key of a stream, in whichever process has its partition: this process may work on them, send to them, and ask them.

import { randomUUID } from 'node:crypto'
import type { StreamFunction } from '../../api/stream-fn.js'
import { hostable } from '../../durable/keyed/definition.js'
import { configError, duration, integer, onlyKnown, record, text, word } from '../../kit/check.js'
import { ClosedError, TimeoutError } from '../../kit/errors.js'
import { codecOf, type MessageCodec, type PayloadCodec } from '../../kit/payload-codec.js'
import { showCluster } from '../../kit/sight/measures.js'
import { adapterError } from '../client/faults.js'
import { type NatsLike, type NatsMessageLike, type Wire, wireOf } from '../client/wire.js'
import { Box } from '../session/box.js'
import { Composer } from '../sink/nats-sink.js'
import { Publisher } from '../sink/publisher.js'
import { checkKey, Layout } from './layout.js'
import { Outbox } from './outbox.js'
import { REPLY } from './words.js'
import { KeyedWorker } from './worker.js'

/** Options of `natsSessions`. All processes of a stream have the same function, partitions and lease. */
export interface NatsSessionsOptions<In, Out> {
  /** The stream of JetStream, made where it is missing. Default `'sessions'`. */
  stream?: string
  /** The stream function of each key. It needs the option `state`, which is kept after each event. */
  fn: StreamFunction<In, Out>
  /** Parts into which keys fall, each of which one process has at a time. It stays as the stream was made. Default 12. */
  partitions?: number
  /** ms without a sign of life after which the partitions of a process are taken over. From 500. Default 5000. */
  lease?: number
  /** How values lie in messages. Default `'json'`. */
  codec?: MessageCodec
  /** How often an event is tried before it is put aside. Default 5. */
  maxDeliveries?: number
  /** ms that results stay in the stream. Default 3600000. */
  retain?: number
  /** ms without events after which the instance of a key is closed; its state stays. Default 60000. */
  idle?: number
  /** Where a stream that is made lies, and on how many servers. Default `'file'` and 1. */
  storage?: 'file' | 'memory'
  replicas?: number
  /** ms after which a server that does not answer is given up. Default 10000. */
  timeout?: number
}

/** What this process has done for sessions. */
export interface NatsSessionsMetrics {
  /** Partitions that it has. */
  readonly partitions: number
  readonly events: number
  readonly results: number
  readonly commits: number
  /** Events that were put aside. */
  readonly deadLetters: number
  /** Partitions that were taken from somebody who had not given them back. */
  readonly takeovers: number
}

const FIELD = 'natsSessions(connection, options)'
const NAMES = ['stream', 'fn', 'partitions', 'lease', 'codec', 'maxDeliveries', 'retain', 'idle', 'storage', 'replicas', 'timeout']

/**
 * A session for each key, in one of the processes that share a stream of JetStream. State and results of an event are stored in one step.
 *
 * @throws VeloError `VELO_CONFIG` for what is no connection, a function without `state`, and when an option is unknown or out of range.
 */
export function natsSessions<In, Out>(connection: NatsLike, options: NatsSessionsOptions<In, Out>): NatsSessions<In, Out> {
  return new NatsSessions(connection, options)
}

export class NatsSessions<In = unknown, Out = unknown> {
  readonly #wire: Wire
  readonly #box: Box
  readonly #layout: Layout
  readonly #codec: PayloadCodec
  readonly #worker: KeyedWorker
  readonly #outbox: Outbox
  readonly #composer: Composer<In>
  readonly #counts = { events: 0, results: 0, commits: 0, deadLetters: 0, takeovers: 0 }
  #isWorking = false
  #hide: (() => void) | undefined
  #stopping: Promise<void> | undefined

  /** @internal */
  constructor(connection: NatsLike, options: NatsSessionsOptions<In, Out>) {
    record(options, FIELD)
    onlyKnown(options, FIELD, NAMES)
    const { stream = 'sessions', codec } = options
    text(stream, `${FIELD}.stream`)
    if (!/^[^\s.*>/\\]+$/.test(stream)) throw configError(`${FIELD}.stream`, 'a name without dots, spaces, slashes and wildcards', stream)
    this.#wire = wireOf(connection, 'natsSessions(connection)', undefined)
    this.#codec = codecOf(codec, FIELD, 'nats')
    this.#layout = new Layout(stream, integer(options.partitions, `${FIELD}.partitions`, 1, 12, 1024))
    this.#box = new Box(this.#wire, {
      stream,
      storage: word(options.storage, `${FIELD}.storage`, ['file', 'memory']),
      replicas: integer(options.replicas, `${FIELD}.replicas`, 1, 1, 5),
      timeout: duration(options.timeout, `${FIELD}.timeout`, 1, 10_000),
      config: this.#layout.config,
    })
    const lease = duration(options.lease, `${FIELD}.lease`, 500, 5000)
    this.#worker = new KeyedWorker(this.#wire, this.#box, this.#layout, hostable(options.fn, `${FIELD}.fn`), lease, {
      member: randomUUID(),
      codec: this.#codec,
      tries: integer(options.maxDeliveries, `${FIELD}.maxDeliveries`, 1, 5),
      retain: duration(options.retain, `${FIELD}.retain`, 1000, 3_600_000),
      idle: duration(options.idle, `${FIELD}.idle`, 100, 60_000),
      counts: this.#counts,
    })
    this.#outbox = new Outbox(new Publisher(this.#wire), () => this.#box.ready())
    this.#composer = new Composer<In>(codec === undefined ? {} : { codec }, FIELD)
  }

  /** The subject of the results of all keys, for `natsSource`. */
  get results(): string {
    return `${this.#layout.stream}.out.>`
  }

  get metrics(): NatsSessionsMetrics {
    return { partitions: this.#worker.count, ...this.#counts }
  }

  /** Works on sessions in this process; resolves when it has begun. */
  async work(): Promise<void> {
    if (this.#isWorking) throw configError('work()', 'to be called once', undefined)
    this.#isWorking = true
    this.#hide = showCluster(() => {
      const { sessions, events } = this.#worker.held
      const { commits, deadLetters, takeovers } = this.#counts
      return { prefix: this.#layout.stream, hosted: sessions, open: 0, takeovers, commits, lag: events, deadLetters, unreplicated: 0 }
    })
    await this.#worker.start()
  }

  /** Stores events of a key in their order; resolves with their sequences. One is stored once, however often connections are cut. */
  send(key: string, ...events: readonly In[]): Promise<number[]> {
    checkKey(key, 'send(key, ...events).key')
    return this.#store(key, events, undefined)
  }

  /**
   * Sends an event and resolves with its results, as soon as they are stored. Rejects with `VELO_TIMEOUT` where they do not come in time: they are stored all the same, sooner or later; with
   * `VELO_ADAPTER` for one that was put aside.
   */
  async ask(key: string, event: In, { timeout = 10_000 }: { timeout?: number } = {}): Promise<Out[]> {
    checkKey(key, 'ask(key, event).key')
    const inbox = this.#wire.inbox()
    const results: Out[] = []
    let listening: { unsubscribe(): void } | undefined
    let timer: NodeJS.Timeout | undefined
    const answered = new Promise<Out[]>((resolve, reject) => {
      const late = new TimeoutError('VELO_TIMEOUT', `ask(${JSON.stringify(key)}): no results within ${timeout} ms`)
      timer = setTimeout(() => reject(late), timeout)
      listening = this.#wire.listen(inbox, (message, error) => {
        if (error !== null) return reject(error)
        const count = headerOf(message, 'Velo-Results')
        const dead = headerOf(message, 'Velo-Error')
        if (dead !== undefined) reject(adapterError('the event was put aside', new Error(dead)))
        else if (count !== undefined) resolve(results)
        else results.push(this.#codec.decode(message.data) as Out)
      })
    })
    answered.catch(() => {})
    try {
      await this.#store(key, [event], inbox)
      return await answered
    } finally {
      clearTimeout(timer)
      listening?.unsubscribe()
    }
  }

  /** Hands the partitions of this process over, and ends; the sessions live. */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop()
    return this.#stopping
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop()
  }

  async #stop(): Promise<void> {
    await this.#worker.stop()
    this.#hide?.()
    await this.#outbox.end()
  }

  #store(key: string, events: readonly In[], reply: string | undefined): Promise<number[]> {
    if (this.#stopping !== undefined)
      return Promise.reject(new ClosedError('VELO_CLOSED', 'the sessions were stopped', { reason: 'closed' }))
    const messages = events.map((event) =>
      this.#composer.compose(this.#layout.event(key), event, reply === undefined ? [] : [[REPLY, reply]]),
    )
    return this.#outbox
      .send(messages)
      .then((answers) => answers.map(({ data }) => (JSON.parse(Buffer.from(data).toString()) as { seq: number }).seq))
  }
}

function headerOf({ headers }: NatsMessageLike, name: string): string | undefined {
  return headers?.values(name)[0]
}
