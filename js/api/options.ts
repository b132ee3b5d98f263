// Every option of a stream function, once: its default, what it accepts, and the check. Values are validated here because a number that
// crosses into Rust is truncated silently.

import type { ResourceLimits } from 'node:worker_threads'
import type { StandardSchemaV1 } from '@standard-schema/spec'
import { VeloError } from '../kit/errors.js'
import type { Codec } from '../kit/types.js'

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
  /** Where instances run. `'local'`: on the caller's thread. `'worker'`: on worker threads; the function must then be given as the URL of its module. Default `'local'`. */
  placement?: 'local' | 'worker'
  /** Name under which the module exports the function. Worker threads only. Default `'default'`. */
  export?: string
  /**
   * How values travel between threads. `'structured'`: as structured clone does it, so that what arrives is a copy. `'json'`. `'binary'`: byte values raw, arriving as
   * views of a shared buffer, as a `Buffer` of Node.js may be; others as `'structured'`. Or `{ encode, decode }`, which the module of the function must export as `codec` too. Worker threads only. Default `'structured'`.
   */
  codec?: Codec
  /** Moves the ArrayBuffers of events and results to the other thread instead of copying them: they are detached here. Worker threads only. Default `false`. */
  transfer?: boolean
  /** What becomes of a stream whose thread dies: it fails with `VELO_WORKER_EXITED`, or `'reopen'`: its function starts anew on another thread. Worker threads only. Default `'fail'`. */
  onWorkerExit?: 'fail' | 'reopen'
  /** Called where a stream is opened, for example to read an `AsyncLocalStorage`; the function finds what it returns in `ctx.context`, on another thread a copy of it. */
  context?: () => unknown
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
  readonly placement: 'local' | 'worker'
  readonly export: string
  readonly codec: Codec
  readonly transfer: boolean
  readonly onWorkerExit: 'fail' | 'reopen'
  readonly context: (() => unknown) | undefined
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

function text(value: unknown, field: string): void {
  if (typeof value !== 'string' || value === '') throw configError(field, 'a string that is not empty', value)
}

function oneOf(...values: string[]): Check {
  const expected = values.map((value) => `'${value}'`).join(' or ')
  return (value, field) => {
    if (!values.includes(value as string)) throw configError(field, expected, value)
  }
}

function isSchema(value: unknown, field: string): void {
  const standard = (value as { '~standard'?: { validate?: unknown } } | null | undefined)?.['~standard']
  if (typeof standard?.validate !== 'function')
    throw configError(field, 'a Standard Schema (an object with a ~standard.validate function)', value)
}

const checks: { [Name in keyof Required<StreamOptions>]: Check } = {
  name: text,
  buffer: integer(1, 1_048_576),
  idleTimeout: millis(0),
  maxDuration: millis(0),
  closeTimeout: millis(1),
  maxConcurrent: integer(1, MAX_MS),
  queue: integer(0, MAX_MS),
  maxStall: millis(0),
  placement: oneOf('local', 'worker'),
  export: text,
  codec: (value, field) => {
    const own = value as { encode?: unknown; decode?: unknown } | null
    if (value === 'structured' || value === 'json' || value === 'binary') return
    if (typeof own !== 'object' || typeof own?.encode !== 'function' || typeof own.decode !== 'function')
      throw configError(field, "'structured', 'json', 'binary' or { encode, decode }", value)
  },
  transfer: (value, field) => {
    if (typeof value !== 'boolean') throw configError(field, 'true or false', value)
  },
  onWorkerExit: oneOf('fail', 'reopen'),
  context: (value, field) => {
    if (typeof value !== 'function') throw configError(field, 'a function', value)
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
    export: 'default',
    codec: 'structured',
    transfer: false,
    onWorkerExit: 'fail',
    context: undefined,
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

/** Worker threads of an isolate, for `runtime.configure({ workers })`. */
export interface WorkersOptions {
  /** Threads that stay although nothing runs on them. They do not keep the process alive. Default 0. */
  min?: number
  /** Threads at most. Default: the cores of the machine less one, at least 1. */
  max?: number
  /** ms without a stream after which a thread beyond `min` is ended. Default 10000. */
  idleTimeout?: number
  /** us that a thread looks for more events before it sleeps; it burns a core meanwhile. Default 0 = off, at most 1000. */
  spin?: number
  /** Limits of each thread, as `new Worker()` takes them. Default: those of Node.js, but 12 MB of young generation. */
  resourceLimits?: ResourceLimits
  /** Environment variables of the threads. Default: a copy of `process.env`. */
  env?: Record<string, string | undefined>
  /** Options of Node.js for the threads. Default: those of the process. */
  execArgv?: string[]
}

const workersKnown = ['min', 'max', 'idleTimeout', 'spin', 'resourceLimits', 'env', 'execArgv']

/** The checked options of worker threads; a number is `max`. */
export function resolveWorkers(given: number | WorkersOptions, path: string): WorkersOptions {
  const wanted = typeof given === 'number' ? { max: given } : given
  onlyKnown(wanted, path, workersKnown)
  const { min, max, idleTimeout, spin, resourceLimits, env, execArgv } = wanted
  if (min !== undefined) checkCount(min, `${path}.min`)
  if (max !== undefined && (!Number.isInteger(max) || max < 1 || max > 1024)) {
    throw configError(typeof given === 'number' ? path : `${path}.max`, 'an integer from 1 to 1024', max)
  }
  if (min !== undefined && min > (max ?? 1024)) throw configError(`${path}.min`, 'no more than max', min)
  if (idleTimeout !== undefined) checkMillis(idleTimeout, `${path}.idleTimeout`)
  if (spin !== undefined && !(typeof spin === 'number' && spin >= 0 && spin <= 1000))
    throw configError(`${path}.spin`, 'us from 0 to 1000', spin)
  for (const [name, value] of Object.entries({ resourceLimits, env })) {
    if (value !== undefined && (typeof value !== 'object' || value === null)) throw configError(`${path}.${name}`, 'an object', value)
  }
  if (execArgv !== undefined && !(Array.isArray(execArgv) && execArgv.every((option) => typeof option === 'string')))
    throw configError(`${path}.execArgv`, 'an array of strings', execArgv)
  return { ...wanted }
}
