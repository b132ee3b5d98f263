// Values as payloads of messages of a broker, and back.

import { pack, unpack } from 'msgpackr'
import { callable, configError } from './check.js'
import { VeloError } from './errors.js'

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

/** Throws `VELO_CONFIG` for what is no codec. What it refuses names the adapter. */
export function codecOf(codec: MessageCodec | undefined, option: string, adapter: string): PayloadCodec {
  const { json, bytes } = plainOf(adapter)
  if (codec === undefined || codec === 'json') return json
  if (codec === 'msgpack') return { encode: (value) => pack(value), decode: (payload) => unpack(payload) }
  if (codec === 'bytes') return bytes
  if (typeof codec !== 'object' || codec === null)
    throw configError(`${option}.codec`, "'json', 'msgpack', 'bytes' or { encode, decode }", codec)
  callable(codec.encode, `${option}.codec.encode`)
  callable(codec.decode, `${option}.codec.decode`)
  return { encode: (value) => bytes.encode(codec.encode(value)), decode: (payload) => codec.decode(payload) }
}

/** Those without options. */
function plainOf(adapter: string): { readonly json: PayloadCodec; readonly bytes: PayloadCodec } {
  const refusal = (why: string): VeloError => new VeloError('VELO_CODEC', `${adapter}: ${why}`)
  const bytes = (value: unknown): Uint8Array => {
    if (value instanceof Uint8Array) return value
    if (typeof value === 'string') return Buffer.from(value)
    throw refusal(`expected a Uint8Array or a string as payload, got ${typeof value}`)
  }
  const json: PayloadCodec = {
    encode(value) {
      const text = JSON.stringify(value)
      if (text === undefined) throw refusal(`a value of type ${typeof value} has no JSON`)
      return Buffer.from(text)
    },
    decode(payload) {
      // What is a Buffer already needs no view of its own, and not even its ArrayBuffer, which is made when it is asked for.
      return JSON.parse((Buffer.isBuffer(payload) ? payload : viewOf(payload)).toString())
    },
  }
  return { json, bytes: { encode: bytes, decode: (payload) => payload } }
}

const viewOf = ({ buffer, byteOffset, byteLength }: Uint8Array): Buffer => Buffer.from(buffer as ArrayBuffer, byteOffset, byteLength)
