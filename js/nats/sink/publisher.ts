// js/nats/sink: values on their way into streams. Knows nothing of reading.
//
// Publishes messages in order, many at a time, and waits for the stream to say that it has each. What was not answered is sent again; it bears the same id, so a stream that
// has it already keeps it once. A lot goes out in one turn and the next one when it was answered: whatever of it was lost with a connection was its end.

import { VeloError } from '../../index.js'
import { adapterError, afterMs, Refusal } from '../client/faults.js'
import type { Headers } from '../client/headers.js'
import type { NatsMessageLike, Wire } from '../client/wire.js'

export interface Outgoing {
  readonly subject: string
  readonly payload: Uint8Array
  readonly headers: Headers
}

/** Messages of a lot, and about their bytes: no more wait in the client. */
const LOT = 1024
const LOT_BYTES = 1024 * 1024
/** ms without an answer after which the rest of a lot is sent again. */
const PATIENCE = 5000
/** ms before a lot is sent again that was refused for now. */
const PAUSE = 20
const LONGEST_PAUSE = 1000
/** The first letter in the answer of a stream that refuses: `{"error":...}`, where others say `{"stream":...}`. */
const E = 101

/** A lot on its way. */
interface Lot {
  readonly messages: readonly Outgoing[]
  readonly isStored: boolean[]
  readonly answers: (NatsMessageLike | undefined)[]
  waiting: number
  finish(): void
}

export class Publisher {
  readonly #wire: Wire
  readonly #inbox: string
  #listening: { unsubscribe(): void } | undefined
  #unwatch: (() => void) | undefined
  #lot: Lot | undefined
  #denied: Error | undefined

  constructor(wire: Wire) {
    this.#wire = wire
    this.#inbox = wire.inbox()
  }

  /** Resolves with what the stream said of each. Called again only when it has settled. Rejects with `VELO_ADAPTER` for what no retry mends. */
  async publish(messages: readonly Outgoing[]): Promise<NatsMessageLike[]> {
    this.#listen()
    const answers: NatsMessageLike[] = []
    for (let at = 0; at < messages.length; ) {
      const lot = this.#next(messages, at)
      at += lot.length
      // A loop, because the arguments of a call are bounded.
      for (const answer of await this.#store(lot)) answers.push(answer)
    }
    return answers
  }

  end(): void {
    this.#listening?.unsubscribe()
    this.#listening = undefined
    this.#unwatch?.()
  }

  #next(messages: readonly Outgoing[], from: number): readonly Outgoing[] {
    let bytes = 0
    let to = from
    for (; to < messages.length && to - from < LOT && (bytes < LOT_BYTES || to === from); to++) {
      const { subject, payload, headers } = messages[to] as Outgoing
      const length = payload.length + headers.length
      bytes += length
      const most = this.#wire.maxPayload
      if (length > most) throw new VeloError('VELO_CODEC', `nats: a message for ${subject} has ${length} bytes, the server takes ${most}`)
    }
    return messages.slice(from, to)
  }

  /** Sends until everything is stored. */
  async #store(messages: readonly Outgoing[]): Promise<readonly NatsMessageLike[]> {
    const lot = { messages, isStored: messages.map(() => false), answers: messages.map(() => undefined) }
    for (let pause = PAUSE; ; pause = Math.min(pause * 2, LONGEST_PAUSE)) {
      const { answers, isStored } = await this.#send(lot)
      const missing = isStored.indexOf(false)
      if (missing < 0) return answers as NatsMessageLike[]
      const answer = answers[missing]
      if (this.#denied !== undefined) throw adapterError('publish', this.#denied)
      if (this.#wire.isClosed) throw adapterError('the connection was closed', new Error('closed'))
      if (answer === undefined) continue
      await this.#refused((messages[missing] as Outgoing).subject, answer)
      await afterMs(pause)
    }
  }

  /** Sends what is not stored, and resolves when everything was answered, or nothing is to be expected any more. */
  #send({ messages, isStored, answers }: Pick<Lot, 'messages' | 'isStored' | 'answers'>): Promise<Lot> {
    const { connection } = this.#wire
    return new Promise((resolve, reject) => {
      let seen = -1
      const lot: Lot = {
        messages,
        isStored,
        answers,
        waiting: 0,
        finish: () => {
          clearInterval(timer)
          this.#lot = undefined
          resolve(lot)
        },
      }
      // As long as answers come, it is not lost.
      const timer = setInterval(() => {
        if (lot.waiting === seen || this.#wire.isClosed) lot.finish()
        seen = lot.waiting
      }, PATIENCE)
      this.#lot = lot
      try {
        for (let at = 0; at < messages.length; at++) {
          if (isStored[at] === true) continue
          answers[at] = undefined
          const { subject, payload, headers } = messages[at] as Outgoing
          connection.publish(subject, payload, { reply: `${this.#inbox}.${at}`, headers })
          lot.waiting++
        }
      } catch (error) {
        lot.finish()
        reject(adapterError('a message was not sent', error))
      }
    })
  }

  #listen(): void {
    if (this.#listening !== undefined) return
    const from = this.#inbox.length + 1
    this.#listening = this.#wire.listen(`${this.#inbox}.*`, (message, error) => {
      if (error !== null) return this.#fail(error)
      const lot = this.#lot
      if (lot === undefined) return
      const at = Number(message.subject.slice(from))
      // An answer to a lot of before, or a second one, says nothing new.
      if (!(at < lot.messages.length) || lot.answers[at] !== undefined) return
      lot.answers[at] = message
      lot.isStored[at] = message.data.length > 2 && message.data[2] !== E
      if (--lot.waiting === 0) lot.finish()
    })
    // What was on its way over a connection that was cut is sent again at once.
    this.#unwatch = this.#wire.watch(
      () => this.#lot?.finish(),
      (error) => this.#fail(error),
    )
  }

  #fail(error: Error): void {
    this.#denied = error
    this.#lot?.finish()
  }

  /** Throws what no retry mends. */
  async #refused(subject: string, { data, headers }: NatsMessageLike): Promise<void> {
    if (headers?.code === 503) {
      if (await this.#wire.isTaken(subject)) return
      throw adapterError(`publish ${subject}`, new Refusal(subject, { code: 404, description: 'no stream takes this subject' }))
    }
    const { error } = JSON.parse(Buffer.from(data).toString() || '{}') as { error?: ConstructorParameters<typeof Refusal>[1] }
    const refusal = new Refusal(subject, error ?? { code: 400, description: 'somebody answered who is no stream' })
    if (!refusal.isPassing) throw adapterError(`publish ${subject}`, refusal)
  }
}
