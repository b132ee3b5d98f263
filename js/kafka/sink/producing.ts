// Results of many writers over one idempotent producer: what comes while a send is under way makes the next one. Order is kept among all of them.

import { ClosedError, VeloError } from '../../index.js'
import { silence } from '../../kit/promises.js'
import { adapterError } from '../client/faults.js'
import type { KafkaLike, ProducerLike } from '../client/kafka-like.js'
import { Deadline, tidy } from './outcomes.js'
import type { Composer, Outgoing } from './outgoing.js'
import { Partitions } from './partitions.js'
import { Sender, type SendSettings } from './sender.js'

export interface ProducingSettings extends SendSettings {
  /** Messages of a send, and about their bytes. */
  readonly batch: number
  readonly maxBytes: number
  /** ms in which a send must be accepted. */
  readonly timeout: number
}

/** How a producer tries again. How often is up to the user's client: more tries follow after those. */
const RETRY = { initialRetryTime: 20, maxRetryTime: 1000 }

interface Write<Out> {
  readonly results: readonly Out[]
  /** So many are in a lot or stored, and so many not stored. */
  at: number
  left: number
  resolve(): void
  reject(error: unknown): void
}

interface Lot<Out> {
  readonly messages: Outgoing[]
  readonly writes: { readonly write: Write<Out>; count: number }[]
  bytes: number
}

export class Producing<Out> {
  readonly #kafka: KafkaLike
  readonly #composer: Composer<Out>
  readonly #settings: ProducingSettings
  readonly #partitions = new Partitions()
  readonly #sender: Sender
  /** Those with results in no lot, in order. */
  readonly #writes: Write<Out>[] = []
  /** Made while the one before it is under way, so that no more than two are in memory. */
  #next: Lot<Out> = emptyLot()
  /** Composed, and too much for the lot. */
  #surplus: Outgoing | undefined
  #running: Promise<void> | undefined
  #producer: ProducerLike | undefined
  #failure: { error: unknown } | undefined
  #hasEnded = false

  constructor(kafka: KafkaLike, composer: Composer<Out>, settings: ProducingSettings) {
    this.#kafka = kafka
    this.#composer = composer
    this.#settings = settings
    const { acks, compression } = settings
    this.#sender = new Sender(this.#partitions, { acks, compression })
  }

  /** Resolves when all are stored. */
  write(results: readonly Out[]): Promise<void> {
    if (results.length === 0) return Promise.resolve()
    if (this.#failure !== undefined) return Promise.reject(this.#failure.error)
    if (this.#hasEnded) return Promise.reject(new ClosedError('VELO_CLOSED', 'kafka: the sink has ended'))
    return new Promise((resolve, reject) => {
      this.#writes.push({ results, at: 0, left: results.length, resolve, reject })
      this.#fill()
      this.#running ??= this.#run()
    })
  }

  async end(): Promise<void> {
    this.#hasEnded = true
    await this.#running
    await this.#leave()
  }

  async #run(): Promise<void> {
    // Others of this turn come along.
    await Promise.resolve()
    let lot = this.#next
    try {
      for (; lot.messages.length > 0; lot = this.#next) {
        this.#next = emptyLot()
        const stored = this.#store(lot.messages)
        this.#fill()
        await stored
        for (const { write, count } of lot.writes) {
          write.left -= count
          if (write.left === 0) write.resolve()
        }
      }
    } catch (error) {
      this.#fail(lot, error)
    } finally {
      this.#running = undefined
    }
  }

  /** As much as there is room for. */
  #fill(): void {
    const lot = this.#next
    const { batch, maxBytes } = this.#settings
    for (let write = this.#writes[0]; write !== undefined && lot.messages.length < batch; write = this.#writes[0]) {
      const before = lot.messages.length
      try {
        while (write.at < write.results.length && lot.messages.length < batch) {
          const message = this.#surplus ?? this.#composer.compose(write.results[write.at] as Out)
          if (lot.messages.length > 0 && lot.bytes + message.bytes > maxBytes) {
            this.#surplus = message
            break
          }
          this.#surplus = undefined
          lot.messages.push(message)
          lot.bytes += message.bytes
          write.at++
        }
      } catch (error) {
        // What came before it goes its way; nobody waits for it.
        this.#writes.shift()
        write.reject(error)
        continue
      }
      const count = lot.messages.length - before
      if (count > 0) lot.writes.push({ write, count })
      if (this.#surplus !== undefined) return
      if (write.at === write.results.length) this.#writes.shift()
    }
  }

  async #store(messages: readonly Outgoing[]): Promise<void> {
    const deadline = new Deadline(this.#settings.timeout)
    try {
      if (this.#sender.isWorn) await this.#leave()
      const producer = this.#producer ?? (await this.#enter(deadline))
      await deadline.bound(this.#sender.send(producer, messages, deadline), 'messages')
    } catch (error) {
      if (error instanceof VeloError) throw error
      throw adapterError('messages were not stored, as far as is known', error)
    }
  }

  async #enter(deadline: Deadline): Promise<ProducerLike> {
    const isIdempotent = this.#settings.acks === -1
    const producer = this.#kafka.producer({
      // A topic with a mistyped name would be made, and nobody would read it.
      allowAutoTopicCreation: false,
      ...(isIdempotent ? { idempotent: true, maxInFlightRequests: 1 } : {}),
      retry: RETRY,
      createPartitioner: this.#partitions.createPartitioner,
    })
    this.#producer = producer
    this.#sender.begin()
    await deadline.ask(() => producer.connect(), 'connect')
    return producer
  }

  async #leave(): Promise<void> {
    const producer = this.#producer
    this.#producer = undefined
    if (producer !== undefined) await tidy(() => producer.disconnect())
  }

  /** Numbers may be taken twice from here on, so nothing more goes over this producer; and nothing may pass by what is lost. */
  #fail(lot: Lot<Out>, error: unknown): void {
    this.#failure = { error }
    for (const { write } of [...lot.writes, ...this.#next.writes]) write.reject(error)
    for (const write of this.#writes.splice(0)) write.reject(error)
    this.#next = emptyLot()
    this.#surplus = undefined
    silence(this.#leave())
  }
}

function emptyLot<Out>(): Lot<Out> {
  return { messages: [], writes: [], bytes: 0 }
}
