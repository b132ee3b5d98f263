// Results as messages, in order.

import { randomBytes } from 'node:crypto'
import type { Sink } from '../../index.js'
import { callable, configError, onlyKnown, record, text } from '../../kit/check.js'
import { codecOf, type MessageCodec, type PayloadCodec } from '../../kit/payload-codec.js'
import { Headers } from '../client/headers.js'
import { type NatsLike, wireOf } from '../client/wire.js'
import { subjectOf } from '../source/options.js'
import { type Outgoing, Publisher } from './publisher.js'

/** How values become messages. */
export interface MessageOptions<Value> {
  /** How values lie in messages. Default `'json'`. */
  codec?: MessageCodec | undefined
  /**
   * The id of a message (`Nats-Msg-Id`): a stream stores one id once within its `duplicate_window`. One that is made of the event makes it harmless to work on an event again. Default: one for each
   * message, which keeps what is sent again after a cut connection from being stored twice.
   */
  id?: ((value: Value) => string) | undefined
  /** Further headers of a message. */
  headers?: ((value: Value) => Readonly<Record<string, string>>) | undefined
  /** The domain of JetStream, where there are several. */
  domain?: string | undefined
}

/** Options of `natsSink`. */
export interface NatsSinkOptions<Value> extends MessageOptions<Value> {
  /** Where results go; a stream must take it. */
  subject: string | ((result: Value) => string)
}

const NAMES = ['codec', 'id', 'headers', 'domain'] as const

/** Values as messages, by these options. */
export class Composer<Value> {
  readonly #codec: PayloadCodec
  readonly #options: MessageOptions<Value>
  /** Of a writer and a number, so that nobody else makes the same. */
  readonly #writer = randomBytes(12).toString('base64url')
  #number = 0

  constructor(options: MessageOptions<Value>, field: string) {
    this.#options = options
    this.#codec = codecOf(options.codec, field, 'nats')
    for (const name of ['id', 'headers'] as const) if (options[name] !== undefined) callable(options[name], `${field}.${name}`)
    if (options.domain !== undefined) text(options.domain, `${field}.domain`)
  }

  /** `more`: headers beside those of the options. */
  compose(subject: string, value: Value, more: readonly (readonly [string, string])[] = []): Outgoing {
    const { id, headers } = this.#options
    const lines: (readonly [string, string])[] = headers === undefined ? [...more] : [...Object.entries(headers(value)), ...more]
    lines.push(['Nats-Msg-Id', id === undefined ? `${this.#writer}-${++this.#number}` : id(value)])
    return { subject, payload: this.#codec.encode(value), headers: new Headers(lines) }
  }
}

class NatsSink<Out> implements Sink<Out> {
  readonly #publisher: Publisher
  readonly #composer: Composer<Out>
  readonly #subject: NatsSinkOptions<Out>['subject']

  constructor(publisher: Publisher, composer: Composer<Out>, subject: NatsSinkOptions<Out>['subject']) {
    this.#publisher = publisher
    this.#composer = composer
    this.#subject = subject
  }

  async write(results: readonly Out[]): Promise<void> {
    await this.#publisher.publish(results.map((result) => this.#composer.compose(this.#subjectOf(result), result)))
  }

  end(): void {
    this.#publisher.end()
  }

  #subjectOf(result: Out): string {
    if (typeof this.#subject === 'string') return this.#subject
    const subject = this.#subject(result)
    subjectOf(subject, 'natsSink(connection, options).subject(result)')
    return subject
  }
}

/**
 * Results as messages that a stream of JetStream has stored, in order, many at a time. A message that is sent again after a cut connection bears the same id and is stored once, within the
 * `duplicate_window` of the stream.
 *
 * @throws VeloError `VELO_CONFIG` when an option is unknown or out of range. `write` rejects with `VELO_ADAPTER`.
 */
export function natsSink<Out = unknown>(connection: NatsLike, options: NatsSinkOptions<Out>): Sink<Out> {
  const field = 'natsSink(connection, options)'
  record(options, field)
  onlyKnown(options, field, ['subject', ...NAMES])
  const { subject } = options
  if (typeof subject !== 'string' && typeof subject !== 'function')
    throw configError(`${field}.subject`, 'a subject, or a function', subject)
  if (typeof subject === 'string') subjectOf(subject, `${field}.subject`)
  const wire = wireOf(connection, 'natsSink(connection)', options.domain)
  return new NatsSink(new Publisher(wire), new Composer(options, field), subject)
}

/** Checks what `publish` was given. */
export function messageOptions<Value>(options: MessageOptions<Value>, field: string): MessageOptions<Value> {
  onlyKnown(options, field, NAMES)
  return options
}
