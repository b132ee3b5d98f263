// The way of events from the socket into the stream. Owns: what came after the input was full, and holding the socket until there is room.
// A full input does not stop the reading at once, because a pong and the client's close come behind its messages: 64 KiB of them wait here before the socket is held, and then
// no more than the rest of what one read of the connection brought, another 64 KiB or one message.

import { type Stream, VeloError } from '../index.js'
import type { ByteBudget } from '../kit/bytes/byte-budget.js'
import { compact } from '../kit/bytes/compact.js'
import type { Verdict } from './codes.js'
import { type EventMessage, eventOf, NO_EVENT } from './message.js'
import type { Settings } from './options.js'

/** What may wait here while the socket is read, in bytes; each message counts so many beside its own. */
const AHEAD = 64 * 1024
const EACH = 128

/** Who has the socket. */
export interface InboxOwner {
  /** Too much waits: read nothing. */
  hold(): void
  /** There is room again. */
  release(): void
  /** A message is wrong: stops the inbox, too. */
  stop(verdict: Verdict): void
  /** The stream does not take an event. */
  refused(error: unknown): void
  /** The stream has taken so many events of so many bytes; a durable one has kept them. */
  taken(events: number, bytes: number): void
}

export class Inbox<In> {
  readonly #stream: Stream<In, unknown>
  readonly #owner: InboxOwner
  readonly #budget: ByteBudget
  readonly #settings: Settings
  /** Unparsed: a parsed event may take twenty times as much. */
  #waiting: EventMessage[] = []
  #bytes = 0
  readonly #ahead: number
  /** What waits, and what is on its way into the stream. */
  #cost = 0
  #isEnded = false
  #isStopped = false
  /** The schema is asynchronous, or events are to be kept: `trySend` cannot wait for that. */
  #isSlow: boolean
  /** Events wait for room; none may pass them. */
  #isBehind = false
  /** So much waits that the socket is held. */
  isHeld = false

  /** `keeps`: it is to be known which events are kept. */
  constructor(stream: Stream<In, unknown>, owner: InboxOwner, budget: ByteBudget, settings: Settings, keeps: boolean) {
    this.#isSlow = keeps
    this.#ahead = Math.min(AHEAD, settings.maxBufferedBytes >> 2)
    this.#settings = settings
    this.#stream = stream
    this.#budget = budget
    this.#owner = owner
  }

  /** Takes one message, in the order of the calls. */
  put(message: EventMessage): void {
    // The client learns of its fault although nothing is taken any more.
    if (this.#isStopped) return void eventOf(message, this.#settings, this.#owner)
    if (!this.#isBehind) {
      if (!this.#isSlow && this.#budget.hasRoom(message.size) && this.#trySend(message)) return
      if (this.#isStopped) return
      this.#fallBehind()
    }
    message.bytes = compact(message.bytes)
    const { length } = message.bytes
    this.#waiting.push(message)
    this.#bytes += length
    this.#cost += EACH + length
    this.#budget.waiting(this.#bytes)
    if (this.#cost > this.#ahead || this.#budget.isFull) this.#hold()
  }

  /** False if the message has to wait. */
  #trySend(message: EventMessage): boolean {
    const event = eventOf<In>(message, this.#settings, this.#owner)
    if (event === NO_EVENT) return true
    try {
      if (!this.#stream.trySend(event)) return false
      this.#sent(message.size)
      return true
    } catch (error) {
      if (!(error instanceof VeloError) || error.code !== 'VELO_CONFIG') {
        this.#owner.refused(error)
        return true
      }
      this.#isSlow = true
      return false
    }
  }

  /** The socket is held before another such event comes that there is no room for. */
  #sent(size: number): void {
    this.#budget.sent(1, size)
    if (!this.#budget.isFull) return
    this.#fallBehind()
    this.#hold()
  }

  #fallBehind(): void {
    this.#isBehind = true
    void this.#flush()
  }

  #hold(): void {
    if (this.isHeld) return
    this.isHeld = true
    this.#owner.hold()
  }

  #release(): void {
    if (!this.isHeld) return
    this.isHeld = false
    this.#owner.release()
  }

  /** No more events; those that wait still go in. */
  end(): void {
    this.#isEnded = true
    if (!this.#isBehind) this.#stream.end()
  }

  /** Takes nothing any more, and forgets what waits. */
  stop(): void {
    this.#isStopped = true
    this.clear()
  }

  /** Forgets what waits. */
  clear(): void {
    this.#cost -= EACH * this.#waiting.length + this.#bytes
    this.#isEnded = false
    this.#waiting = []
    this.#bytes = 0
    this.#budget.waiting(0)
    this.#budget.wake()
  }

  /** Never rejects. */
  async #flush(): Promise<void> {
    // A turn of microtasks, in which the rest of what came with this event is added.
    await undefined
    do {
      const [first] = this.#waiting
      await (first === undefined ? this.#budget.room() : this.#budget.reserve(first.size))
      if (this.#waiting.length > 0) await this.#sendSome()
      if (this.#cost <= this.#ahead >> 1 && !this.#budget.isFull) this.#release()
    } while (this.#waiting.length > 0)
    this.#isBehind = false
    if (this.#isEnded) this.#stream.end()
    this.#release()
  }

  /** Sends the first message that waits, for whose event room is reserved, and as many more as there is room for. */
  async #sendSome(): Promise<void> {
    let [count, bytes, size, more] = [0, 0, 0, 0]
    for (const message of this.#waiting) {
      if (count > 0 && !this.#budget.hasRoom(more + message.size)) break
      if (count++ > 0) more += message.size
      bytes += message.bytes.length
      size += message.size
    }
    const messages = this.#waiting.splice(0, count)
    this.#bytes -= bytes
    this.#budget.waiting(this.#bytes)
    const events: In[] = []
    for (const message of messages) {
      const event = this.#isStopped ? NO_EVENT : eventOf<In>(message, this.#settings, this.#owner)
      if (event !== NO_EVENT) events.push(event)
    }
    this.#budget.sent(events.length, events.length === 0 ? 0 : size)
    if (events.length > 0 && !this.#isStopped) await this.#sendAll(events, bytes)
    this.#cost -= EACH * count + bytes
  }

  async #sendAll(events: readonly In[], bytes: number): Promise<void> {
    try {
      await this.#stream.sendBatch(events)
      this.#owner.taken(events.length, bytes)
    } catch (error) {
      const accepted = (error as Partial<VeloError>).accepted ?? 0
      if (accepted > 0) this.#owner.taken(accepted, 0)
      if (isNotKept(error)) for (let i = accepted; i < events.length; i++) this.#budget.notSent()
      if (!isRefused(error)) return this.#over(error)
      // A batch is refused as a whole: one at a time, to pass over only the ones at fault.
      for (let i = accepted; i < events.length && !this.#isStopped; i++) await this.#sendOne(events[i] as In)
    }
  }

  async #sendOne(event: In): Promise<void> {
    try {
      await this.#stream.send(event)
      this.#owner.taken(1, 0)
    } catch (error) {
      if (isRefused(error) || isNotKept(error)) this.#budget.notSent()
      if (isRefused(error)) this.#owner.refused(error)
      else this.#over(error)
    }
  }

  /** The stream takes nothing any more; why is told by its end. Or it could not keep an event, and lives. */
  #over(error: unknown): void {
    if (isNotKept(error)) this.clear()
    else this.stop()
    this.#owner.refused(error)
  }
}

/** The journal of a durable stream does not take an event, or does not say whether it has it. */
export function isNotKept(error: unknown): boolean {
  return error instanceof VeloError && (error.code === 'VELO_CHECKPOINT' || error.code === 'VELO_TIMEOUT')
}

function isRefused(error: unknown): error is VeloError {
  return error instanceof VeloError && error.code === 'VELO_EVENT'
}
