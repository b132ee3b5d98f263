// Where messages go that nobody can work on: to a topic of their own, with what was wrong.

import { adapterError, messageOf } from '../client/faults.js'
import type { KafkaLike, ProducerLike, RecordLike } from '../client/kafka-like.js'

/** What a header says at most, characters. */
const LONGEST = 1000

export class DeadLetters {
  readonly #kafka: KafkaLike
  readonly #groupId: string
  readonly #topic: string | undefined
  #producer: Promise<ProducerLike> | undefined
  /** How many messages were put aside. */
  count = 0

  constructor(kafka: KafkaLike, groupId: string, topic: string | undefined) {
    this.#kafka = kafka
    this.#groupId = groupId
    this.#topic = topic
  }

  /** Its key, payload and headers, and what was wrong. Throws that where there is no place for dead letters. */
  async put(topic: string, partition: number, { key, value, headers, offset }: RecordLike, error: unknown): Promise<void> {
    if (this.#topic === undefined) throw error
    const about = {
      'Velo-Topic': topic,
      'Velo-Partition': String(partition),
      'Velo-Offset': offset,
      'Velo-Group': this.#groupId,
      'Velo-Error': messageOf(error).slice(0, LONGEST),
    }
    try {
      this.#producer ??= this.#open()
      const producer = await this.#producer
      await producer.sendBatch({ topicMessages: [{ topic: this.#topic, messages: [{ key, value, headers: { ...headers, ...about } }] }] })
    } catch (cause) {
      this.#producer = undefined
      throw adapterError(`dead letter ${this.#topic}`, cause)
    }
    this.count++
  }

  async end(): Promise<void> {
    const producer = await this.#producer?.catch(() => undefined)
    await producer?.disconnect()
  }

  async #open(): Promise<ProducerLike> {
    const producer = this.#kafka.producer({ allowAutoTopicCreation: false, idempotent: true, maxInFlightRequests: 1 })
    await producer.connect()
    return producer
  }
}
