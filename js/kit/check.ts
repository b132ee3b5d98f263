// js/kit: small tools and shapes that every room may use. Imports nothing of ours, and knows nothing of streams.
//
// Checks of what users give, once for every room: the message names the field, what was expected, and the value. Numbers are checked here because
// one that crosses into Rust is truncated silently, and one that a timer cannot wait fires at once.

import { VeloError } from './errors.js'
import { silenceIfPromise } from './promises.js'
import { meant } from './spelling.js'

/** The longest time that a timer can wait, ms: about 24 days, what 31 bits hold. */
export const LONGEST = 2_147_483_647

/** `streamFn(options).buffer: expected an integer from 1 up, got 0 (number)`. */
export function configError(field: string, expected: string, value: unknown): VeloError {
  // A promise where none is taken, from an asynchronous callback: this error is its outcome.
  silenceIfPromise(value)
  return new VeloError('VELO_CONFIG', `${field}: expected ${expected}, got ${shown(value)}`, { field })
}

/** What an object holds is not told: it may be a secret, or long. */
function shown(value: unknown): string {
  if (value === null) return 'null (null)'
  if (typeof value === 'function') return `${value.name || 'anonymous'} (function)`
  if (Array.isArray(value)) return `an array of ${value.length}`
  if (typeof value === 'object') return `${value.constructor?.name ?? 'object'} (object)`
  return `${typeof value === 'string' ? quoted(value.slice(0, 60)) : String(value)} (${typeof value})`
}

/** As it stands in source code, on one line. */
function quoted(value: string): string {
  const escaped = JSON.stringify(value).slice(1, -1).replaceAll('\\"', '"').replaceAll("'", "\\'")
  return `'${escaped}'`
}

/** An object that is no array. */
export function record(value: unknown, field: string): void {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw configError(field, 'an object', value)
}

/** An object with no other names than these. */
export function onlyKnown(options: unknown, field: string, names: readonly string[]): void {
  record(options, field)
  for (const name of Object.keys(options as object)) {
    if (!names.includes(name)) throw unknownOption(`${field}.${name}`, name, names, (options as Record<string, unknown>)[name])
  }
}

/** `streamFn(options).bufer: unknown option 'bufer' (did you mean 'buffer'?), expected one of name, buffer, got 5 (number)`. */
export function unknownOption(field: string, name: string, names: readonly string[], value: unknown): VeloError {
  const near = meant(name, names)
  const hint = near === undefined ? '' : ` (did you mean '${near}'?)`
  const message = `${field}: unknown option '${name}'${hint}, expected one of ${names.join(', ')}, got ${shown(value)}`
  return new VeloError('VELO_CONFIG', message, { field })
}

/** An integer from `least` to `most`, or `usual` where it was left out; with `NaN` as `usual` it must be given. */
export function integer(value: number | undefined, field: string, least: number, usual: number, most = Number.MAX_SAFE_INTEGER): number {
  if (value === undefined && !Number.isNaN(usual)) return usual
  if (typeof value !== 'number' || !Number.isInteger(value) || value < least || value > most) {
    throw configError(field, most < LONGEST ? `an integer from ${least} to ${most}` : `an integer from ${least} up`, value)
  }
  return value
}

/** ms from `least` to what a timer can wait, or `usual` where they were left out; with `NaN` as `usual` they must be given. */
export function duration(value: number | undefined, field: string, least: number, usual: number): number {
  if (value === undefined && !Number.isNaN(usual)) return usual
  if (typeof value !== 'number' || !(value >= least && value <= LONGEST)) throw configError(field, `ms from ${least} to ${LONGEST}`, value)
  return value
}

/** A function. */
export function callable(value: unknown, field: string): void {
  if (typeof value !== 'function') throw configError(field, 'a function', value)
}

/** A string that is not empty. */
export function text(value: unknown, field: string): void {
  if (typeof value !== 'string' || value === '') throw configError(field, 'a string that is not empty', value)
}

/** Bytes of an id, in UTF-8. */
const MAX_ID = 65_536

/** Throws `VELO_CONFIG` unless `value` can be the id of a stream everywhere, in every journal and every header: well-formed Unicode of 1 to 65 536 bytes. */
export function streamId(value: unknown, field: string): void {
  text(value, field)
  const id = value as string & { isWellFormed(): boolean }
  if (!id.isWellFormed()) throw configError(field, 'well-formed Unicode (no lone surrogates)', value)
  const bytes = id.length * 3 > MAX_ID ? new TextEncoder().encode(id).length : 0
  if (bytes > MAX_ID) throw configError(field, `a string of at most ${MAX_ID} bytes in UTF-8`, bytes)
}

/** One of some words, or the first of them where it was left out. */
export function word<const Word extends string>(value: Word | undefined, field: string, words: readonly [Word, ...Word[]]): Word {
  if (value === undefined) return words[0]
  if (!words.includes(value)) throw configError(field, words.map((one) => `'${one}'`).join(' or '), value)
  return value
}

/** A boolean, or `usual` where it was left out. */
export function flag(value: boolean | undefined, field: string, usual: boolean): boolean {
  if (value === undefined) return usual
  if (typeof value !== 'boolean') throw configError(field, 'a boolean', value)
  return value
}

/** A signal, or `undefined` where it was left out. */
export function signalOf(value: unknown, field: string): AbortSignal | undefined {
  if (value === undefined) return undefined
  const signal = value as Partial<AbortSignal> | null
  if (typeof signal !== 'object' || typeof signal?.aborted !== 'boolean' || typeof signal.addEventListener !== 'function') {
    throw configError(field, 'an AbortSignal', value)
  }
  return value as AbortSignal
}

/** Something that can be iterated: an array, an iterable, an async iterable, a Readable of Node.js, a ReadableStream. */
export function iterable(value: unknown, field: string): void {
  const source = value as { [Symbol.asyncIterator]?: unknown; [Symbol.iterator]?: unknown } | null | undefined
  if (typeof source?.[Symbol.asyncIterator] === 'function' || typeof source?.[Symbol.iterator] === 'function') return
  throw configError(field, 'an iterable, an async iterable, a Readable or a ReadableStream', value)
}
