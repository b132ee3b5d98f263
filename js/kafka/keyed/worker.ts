// A member of the group: which partitions this process has, and what is read of them. A partition that was lost is taken anew once the group has said that it is still ours, so that nobody who was given up takes it
// from those who have it.

import type { Held } from '../../durable/keyed/change.js'
import type { Hostable } from '../../durable/keyed/definition.js'
import { silence } from '../../kit/promises.js'
import { line } from '../../kit/sight/log.js'
import { assignerOf } from '../client/assigner.js'
import { adapterError, isFenced, messageOf } from '../client/faults.js'
import type { BatchLike, ConsumerLike, GroupEvent, KafkaLike } from '../client/kafka-like.js'
import { ALIKE, alike } from './alike.js'
import type { Layout } from './layout.js'
import { type Memory, Partition, type PartitionOwner, type PartitionSettings } from './partition.js'
import { soon } from './soon.js'

export interface GroupSettings {
  readonly sessionTimeout: number
  readonly rebalanceTimeout: number
  /** ms that a rebalance, and the end, wait for what is in work. */
  readonly drain: number
}

/** ms that a request waits for messages at the broker: what is wanted besides waits as long. */
const BLOCK = 100
/** Bytes of a partition that are asked for at a time. */
const MOST = 512 << 10
/** ms for the end of the consumer. */
const GRACE = 10_000
/** ms until a group is joined again that the client has given up. */
const AGAIN = 1000

export class KeyedWorker implements PartitionOwner {
  readonly #kafka: KafkaLike
  readonly #layout: Layout
  readonly #hostable: Hostable
  readonly #settings: PartitionSettings
  readonly #group: GroupSettings
  readonly #partitions = new Map<number, Partition>()
  /** Those that were let go of and are still at work. */
  readonly #leaving = new Map<number, Promise<void>>()
  readonly #memories = new Map<number, Memory>()
  /** Ours, as the group says. */
  #assigned: readonly number[] = []
  #member: string | undefined
  #consumer: ConsumerLike | undefined
  #resting: Promise<void> | undefined
  #retry: NodeJS.Timeout | undefined
  #isStopped = false
  #onStop = (): void => {}
  readonly #stopped = new Promise<void>((resolve) => {
    this.#onStop = resolve
  })

  constructor(kafka: KafkaLike, layout: Layout, hostable: Hostable, group: GroupSettings, settings: PartitionSettings) {
    this.#kafka = kafka
    this.#layout = layout
    this.#hostable = hostable
    this.#group = group
    this.#settings = settings
  }

  /** Partitions that are worked on here. */
  get count(): number {
    return [...this.#partitions.values()].filter(({ isReady }) => isReady).length
  }

  /** What all of them have. */
  get held(): Held {
    let [sessions, events] = [0, 0]
    for (const { held } of this.#partitions.values()) {
      sessions += held.sessions
      events += held.events
    }
    return { sessions, events }
  }

  /** Resolves when the group has been joined, or it is stopped. */
  start(): Promise<void> {
    return Promise.race([this.#start(), this.#stopped])
  }

  /** Finishes what is in work, gives everything back, and leaves the group. */
  async stop(): Promise<void> {
    this.#isStopped = true
    this.#onStop()
    clearTimeout(this.#retry)
    for (const number of this.#assigned) this.flow(number, 'events', false)
    await this.#rest()
    for (const partition of [...this.#partitions.values()]) this.#leave(partition)
    await Promise.all(this.#leaving.values())
    await soon(GRACE, this.#consumer?.disconnect())
  }

  flow(number: number, what: 'events' | 'state', isOpen: boolean, from?: number): void {
    const topic = this.#layout[what]
    const one = [{ topic, partitions: [number] }]
    try {
      if (from !== undefined) this.#consumer?.seek({ topic, partition: number, offset: String(from) })
      if (isOpen && !this.#isStopped) this.#consumer?.resume(one)
      else this.#consumer?.pause(one)
    } catch {
      // It is about to join the group anew.
    }
  }

  lost(partition: Partition, error: unknown): void {
    const { groupId, events } = this.#layout
    const { number } = partition
    if (!isFenced(error))
      line(
        'warn',
        { code: 'velo:partition-lost', group: groupId, topic: events, partition: number },
        `kafkaSessions: a partition is begun anew: ${messageOf(error)}`,
      )
    this.#leave(partition)
  }

  async #start(): Promise<void> {
    const { sessionTimeout, rebalanceTimeout } = this.#group
    const consumer = this.#kafka.consumer({
      groupId: this.#layout.groupId,
      sessionTimeout,
      rebalanceTimeout,
      heartbeatInterval: Math.min(1000, Math.floor(sessionTimeout / 10)),
      maxWaitTimeInMs: BLOCK,
      maxBytesPerPartition: MOST,
      allowAutoTopicCreation: false,
      partitionAssigners: [assignerOf({ name: ALIKE, share: alike, beforeJoin: () => this.#rest() })],
    })
    this.#consumer = consumer
    const joined = this.#watch(consumer)
    try {
      await consumer.connect()
      await consumer.subscribe({ topics: [this.#layout.events, this.#layout.state], fromBeginning: true })
      if (!this.#isStopped)
        await consumer.run({
          autoCommit: false,
          partitionsConsumedConcurrently: 1,
          eachBatch: async ({ batch, isStale }) => {
            if (isStale?.() !== true) this.#arrived(batch)
          },
        })
    } catch (error) {
      await consumer.disconnect().catch(() => {})
      throw adapterError(`group ${this.#layout.groupId}`, error)
    }
    if (this.#isStopped) await consumer.disconnect().catch(() => {})
    else await joined
  }

  /** Resolves when the group was joined for the first time. */
  #watch(consumer: ConsumerLike): Promise<void> {
    const joined = new Promise<void>((resolve, reject) => {
      consumer.on(consumer.events.GROUP_JOIN, (event) => {
        if (this.#isStopped || this.#consumer !== consumer) return
        this.#joined(event)
        resolve()
      })
      consumer.on(consumer.events.CRASH, ({ payload: { error, restart } }) => {
        // The client would begin again.
        if (this.#isStopped) consumer.disconnect().catch(() => {})
        if (this.#isStopped || restart === true || this.#consumer !== consumer) return
        reject(adapterError(`group ${this.#layout.groupId}`, error))
        this.#crashed()
      })
    })
    consumer.on(consumer.events.HEARTBEAT, () => this.#takeAll())
    return silence(joined)
  }

  #arrived({ topic, partition: number, messages }: BatchLike): void {
    const partition = this.#partitions.get(number)
    if (topic === this.#layout.events) partition?.arrived(messages)
    else partition?.told(messages)
  }

  /** Before the group is joined anew: what is in work is finished, for as long as there is time. */
  #rest(): Promise<void> {
    this.#resting ??= (async () => {
      let timer: NodeJS.Timeout | undefined
      const late = new Promise<void>((resolve) => {
        timer = setTimeout(resolve, this.#group.drain)
      })
      await Promise.race([late, Promise.all([...this.#partitions.values()].map((partition) => partition.rest()))])
      clearTimeout(timer)
    })()
    return this.#resting
  }

  #joined({ payload: { memberId, memberAssignment = {} } }: GroupEvent): void {
    // One that the group had given up is a new member: others may have had its partitions in between.
    const isContinued = memberId === this.#member
    this.#member = memberId
    this.#assigned = memberAssignment[this.#layout.events] ?? []
    this.#resting = undefined
    for (const partition of [...this.#partitions.values()]) {
      if (isContinued && this.#assigned.includes(partition.number)) partition.goOn()
      else this.#leave(partition)
    }
    for (const number of this.#assigned) {
      if (this.#partitions.has(number)) continue
      this.flow(number, 'events', false)
      this.flow(number, 'state', false)
    }
    this.#takeAll()
  }

  /** Takes what is ours and is not here. */
  #takeAll(): void {
    if (this.#isStopped || this.#resting !== undefined) return
    for (const number of this.#assigned) {
      if (this.#partitions.has(number) || this.#leaving.has(number)) continue
      const memory = this.#memories.get(number) ?? { tokens: new Set(), doomed: new Map() }
      this.#memories.set(number, memory)
      this.#partitions.set(number, new Partition(number, this.#kafka, this.#layout, this.#hostable, this.#settings, memory, this))
    }
  }

  #leave(partition: Partition): void {
    const { number } = partition
    if (this.#partitions.get(number) !== partition) return
    this.#partitions.delete(number)
    this.flow(number, 'events', false)
    this.flow(number, 'state', false)
    const before = this.#leaving.get(number)
    const leaving = Promise.all([before, partition.release()]).then(() => {
      if (this.#leaving.get(number) === leaving) this.#leaving.delete(number)
    })
    this.#leaving.set(number, leaving)
  }

  /** The client has given the group up. */
  #crashed(): void {
    this.#assigned = []
    this.#member = undefined
    this.#consumer = undefined
    for (const partition of [...this.#partitions.values()]) this.#leave(partition)
    if (this.#isStopped) return
    this.#retry = setTimeout(() => {
      this.#start().catch(() => {
        // What it said by itself is known already.
        if (!this.#isStopped && this.#consumer !== undefined) this.#crashed()
      })
    }, AGAIN)
  }
}
