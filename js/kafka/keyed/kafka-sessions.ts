// `kafkaSessions()`: a session for each key of a topic, in whichever process of the group has its partition: this process may work on them, and send to them.

import { hostable } from '../../durable/keyed/definition.js'
import { ClosedError, type StreamFunction } from '../../index.js'
import { configError, duration, integer, onlyKnown, record, text } from '../../kit/check.js'
import { codecOf, type MessageCodec, type PayloadCodec } from '../../kit/payload-codec.js'
import { showCluster } from '../../kit/sight/measures.js'
import { type KafkaLike, kafkaOf } from '../client/kafka-like.js'
import { topicOf } from '../client/topic.js'
import type { Layout } from './layout.js'
import { Outbox } from './outbox.js'
import { readyTopics } from './topics.js'
import { isKeyText } from './words.js'
import { KeyedWorker } from './worker.js'

/** Options of `kafkaSessions`. All processes of a group have the same function and topics. */
export interface KafkaSessionsOptions<In, Out> {
  /** The topic of the events, whose keys are those of the sessions. It must be there, and keep its number of partitions. */
  events: string
  /** The topic of the results, with the keys of their events. It must be there. */
  results: string
  /** The consumer group: processes that share it have other partitions each. */
  groupId: string
  /** The stream function of each key. It needs the option `state`, which is kept after each event. */
  fn: StreamFunction<In, Out>
  /** The changelog: the topic of the states, compacted, made with as many partitions as `events` has where it is missing. Default the `groupId` and `-state`. */
  state?: string | undefined
  /** How values lie in messages. Default `'json'`. */
  codec?: MessageCodec | undefined
  /** How often an event is tried before it is put aside. Default 5. */
  maxDeliveries?: number | undefined
  /** The topic of events that were put aside, made where it is missing. Default the `groupId` and `-dead`. */
  deadLetter?: string | undefined
  /** ms without events after which the instance of a key is closed; its state stays. Default 60000. */
  idle?: number | undefined
  /** ms without a sign of life after which the group gives the partitions of this process to others. From 1000; brokers take no less than 6000 where they are not told otherwise. Default 10000. */
  sessionTimeout?: number | undefined
  /** ms that the group waits for its members before it shares partitions anew. From 1000. Default 60000. */
  rebalanceTimeout?: number | undefined
  /** ms that a rebalance, and `stop()`, wait for what is in work here; what is not done by then is done anew by whoever has the partition next. From 0, at most half of `sessionTimeout`. Default that half. */
  drain?: number | undefined
}

/** What this process has done for sessions. */
export interface KafkaSessionsMetrics {
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

const FIELD = 'kafkaSessions(kafka, options)'
const NAMES = [
  'events',
  'results',
  'groupId',
  'fn',
  'state',
  'codec',
  'maxDeliveries',
  'deadLetter',
  'idle',
  'sessionTimeout',
  'rebalanceTimeout',
  'drain',
]

/**
 * A session for each key of a topic, in one of the processes of a consumer group. State and results of an event, and how far the group is, are stored in one transaction: read the results with a consumer of committed
 * messages. A result has the headers `Velo-Offset`, of its event, and `Velo-Index`, which counts the results of its session.
 *
 * Nobody is answered, as with `ask()` of `natsSessions`: a consumer of the results would have to read all of them to find its own. States of the partitions that a process has are in its memory.
 *
 * @throws VeloError `VELO_CONFIG` for what is no client, a function without `state`, and when an option is unknown or out of range.
 */
export function kafkaSessions<In, Out>(kafka: KafkaLike, options: KafkaSessionsOptions<In, Out>): KafkaSessions<In, Out> {
  return new KafkaSessions(kafka, options)
}

export class KafkaSessions<In = unknown, Out = unknown> {
  readonly #kafka: KafkaLike
  readonly #layout: Layout
  readonly #codec: PayloadCodec
  readonly #worker: KeyedWorker
  readonly #outbox: Outbox
  readonly #counts = { events: 0, results: 0, commits: 0, deadLetters: 0, takeovers: 0 }
  #starting: Promise<void> | undefined
  #hide: (() => void) | undefined
  #stopping: Promise<void> | undefined

  /** @internal */
  constructor(kafka: KafkaLike, options: KafkaSessionsOptions<In, Out>) {
    record(options, FIELD)
    onlyKnown(options, FIELD, NAMES)
    const { groupId, events, results } = options
    text(groupId, `${FIELD}.groupId`)
    const { state = `${groupId}-state`, deadLetter = `${groupId}-dead` } = options
    const topics = { events, results, state, deadLetter }
    for (const [name, topic] of Object.entries(topics)) topicOf(topic, `${FIELD}.${name}`)
    for (const [name, topic] of Object.entries({ results, state, deadLetter }))
      if (topic === events || (topic === state && name !== 'state')) throw configError(`${FIELD}.${name}`, 'a topic of its own', topic)
    this.#layout = { groupId, ...topics }
    this.#kafka = kafkaOf(kafka, 'kafkaSessions(kafka)')
    this.#codec = codecOf(options.codec, FIELD, 'kafka')
    const sessionTimeout = duration(options.sessionTimeout, `${FIELD}.sessionTimeout`, 1000, 10_000)
    const half = Math.floor(sessionTimeout / 2)
    const drain = duration(options.drain, `${FIELD}.drain`, 0, half)
    if (drain > half) throw configError(`${FIELD}.drain`, `at most half of sessionTimeout, ${half}`, drain)
    const rebalanceTimeout = duration(options.rebalanceTimeout, `${FIELD}.rebalanceTimeout`, 1000, 60_000)
    const group = { sessionTimeout, rebalanceTimeout, drain }
    this.#worker = new KeyedWorker(this.#kafka, this.#layout, hostable(options.fn, `${FIELD}.fn`), group, {
      codec: this.#codec,
      tries: integer(options.maxDeliveries, `${FIELD}.maxDeliveries`, 1, 5),
      idle: duration(options.idle, `${FIELD}.idle`, 100, 60_000),
      counts: this.#counts,
    })
    this.#outbox = new Outbox(this.#kafka, events)
  }

  get metrics(): KafkaSessionsMetrics {
    return { partitions: this.#worker.count, ...this.#counts }
  }

  /**
   * Works on sessions in this process; resolves when it has joined the group. Rejects with `VELO_CONFIG` for topics that are missing or do not fit, and with `VELO_ADAPTER` for what the client gives up.
   */
  work(): Promise<void> {
    if (this.#starting !== undefined) return Promise.reject(configError('work()', 'to be called once', undefined))
    if (this.#stopping !== undefined) return Promise.reject(stopped())
    this.#starting = this.#work()
    return this.#starting
  }

  /**
   * Stores events of a key in their order; resolves with their offsets. Each is stored once, as long as the client does not give up: then it rejects with `VELO_ADAPTER`, and nobody
   * knows whether they are stored. Rejects with `VELO_OVERRUN` when 64 MiB wait already.
   */
  async send(key: string, ...events: readonly In[]): Promise<number[]> {
    if (!isKeyText(key)) throw configError('send(key, ...events).key', 'a string of 1 to 1000 bytes that does not begin with NUL', key)
    if (this.#stopping !== undefined) throw stopped()
    return this.#outbox.put(
      key,
      events.map((event) => this.#codec.encode(event)),
    )
  }

  /** Finishes what is in work, hands the partitions of this process over, and ends; the sessions live. */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop()
    return this.#stopping
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop()
  }

  async #work(): Promise<void> {
    await readyTopics(this.#kafka, this.#layout, FIELD)
    if (this.#stopping !== undefined) throw stopped()
    this.#hide = showCluster(() => {
      const { sessions, events } = this.#worker.held
      const { commits, deadLetters, takeovers } = this.#counts
      return { prefix: this.#layout.groupId, hosted: sessions, open: 0, takeovers, commits, lag: events, deadLetters, unreplicated: 0 }
    })
    await this.#worker.start()
    if (this.#stopping !== undefined) throw stopped()
  }

  async #stop(): Promise<void> {
    await Promise.all([this.#worker.stop(), this.#outbox.end()])
    this.#hide?.()
  }
}

function stopped(): ClosedError {
  return new ClosedError('VELO_CLOSED', 'the sessions were stopped', { reason: 'closed' })
}
