// Events on their way to a topic, in their order: of each key as many at a time as wait. A producer whose outcome nobody knows is used no more, because its next batch could pass for the one before.

import { OverloadedError } from '../../index.js'
import { adapterError } from '../client/faults.js'
import type { KafkaLike, OutgoingLike, ProducerLike } from '../client/kafka-like.js'

interface Waiting {
  readonly key: string
  readonly messages: readonly OutgoingLike[]
  readonly bytes: number
  resolve(offsets: number[]): void
  reject(error: unknown): void
}

/** What the broker answers of one partition. */
interface Answer {
  readonly baseOffset?: string
}

/** Bytes of events that wait, each with what it takes beside them. */
const MOST = 64 << 20
const OVERHEAD = 200

export class Outbox {
  readonly #kafka: KafkaLike
  readonly #topic: string
  #producer: Promise<ProducerLike> | undefined
  #waiting: Waiting[] = []
  #bytes = 0
  #sending: Promise<void> | undefined

  constructor(kafka: KafkaLike, topic: string) {
    this.#kafka = kafka
    this.#topic = topic
  }

  /** Resolves with the offsets. Rejects with `VELO_OVERRUN` when too much waits. */
  put(key: string, values: readonly Uint8Array[]): Promise<number[]> {
    const bytes = values.reduce((sum, { length }) => sum + length + OVERHEAD, key.length)
    if (this.#bytes > 0 && this.#bytes + bytes > MOST)
      return Promise.reject(new OverloadedError('VELO_OVERRUN', `kafka: ${MOST} bytes of events wait for the broker already: await send()`))
    this.#bytes += bytes
    const messages = values.map((value) => ({ key, value: Buffer.from(value.buffer, value.byteOffset, value.byteLength) }))
    return new Promise((resolve, reject) => {
      this.#waiting.push({ key, messages, bytes, resolve, reject })
      this.#sending ??= this.#sendAll()
    })
  }

  /** What waits is sent. */
  async end(): Promise<void> {
    await this.#sending
    await this.#forget()
  }

  async #sendAll(): Promise<void> {
    while (this.#waiting.length > 0) {
      const { key } = this.#waiting[0] as Waiting
      const lot = this.#waiting.filter((one) => one.key === key)
      this.#waiting = this.#waiting.filter((one) => one.key !== key)
      try {
        let at = await this.#send(lot.flatMap(({ messages }) => messages))
        for (const { messages, resolve } of lot) {
          const first = at
          resolve(messages.map((_, i) => first + i))
          at += messages.length
        }
      } catch (cause) {
        await this.#forget()
        for (const { reject } of lot) reject(adapterError(`topic ${this.#topic}`, cause))
      }
      for (const { bytes } of lot) this.#bytes -= bytes
    }
    this.#sending = undefined
  }

  /** All of one key: they are of one partition, so their offsets follow each other. */
  async #send(messages: OutgoingLike[]): Promise<number> {
    if (messages.length === 0) return 0
    this.#producer ??= this.#open()
    const producer = await this.#producer
    const answers = (await producer.sendBatch({ topicMessages: [{ topic: this.#topic, messages }] })) as readonly Answer[]
    return Number(answers[0]?.baseOffset)
  }

  async #open(): Promise<ProducerLike> {
    const producer = this.#kafka.producer({ idempotent: true, maxInFlightRequests: 1, allowAutoTopicCreation: false })
    await producer.connect()
    return producer
  }

  async #forget(): Promise<void> {
    const opened = this.#producer
    this.#producer = undefined
    const producer = await opened?.catch(() => undefined)
    await producer?.disconnect().catch(() => {})
  }
}
