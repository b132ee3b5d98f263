// What is said of events and results in messages: values in and out, and to those who wait for results. Owns nothing.

import type { Change, Coming, Encoder } from '../../durable/keyed/change.js'
import type { Hostable } from '../../durable/keyed/definition.js'
import type { PayloadCodec } from '../../kit/payload-codec.js'
import { decodeRecord, encodeRecord } from '../../workers/codec/late-record.js'
import { messageOf } from '../client/faults.js'
import { Headers, oneLine } from '../client/headers.js'
import type { Wire } from '../client/wire.js'
import { type Batched, lasting } from '../session/box.js'
import type { Layout } from './layout.js'

export interface WordsSettings {
  readonly codec: PayloadCodec
  /** ms that results stay. */
  readonly retain: number
}

/** Where whoever waits for the results of an event is named. */
export const REPLY = 'Velo-Reply'

export class Words implements Encoder {
  readonly #wire: Wire
  readonly #layout: Layout
  readonly #partition: number
  readonly #hostable: Hostable
  readonly #settings: WordsSettings

  constructor(wire: Wire, layout: Layout, partition: number, hostable: Hostable, settings: WordsSettings) {
    this.#wire = wire
    this.#layout = layout
    this.#partition = partition
    this.#hostable = hostable
    this.#settings = settings
  }

  /** An event as its function takes it; `error`: it cannot be read. */
  read(payload: Uint8Array, at: number): { record: Coming['record']; error?: unknown } {
    try {
      const bytes = encodeRecord(this.#settings.codec.decode(payload), this.#hostable.def.options.codec)
      return { record: { at, end: false, bytes } }
    } catch (error) {
      return { record: { at, end: false, bytes: new Uint8Array() }, error }
    }
  }

  /** What is stored of a change. */
  messages({ session: { key }, results, state, dead }: Change): Batched[] {
    const { retain } = this.#settings
    const messages: Batched[] = results.map(({ index, event, payload }) => ({
      subject: this.#layout.result(this.#partition, key),
      data: payload,
      headers: [
        ['Velo-Index', String(index)],
        ['Velo-Sequence', String(event.seq)],
        ['Nats-Msg-Id', `${key}/${index}`],
        ['Nats-TTL', lasting(retain)],
      ],
    }))
    if (dead !== undefined) {
      const { event, error } = dead
      const lines = [
        ['Velo-Sequence', String(event.seq)],
        ['Velo-Error', oneLine(messageOf(error))],
        ['Nats-Msg-Id', `${key}/dead/${event.seq}`],
      ] as const
      messages.push({ subject: this.#layout.dead(this.#partition, key), data: event.payload, headers: lines })
    }
    messages.push({ subject: this.#layout.state(this.#partition, key), data: state, headers: [['Nats-Rollup', 'sub']] })
    return messages
  }

  encode(bytes: Uint8Array): Uint8Array {
    return this.#settings.codec.encode(decodeRecord(bytes, this.#hostable.def.options.codec))
  }

  /** To those who wait for the results of events, should they still. */
  answer({ results, done, dead }: Change): void {
    for (const event of done) {
      if (event.reply === undefined) continue
      const own = results.filter((one) => one.event === event)
      for (const { payload } of own) this.#wire.connection.publish(event.reply, payload)
      const lines: [string, string][] = [['Velo-Results', String(own.length)]]
      if (dead?.event === event) lines.push(['Velo-Error', oneLine(messageOf(dead.error))])
      this.#wire.connection.publish(event.reply, '', { headers: new Headers(lines) })
    }
  }
}
