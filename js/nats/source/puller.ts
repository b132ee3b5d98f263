// Requests for messages, and what comes: no more is asked for than there is room for. A request that nothing is heard of is lost, whatever the client says, and is made
// again.
//
// Owns: the inbox and the count of what was asked for. Not here: which messages are given to whom.

import { adapterError, Refusal } from '../client/faults.js'
import type { NatsMessageLike, Wire } from '../client/wire.js'
import type { Delivery } from './delivery.js'

/** ms between two signs of life of a request, at most; after so many without one it counts as lost. */
const BEAT = 1000
const MISSED = 3
/** Statuses that no other request mends. */
const FATAL = /push based|exceeded maxrequest/i
/** A request brought as much as it may. */
const FULL = /batch completed|maxbytes/i
/** ms before the next request where one was turned away; it goes with the next look. */
const PAUSE = 100
/** Bytes that a request may bring, unless one message may be larger. */
const BYTES = 8 * 1024 * 1024
const MOST_BYTES = 2 ** 31

export interface Arrivals {
  /** A message as what is given; `undefined` where it is not to be given. */
  arrived(message: NatsMessageLike): Delivery | undefined
}

export class Puller {
  readonly #wire: Wire
  readonly #batch: number
  readonly #block: number
  readonly #arrivals: Arrivals
  readonly #beat: number
  readonly #bytes: number
  readonly #timer: NodeJS.Timeout
  readonly #unwatch: () => void
  #subject = ''
  #inbox = ''
  #listening: { unsubscribe(): void } | undefined
  #queue: Delivery[] = []
  /** Messages that were asked for and did not come. */
  #expected = 0
  #requests = 0
  /** Beats without a sign of life. */
  #silent = 0
  /** Before then nothing is asked for. */
  #pausedUntil = 0
  #wake: (() => void) | undefined
  #error: unknown
  #isStopped = false
  /** The consumer is not there any more. */
  isLost = false
  /** One message at a time is asked for, when it is wanted. */
  isCareful = false

  constructor(wire: Wire, { batch, block }: { batch: number; block: number }, arrivals: Arrivals) {
    this.#wire = wire
    this.#batch = batch
    this.#block = block
    this.#arrivals = arrivals
    this.#bytes = Math.max(BYTES, Math.min(2 * wire.maxPayload, MOST_BYTES))
    this.#beat = Math.min(block / 2, BEAT)
    this.#timer = setInterval(this.#look, this.#beat).unref()
    // What was asked for over a connection that was cut is forgotten by the server.
    this.#unwatch = wire.watch(() => {
      this.#expected = 0
      this.#ask()
    })
  }

  /** From now on asks there: nothing of before comes any more, but for what is here. */
  begin(subject: string): void {
    this.#listening?.unsubscribe()
    this.#subject = subject
    this.#inbox = this.#wire.inbox()
    this.#expected = 0
    this.isLost = false
    const inbox = this.#inbox
    this.#listening = this.#wire.listen(`${inbox}.*`, (message, error) => {
      if (inbox === this.#inbox) this.#came(message, error)
    })
  }

  /** The next ones; [] when it was stopped or the consumer lost. Rejects with what no retry mends. */
  async next(): Promise<Delivery[]> {
    while (this.#queue.length === 0 && !this.isLost && !this.#isStopped && this.#error === undefined) {
      if (this.#wire.isClosed) throw adapterError('the connection was closed', new Error('closed'))
      await new Promise<void>((resolve) => {
        this.#wake = resolve
        this.#ask()
      })
    }
    if (this.#error !== undefined) throw this.#error
    const deliveries = this.#queue.splice(0, this.isCareful ? 1 : this.#queue.length)
    this.#ask()
    return deliveries
  }

  /** The consumer is not there any more, or what it sends is not all of it. */
  lost(): void {
    this.isLost = true
    this.#expected = 0
    this.#rouse()
  }

  stop(): void {
    this.#isStopped = true
    clearInterval(this.#timer)
    this.#unwatch()
    this.#listening?.unsubscribe()
    this.#rouse()
  }

  #ask(): void {
    if (this.isCareful ? this.#expected + this.#queue.length > 0 : this.#expected > this.#batch / 2 || this.#queue.length >= this.#batch)
      return
    if (this.isCareful && this.#wake === undefined) return
    if (this.#isStopped || this.isLost || this.#wire.isClosed || performance.now() < this.#pausedUntil) return
    const batch = this.isCareful ? 1 : this.#batch
    const request = {
      batch,
      max_bytes: this.#bytes,
      expires: Math.round(this.#block * 1e6),
      idle_heartbeat: Math.round(this.#beat * 1e6),
    }
    if (this.#expected === 0) this.#silent = 0
    this.#expected += batch
    this.#wire.connection.publish(this.#subject, JSON.stringify(request), { reply: `${this.#inbox}.${++this.#requests}` })
  }

  #came(message: NatsMessageLike, error: Error | null): void {
    if (error !== null) {
      this.#error = adapterError('a source may not listen', error)
      return this.#rouse()
    }
    this.#silent = 0
    // Messages want an answer, what is said of a request does not.
    if (!message.reply) return this.#told(message)
    this.#expected = Math.max(0, this.#expected - 1)
    const delivery = this.#arrivals.arrived(message)
    if (delivery !== undefined) this.#queue.push(delivery)
    if (!this.isCareful) this.#ask()
    if (this.#queue.length > 0) this.#rouse()
  }

  /** What the server says of a request. */
  #told({ headers }: NatsMessageLike): void {
    const code = headers?.code ?? 0
    if (code === 100) return
    const text = headers?.description ?? ''
    if (code === 400 || FATAL.test(text)) {
      this.#error = adapterError('a source asked for messages', new Refusal(this.#subject, { code, description: text }))
      return this.#rouse()
    }
    // Its rest does not come any more.
    const rest = Number(headers?.values('Nats-Pending-Messages')[0] ?? Number.POSITIVE_INFINITY)
    this.#expected = Math.max(0, this.#expected - rest)
    if (code === 503 || /consumer deleted/i.test(text)) return this.lost()
    if (code === 409 && !FULL.test(text)) this.#pausedUntil = performance.now() + PAUSE
    this.#ask()
  }

  #rouse(): void {
    const wake = this.#wake
    this.#wake = undefined
    wake?.()
  }

  readonly #look = (): void => {
    if (++this.#silent > MISSED) this.#expected = 0
    if (this.#wire.isClosed) return this.#rouse()
    if (this.#wake !== undefined) this.#ask()
  }
}
