// Topics as a source, partition by partition: a member of a consumer group, which says what partitions it has, and what was read of them. What is done with that: part.ts.

import { type PartedSource, VeloError } from '../../index.js'
import { assignerOf, IN_TURN, inTurn } from '../client/assigner.js'
import { adapterError } from '../client/faults.js'
import { type ConsumerLike, type GroupEvent, type KafkaLike, kafkaOf, type RecordLike } from '../client/kafka-like.js'
import { afterMs, isPassing, tidy } from '../sink/outcomes.js'
import { Commits } from './commits.js'
import { DeadLetters } from './dead-letters.js'
import { type KafkaEntry, type KafkaSourceOptions, type SourceSettings, sourceSettings } from './options.js'
import { KafkaPart, type PartOwner } from './part.js'

/** Partitions are given to their parts at once, so none waits for another one. */
const TOGETHER = 1024
/** ms before another member begins in place of one that has crashed. */
const AGAIN = 500
const OVER = { done: true, value: undefined } as const

/** Partitions of topics as a source, for `consume`. Read once. */
export class KafkaSource<Value = unknown> implements PartedSource<Value>, PartOwner {
  /** @internal */
  readonly settings: SourceSettings
  readonly #kafka: KafkaLike
  readonly #deadLetters: DeadLetters
  #consumer: ConsumerLike | undefined
  #commits: Commits | undefined
  readonly #parts = new Map<string, KafkaPart<Value>>()
  #fresh: KafkaPart<Value>[] = []
  #member: string | undefined
  #assigned: Readonly<Record<string, readonly number[]>> = {}
  #beginning: Promise<void> | undefined
  /** The wait for what is in work before a rebalance: once for each. */
  #draining: Promise<void> | undefined
  #onRest: (() => void) | undefined
  /** What is in work cannot be committed before it has joined anew. */
  #isGivenUp = false
  #onPart: (() => void) | undefined
  #failure: { error: unknown } | undefined
  #isStopped = false
  /** ms after the start of the process, when commits are given up. */
  #until = Number.POSITIVE_INFINITY

  /** @internal */
  constructor(kafka: KafkaLike, settings: SourceSettings) {
    this.#kafka = kafka
    this.settings = settings
    this.#deadLetters = new DeadLetters(kafka, settings.groupId, settings.deadLetter)
  }

  /** How many messages were put aside. */
  get deadLettered(): number {
    return this.#deadLetters.count
  }

  /** Joins the group, and gives a partition with the first message that comes of it. Ends when it is stopped; rejects with `VELO_ADAPTER` for what the client gives up. */
  parts(): AsyncIterator<KafkaPart<Value>, undefined> {
    if (this.#beginning !== undefined) throw new VeloError('VELO_LOCKED', 'kafkaSource: it is read already: make one for each reader')
    this.#beginning = this.#begin()
    this.#beginning.catch((error) => this.#fail(error))
    return {
      next: () => this.#next(),
      return: async () => {
        this.#stop()
        return OVER
      },
    }
  }

  /** Called by `consume` when nothing is acknowledged any more: leaves the group. */
  async end(): Promise<void> {
    this.#stop()
    await this.#beginning?.catch(() => {})
    await Promise.all([this.#consumer?.disconnect().catch(() => {}), this.#deadLetters.end().catch(() => {})])
  }

  /** @internal */
  async commit(part: KafkaPart, offset: string): Promise<void> {
    const isWanted = (): boolean => !part.lost.aborted && this.#failure === undefined && performance.now() < this.#until
    await this.#commits?.keep({ topic: part.topic, partition: part.partition, offset }, isWanted)
    if (isWanted() || part.lost.aborted) return
    throw this.#failure?.error ?? adapterError('commit', new Error(`the broker did not answer within ${this.settings.drain} ms of the end`))
  }

  /** @internal */
  putAside(part: KafkaPart, record: RecordLike, error: unknown): Promise<void> {
    return this.#deadLetters.put(part.topic, part.partition, record, error)
  }

  /** @internal */
  flow({ topic, partition }: KafkaPart, isOpen: boolean, from?: number): void {
    const one = [{ topic, partitions: [partition] }]
    try {
      if (from !== undefined) this.#consumer?.seek({ topic, partition, offset: String(from) })
      if (isOpen && !this.#isStopped) this.#consumer?.resume(one)
      else this.#consumer?.pause(one)
    } catch {
      // It joins its group anew just now.
    }
  }

  /** @internal */
  rests(): void {
    if ([...this.#parts.values()].every(({ isAtWork }) => !isAtWork)) this.#onRest?.()
  }

  /** @internal */
  over(part: KafkaPart): void {
    const key = keyOf(part.topic, part.partition)
    if (this.#isStopped || this.#parts.get(key) !== part) return
    // Its function has returned: nobody reads this partition here any more, but its messages wait for whoever comes next.
    this.flow(part, false)
  }

  async #begin(): Promise<void> {
    const { groupId, topics, isFromBeginning, sessionTimeout, rebalanceTimeout, block, maxBytes, metadataMaxAge } = this.settings
    try {
      const consumer = this.#kafka.consumer({
        groupId,
        sessionTimeout,
        rebalanceTimeout,
        heartbeatInterval: Math.min(3000, Math.floor(sessionTimeout / 10)),
        maxWaitTimeInMs: block,
        metadataMaxAge,
        maxBytesPerPartition: maxBytes,
        allowAutoTopicCreation: false,
        partitionAssigners: [assignerOf({ name: IN_TURN, share: inTurn, beforeJoin: () => this.#beforeJoin() })],
      })
      this.#consumer = consumer
      this.#commits = new Commits(consumer, () => {
        this.#isGivenUp = true
        this.#onRest?.()
      })
      consumer.on(consumer.events.GROUP_JOIN, (event) => this.#joined(event))
      consumer.on(consumer.events.HEARTBEAT, () => this.#beginAnew())
      consumer.on(consumer.events.CRASH, ({ payload: { error, restart } }) => {
        if (restart !== true && this.#consumer === consumer) this.#crashed(consumer, error)
      })
      await consumer.connect()
      await consumer.subscribe({ topics: [...topics], fromBeginning: isFromBeginning })
      if (this.#isStopped) return
      await consumer.run({
        autoCommit: false,
        partitionsConsumedConcurrently: TOGETHER,
        eachBatch: async ({ batch: { topic, partition, messages }, isStale }) => {
          if (isStale?.() !== true) this.#partOf(topic, partition)?.push(messages)
        },
      })
    } catch (error) {
      throw error instanceof VeloError ? error : adapterError(`group ${groupId}`, error)
    }
  }

  /** The client gave up. If that is for a connection that was lost, another member begins; its partitions may have been somebody else's in between. */
  #crashed(consumer: ConsumerLike, error: unknown): void {
    if (this.#isStopped || !isPassing(error)) return this.#fail(adapterError(`group ${this.settings.groupId}`, error))
    this.#consumer = undefined
    this.#member = undefined
    this.#assigned = {}
    this.#draining = undefined
    this.#onRest = undefined
    this.#isGivenUp = false
    this.#fresh = []
    for (const part of this.#parts.values()) part.lose()
    this.#parts.clear()
    const begun = tidy(() => consumer.disconnect())
      .then(() => afterMs(AGAIN))
      .then(() => (this.#isStopped ? undefined : this.#begin()))
    begun.catch((cause) => {
      if (!this.#isStopped && this.#consumer !== undefined && isPassing(cause)) this.#crashed(this.#consumer, cause)
      else this.#fail(cause)
    })
    this.#beginning = begun
  }

  async #next(): Promise<IteratorResult<KafkaPart<Value>, undefined>> {
    while (this.#fresh.length === 0 && this.#failure === undefined && !this.#isStopped) {
      await new Promise<void>((resolve) => {
        this.#onPart = resolve
      })
    }
    if (this.#failure !== undefined) throw this.#failure.error
    const value = this.#isStopped ? undefined : this.#fresh.shift()
    return value === undefined ? OVER : { value, done: false }
  }

  #partOf(topic: string, partition: number): KafkaPart<Value> | undefined {
    if (this.#isStopped) return undefined
    const key = keyOf(topic, partition)
    let part = this.#parts.get(key)
    if (part === undefined) {
      part = new KafkaPart<Value>(this, topic, partition)
      this.#parts.set(key, part)
      this.#fresh.push(part)
      this.#wake()
    }
    return part
  }

  /** Nothing new is begun, and what is in work has some time. */
  #beforeJoin(): Promise<void> {
    this.#draining ??= new Promise((resolve) => {
      const timer = setTimeout(resolve, this.settings.drain)
      this.#onRest = () => {
        clearTimeout(timer)
        resolve()
      }
      for (const part of this.#parts.values()) part.hold()
      if (this.#isGivenUp) this.#onRest()
      else this.rests()
    })
    return this.#draining
  }

  #joined({ payload: { memberId, memberAssignment = {} } }: GroupEvent): void {
    // One that the group had given up is a new member: others may have had its partitions in between.
    const isContinued = memberId === this.#member
    this.#member = memberId
    this.#assigned = memberAssignment
    this.#draining = undefined
    this.#onRest = undefined
    this.#isGivenUp = false
    for (const [key, part] of [...this.#parts]) {
      if (isContinued && !part.lost.aborted && this.#assigned[part.topic]?.includes(part.partition) === true) {
        part.goOn()
        continue
      }
      this.#parts.delete(key)
      this.#fresh = this.#fresh.filter((one) => one !== part)
      part.lose()
      // What is paused stays so with the client until somebody says otherwise.
      this.flow(part, true)
    }
    if (this.#isStopped) this.#pauseAll()
  }

  /** The group has just said that all is as it was: what the sink thought was somebody else's is not. A broker forgets the id of a producer that rests for long, say. */
  #beginAnew(): void {
    if (this.#draining !== undefined || this.#isStopped) return
    for (const [key, part] of [...this.#parts]) {
      if (!part.lost.aborted) continue
      this.#parts.delete(key)
      this.#fresh = this.#fresh.filter((one) => one !== part)
      this.flow(part, true, part.leftAt)
    }
  }

  /** Reads no more; what was given can still be acknowledged. */
  #stop(): void {
    if (this.#isStopped) return
    this.#isStopped = true
    this.#until = performance.now() + this.settings.drain
    this.#pauseAll()
    this.#wake()
  }

  #pauseAll(): void {
    try {
      this.#consumer?.pause(Object.entries(this.#assigned).map(([topic, partitions]) => ({ topic, partitions: [...partitions] })))
    } catch {
      // It is not in its group.
    }
  }

  #fail(error: unknown): void {
    this.#failure ??= { error }
    this.#wake()
  }

  #wake(): void {
    const onPart = this.#onPart
    this.#onPart = undefined
    onPart?.()
  }
}

const keyOf = (topic: string, partition: number): string => `${partition}/${topic}`

/**
 * Topics as a source for `consume`, which has an instance of the function for each partition, and commits how far it is done. `keyed()` in the function makes that one for each key. `kafka` is yours, of kafkajs.
 * Of transactions only what was committed is read.
 *
 * @throws VeloError `VELO_CONFIG` when an option is unknown or out of range. Consuming rejects with `VELO_ADAPTER` for what the broker refuses for good, and for what the client gives up.
 */
export function kafkaSource<Value>(kafka: KafkaLike, options: KafkaSourceOptions & { entries: true }): KafkaSource<KafkaEntry<Value>>
export function kafkaSource<Value>(kafka: KafkaLike, options: KafkaSourceOptions): KafkaSource<Value>
export function kafkaSource(kafka: KafkaLike, options: KafkaSourceOptions): KafkaSource<unknown> {
  const settings = sourceSettings(options, 'kafkaSource(kafka, options)')
  return new KafkaSource(kafkaOf(kafka, 'kafkaSource(kafka)'), settings)
}
