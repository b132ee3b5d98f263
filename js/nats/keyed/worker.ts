// The partitions that this process has: it asks for as many as are its share, gives back what is more, and takes a partition anew after it was lost.

import type { Held } from '../../durable/keyed/change.js'
import type { Hostable } from '../../durable/keyed/definition.js'
import { CONSUMER_EXISTS, Refusal } from '../client/faults.js'
import type { NatsMessageLike, Wire } from '../client/wire.js'
import type { Box } from '../session/box.js'
import { GROUP, type Layout } from './layout.js'
import { Members } from './members.js'
import { Partition, type PartitionSettings } from './partition.js'
import { Pin, type PinOwner } from './pin.js'

const MS = 1e6

/** One partition, whether it is here or not. */
class Slot implements PinOwner {
  readonly number: number
  readonly pin: Pin
  readonly #make: (onLost: (error: unknown) => void) => Partition
  #partition: Partition | undefined
  /** The one before is still at work. */
  #leaving: Promise<void> | undefined
  #id = ''

  constructor(number: number, wire: Wire, subject: string, ms: number, make: (onLost: (error: unknown) => void) => Partition) {
    this.number = number
    this.#make = make
    this.pin = new Pin(wire, subject, ms, this)
  }

  get isOurs(): boolean {
    return this.#partition !== undefined
  }

  get room(): number {
    return this.#partition?.room ?? 1
  }

  get held(): Held {
    return this.#partition?.held ?? { sessions: 0, events: 0 }
  }

  arrived(message: NatsMessageLike, pin: string): void {
    // Between two holdings of ours somebody else may have had it.
    if (this.#id !== pin) void this.leave()
    this.#id = pin
    // What comes meanwhile is read again by the next one.
    if (this.#leaving !== undefined) return
    this.#partition ??= this.#make(() => {
      this.pin.forget()
      void this.leave()
    })
    this.#partition.arrived(message)
  }

  unpinned(): void {
    void this.leave()
  }

  leave(): Promise<void> {
    const partition = this.#partition
    if (partition === undefined) return this.#leaving ?? Promise.resolve()
    this.#partition = undefined
    this.#leaving = partition.release().finally(() => {
      this.#leaving = undefined
    })
    return this.#leaving
  }
}

export class KeyedWorker {
  readonly #wire: Wire
  readonly #box: Box
  readonly #layout: Layout
  readonly #lease: number
  readonly #member: string
  readonly #slots: Slot[]
  #members: Members | undefined
  #isStopped = false

  constructor(wire: Wire, box: Box, layout: Layout, hostable: Hostable, lease: number, settings: PartitionSettings) {
    this.#wire = wire
    this.#box = box
    this.#layout = layout
    this.#lease = lease
    this.#member = settings.member
    this.#slots = Array.from({ length: layout.partitions }, (_, number) => {
      const subject = wire.subject(`CONSUMER.MSG.NEXT.${layout.stream}.${layout.consumer(number)}`)
      const make = (onLost: (error: unknown) => void): Partition => new Partition(number, box, wire, layout, hostable, settings, onLost)
      // A third of a pin, so that one request may be lost.
      return new Slot(number, wire, subject, Math.max(100, lease / 3), make)
    })
  }

  /** Partitions that are here. */
  get count(): number {
    return this.#slots.filter(({ isOurs }) => isOurs).length
  }

  /** What all of them have. */
  get held(): Held {
    return this.#slots.reduce((sum, { held }) => ({ sessions: sum.sessions + held.sessions, events: sum.events + held.events }), {
      sessions: 0,
      events: 0,
    })
  }

  async start(): Promise<void> {
    await this.#box.ready()
    await Promise.all(this.#slots.map(({ number }) => this.#consumer(number)))
    if (this.#isStopped) return
    this.#members = new Members(this.#wire, this.#layout.beats, this.#member, Math.max(50, this.#lease / 5), () => this.#balance())
    this.#balance()
  }

  /** Gives everything back. */
  async stop(): Promise<void> {
    this.#isStopped = true
    this.#members?.end()
    await Promise.all(this.#slots.map((slot) => this.#giveBack(slot)))
    for (const { pin } of this.#slots) pin.end()
  }

  #balance(): void {
    if (this.#isStopped || this.#members === undefined) return
    const share = Math.ceil(this.#slots.length / this.#members.count)
    const ours = this.#slots.filter(({ isOurs }) => isOurs)
    for (const slot of ours.slice(share)) void this.#giveBack(slot)
    // Nobody waits for more than its share.
    for (const { pin, isOurs } of this.#slots) {
      if (isOurs || ours.length < share) pin.start()
      else pin.stop()
    }
  }

  async #giveBack(slot: Slot): Promise<void> {
    const wasOurs = slot.isOurs
    slot.pin.stop()
    await slot.leave()
    if (wasOurs && !this.#wire.isClosed)
      await this.#wire
        .ask(`CONSUMER.UNPIN.${this.#layout.stream}.${this.#layout.consumer(slot.number)}`, { group: GROUP }, () => !this.#isStopped)
        .catch(() => {})
  }

  async #consumer(number: number): Promise<void> {
    const { stream } = this.#layout
    const name = this.#layout.consumer(number)
    const config = {
      durable_name: name,
      filter_subject: this.#layout.events(number),
      deliver_policy: 'all',
      ack_policy: 'all',
      // What nobody is through with is seen by whoever is pinned next.
      ack_wait: this.#lease * MS,
      max_deliver: -1,
      max_ack_pending: 65_536,
      priority_policy: 'pinned_client',
      priority_groups: [GROUP],
      priority_timeout: this.#lease * MS,
    }
    try {
      await this.#wire.ask(`CONSUMER.CREATE.${stream}.${name}.${this.#layout.events(number)}`, { stream_name: stream, config })
    } catch (error) {
      if (!(error instanceof Refusal) || !CONSUMER_EXISTS.includes(error.number)) throw error
    }
  }
}
