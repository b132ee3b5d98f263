// Who may write for a partition: a producer with an id that is the partition's, so that the broker refuses whoever had it before. What is written in one step is one transaction.

import { randomBytes } from 'node:crypto'
import { setTimeout as wait } from 'node:timers/promises'
import { typeOf } from '../client/faults.js'
import type { KafkaLike, OutgoingLike, ProducerLike, TopicMessages, TransactionLike } from '../client/kafka-like.js'
import { fenceMessage, type Place, placeMessage } from './changelog.js'
import { type Layout, writerOf } from './layout.js'
import { soon, within } from './soon.js'

/** ms after which the broker ends the transaction of one that is gone. */
const TIMEOUT = 30_000
/** Bytes of one request: a broker takes a mebibyte of a partition, unless it is set otherwise. */
const ROOM = 256 << 10
/** Of a message, beside its bytes. */
const OVERHEAD = 100
/** ms for a step, and for which the transaction before may keep it waiting; for what nobody waits for any more. */
const PATIENCE = 15_000
const GRACE = 500

export class Writer {
  readonly token = randomBytes(9).toString('base64url')
  readonly #layout: Layout
  readonly #partition: number
  readonly #producer: ProducerLike
  #transaction: TransactionLike | undefined
  #last: Promise<unknown> = Promise.resolve()

  constructor(kafka: KafkaLike, layout: Layout, partition: number) {
    this.#layout = layout
    this.#partition = partition
    this.#producer = kafka.producer({
      transactionalId: writerOf(layout, partition),
      transactionTimeout: TIMEOUT,
      allowAutoTopicCreation: false,
      maxInFlightRequests: 1,
      // What the client sends again may come to other brokers twice: a step that fails is done anew, from what is stored.
      retry: { retries: 0 },
    })
  }

  /** Refuses whoever had it before from now on, ends what they had begun, and says so in the changelog. */
  async claim(): Promise<void> {
    await within(PATIENCE, 'a connection', this.#producer.connect())
    await this.#step((transaction) => this.#changelog(transaction, [fenceMessage(this.#partition, this.token, false)]))
  }

  /** Whoever comes next takes nothing over. */
  give(): Promise<void> {
    return this.#step((transaction) => this.#changelog(transaction, [fenceMessage(this.#partition, this.token, true)]))
  }

  /** Stores how far it is, and nothing else. */
  mark(place: Place): Promise<void> {
    return this.#step((transaction) => this.#changelog(transaction, [placeMessage(this.#partition, place)]))
  }

  /** Stores messages in one step with how far it is. */
  store(messages: readonly TopicMessages[], place: Place): Promise<void> {
    const { groupId, events, state } = this.#layout
    const topics = [{ topic: events, partitions: [{ partition: this.#partition, offset: String(place.n) }] }]
    return this.#step(async (transaction) => {
      await begun(() => transaction.sendOffsets({ consumerGroupId: groupId, topics }))
      const all = [...messages, { topic: state, messages: [placeMessage(this.#partition, place)] }]
      for (const topicMessages of lots(all)) await transaction.sendBatch({ topicMessages })
    })
  }

  /** Nothing is written any more. */
  async end(): Promise<void> {
    // Those who read results wait for the end of a transaction.
    await soon(GRACE, this.#transaction?.abort())
    await soon(GRACE, this.#producer.disconnect())
  }

  /** One after the other. */
  #step(body: (transaction: TransactionLike) => Promise<unknown>): Promise<void> {
    const step = this.#last.then(async () => {
      const transaction = await this.#producer.transaction()
      this.#transaction = transaction
      await body(transaction)
      await transaction.commit()
      this.#transaction = undefined
    })
    this.#last = step.catch(() => {})
    return within(PATIENCE, 'a transaction', step)
  }

  #changelog(transaction: TransactionLike, messages: OutgoingLike[]): Promise<void> {
    return begun(() => transaction.sendBatch({ topicMessages: [{ topic: this.#layout.state, messages }] }))
  }
}

/** The first request of a transaction waits until the one before is through at the broker. Nothing was written when it is refused for that. */
async function begun(request: () => Promise<unknown>): Promise<void> {
  const since = performance.now()
  for (let ms = 1; ; ms = Math.min(ms * 2, 50)) {
    try {
      await request()
      return
    } catch (error) {
      if (typeOf(error) !== 'CONCURRENT_TRANSACTIONS' || performance.now() - since > PATIENCE) throw error
      await wait(ms)
    }
  }
}

/** As many messages as go into one request, at least one, in their order. */
function* lots(all: readonly TopicMessages[]): Generator<TopicMessages[]> {
  let lot: TopicMessages[] = []
  let size = 0
  for (const { topic, messages } of all) {
    for (const message of messages) {
      const bytes = (message.value?.length ?? 0) + OVERHEAD
      if (size > 0 && size + bytes > ROOM) {
        yield lot
        lot = []
        size = 0
      }
      const last = lot.at(-1)
      if (last?.topic === topic) last.messages.push(message)
      else lot.push({ topic, messages: [message] })
      size += bytes
    }
  }
  yield lot
}
