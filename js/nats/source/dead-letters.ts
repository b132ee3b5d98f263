// Where messages go that nobody can work on: to a subject of their own, with what was wrong. A stream must take it, or the message would be gone.

import { adapterError, isNoResponders, messageOf, Refusal } from '../client/faults.js'
import { Headers, oneLine } from '../client/headers.js'
import type { Wire } from '../client/wire.js'
import type { Delivery } from './delivery.js'
import type { SourceSettings } from './options.js'

export class DeadLetters {
  readonly #wire: Wire
  readonly #settings: SourceSettings
  /** How many messages were put aside. */
  count = 0

  constructor(wire: Wire, settings: SourceSettings) {
    this.#wire = wire
    this.#settings = settings
  }

  /** Its payload and headers, and what was wrong. Throws that where there is no place for dead letters. */
  async put({ message, sequence, deliveries }: Delivery, error: unknown): Promise<void> {
    const { stream, consumer, deadLetter } = this.#settings
    if (deadLetter === undefined) throw error
    const about = { stream, sequence, subject: message.subject, consumer, deliveries, error: oneLine(messageOf(error)) }
    const own = Object.entries(about).map(([name, value]) => [`Velo-${name[0]?.toUpperCase()}${name.slice(1)}`, String(value)] as const)
    // Put aside by two processes, or sent again, it is there once.
    const id = ['Nats-Msg-Id', `velo:${stream}:${consumer}:${sequence}`] as const
    const headers = new Headers([...headersOf(message), ...own, id])
    try {
      await this.#wire.insist(
        () => this.#send(deadLetter, message.data, headers),
        () => true,
      )
    } catch (cause) {
      throw adapterError(`dead letter ${deadLetter}`, cause)
    }
    this.count++
  }

  /** Resolves when a stream has it. */
  async #send(subject: string, payload: Uint8Array, headers: Headers): Promise<void> {
    // No retry mends that.
    const nobody = (): Refusal => new Refusal(subject, { code: 404, description: 'no stream takes this subject' })
    const sent = this.#wire.request(subject, payload, { timeout: 5000, headers })
    const answer = await sent.catch(async (cause) => {
      throw isNoResponders(cause) && !(await this.#wire.isTaken(subject)) ? nobody() : cause
    })
    const reply = JSON.parse(Buffer.from(answer.data).toString())
    if (reply.error !== undefined) throw new Refusal(subject, reply.error)
    if (typeof reply.seq !== 'number') throw nobody()
  }
}

/** Names and values, but those that JetStream reads. */
export function headersOf({ headers }: Delivery['message']): [string, string][] {
  const all: [string, string][] = []
  for (const name of headers?.keys() ?? []) {
    if (/^nats-/i.test(name)) continue
    for (const value of headers?.values(name) ?? []) all.push([name, value])
  }
  return all
}
