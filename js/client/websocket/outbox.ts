// Events on their way to the server. Owns: what waits to be sent, what was sent and may not have arrived, and the promises of those who sent it. A server says how many it has
// now and then, an older one only when a client comes back: until then the latest that were sent are kept, as many as there is room for.

import { OverloadedError, VeloError } from '../../kit/errors.js'
import { refuse, silence } from '../../kit/promises.js'
import { Queue } from '../../kit/queue.js'
import { costOf, type Frame } from './frame.js'

interface Entry {
  readonly frame: Frame
  readonly cost: number
  /** Settles its `send`; gone once it has been handed to a socket. */
  resolve: (() => void) | undefined
  reject: ((error: unknown) => void) | undefined
}

export class Outbox {
  readonly #most: number
  #waiting = new Queue<Entry>()
  #sent = new Queue<Entry>()
  /** How many were sent before the first of `#sent`, over all connections. */
  #before = 0
  #waitingCost = 0
  #sentCost = 0
  #keeps = true

  constructor(most: number) {
    this.#most = most
  }

  /** Whether anything was handed to a socket. */
  get hasSent(): boolean {
    return this.#before + this.#sent.length > 0
  }

  get isEmpty(): boolean {
    return this.#waiting.length === 0
  }

  /** Takes one message. Resolves when it was handed to a socket. */
  put(frame: Frame): Promise<void> {
    const cost = costOf(frame)
    if (cost > this.#most) {
      const field = 'connect(options).maxBufferedBytes'
      return refuse(new VeloError('VELO_CONFIG', `${field}: expected at least ${cost}, the cost of an event, got ${this.#most}`, { field }))
    }
    if (this.#waitingCost + cost > this.#most)
      return refuse(new OverloadedError('VELO_OVERRUN', `more events wait than ${this.#most} bytes (maxBufferedBytes): await the sends`))
    const entry: Entry = { frame, cost, resolve: undefined, reject: undefined }
    const sent = new Promise<void>((resolve, reject) => {
      entry.resolve = resolve
      entry.reject = reject
    })
    this.#waiting.push(entry)
    this.#waitingCost += cost
    this.#evict()
    return silence(sent)
  }

  /** The next one to send, which counts as sent. */
  take(): Frame | undefined {
    if (this.#waiting.length === 0) return undefined
    const entry = this.#waiting.shift()
    this.#waitingCost -= entry.cost
    this.#sent.push(entry)
    this.#sentCost += entry.cost
    this.#evict()
    entry.resolve?.()
    entry.resolve = entry.reject = undefined
    return entry.frame
  }

  /** The server has `received` messages: the others are to be sent again. False where some of them are no longer kept, or it has more than there were. */
  rewind(received: number): boolean {
    if (received < this.#before || received > this.#before + this.#sent.length) return false
    while (this.#before < received) this.#drop()
    const again = this.#sent
    while (this.#waiting.length > 0) again.push(this.#waiting.shift())
    this.#waiting = again
    this.#waitingCost += this.#sentCost
    this.#sent = new Queue()
    this.#sentCost = 0
    return true
  }

  /** The server has `received` messages: these are kept no longer. What cannot be is passed over; nothing is lost by that. */
  arrived(received: number): void {
    if (received > this.#before + this.#sent.length) return
    while (this.#before < received) this.#drop()
  }

  /** There is no coming back: nothing that was sent is kept. */
  forget(): void {
    this.#keeps = false
    this.#evict()
  }

  /** Nothing is sent any more. */
  fail(error: unknown): void {
    this.forget()
    while (this.#waiting.length > 0) this.#waiting.shift().reject?.(error)
    this.#waitingCost = 0
  }

  /** The oldest that were sent go first: they have arrived, most likely. What was told to wait is never dropped. */
  #evict(): void {
    while (this.#sent.length > 0 && (!this.#keeps || this.#waitingCost + this.#sentCost > this.#most)) this.#drop()
  }

  #drop(): void {
    this.#sentCost -= this.#sent.shift().cost
    this.#before++
  }
}
