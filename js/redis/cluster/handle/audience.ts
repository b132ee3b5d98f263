// Who in this process listens to which session, from before it is opened until it is closed. Owns the subscriptions: a channel is subscribed for as long as it has a seat, whatever becomes
// of the connection meanwhile.

import { silence } from '../../../kit/promises.js'
import type { Subscriber } from '../../session/clients/connection.js'
import type { Scripts } from '../../session/scripts/script.js'
import { readOutput } from '../messages.js'
import type { RemoteLive } from './remote-live.js'

/** One handle, which is there as soon as it was opened. */
export interface Seat {
  live: RemoteLive | undefined
}

export class Audience {
  readonly #subscriber: Subscriber
  readonly #scripts: Scripts
  readonly #seats = new Map<string, Set<Seat>>()

  constructor(subscriber: Subscriber, scripts: Scripts) {
    this.#subscriber = subscriber
    this.#scripts = scripts
    subscriber.onReady(() => void silence(this.#hearAgain()))
  }

  get lives(): RemoteLive[] {
    return [...this.#seats.values()].flatMap((seats) => [...seats].flatMap(({ live }) => live ?? []))
  }

  /** Settles when the server tells this process what is said in the channel; rejects where it does not answer, and the seat is to be given up then, too. */
  async take(channel: string, seat: Seat): Promise<void> {
    const seats = this.#seats.get(channel)
    if (seats !== undefined) seats.add(seat)
    else this.#seats.set(channel, new Set([seat]))
    await this.#scripts.asked(() => this.#listen(channel))
  }

  async giveUp(channel: string, seat: Seat): Promise<void> {
    const seats = this.#seats.get(channel)
    if (seats?.delete(seat) !== true || seats.size > 0) return
    this.#seats.delete(channel)
    await this.#subscriber.unsubscribe(channel).catch(() => {})
  }

  /** The server is back: what was said meanwhile was not heard, and it may have lost its tail. */
  back(): void {
    for (const live of this.lives) live.back()
  }

  #listen(channel: string): Promise<void> {
    return this.#subscriber.subscribe(channel, (bytes) => {
      const message = readOutput(bytes)
      for (const { live } of this.#seats.get(channel) ?? []) live?.hear(message)
    })
  }

  async #hearAgain(): Promise<void> {
    await Promise.all([...this.#seats.keys()].map((channel) => this.#listen(channel)))
    this.back()
  }
}
