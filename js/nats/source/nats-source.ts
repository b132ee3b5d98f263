// Messages of a stream of JetStream as a source: what comes and when is known elsewhere; here is what was given and not yet acknowledged.

import { type AckSource, VeloError } from '../../index.js'
import { isPoison, provenExecutions } from '../../kit/executions.js'
import { inLots, oneByOne } from '../../kit/iteration/batches.js'
import { adapterError, afterMs, messageOf } from '../client/faults.js'
import { type NatsLike, type NatsMessageLike, type Wire, wireOf } from '../client/wire.js'
import { AckAll, AckEach, AckNone, type Acks } from './acks.js'
import { Care } from './careful.js'
import { Consumer } from './consumer.js'
import { DeadLetters, headersOf } from './dead-letters.js'
import { Delivery, headOf } from './delivery.js'
import { type NatsEntry, type NatsSourceOptions, type SourceSettings, sourceSettings } from './options.js'
import { Puller } from './puller.js'

/** ms between two looks at what cannot be acknowledged yet. */
const LOOK = 250
/** So many are acknowledged at once; fewer, after so many ms. */
const MANY = 100
const GATHER = 5
/** ms that giving back may take; what was not given back comes again after `ackWait`. */
const HAND_OVER = 1000
const WORKING = '+WPI'

/** Messages of a stream as a source: for `consume`, for any stream function, or a loop. Iterated once. */
export class NatsSource<Value = unknown> implements AckSource<Value> {
  readonly #wire: Wire
  readonly #settings: SourceSettings
  readonly #consumer: Consumer
  readonly #deadLetters: DeadLetters
  readonly #care = new Care()
  #puller: Puller | undefined
  #acks: Acks | undefined
  /** ms after the start of the process, when acknowledgements are given up. */
  #until = Number.POSITIVE_INFINITY
  /** Those that were given and are not done, from number `#first` on. */
  #entries: Delivery[] = []
  #first = 0
  #position = 0
  /** What names the consumer in the subjects of acknowledgements. */
  #head = '-'
  /** The sequence that came last. */
  #seen = 0
  #timers: NodeJS.Timeout[] = []
  #isOpen = false
  #isOver = false

  /** @internal */
  constructor(wire: Wire, settings: SourceSettings) {
    this.#wire = wire
    this.#settings = settings
    this.#consumer = new Consumer(wire, settings, () => !this.#isOver)
    this.#deadLetters = new DeadLetters(wire, settings)
  }

  /** How many messages were put aside. */
  get deadLettered(): number {
    return this.#deadLetters.count
  }

  /** The sequence of the last message that is done; 0: none is. A reader without a consumer goes on with the one after it. */
  get position(): number {
    return this.#position
  }

  [Symbol.asyncIterator](): AsyncGenerator<Value, void, undefined> {
    return oneByOne(() => this.batches())
  }

  /** The events as they come, many at a time. */
  batches(): AsyncIterator<readonly Value[], undefined> {
    if (this.#isOpen) throw new VeloError('VELO_LOCKED', 'natsSource: it is read already: make one for each reader')
    this.#isOpen = true
    return inLots(
      () => this.#read(),
      async () => {
        this.#close()
        await this.#consumer.leave()
      },
    )
  }

  /** Every event before number `upTo` is done, counted from the first that was given. */
  async ack(upTo: number): Promise<void> {
    const count = upTo - this.#first
    if (count <= 0) return
    // More of them are done soon: an acknowledgement costs as much as a hundred events.
    if (count < MANY && !this.#isOver) await afterMs(GATHER)
    const done = this.#entries.slice(0, count)
    await this.#settle(done.filter(({ isGivenBack }) => !isGivenBack))
    this.#entries.splice(0, count)
    this.#first = upTo
    for (const { sequence } of done) this.#position = Math.max(this.#position, sequence)
  }

  /** Event number `event` anew: that is a delivery more. */
  again(event: number): Value {
    const delivery = this.#entries[event - this.#first] as Delivery
    delivery.deliveries++
    return this.#valueOf(delivery)
  }

  /** The function threw at this event alone: puts it aside if it was delivered often enough, or gives it back for later. */
  async failed(event: number, error: unknown, executions: number): Promise<boolean> {
    const delivery = this.#entries[event - this.#first] as Delivery
    const { retryDelay, consumer } = this.#settings
    if (consumer === undefined || delivery.executions + executions >= this.#consumer.maxDeliveries) {
      await this.#deadLetters.put(delivery, error)
      return true
    }
    if (retryDelay === undefined) return false
    this.#giveBack(delivery, retryDelay * 2 ** Math.min(delivery.deliveries - 2, 16))
    return true
  }

  /** Called by `consume` when nothing is acknowledged any more: what is not done others may have at once. */
  async end(): Promise<void> {
    this.#close()
    for (const timer of this.#timers) clearInterval(timer)
    await this.#acks?.look().catch(() => undefined)
    if (this.#wire.isClosed) return
    const { connection } = this.#wire
    const [first, ...others] = [...(this.#acks?.open ?? [])].filter(({ isGivenBack }) => !isGivenBack)
    // The server holds the first one against the requests of this source, finds that nobody listens, and puts it behind the others if they are there already.
    if (first !== undefined) await this.#wire.request(first.reply, '-NAK', { timeout: HAND_OVER }).catch(() => undefined)
    if (others.length > 0) await this.#consumer.info().catch(() => undefined)
    for (const { reply } of others) connection.publish(reply, '-NAK')
    await connection.flush().catch(() => undefined)
  }

  /** A read that waits is over: nothing more is read. */
  async #read(): Promise<Value[]> {
    while (!this.#isOver) {
      const deliveries = await this.#deliveries()
      const values: Value[] = []
      for (const delivery of deliveries) {
        const poison = this.#poison(delivery)
        let value: Value | undefined
        let error: unknown = poison
        if (poison === undefined) {
          try {
            value = this.#valueOf(delivery)
          } catch (cause) {
            const what = `nats: message ${delivery.sequence} of ${this.#settings.stream} cannot be read: ${messageOf(cause)}`
            error = new VeloError('VELO_CODEC', what, { cause })
          }
        }
        if (error === undefined) {
          this.#entries.push(delivery)
          values.push(value as Value)
        } else {
          await this.#deadLetters.put(delivery, error)
          await this.#settle([delivery])
        }
      }
      if (values.length > 0) return values
    }
    return []
  }

  async #deliveries(): Promise<Delivery[]> {
    await this.#care.turn(this.#consumer.ackWait)
    if (this.#isOver) return []
    if (!this.#consumer.isThere) await this.#open()
    const puller = this.#puller as Puller
    puller.isCareful = this.#care.isOn
    const deliveries = await puller.next()
    if (puller.isLost) this.#consumer.isThere = false
    if (this.#settings.consumer !== undefined) this.#care.came(deliveries, this.#consumer.ackWait)
    return deliveries
  }

  async #open(): Promise<void> {
    const info = await this.#consumer.open(this.#resumeAt())
    const { policy } = this.#consumer
    const lost = (): void => this.#puller?.lost()
    this.#acks ??=
      policy === 'none'
        ? new AckNone(lost)
        : policy === 'all'
          ? new AckAll(this.#consumer, this.#isWanted)
          : new AckEach(this.#wire, this.#consumer, this.#isWanted)
    this.#acks.begin(info)
    this.#care.begin(policy !== 'none' && info.num_redelivered > 0)
    if (this.#isOver) return
    if (this.#puller === undefined) {
      this.#puller = new Puller(this.#wire, this.#settings, this)
      if (policy !== 'none') this.#timers.push(setInterval(this.#keep, this.#consumer.ackWait / 3).unref())
      if (policy === 'all') this.#timers.push(setInterval(this.#look, LOOK).unref())
    }
    this.#puller.begin(this.#consumer.subject)
  }

  /** Where a consumer goes on that was lost: with what is not done. */
  #resumeAt(): number | undefined {
    if (this.#seen === 0) return undefined
    let first = this.#seen + 1
    for (const { sequence } of this.#acks?.open ?? []) first = Math.min(first, sequence)
    return first
  }

  /** @internal */
  arrived(message: NatsMessageLike): Delivery | undefined {
    const reply = message.reply as string
    if (!reply.startsWith(this.#head)) this.#head = reply.slice(0, headOf(reply))
    const delivery = new Delivery(message, reply, this.#head.length)
    if (this.#acks?.arrived(delivery) !== true) return undefined
    this.#seen = Math.max(this.#seen, delivery.sequence)
    return delivery
  }

  #poison({ deliveries }: Delivery): Error | undefined {
    const { consumer, deadLetter } = this.#settings
    if (consumer === undefined || deadLetter === undefined || !isPoison(deliveries - 1, this.#consumer.maxDeliveries)) return undefined
    return new Error(`its process died ${provenExecutions(deliveries - 1)} times or more while it was executed`)
  }

  async #settle(deliveries: readonly Delivery[]): Promise<void> {
    try {
      await this.#acks?.settle(deliveries)
    } catch (error) {
      throw adapterError(`acknowledgement of ${this.#settings.consumer}`, error)
    }
    this.#care.settled(deliveries)
  }

  #giveBack(delivery: Delivery, ms: number): void {
    this.#wire.connection.publish(delivery.reply, `-NAK ${JSON.stringify({ delay: Math.round(ms * 1e6) })}`)
    delivery.isGivenBack = true
    this.#acks?.givenBack(delivery)
    this.#care.settled([delivery])
  }

  #valueOf(delivery: Delivery): Value {
    const { message } = delivery
    const value = this.#settings.codec.decode(message.data)
    if (!this.#settings.entries) return value as Value
    const { sequence, deliveries, time } = delivery
    const headers = Object.fromEntries(headersOf(message))
    const event: NatsEntry<unknown> = { sequence, subject: message.subject, deliveries, time, headers, value }
    return event as Value
  }

  /** What is in work here is not delivered to others, however long it takes. */
  readonly #keep = (): void => {
    if (this.#wire.isClosed) return
    for (const { reply } of this.#acks?.kept ?? []) this.#wire.connection.publish(reply, WORKING)
  }

  /** Acknowledgements without an answer are sent again, and for `drain` after the end. */
  readonly #isWanted = (): boolean => performance.now() < this.#until

  readonly #look = (): void => {
    this.#acks?.look().catch(() => undefined)
  }

  /** Nothing more is read; what was given can still be acknowledged. */
  #close(): void {
    if (!this.#isOver) this.#until = performance.now() + this.#settings.drain
    this.#isOver = true
    this.#care.stop()
    this.#puller?.stop()
  }
}

/**
 * Messages of a stream of JetStream as a source: for `consume`, which acknowledges them, for any stream function, or a loop. `connection` is yours, of `@nats-io/transport-node` or another transport of it.
 *
 * @throws VeloError `VELO_CONFIG` when an option is unknown or out of range. Iterating rejects with `VELO_CONFIG` where a consumer was made otherwise, and with `VELO_ADAPTER` for what the server refuses
 * for good.
 */
export function natsSource<Value>(connection: NatsLike, options: NatsSourceOptions & { entries: true }): NatsSource<NatsEntry<Value>>
export function natsSource<Value>(connection: NatsLike, options: NatsSourceOptions): NatsSource<Value>
export function natsSource(connection: NatsLike, options: NatsSourceOptions): NatsSource<unknown> {
  const settings = sourceSettings(options, 'natsSource(connection, options)')
  return new NatsSource(wireOf(connection, 'natsSource(connection)', options.domain), settings)
}
