// Messages over a producer, until they are stored or refused.
//
// An idempotent producer numbers the messages of each partition, and takes the numbers back when it gives up. So the same messages of a partition, sent again by the same producer
// before any others, have the same numbers, and the broker keeps them once. Hence: one send at a time, the same one until it is stored, and after a failure another producer.

import type { ProducerLike, TopicMessages } from '../client/kafka-like.js'
import { type Deadline, insist, within } from './outcomes.js'
import type { Message, Outgoing } from './outgoing.js'
import { type Partitions, ScatteredError } from './partitions.js'

export interface SendSettings {
  readonly acks: number
  readonly compression?: number | undefined
}

/** Messages after which there should be another producer: the client's count of those in a partition has 31 bits and does not go round as the broker's does. */
const NUMBERED = 2 ** 30

export class Sender {
  readonly #partitions: Partitions
  readonly #settings: SendSettings
  #numbered = 0

  constructor(partitions: Partitions, settings: SendSettings) {
    this.#partitions = partitions
    this.#settings = settings
  }

  /** The producer is another one from here on. */
  begin(): void {
    this.#numbered = 0
  }

  get isWorn(): boolean {
    return this.#numbered > NUMBERED
  }

  /** Resolves when all are stored. Called again only when it has settled. Rejects with the error of the client. */
  async send(producer: Pick<ProducerLike, 'sendBatch'>, messages: readonly Outgoing[], deadline: Deadline): Promise<void> {
    this.#numbered += messages.length
    let rest = messages
    // Which brokers a topic lies on is known once the client was asked for something of it.
    for (let at = 0; at < rest.length; at++) {
      const first = rest[at] as Outgoing
      if (this.#partitions.knows(first.topic)) continue
      await this.#groups(producer, [first], deadline)
      rest = [...rest.slice(0, at), ...rest.slice(at + 1)]
      at--
    }
    if (rest.length > 0) await this.#groups(producer, rest, deadline)
  }

  /** All brokers at the same time. */
  async #groups(producer: Pick<ProducerLike, 'sendBatch'>, messages: readonly Outgoing[], deadline: Deadline): Promise<void> {
    const sends = this.#partitions.groups(messages).map((group) => this.#group(producer, group, deadline))
    // All have to be over, so that nothing is on its way when something else is begun.
    for (const { status, ...outcome } of await Promise.allSettled(sends))
      if (status === 'rejected') throw (outcome as { reason: unknown }).reason
  }

  async #group(producer: Pick<ProducerLike, 'sendBatch'>, group: readonly Outgoing[], deadline: Deadline): Promise<void> {
    const topicMessages = byTopic(group)
    try {
      await insist(() => producer.sendBatch({ topicMessages, ...this.#settings }), 'messages', deadline)
    } catch (error) {
      if (within(error, ScatteredError) === undefined) throw error
      await this.#groups(producer, group, deadline)
    }
  }
}

function byTopic(group: readonly Outgoing[]): TopicMessages[] {
  const topics = new Map<string, Message[]>()
  for (const { topic, message } of group) {
    const messages = topics.get(topic)
    if (messages === undefined) topics.set(topic, [message])
    else messages.push(message)
  }
  return [...topics].map(([topic, messages]) => ({ topic, messages }))
}
