// Values as fields of an entry, and back.

import { pack, unpack } from 'msgpackr'
import { VeloError } from '../../index.js'
import { callable, configError } from '../../kit/check.js'
import type { Argument } from './wire.js'

/**
 * How a value lies in an entry. `'json'`: as `JSON.stringify` writes it, in one field. `'msgpack'`: as MessagePack, in one field. `'fields'`: an object, each member a field; they come back as strings.
 * Or a pair of functions of your own, between a value and the fields of an entry.
 */
export type EntryCodec =
  | 'json'
  | 'msgpack'
  | 'fields'
  | { encode(value: unknown): Record<string, string | number | Uint8Array>; decode(fields: Record<string, Buffer>): unknown }

/** The field of `'json'` and `'msgpack'`. */
export const FIELD = 'data'

/** A codec at work. */
export interface FieldCodec {
  /** Texts come as Buffers. */
  readonly isBinary: boolean
  encode(value: unknown): Argument[]
  /** Names and values in turn. */
  decode(fields: readonly (string | Buffer)[]): unknown
}

/** Throws `VELO_CONFIG` for what is no codec. */
export function codecOf(codec: EntryCodec | undefined, field: string | undefined, option: string): FieldCodec {
  if (field !== undefined && (typeof field !== 'string' || field === ''))
    throw configError(`${option}.field`, 'a string that is not empty', field)
  const name = field ?? FIELD
  if (codec === undefined || codec === 'json') return json(name)
  if (codec === 'msgpack') return msgpack(name)
  if (codec === 'fields') return FIELDS
  if (typeof codec !== 'object' || codec === null)
    throw configError(`${option}.codec`, "'json', 'msgpack', 'fields' or { encode, decode }", codec)
  callable(codec.encode, `${option}.codec.encode`)
  callable(codec.decode, `${option}.codec.decode`)
  return {
    isBinary: true,
    encode: (value) => parts(codec.encode(value)),
    decode: (fields) => codec.decode(record(fields) as Record<string, Buffer>),
  }
}

function json(name: string): FieldCodec {
  return {
    isBinary: false,
    encode(value) {
      const text = JSON.stringify(value)
      if (text === undefined) throw refusal(`a value of type ${typeof value} has no JSON`)
      return [name, text]
    },
    decode: (fields) => JSON.parse(partOf(fields, name) as string),
  }
}

function msgpack(name: string): FieldCodec {
  return { isBinary: true, encode: (value) => [name, pack(value)], decode: (fields) => unpack(partOf(fields, name) as Buffer) }
}

const FIELDS: FieldCodec = {
  isBinary: false,
  encode: (value) => parts(value as Record<string, unknown>),
  decode: (fields) => record(fields),
}

function parts(value: Record<string, unknown>): Argument[] {
  if (typeof value !== 'object' || value === null) throw refusal('expected an object, each of whose members is a field')
  const fields = Object.entries(value).flat() as Argument[]
  if (fields.length === 0) throw refusal('an entry needs at least one field')
  for (let at = 1; at < fields.length; at += 2) {
    const part: unknown = fields[at]
    if (typeof part === 'boolean' || typeof part === 'bigint') fields[at] = String(part)
    else if (typeof part !== 'string' && typeof part !== 'number' && !(part instanceof Uint8Array))
      throw refusal(`field '${fields[at - 1]}': expected a string, a number or bytes`)
  }
  return fields
}

/** A field may have any name: each is a member of its own. */
function record(fields: readonly (string | Buffer)[]): Record<string, string | Buffer> {
  const members: [string, string | Buffer][] = []
  for (let at = 0; at + 1 < fields.length; at += 2) members.push([String(fields[at]), fields[at + 1] as string | Buffer])
  return Object.fromEntries(members)
}

function partOf(fields: readonly (string | Buffer)[], name: string): string | Buffer {
  // The usual case.
  if (fields[0] === name) return fields[1] as string
  for (let at = 0; at + 1 < fields.length; at += 2) if (String(fields[at]) === name) return fields[at + 1] as string | Buffer
  throw refusal(`the entry has no field '${name}'`)
}

function refusal(why: string): VeloError {
  return new VeloError('VELO_CODEC', `redis: ${why}`)
}
