// This process among the workers: its signs of life, and the sessions that it is given by them. Its own connection, so that nothing else holds a beat up.

import type { Subscriber } from '../../session/clients/connection.js'
import type { Scripts } from '../../session/scripts/script.js'
import { BEAT, FREE, GIVE_BACK, GROUP, LEAVE, STRIKE } from '../lua-directory.js'
import type { Names } from '../names.js'
import { type Orders, ordersOf } from './orders.js'

export interface MembershipOwner {
  /** How many sessions it may take. */
  readonly room: number
  /** By how much its lease is longer, because of sessions that were taken over again and again. */
  readonly patience: number
  /** How many it has. */
  readonly known: number
  take(entry: string, tag: string): void
  /** It may have been given some of which it does not know. */
  reconcile(): Promise<void>
  /** Whoever looks after the cluster asks this. */
  obey(orders: Orders): void
  /** It was away for longer than its lease, or the connection was. */
  wasAway(): void
}

/** ms without a beat after which a worker without a connection counts as dead. */
const GRACE = 300
/** ms between two beats, at most. */
const BEAT_EVERY = 150

export class Membership {
  readonly id: string
  readonly #scripts: Scripts
  readonly #subscriber: Subscriber
  readonly #names: Names
  readonly #lease: number
  readonly #owner: MembershipOwner
  #timer: NodeJS.Timeout | undefined
  #last = 0
  #beating: Promise<void> | undefined
  #again = false
  /** Beats in a row before which the server knew of more sessions of this worker than it did itself. */
  #strange = 0
  #hasLeft = false

  constructor(id: string, scripts: Scripts, subscriber: Subscriber, names: Names, lease: number, owner: MembershipOwner) {
    this.id = id
    this.#scripts = scripts
    this.#subscriber = subscriber
    this.#names = names
    this.#lease = lease
    this.#owner = owner
  }

  async join(): Promise<void> {
    await this.#scripts.asked(() => this.listen())
    this.#last = performance.now()
    await this.#beat()
    this.#timer = setInterval(() => this.beat(), Math.min(BEAT_EVERY, this.#lease / 4))
  }

  /** Its channel says that it is connected; the one of all workers, that there is something to host. */
  async listen(): Promise<void> {
    await Promise.all([
      this.#subscriber.subscribe(this.#names.worker + this.id, () => {}),
      this.#subscriber.subscribe(this.#names.news, () => this.beat()),
    ])
  }

  beat(): void {
    if (this.#hasLeft) return
    this.#again = true
    if (this.#beating !== undefined) return
    this.#beating = this.#beats().finally(() => {
      this.#beating = undefined
    })
  }

  /** Settles when the server knows of the lease as it is now. */
  async renew(): Promise<void> {
    // One that is under way may say what the lease was before.
    await this.#beating
    this.beat()
    await this.#beating
  }

  async leave(): Promise<void> {
    this.#hasLeft = true
    clearInterval(this.#timer)
    await this.#beating
    await this.#scripts.run(LEAVE, this.#names.directory, [this.id])
    await Promise.all([this.#subscriber.unsubscribe(this.#names.worker + this.id), this.#subscriber.unsubscribe(this.#names.news)]).catch(
      () => {},
    )
  }

  /** `to`: the worker that shall have them, where it is not all one who does. */
  async giveBack(entries: readonly string[], to: string = FREE): Promise<void> {
    if (entries.length > 0) await this.#scripts.run(GIVE_BACK, this.#names.directory, [GROUP, to, this.#names.news, ...entries])
  }

  async strike(entry: string): Promise<void> {
    await this.#scripts.run(STRIKE, this.#names.directory, [GROUP, entry])
  }

  async #beats(): Promise<void> {
    while (this.#again && !this.#hasLeft) {
      this.#again = false
      try {
        await this.#beat()
      } catch {
        // The next one follows; how long it may stay away, its lease says.
        return
      }
    }
  }

  async #beat(): Promise<void> {
    const lease = this.#lease * this.#owner.patience
    const isLate = performance.now() - this.#last > lease
    const { known } = this.#owner
    const args = [this.id, lease, GROUP, this.#hasLeft ? 0 : this.#owner.room, GRACE, this.#names.worker]
    const [, given, mine, drains, moves, paused] = (await this.#scripts.once(BEAT, this.#names.directory, args)) as [
      Buffer,
      [Buffer, Buffer][],
      number,
      number,
      Buffer,
      Buffer,
    ]
    this.#last = performance.now()
    if (isLate) this.#owner.wasAway()
    for (const [entry, tag] of given) this.#owner.take(entry.toString(), tag.toString())
    this.#strange = mine > known ? this.#strange + 1 : 0
    if (this.#strange > 2 && !this.#hasLeft) {
      this.#strange = 0
      await this.#owner.reconcile()
    }
    this.#owner.obey(ordersOf(drains, moves, paused))
    // There may be more.
    if (given.length >= 4) this.#again = true
  }
}
