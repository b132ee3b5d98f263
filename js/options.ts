// Every option of a stream function, once: its default, what it accepts, and the check. Values are validated here because a number that
// crosses into Rust is truncated silently.

import type { StandardSchemaV1 } from '@standard-schema/spec'
import { VeloError } from './errors.js'

/** Options of a stream function. Durations are milliseconds. */
export interface StreamOptions {
  /** Shown in metrics, errors and `ctx.name`. Default: the name of the generator function, or `stream`. */
  name?: string
  /** Capacity of the input channel (events) and of the output channel (results), each. Integer from 1 to 1048576. Default 256. */
  buffer?: number
  /**
   * How long the function may wait for an event before its input ends (it may still yield a last summary). The clock runs only while it waits.
   * 0 = never. Default 30000 for live streams (`open`); pulled sources (`run`, a call, `feed`) have none unless it is set.
   */
  idleTimeout?: number
  /** How long a stream may live, from its admission; then it is aborted with a `TimeoutError` as cause. 0 or left out = no limit. */
  maxDuration?: number
  /** How long `close()` waits for the function to finish before the stream is detached. From 1. Default 5000. */
  closeTimeout?: number
  /** How many streams of this function may be open at once. Integer from 1. Default 1000. */
  maxConcurrent?: number
  /** How many streams may wait in line when `maxConcurrent` is reached; beyond it `open` throws `OverloadedError`. Default 0. */
  queue?: number
  /** Aborts a stream whose unread results nobody reads for so long. 0 or left out = off. */
  maxStall?: number
  /** Where instances run. `'local'`: on the caller's thread. Default `'local'`. */
  placement?: 'local'
  /** A Standard Schema (zod, valibot, arktype ...) for events; the function gets its output. */
  schema?: StandardSchemaV1
}

/** Options with every default filled in. */
export interface ResolvedOptions {
  readonly name: string
  readonly buffer: number
  /** `undefined` = not set: 30000 for live input, none for pulled sources. */
  readonly idleTimeout: number | undefined
  readonly maxDuration: number
  readonly closeTimeout: number
  readonly maxConcurrent: number
  readonly queue: number
  readonly maxStall: number
  readonly placement: 'local'
  readonly schema: StandardSchemaV1 | undefined
}

/** Default of `idleTimeout` for live input, ms. */
export const LIVE_IDLE_TIMEOUT = 30_000

/** The longest duration, ms: about 24 days, what 31 bits hold. */
const MAX_MS = 2_147_483_647

/** `streamFn(options).buffer: expected an integer from 1 up, got 0 (number)`. */
export function configError(field: string, expected: string, value: unknown): VeloError {
  return new VeloError('VELO_CONFIG', `${field}: expected ${expected}, got ${show(value)}`, { field })
}

function show(value: unknown): string {
  if (value === null || value === undefined) return String(value)
  if (typeof value === 'function') return `${value.name || 'anonymous'} (function)`
  if (typeof value === 'object')
    return Array.isArray(value) ? `an array of ${value.length}` : `${value.constructor?.name ?? 'object'} (object)`
  return `${typeof value === 'string' ? JSON.stringify(value.slice(0, 60)) : String(value)} (${typeof value})`
}

type Check = (value: unknown, field: string) => void

function integer(min: number, max: number): Check {
  const expected = max === MAX_MS ? `an integer from ${min} up` : `an integer from ${min} to ${max}`
  return (value, field) => {
    if (!Number.isInteger(value) || (value as number) < min || (value as number) > max) throw configError(field, expected, value)
  }
}

function millis(min: number): Check {
  return (value, field) => {
    if (typeof value !== 'number' || !(value >= min && value <= MAX_MS)) {
      throw configError(field, `milliseconds from ${min} to ${MAX_MS}`, value)
    }
  }
}

function isSchema(value: unknown, field: string): void {
  const standard = (value as { '~standard'?: { validate?: unknown } } | null | undefined)?.['~standard']
  if (typeof standard?.validate !== 'function')
    throw configError(field, 'a Standard Schema (an object with a ~standard.validate function)', value)
}

const checks: { [Name in keyof Required<StreamOptions>]: Check } = {
  name: (value, field) => {
    if (typeof value !== 'string' || value === '') throw configError(field, 'a string that is not empty', value)
  },
  buffer: integer(1, 1_048_576),
  idleTimeout: millis(0),
  maxDuration: millis(0),
  closeTimeout: millis(1),
  maxConcurrent: integer(1, MAX_MS),
  queue: integer(0, MAX_MS),
  maxStall: millis(0),
  placement: (value, field) => {
    if (value !== 'local') throw configError(field, "'local'", value)
  },
  schema: isSchema,
}

/** Refuses names that `known` does not list, with the nearest thing to a hint: the list. */
export function onlyKnown(options: unknown, path: string, known: readonly string[]): void {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) throw configError(path, 'an object', options)
  for (const name of Object.keys(options)) {
    if (!known.includes(name))
      throw configError(`${path}.${name}`, `one of the options ${known.join(', ')}`, (options as Record<string, unknown>)[name])
  }
}

/** Checks `options` and fills in what is missing from `base`. An option that is `undefined` counts as left out. */
export function resolveOptions(options: StreamOptions, base: ResolvedOptions, path: string): ResolvedOptions {
  onlyKnown(options, path, Object.keys(checks))
  const resolved: Record<string, unknown> = { ...base }
  for (const [name, value] of Object.entries(options)) {
    if (value === undefined) continue
    checks[name as keyof typeof checks](value, `${path}.${name}`)
    resolved[name] = value
  }
  return resolved as unknown as ResolvedOptions
}

/** What holds when nothing is said. */
export function defaults(name: string): ResolvedOptions {
  return {
    name,
    buffer: 256,
    idleTimeout: undefined,
    maxDuration: 0,
    closeTimeout: 5_000,
    maxConcurrent: 1_000,
    queue: 0,
    maxStall: 0,
    placement: 'local',
    schema: undefined,
  }
}

/** A duration given with a call, for example `recv({ timeout })`. */
export const checkMillis: Check = millis(0)

/** A limit of `runtime.configure`. */
export const checkCount: Check = integer(0, MAX_MS)

/** A signal given with a call. */
export function checkSignal(value: unknown, field: string): AbortSignal | undefined {
  if (value === undefined) return undefined
  if (
    typeof value !== 'object' ||
    value === null ||
    typeof (value as AbortSignal).aborted !== 'boolean' ||
    typeof (value as AbortSignal).addEventListener !== 'function'
  ) {
    throw configError(field, 'an AbortSignal', value)
  }
  return value as AbortSignal
}
