// Values as payloads of messages, and back.

import { pack, unpack } from 'msgpackr'
import { VeloError } from '../../index.js'
import { callable, configError } from '../../kit/check.js'

/**
 * How a value lies in a message. `'json'`: as `JSON.stringify` writes it. `'msgpack'`: as MessagePack. `'bytes'`: a `Uint8Array` as it is. Or a pair of functions of your own, between a value and the
 * payload.
 */
export type MessageCodec =
  | 'json'
  | 'msgpack'
  | 'bytes'
  | { encode(value: unknown): Uint8Array | string; decode(payload: Uint8Array): unknown }

/** A codec at work. */
export interface PayloadCodec {
  encode(value: unknown): Uint8Array
  decode(payload: Uint8Array): unknown
}

/** Throws `VELO_CONFIG` for what is no codec. */
export function codecOf(codec: MessageCodec | undefined, option: string): PayloadCodec {
  if (codec === undefined || codec === 'json') return JSON_TEXT
  if (codec === 'msgpack') return { encode: (value) => pack(value), decode: (payload) => unpack(payload) }
  if (codec === 'bytes') return BYTES
  if (typeof codec !== 'object' || codec === null)
    throw configError(`${option}.codec`, "'json', 'msgpack', 'bytes' or { encode, decode }", codec)
  callable(codec.encode, `${option}.codec.encode`)
  callable(codec.decode, `${option}.codec.decode`)
  return { encode: (value) => bytes(codec.encode(value)), decode: (payload) => codec.decode(payload) }
}

const JSON_TEXT: PayloadCodec = {
  encode(value) {
    const text = JSON.stringify(value)
    if (text === undefined) throw refusal(`a value of type ${typeof value} has no JSON`)
    return Buffer.from(text)
  },
  decode: ({ buffer, byteOffset, byteLength }) => JSON.parse(Buffer.from(buffer as ArrayBuffer, byteOffset, byteLength).toString()),
}

const BYTES: PayloadCodec = { encode: bytes, decode: (payload) => payload }

function bytes(value: unknown): Uint8Array {
  if (value instanceof Uint8Array) return value
  if (typeof value === 'string') return Buffer.from(value)
  throw refusal(`expected a Uint8Array or a string as payload, got ${typeof value}`)
}

function refusal(why: string): VeloError {
  return new VeloError('VELO_CODEC', `nats: ${why}`)
}
