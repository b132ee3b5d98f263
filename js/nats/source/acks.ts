// What was delivered to a source and is not settled, by how its consumer is acknowledged.
//
// Owns: which acknowledgements are sent. Nothing is acknowledged that was not done here, whatever was lost on its way.

import type { Wire } from '../client/wire.js'
import type { Consumer, ConsumerInfo } from './consumer.js'
import type { Delivery } from './delivery.js'

export interface Acks {
  /** Those that are delivered and not settled. */
  readonly open: Iterable<Delivery>
  /** Those of them that are kept from others. */
  readonly kept: Iterable<Delivery>
  /** The consumer was found or made. */
  begin(info: ConsumerInfo): void
  /** `false`: it is in work here already. */
  arrived(delivery: Delivery): boolean
  /** They are done. */
  settle(deliveries: readonly Delivery[]): Promise<void>
  /** The server delivers it again by itself. */
  givenBack(delivery: Delivery): void
  /** Called now and then. */
  look(): Promise<void>
}

/** Each is acknowledged by itself. */
export class AckEach implements Acks {
  readonly #wire: Wire
  readonly #consumer: Consumer
  readonly #isWanted: () => boolean
  readonly #open = new Map<number, Delivery>()

  /** `isWanted`: an acknowledgement without an answer is sent again. */
  constructor(wire: Wire, consumer: Consumer, isWanted: () => boolean) {
    this.#wire = wire
    this.#consumer = consumer
    this.#isWanted = isWanted
  }

  get open(): Iterable<Delivery> {
    return this.#open.values()
  }

  get kept(): Iterable<Delivery> {
    return this.#open.values()
  }

  begin(): void {}

  arrived(delivery: Delivery): boolean {
    const known = this.#open.get(delivery.sequence)
    if (known === undefined) {
      this.#open.set(delivery.sequence, delivery)
      return true
    }
    known.reply = delivery.reply
    return false
  }

  async settle(deliveries: readonly Delivery[]): Promise<void> {
    const last = deliveries.length - 1
    for (let at = 0; at < last; at++) this.#wire.connection.publish(deliveries[at]?.reply as string)
    // They go the same way, so the last one that was kept speaks for those before it; should one be lost, its message comes once more.
    if (last >= 0) await this.#consumer.confirm(deliveries[last]?.reply as string, this.#isWanted)
    for (const { sequence } of deliveries) this.#open.delete(sequence)
  }

  givenBack({ sequence }: Delivery): void {
    this.#open.delete(sequence)
  }

  async look(): Promise<void> {}
}

/**
 * The last one is acknowledged for all before it. Among those before it may be some that never came: their connection was cut, or somebody else has them. The consumer counts its deliveries, so that is
 * seen; until the server says that nothing is pending but what is here, nothing is acknowledged.
 */
export class AckAll implements Acks {
  readonly #consumer: Consumer
  readonly #isWanted: () => boolean
  /** In the order of the stream. */
  readonly #line: Delivery[] = []
  /** Number of the last delivery. */
  #last = 0
  #isDoubtful = false
  /** How often there was a reason to doubt: an answer to a question of before the last one says nothing. */
  #doubts = 0
  #looking: Promise<void> | undefined

  constructor(consumer: Consumer, isWanted: () => boolean) {
    this.#consumer = consumer
    this.#isWanted = isWanted
  }

  get open(): Iterable<Delivery> {
    return this.#line
  }

  get kept(): Iterable<Delivery> {
    return this.#line.filter(({ isGivenBack }) => !isGivenBack)
  }

  begin({ delivered, num_ack_pending }: ConsumerInfo): void {
    this.#last = delivered.consumer_seq
    this.#isDoubtful = num_ack_pending > 0
    this.#doubts++
  }

  arrived(delivery: Delivery): boolean {
    const { sequence, number } = delivery
    if (number !== this.#last + 1) {
      this.#isDoubtful = true
      this.#doubts++
    }
    // Not the highest: a server that was killed may have forgotten what it delivered last, and counts on from there.
    this.#last = number
    const place = this.#place(sequence)
    const known = this.#line[place]
    if (known === undefined) this.#line.push(delivery)
    else if (known.sequence !== sequence) this.#line.splice(place, 0, delivery)
    else if (known.isGivenBack) this.#line[place] = delivery
    else {
      known.reply = delivery.reply
      known.number = number
      return false
    }
    return true
  }

  async settle(deliveries: readonly Delivery[]): Promise<void> {
    for (const delivery of deliveries) delivery.isDone = true
    await this.#acknowledge()
  }

  /** It stays in line, so that nothing behind it is acknowledged. */
  givenBack(): void {}

  async look(): Promise<void> {
    if (this.#isDoubtful || this.#line[0]?.isDone === true) await this.#acknowledge()
  }

  async #acknowledge(): Promise<void> {
    if (this.#isDoubtful) await (this.#looking ??= this.#clear())
    if (this.#isDoubtful) return
    let count = 0
    while (this.#line[count]?.isDone === true) count++
    const last = this.#line[count - 1]
    if (last === undefined) return
    // Taken out first: what is done meanwhile is acknowledged next time.
    this.#line.splice(0, count)
    await this.#consumer.confirm(last.reply, this.#isWanted)
  }

  /** The doubt is gone when the server has nothing pending but what is here. */
  async #clear(): Promise<void> {
    const doubts = this.#doubts
    try {
      // A server that does not answer leaves the doubt as it is.
      const info = await this.#consumer.info().catch(() => undefined)
      if (info === undefined || info.delivered.consumer_seq > this.#last || doubts !== this.#doubts) return
      let known = 0
      for (const { number } of this.#line) if (number <= info.delivered.consumer_seq) known++
      this.#isDoubtful = info.num_ack_pending !== known
    } finally {
      this.#looking = undefined
    }
  }

  /** Where a sequence stands in line, or would: most come last. */
  #place(sequence: number): number {
    let [low, high] = [0, this.#line.length]
    if (high > 0 && (this.#line[high - 1]?.sequence as number) < sequence) return high
    while (low < high) {
      const middle = (low + high) >> 1
      if ((this.#line[middle]?.sequence as number) < sequence) low = middle + 1
      else high = middle
    }
    return low
  }
}

/** Nothing is acknowledged: whatever comes must follow on what came before, or a consumer is made anew. */
export class AckNone implements Acks {
  readonly open: Iterable<Delivery> = []
  readonly kept: Iterable<Delivery> = []
  readonly #lost: () => void
  #last = 0
  #isBroken = false

  constructor(lost: () => void) {
    this.#lost = lost
  }

  begin(): void {
    this.#last = 0
    this.#isBroken = false
  }

  arrived({ number }: Delivery): boolean {
    if (number !== this.#last + 1 && !this.#isBroken) {
      this.#isBroken = true
      this.#lost()
    }
    this.#last = number
    return !this.#isBroken
  }

  async settle(): Promise<void> {}

  givenBack(): void {}

  async look(): Promise<void> {}
}
