// The consumer of JetStream behind a source: found or made, looked at, made again where it was lost, and acknowledged to.

import { randomBytes } from 'node:crypto'
import { configError } from '../../kit/check.js'
import { adapterError, afterMs, CONSUMER_EXISTS, isDenied, isNoResponders, NO_CONSUMER, Refusal } from '../client/faults.js'
import type { Wire } from '../client/wire.js'
import type { AckPolicy, SourceSettings } from './options.js'

/** What is used of what JetStream says of a consumer. */
export interface ConsumerInfo {
  readonly config: {
    readonly ack_policy: 'none' | 'all' | 'explicit'
    readonly ack_wait?: number
    readonly max_deliver?: number
    readonly filter_subject?: string
    readonly filter_subjects?: readonly string[]
    readonly deliver_subject?: string
  }
  readonly delivered: { readonly consumer_seq: number; readonly stream_seq: number }
  readonly num_ack_pending: number
  readonly num_redelivered: number
}

const NS = 1e6
/** ms after which the server forgets a consumer of ours that nobody reads. */
const FORGOTTEN = 60_000
const PAUSE = 50

export class Consumer {
  readonly #wire: Wire
  readonly #settings: SourceSettings
  readonly #isWanted: () => boolean
  #name: string | undefined
  /** It was found or made, and not lost since. */
  isThere = false
  policy: AckPolicy = 'none'
  /** ms. */
  ackWait: number
  maxDeliveries: number

  constructor(wire: Wire, settings: SourceSettings, isWanted: () => boolean) {
    this.#wire = wire
    this.#settings = settings
    this.#isWanted = isWanted
    this.ackWait = settings.ackWait
    this.maxDeliveries = settings.maxDeliveries
  }

  /** Where requests for messages go. */
  get subject(): string {
    return this.#wire.subject(`CONSUMER.MSG.NEXT.${this.#path}`)
  }

  get #path(): string {
    return `${this.#settings.stream}.${this.#name}`
  }

  /** Finds or makes it; one that is made begins at sequence `at`, or where the options say. Rejects with `VELO_ADAPTER` for what no retry mends. */
  async open(at: number | undefined): Promise<ConsumerInfo> {
    const { consumer } = this.#settings
    try {
      // One of our own has a new name each time: nobody mixes it up with the one before.
      this.#name = consumer ?? `velo-${randomBytes(9).toString('hex')}`
      const info = (consumer === undefined ? undefined : await this.info()) ?? (await this.#make(at))
      this.#agree(info)
      this.isThere = true
      return info
    } catch (error) {
      if (error instanceof Refusal || isNoResponders(error)) throw adapterError(`consumer ${this.#path}`, error)
      throw error
    }
  }

  /** `undefined`: there is none. */
  async info(): Promise<ConsumerInfo | undefined> {
    try {
      return (await this.#wire.ask(`CONSUMER.INFO.${this.#path}`, undefined, this.#isWanted)) as unknown as ConsumerInfo
    } catch (error) {
      if (error instanceof Refusal && error.number === NO_CONSUMER) return undefined
      throw error
    }
  }

  /** Sends an acknowledgement until the server says that it was kept. Those of a consumer that is gone are worth nothing. Rejects for what no retry mends, and when `isWanted` says no. */
  async confirm(reply: string, isWanted: () => boolean): Promise<void> {
    for (;;) {
      try {
        await this.#wire.request(reply, '', { timeout: 5000 })
        return
      } catch (error) {
        if (this.#wire.isClosed || isDenied(error) || !isWanted()) throw error
        if (isNoResponders(error) && (await this.#isGone())) {
          this.isThere = false
          return
        }
        await afterMs(PAUSE)
      }
    }
  }

  /** As far as the server says so. */
  async #isGone(): Promise<boolean> {
    const info = await this.info().catch(() => null)
    return info === undefined
  }

  /** One of our own is taken away. */
  async leave(): Promise<void> {
    if (this.#settings.consumer !== undefined || this.#name === undefined || this.#wire.isClosed) return
    this.#wire.connection.publish(this.#wire.subject(`CONSUMER.DELETE.${this.#path}`))
    await this.#wire.connection.flush().catch(() => undefined)
  }

  async #make(at: number | undefined): Promise<ConsumerInfo> {
    const { stream, consumer, subjects, ack, ackWait, maxAckPending, from } = this.#settings
    const own = {
      ack_policy: 'none',
      inactive_threshold: FORGOTTEN * NS,
      mem_storage: true,
      num_replicas: 1,
    }
    const shared = {
      durable_name: consumer,
      ack_policy: ack === 'all' ? 'all' : 'explicit',
      ack_wait: Math.round(ackWait * NS),
      max_ack_pending: maxAckPending,
      max_deliver: -1,
    }
    const config = {
      name: this.#name,
      ...(consumer === undefined ? own : shared),
      ...beginning(at ?? from),
      ...(subjects.length === 0 ? {} : { filter_subjects: subjects }),
      replay_policy: 'instant',
    }
    try {
      const request = { stream_name: stream, config, action: 'create' }
      return (await this.#wire.ask(`CONSUMER.CREATE.${this.#path}`, request, this.#isWanted)) as unknown as ConsumerInfo
    } catch (error) {
      // Somebody else was faster, or the answer to the first of two was lost.
      if (!(error instanceof Refusal) || !CONSUMER_EXISTS.includes(error.number)) throw error
      const info = await this.info()
      if (info === undefined) throw error
      return info
    }
  }

  /** Takes what the consumer is; throws where that is not what the options say. */
  #agree({ config }: ConsumerInfo): void {
    const { consumer, subjects, ack, maxDeliveries } = this.#settings
    const field = 'natsSource(connection, options)'
    this.policy = config.ack_policy === 'explicit' ? 'each' : config.ack_policy
    if (consumer === undefined) return
    if (config.deliver_subject !== undefined)
      throw configError(`${field}.consumer`, 'a consumer that is pulled from, which this one is not', consumer)
    if (this.policy === 'none')
      throw configError(`${field}.consumer`, 'a consumer whose messages are acknowledged, which this one is not', consumer)
    if (ack !== undefined && ack !== this.policy)
      throw configError(`${field}.ack`, `'${this.policy}', as the consumer ${consumer} was made`, ack)
    const filter = config.filter_subjects ?? (config.filter_subject ? [config.filter_subject] : [])
    if (subjects.length > 0 && [...subjects].sort().join(' ') !== [...filter].sort().join(' '))
      throw configError(`${field}.subject`, `'${filter.join(' ') || '>'}', as the consumer ${consumer} was made`, subjects.join(' '))
    if (config.ack_wait !== undefined) this.ackWait = config.ack_wait / NS
    const { max_deliver: most = -1 } = config
    this.maxDeliveries = most > 0 ? Math.min(most, maxDeliveries) : maxDeliveries
  }
}

function beginning(from: SourceSettings['from']): object {
  if (typeof from === 'number') return { deliver_policy: 'by_start_sequence', opt_start_seq: from }
  if (from instanceof Date) return { deliver_policy: 'by_start_time', opt_start_time: from.toISOString() }
  return { deliver_policy: from }
}
