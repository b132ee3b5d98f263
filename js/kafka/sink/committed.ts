// How far a group has come, as its coordinator says, over one connection for all partitions.

import type { AdminLike, KafkaLike } from '../client/kafka-like.js'
import { type Deadline, tidy } from './outcomes.js'

/** What is committed for a partition; nothing yet: offset -1. */
export interface Position {
  readonly offset: string
  readonly metadata: string | null
}

export class Committed {
  readonly #kafka: KafkaLike
  #admin: Promise<AdminLike> | undefined

  constructor(kafka: KafkaLike) {
    this.#kafka = kafka
  }

  /** Asked again until the deadline. */
  async read(groupId: string, topic: string, partition: number, deadline: Deadline): Promise<Position> {
    const ask = async () => (await this.#connected(topic)).fetchOffsets({ groupId, topics: [topic] })
    const topics = await deadline.ask(ask, 'committed offsets')
    const found = topics.find((one) => one.topic === topic)?.partitions.find((one) => one.partition === partition)
    return { offset: found?.offset ?? '-1', metadata: found?.metadata ?? null }
  }

  async end(): Promise<void> {
    const admin = this.#admin
    this.#admin = undefined
    if (admin !== undefined) await tidy(async () => (await admin).disconnect())
  }

  #connected(topic: string): Promise<AdminLike> {
    const connect = async (): Promise<AdminLike> => {
      const admin = this.#kafka.admin()
      await admin.connect()
      // The client learns of brokers by this; without any it fails at first, and tries again after a while.
      await admin.fetchTopicMetadata({ topics: [topic] })
      return admin
    }
    if (this.#admin !== undefined) return this.#admin
    const admin = connect()
    this.#admin = admin
    // One that did not come about is made anew.
    admin.catch(() => {
      if (this.#admin === admin) this.#admin = undefined
    })
    return admin
  }
}
