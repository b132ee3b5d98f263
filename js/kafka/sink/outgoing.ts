// js/kafka/sink: values on their way into topics. Knows nothing of reading.
//
// A message that is to be sent, and how results become such.

import { VeloError } from '../../index.js'
import { callable } from '../../kit/check.js'
import { codecOf, type MessageCodec, type PayloadCodec } from '../../kit/payload-codec.js'

/** Bytes of a record beside its key, value and headers, at most: lengths, offsets, times. */
const RECORD = 32
const HEADER = 10

/** As the client has it. It copies each with all its members, so there are few, and strings stay strings: that is half of what a message costs. */
export interface Message {
  readonly key: Buffer | string | null
  readonly value: Buffer | string | null
  readonly headers: Record<string, Buffer> | undefined
  /** Chosen once: a repeat that chose again would store the message twice. */
  partition: number | undefined
  /** What it is sent with. */
  send: object | undefined
}

/** One message on its way. */
export interface Outgoing {
  readonly topic: string
  /** About how many bytes it has in a request. */
  readonly bytes: number
  readonly message: Message
}

export function outgoing(
  topic: string,
  key: Buffer | string | null,
  value: Buffer | string | null,
  headers?: Record<string, Buffer>,
  partition?: number,
): Outgoing {
  let bytes = RECORD + lengthOf(key) + lengthOf(value)
  if (headers !== undefined) for (const [name, { length }] of Object.entries(headers)) bytes += HEADER + Buffer.byteLength(name) + length
  return { topic, bytes, message: { key, value, headers, partition, send: undefined } }
}

function lengthOf(bytes: Buffer | string | null): number {
  if (bytes === null) return 0
  return typeof bytes === 'string' ? Buffer.byteLength(bytes) : bytes.length
}

/** How results become messages. */
export interface ComposerOptions<Out> {
  topic: string
  key?: ((result: Out) => string | Uint8Array | null | undefined) | undefined
  headers?: ((result: Out) => Readonly<Record<string, string | Uint8Array>> | undefined) | undefined
  partition?: ((result: Out) => number | undefined) | undefined
  codec?: MessageCodec | undefined
}

/** Results as messages, by these options. */
export class Composer<Out> {
  readonly #options: ComposerOptions<Out>
  readonly #codec: PayloadCodec
  readonly #isJson: boolean
  readonly #maxBytes: number
  readonly #field: string

  /** `maxBytes`: what one message may have. */
  constructor(options: ComposerOptions<Out>, field: string, maxBytes: number) {
    this.#options = options
    this.#codec = codecOf(options.codec, field, 'kafka')
    this.#isJson = options.codec === undefined || options.codec === 'json'
    this.#maxBytes = maxBytes
    this.#field = field
    for (const name of ['key', 'headers', 'partition'] as const)
      if (options[name] !== undefined) callable(options[name], `${field}.${name}`)
  }

  /** Throws `VELO_CODEC` for what is no message, or too large a one. */
  compose(result: Out): Outgoing {
    const { topic, key, headers, partition } = this.#options
    const given = key?.(result) ?? null
    const to = partition?.(result)
    if (to !== undefined && !(Number.isInteger(to) && to >= 0))
      throw this.#refusal(`partition(result): expected an integer from 0 up, got ${String(to)}`)
    const named = typeof given === 'string' ? given : this.#bytes(given, 'key(result)')
    const made = outgoing(topic, named, this.#value(result), this.#headers(headers?.(result)), to)
    if (made.bytes > this.#maxBytes)
      throw new VeloError(
        'VELO_CODEC',
        `kafka: a message for ${topic} has ${made.bytes} bytes, ${this.#field}.maxBytes is ${this.#maxBytes}`,
      )
    return made
  }

  #value(result: Out): Buffer | string {
    const text = this.#isJson ? JSON.stringify(result) : undefined
    return text ?? (bufferOf(this.#codec.encode(result)) as Buffer)
  }

  #headers(headers: Readonly<Record<string, string | Uint8Array>> | undefined): Record<string, Buffer> | undefined {
    if (headers === undefined) return undefined
    const all: Record<string, Buffer> = {}
    for (const [name, value] of Object.entries(headers)) all[name] = this.#bytes(value, `headers(result).${name}`) ?? Buffer.alloc(0)
    return all
  }

  #bytes(value: unknown, what: string): Buffer | null {
    if (value === null) return null
    const buffer = bufferOf(value)
    if (buffer === undefined) throw this.#refusal(`${what}: expected a string or a Uint8Array, got ${typeof value}`)
    return buffer
  }

  #refusal(why: string): VeloError {
    return new VeloError('VELO_CODEC', `kafka: ${this.#field}.${why}`)
  }
}

function bufferOf(value: unknown): Buffer | undefined {
  if (Buffer.isBuffer(value)) return value
  if (typeof value === 'string') return Buffer.from(value)
  if (value instanceof Uint8Array) return Buffer.from(value.buffer, value.byteOffset, value.byteLength)
  return undefined
}
