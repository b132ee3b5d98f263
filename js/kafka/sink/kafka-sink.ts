// Results as messages of a topic, in order: each once, or in one transaction with the offsets of the source.

import { type Joined, type Sink, VeloError } from '../../index.js'
import { configError, duration, flag, integer, onlyKnown, record, text } from '../../kit/check.js'
import type { MessageCodec } from '../../kit/payload-codec.js'
import { refuse } from '../../kit/promises.js'
import { type KafkaLike, kafkaOf } from '../client/kafka-like.js'
import { SHARE, type Share } from '../client/share.js'
import { Committed } from './committed.js'
import { Composer, type ComposerOptions, type Outgoing } from './outgoing.js'
import { Producing, type ProducingSettings } from './producing.js'
import { Transactions } from './transactions.js'

/** Options of `kafkaSink`. */
export interface KafkaSinkOptions<Out> extends ComposerOptions<Out> {
  /** Where results go. */
  topic: string
  /** The key of a message: those of one key go to one partition, in order, the same one that other clients of Kafka choose. Default: none, and a partition after the other. */
  key?: ((result: Out) => string | Uint8Array | null | undefined) | undefined
  /** Headers of a message. */
  headers?: ((result: Out) => Readonly<Record<string, string | Uint8Array>> | undefined) | undefined
  /** The partition of a message, in place of the one that its key says. From 0. */
  partition?: ((result: Out) => number | undefined) | undefined
  /** How values lie in messages. Default `'json'`. */
  codec?: MessageCodec | undefined
  /** Most messages of a send. From 1. Default 500. */
  batch?: number | undefined
  /** Most bytes of a send, before they are compressed; what has more is refused. No more than `max.message.bytes` of the topic. From 1024. Default 1 000 000. */
  maxBytes?: number | undefined
  /** How messages are compressed, as the client counts: `CompressionTypes.GZIP`. Default: not. */
  compression?: number | undefined
  /** Who must have a message: -1 all replicas in sync, 1 the leader, 0 nobody. With less than all, results may be lost, or be there twice. Default -1. */
  acks?: -1 | 0 | 1 | undefined
  /** Results and offsets of `kafkaSource` in one transaction: exactly once for readers of what is committed. Default false. */
  transactional?: boolean | undefined
  /** ms in which results must be accepted, tries after failures included. From 1. Default 60 000. */
  timeout?: number | undefined
}

const NAMES = [
  'topic',
  'key',
  'headers',
  'partition',
  'codec',
  'batch',
  'maxBytes',
  'compression',
  'acks',
  'transactional',
  'timeout',
] as const
/** Transactional ids begin with it. */
const PREFIX = 'velo-stream'
/** What a request can have at all. */
const MOST_BYTES = 100_000_000

interface Settings extends ProducingSettings {
  readonly isTransactional: boolean
  readonly field: string
}

class KafkaSink<Out> implements Sink<Out> {
  readonly isConcurrent = true
  readonly #kafka: KafkaLike
  readonly #composer: Composer<Out>
  readonly #settings: Settings
  readonly #producing: Producing<Out>
  readonly #committed: Committed
  readonly #transactions = new Set<Transactions>()

  constructor(kafka: KafkaLike, composer: Composer<Out>, settings: Settings) {
    this.#kafka = kafka
    this.#composer = composer
    this.#settings = settings
    this.#producing = new Producing(kafka, composer, settings)
    this.#committed = new Committed(kafka)
  }

  write(results: readonly Out[]): Promise<void> {
    return this.#settings.isTransactional ? refuse(this.#alone()) : this.#producing.write(results)
  }

  joined(source: unknown): Joined<Out> | undefined {
    if (!this.#settings.isTransactional) return undefined
    const part = source as { [SHARE]?: Share; lost?: AbortSignal } | null | undefined
    const share = part?.[SHARE]
    if (share === undefined) throw this.#alone()
    const { batch, maxBytes, compression, timeout } = this.#settings
    const settings = { prefix: PREFIX, batch, maxBytes, compression, timeout, lost: part?.lost }
    const transactions = new Transactions(this.#kafka, share, this.#committed, settings)
    this.#transactions.add(transactions)
    part?.lost?.addEventListener('abort', () => this.#transactions.delete(transactions), { once: true })
    return {
      begin: () => transactions.begin(),
      commit: (results, upTo) => transactions.commit(this.#messages(results), upTo),
    }
  }

  async end(): Promise<void> {
    await Promise.all([...this.#transactions].map((one) => one.end()))
    await this.#committed.end()
    await this.#producing.end()
  }

  /** Composed when it is their turn, and anew where a transaction is made again. */
  #messages(results: readonly Out[]): Iterable<Outgoing> {
    const composer = this.#composer
    return {
      *[Symbol.iterator]() {
        for (const result of results) yield composer.compose(result)
      },
    }
  }

  #alone(): VeloError {
    const { field } = this.#settings
    const message = `${field}.transactional: expected a source whose offsets can be in the transaction: consume(fn, { source: kafkaSource(...), sink })`
    return new VeloError('VELO_CONFIG', message, { field: `${field}.transactional` })
  }
}

/**
 * Results as messages of a topic, in order, many at a time; parts of a source write at the same time. The producer is idempotent: whatever is sent again, because a connection was cut, say, is there once, as
 * long as the process lives. One that ends before it has heard of a send leaves results whose events are not acknowledged, and which come again. After a write that was not accepted within `timeout`, or
 * was refused, the sink takes nothing more, so that nothing passes by what is missing.
 *
 * With `transactional: true`, results and the offsets of `kafkaSource` are committed in one transaction, by the partition: whoever reads what is committed sees each event's results exactly once. A partition
 * that was given to another process is fenced: what the one before has in work is stored by nobody. Other sources are refused.
 * Transactional ids are `velo-stream-<group>-<topic>-<partition>`, which the user of the client must be allowed to use.
 *
 * Messages with a key go to the partition that clients of Kafka in other languages choose, too (murmur2).
 *
 * @param kafka a client of kafkajs: `new Kafka({ brokers })`. The producer is made at the first write, and is disconnected at the end.
 * @throws VeloError `VELO_CONFIG` when an option is unknown or out of range. `write` rejects with `VELO_CODEC` for what is no message, or too large a one, and with `VELO_ADAPTER`.
 */
export function kafkaSink<Out = unknown>(kafka: KafkaLike, options: KafkaSinkOptions<Out>): Sink<Out> {
  const field = 'kafkaSink(kafka, options)'
  const client = kafkaOf(kafka, 'kafkaSink(kafka)')
  record(options, field)
  onlyKnown(options, field, NAMES)
  const { acks = -1, compression } = options
  text(options.topic, `${field}.topic`)
  const isTransactional = flag(options.transactional, `${field}.transactional`, false)
  if (acks !== -1 && acks !== 0 && acks !== 1) throw configError(`${field}.acks`, '-1, 0 or 1', acks)
  if (acks !== -1 && isTransactional) throw configError(`${field}.acks`, '-1, as transactions need', acks)
  if (compression !== undefined) integer(compression, `${field}.compression`, 0, 0)
  const maxBytes = integer(options.maxBytes, `${field}.maxBytes`, 1024, 1_000_000, MOST_BYTES)
  const settings = {
    acks,
    compression,
    batch: integer(options.batch, `${field}.batch`, 1, 500),
    maxBytes,
    timeout: duration(options.timeout, `${field}.timeout`, 1, 60_000),
    isTransactional,
    field,
  }
  return new KafkaSink(client, new Composer(options, field, maxBytes), settings)
}
