// The way of events from the socket into the stream. Owns: what came after the input was full, and holding the socket until there is room.
// A full input does not stop the reading at once, because a pong and the client's close come behind its messages: 64 KiB of them wait here before the socket is held, and then
// no more than the rest of what one read of the connection brought, another 64 KiB or one message.

import { type Stream, VeloError } from '../index.js'
import type { ByteBudget } from '../kit/bytes/byte-budget.js'

/** What may wait here while the socket is read, in bytes; each message counts so many beside its own. */
const AHEAD = 64 * 1024
const EACH = 128

/** Who has the socket. */
export interface InboxOwner {
  /** Too much waits: read nothing. */
  hold(): void
  /** There is room again. */
  release(): void
  /** The stream does not take an event. */
  refused(error: unknown): void
  /** The stream has taken so many events of so many bytes; a durable one has kept them. */
  taken(events: number, bytes: number): void
}

export class Inbox<In> {
  readonly #stream: Stream<In, unknown>
  readonly #owner: InboxOwner
  readonly #budget: ByteBudget
  #waiting: In[] = []
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

  /** `most`: what may wait in the stream, in bytes. `keeps`: it is to be known which events are kept. */
  constructor(stream: Stream<In, unknown>, owner: InboxOwner, budget: ByteBudget, most: number, keeps: boolean) {
    this.#isSlow = keeps
    this.#ahead = Math.min(AHEAD, most >> 2)
    this.#stream = stream
    this.#budget = budget
    this.#owner = owner
  }

  /** Takes one event that was made of so many bytes, in the order of the calls. */
  put(event: In, bytes: number): void {
    if (this.#isStopped) return
    if (!this.#isBehind) {
      try {
        if (!this.#isSlow && !this.#budget.isFull && this.#stream.trySend(event)) return this.#sent(bytes)
      } catch (error) {
        if (!(error instanceof VeloError) || error.code !== 'VELO_CONFIG') return this.#owner.refused(error)
        this.#isSlow = true
      }
      this.#fallBehind()
    }
    this.#waiting.push(event)
    this.#bytes += bytes
    this.#cost += EACH + bytes
    this.#budget.waiting(this.#bytes)
    if (this.#cost > this.#ahead || this.#budget.isFull) this.#hold()
  }

  /** The socket is held before another such event comes that there is no room for. */
  #sent(bytes: number): void {
    this.#budget.sent(1, bytes)
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
      if (this.#budget.isFull && !this.#isStopped) await this.#budget.room()
      const cost = this.#cost
      if (this.#waiting.length > 0) await this.#sendAll()
      this.#cost -= cost
      if (this.#cost <= this.#ahead >> 1 && !this.#budget.isFull) this.#release()
    } while (this.#waiting.length > 0)
    this.#isBehind = false
    if (this.#isEnded) this.#stream.end()
    this.#release()
  }

  async #sendAll(): Promise<void> {
    const events = this.#waiting
    this.#waiting = []
    this.#budget.waiting(0)
    const bytes = this.#bytes
    this.#budget.sent(events.length, bytes)
    this.#bytes = 0
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
