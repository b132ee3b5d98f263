// Messages and the offset of a partition of a group in one transaction, each exactly once, by whoever has the partition.
//
// One transactional id for each partition of a group, so that whoever takes it over ends what the one before had open, and refuses what comes of it later. Every transaction commits
// an offset with an id of its own as metadata: where nobody knows what became of a transaction, the id that is committed tells.

import { randomBytes } from 'node:crypto'
import { AdapterError, VeloError } from '../../index.js'
import { silence } from '../../kit/promises.js'
import { adapterError, isFenced, messageOf, typeOf } from '../client/faults.js'
import type { KafkaLike, ProducerLike, TransactionLike } from '../client/kafka-like.js'
import type { Share } from '../client/share.js'
import type { Committed, Position } from './committed.js'
import { Gap } from './gap.js'
import { lotsOf } from './lots.js'
import { afterMs, Deadline, isPassing, tidy } from './outcomes.js'
import type { Outgoing } from './outgoing.js'
import { Partitions } from './partitions.js'
import { Sender } from './sender.js'

export interface TransactionsSettings {
  /** Transactional ids begin with it; all processes of an application have the same. */
  readonly prefix: string
  /** ms in which a transaction must be through. */
  readonly timeout: number
  /** Messages of a send, and about their bytes. */
  readonly batch: number
  readonly maxBytes: number
  readonly compression?: number | undefined
  /** Aborted once somebody else has the partition. */
  readonly lost?: AbortSignal | undefined
}

/** How a producer tries again. A transaction is refused while the broker still ends the one before, which takes it some ms. */
const RETRY = { initialRetryTime: 5, maxRetryTime: 500 }
const GRACE = 5000
/** ms before what is committed is read again. */
const PAUSE = 20
/** ms that brokers allow, unless they are told to allow more. */
const LONGEST_TRANSACTION = 900_000

export class Transactions {
  readonly #kafka: KafkaLike
  readonly #share: Share
  readonly #settings: TransactionsSettings
  readonly #committed: Committed
  readonly #partitions = new Partitions()
  readonly #sender: Sender
  /** Of a writer and a number, so that nobody else makes the same. */
  readonly #writer = randomBytes(12).toString('base64url')
  #number = 0
  #producer: ProducerLike | undefined
  /** Begun, and nothing of it at the broker. */
  #open: TransactionLike | undefined
  /** What was committed when it began, and what it committed last. */
  #begun: Position = { offset: '-1', metadata: null }
  #position = this.#begun
  readonly #gap = new Gap()
  #committing: Promise<void> | undefined
  #hasEnded = false

  constructor(kafka: KafkaLike, share: Share, committed: Committed, settings: TransactionsSettings) {
    this.#kafka = kafka
    this.#share = share
    this.#committed = committed
    this.#settings = settings
    this.#sender = new Sender(this.#partitions, { acks: -1, compression: settings.compression })
    settings.lost?.addEventListener('abort', () => silence(this.end()), { once: true })
  }

  /**
   * Ends what whoever had the partition before has open, keeps it from more, and then tells the partition where it stands: nothing of it is done twice. Called once, before the partition is read. Answers what
   * is committed.
   */
  async begin(): Promise<Position> {
    const deadline = this.#deadline()
    try {
      this.#refuseWhenOver()
      await this.#enter(deadline)
      this.#begun = await this.#read(deadline)
    } catch (error) {
      await this.#leave()
      throw this.#said('the transactions of', error)
    }
    this.#position = this.#begun
    if (Number(this.#begun.offset) >= 0) this.#share.startAt(this.#begun.offset)
    return this.#begun
  }

  /** All of it or nothing: these messages, and every event before number `upTo` is done. One call at a time. `messages` is iterated again where a transaction is made again. */
  async commit(messages: Iterable<Outgoing>, upTo: number): Promise<void> {
    const position = { offset: this.#share.offsetAt(upTo), metadata: `${this.#writer}-${++this.#number}` }
    const committing = this.#commit(messages, position)
    this.#committing = committing
    await committing
    this.#share.kept(upTo)
  }

  /** Nothing more is committed, once what is under way is over. */
  async end(): Promise<void> {
    this.#hasEnded = true
    await this.#committing?.catch(() => {})
    await this.#leave()
  }

  async #commit(messages: Iterable<Outgoing>, position: Position): Promise<void> {
    const deadline = this.#deadline()
    try {
      if (this.#sender.isWorn) await this.#leave()
      while (!(await this.#isStored(messages, position, deadline)));
      this.#position = position
    } catch (error) {
      await this.#abandon()
      throw this.#said('a transaction of', error)
    }
  }

  #deadline(): Deadline {
    return new Deadline(this.#settings.timeout, this.#settings.lost)
  }

  /** False: nothing of it is stored, and it may be made again. */
  async #isStored(messages: Iterable<Outgoing>, position: Position, deadline: Deadline): Promise<boolean> {
    try {
      if (this.#producer === undefined && !(await this.#isUnchanged(position, deadline))) return true
      await deadline.bound(this.#transact(messages, position, deadline), 'a transaction')
      return true
    } catch (error) {
      this.#refuseWhenOver()
      if (!isPassing(error)) throw error
      if (deadline.isOver) throw deadline.late('a transaction', error)
      await this.#leave()
      return false
    }
  }

  async #transact(messages: Iterable<Outgoing>, { offset, metadata }: Position, deadline: Deadline): Promise<void> {
    const { groupId, topic, partition } = this.#share
    this.#open ??= await (this.#producer as ProducerLike).transaction()
    const transaction = this.#open
    const offsets = {
      consumerGroupId: groupId,
      topics: [{ topic, partitions: [{ partition, offset, metadata: metadata as string }] }],
    }
    // First, because it is this that the broker may refuse while it ends the transaction before; messages would be tried again by the client, which asks for much anew then.
    await this.#gap.over()
    while (!(await this.#isTaken(transaction.sendOffsets(offsets), deadline))) await this.#gap.refused()
    for (const lot of lotsOf(messages, this.#settings))
      await this.#sender.send({ sendBatch: (batch) => transaction.sendBatch(batch) }, lot, deadline)
    this.#refuseWhenOver()
    this.#open = undefined
    await transaction.commit()
    this.#gap.begin()
  }

  /** False: not now. */
  async #isTaken(offsets: Promise<void>, deadline: Deadline): Promise<boolean> {
    try {
      await offsets
      return true
    } catch (error) {
      if (typeOf(error) !== 'CONCURRENT_TRANSACTIONS' || deadline.isOver) throw error
      return false
    }
  }

  /** A new producer ends whatever is pending; only then is it known what is committed. False: this transaction is. */
  async #isUnchanged(position: Position, deadline: Deadline): Promise<boolean> {
    this.#refuseWhenOver()
    // First without one, because it fences whoever has the partition by now.
    await this.#own(deadline)
    await this.#enter(deadline)
    for (;;) {
      const { offset, metadata } = await this.#own(deadline)
      if (metadata === position.metadata) return false
      if (offset === this.#position.offset && metadata === this.#position.metadata) return true
      // One of before: the broker is about to show what it has committed.
      if (deadline.isOver) throw deadline.late('committed offsets')
      await afterMs(PAUSE)
    }
  }

  /** What is committed, where that was not somebody else. */
  async #own(deadline: Deadline): Promise<Position> {
    const position = await this.#read(deadline)
    const { offset, metadata } = position
    const isOwn = metadata?.startsWith(`${this.#writer}-`) === true || (offset === this.#begun.offset && metadata === this.#begun.metadata)
    if (!isOwn) throw new TakenError(`offset ${offset} was committed by another`)
    return position
  }

  async #enter(deadline: Deadline): Promise<void> {
    const { groupId, topic, partition } = this.#share
    const producer = this.#kafka.producer({
      // A topic with a mistyped name would be made, and nobody would read it.
      allowAutoTopicCreation: false,
      transactionalId: `${this.#settings.prefix}-${groupId}-${topic}-${partition}`,
      // Later than the deadline, so that it is not the broker that ends what is in work.
      transactionTimeout: Math.min(this.#settings.timeout + GRACE, LONGEST_TRANSACTION),
      maxInFlightRequests: 1,
      retry: RETRY,
      createPartitioner: this.#partitions.createPartitioner,
    })
    this.#producer = producer
    this.#open = undefined
    this.#sender.begin()
    await deadline.ask(() => producer.connect(), 'connect')
    this.#open = await deadline.ask(() => producer.transaction(), 'a producer')
    this.#refuseWhenOver()
  }

  #read(deadline: Deadline): Promise<Position> {
    const { groupId, topic, partition } = this.#share
    return this.#committed.read(groupId, topic, partition, deadline)
  }

  /** Whoever lost the partition would keep the new owner from its work with a new producer. */
  #refuseWhenOver(): void {
    if (this.#settings.lost?.aborted === true) throw new TakenError('the partition was given to another')
    if (this.#hasEnded) throw new TakenError('there are no more transactions')
  }

  /** Nothing of a transaction that failed remains. */
  async #abandon(): Promise<void> {
    const transaction = this.#open
    this.#open = undefined
    if (transaction !== undefined) await tidy(() => transaction.abort())
    await this.#leave()
  }

  async #leave(): Promise<void> {
    const producer = this.#producer
    this.#producer = undefined
    this.#open = undefined
    if (producer !== undefined) await tidy(() => producer.disconnect())
  }

  #said(what: string, error: unknown): VeloError {
    const { groupId, topic, partition } = this.#share
    const of = `${what} ${topic}/${partition} in group ${groupId}`
    if (isFenced(error) || error instanceof TakenError) {
      if (!this.#hasEnded) this.#share.taken()
      // A producer that was made anew would keep the new owner from its work.
      this.#hasEnded = true
      const message = `kafka: ${of}: another process has this partition by now, nothing was stored (${messageOf(error)})`
      return new AdapterError('VELO_ADAPTER', message, { adapter: 'kafka', cause: error })
    }
    return error instanceof VeloError ? error : adapterError(of, error)
  }
}

/** Somebody else works on the partition. */
class TakenError extends Error {
  readonly retriable = false
}
