// Every option of a stream function, once: its default, what it accepts, and the check.

import type { StandardSchemaV1 } from '@standard-schema/spec'
import type { ResolvedOptions } from '../engine/definition.js'
import { callable, configError, duration, flag, integer, LONGEST, onlyKnown, text, word } from '../kit/check.js'
import { type Clock, clockOf } from '../kit/clock.js'
import type { Codec } from '../kit/types.js'
import { DURABILITY, type Durable } from './keeping/durability.js'

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
   * How values travel between threads, and into the journal of a durable stream. `'structured'`: as structured clone does it, so that what arrives is a copy. `'json'`. `'binary'`: byte values raw, arriving as
   * views of a shared buffer, as a `Buffer` of Node.js may be; others as `'structured'`. Or `{ encode, decode }`, which the module of the function must export as `codec` too. Worker threads and durable streams only. Default `'structured'`.
   */
  codec?: Codec
  /**
   * Moves the ArrayBuffers that an event or a result owns to the other thread instead of copying
   * them: they are detached here. Worker threads only. Default `false`.
   */
  transfer?: boolean
  /** What becomes of a stream whose thread dies: it fails with `VELO_WORKER_EXITED`, `'reopen'`: its function starts anew on another thread; `'resume'`: a durable one goes on where it was. Worker threads only. Default `'fail'`. */
  onWorkerExit?: 'fail' | 'reopen' | 'resume'
  /** Called where a stream is opened, for example to read an `AsyncLocalStorage`; the function finds what it returns in `ctx.context`, on another thread a copy of it. */
  context?: () => unknown
  /** Keeps the time of every timeout of a stream, and of `recv({ timeout })`, instead of the machine: `virtualClock()` of `velo-stream/testing` moves it. Default: the machine. */
  clock?: Clock
  /**
   * How many results a call, `fn(source)`, may make before they are asked for; its source is pulled no further than they need. 0 = lockstep, as a bare generator is. At most `buffer`
   * where a stage runs on a worker thread. Default 0, and `buffer` where a stage runs on a worker thread: in lockstep each event is a trip between threads there.
   */
  ahead?: number
  /** A Standard Schema (zod, valibot, arktype ...) for events; the function gets its output. */
  schema?: StandardSchemaV1
  /**
   * Where the streams of this function are kept, so that they survive their process: a journal of `velo-stream/durable`. A stream opened with the id of one that is kept goes on where that was:
   * its events are played to a new instance, or, with `state`, it starts from that.
   */
  durable?: Durable
  /** Keeps `ctx.state` instead of the history, so that a stream of any length takes constant space. Only with `durable`. */
  state?: StateOptions<unknown>
}

/** Options beside the URL of a module. */
export interface ModuleOptions extends StreamOptions {
  placement: 'worker'
}

/** Options beside a function, which cannot be handed to another thread. */
export interface FunctionOptions<Schema = undefined, State = unknown> extends Omit<StreamOptions, 'placement' | 'schema' | 'state'> {
  /** Where instances run: on the caller's thread. For worker threads give the URL of the module instead of the function. */
  placement?: 'local'
  /** A Standard Schema (zod, valibot, arktype ...) for events; the function gets its output. */
  schema?: Schema
  /** Keeps `ctx.state` instead of the history, so that a stream of any length takes constant space. Only with `durable`. */
  state?: StateOptions<State>
}

/** How `ctx.state` is kept. */
export interface StateOptions<State> {
  /** What a new stream starts from, plain data; a function is called for each. */
  initial: State | (() => State)
  /** Of the shape of the state; an integer. */
  version: number
  /** Makes a state of this version out of one of another, which is refused otherwise. */
  migrate?: (old: unknown, from: number) => State | PromiseLike<State>
  /** A Standard Schema that a state which was kept, or migrated, must pass. */
  schema?: StandardSchemaV1
  /** It is saved when the function asks for an event and so many events, or ms, have passed since it was saved last. A number is one of events. Default `{ events: 64, ms: 100 }`. */
  every?: number | { events?: number; ms?: number }
}

function isSchema(value: unknown, field: string): void {
  const standard = (value as { '~standard'?: { validate?: unknown } } | null | undefined)?.['~standard']
  if (typeof standard?.validate !== 'function')
    throw configError(field, 'a Standard Schema (an object with a ~standard.validate function)', value)
}

function isCodec(value: unknown, field: string): void {
  const own = value as { encode?: unknown; decode?: unknown } | null
  if (value === 'structured' || value === 'json' || value === 'binary') return
  if (typeof own !== 'object' || typeof own?.encode !== 'function' || typeof own.decode !== 'function')
    throw configError(field, "'structured', 'json', 'binary' or { encode, decode }", value)
}

function isDurable(value: unknown, field: string): void {
  if (typeof (value as Partial<Durable> | null)?.[DURABILITY]?.open !== 'function')
    throw configError(field, 'a journal of velo-stream/durable', value)
}

function isState(value: unknown, field: string): void {
  onlyKnown(value, field, ['initial', 'version', 'migrate', 'schema', 'every'])
  const { initial, version, migrate, schema, every } = value as StateOptions<unknown>
  if (initial === undefined) throw configError(`${field}.initial`, 'plain data, or a function that makes it', initial)
  integer(version, `${field}.version`, 0, Number.NaN)
  if (migrate !== undefined) callable(migrate, `${field}.migrate`)
  if (schema !== undefined) isSchema(schema, `${field}.schema`)
  if (every === undefined) return
  if (typeof every === 'number') return void integer(every, `${field}.every`, 1, Number.NaN)
  onlyKnown(every, `${field}.every`, ['events', 'ms'])
  integer(every.events, `${field}.every.events`, 1, 64)
  duration(every.ms, `${field}.every.ms`, 0, 100)
}

const checks: { [Name in keyof StreamOptions]-?: (value: NonNullable<StreamOptions[Name]>, field: string) => unknown } = {
  name: text,
  buffer: (value, field) => integer(value, field, 1, 0, 1_048_576),
  idleTimeout: (value, field) => duration(value, field, 0, 0),
  maxDuration: (value, field) => duration(value, field, 0, 0),
  closeTimeout: (value, field) => duration(value, field, 1, 0),
  maxConcurrent: (value, field) => integer(value, field, 1, 0, LONGEST),
  queue: (value, field) => integer(value, field, 0, 0, LONGEST),
  maxStall: (value, field) => duration(value, field, 0, 0),
  placement: (value, field) => word(value, field, ['local', 'worker']),
  export: text,
  codec: isCodec,
  transfer: (value, field) => flag(value, field, false),
  onWorkerExit: (value, field) => word(value, field, ['fail', 'reopen', 'resume']),
  context: callable,
  ahead: (value, field) => integer(value, field, 0, 0, 1_048_576),
  schema: isSchema,
  clock: clockOf,
  durable: isDurable,
  state: isState,
}

/** Checks `options` and fills in what is missing from `base`. An option that is `undefined` counts as left out. */
export function resolveOptions(options: StreamOptions, base: ResolvedOptions, path: string): ResolvedOptions {
  onlyKnown(options, path, Object.keys(checks))
  const resolved: Record<string, unknown> = { ...base }
  for (const [name, value] of Object.entries(options)) {
    if (value === undefined) continue
    const check = checks[name as keyof StreamOptions] as (value: unknown, field: string) => unknown
    check(value, `${path}.${name}`)
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
    clock: undefined,
    ahead: undefined,
    durable: undefined,
    state: undefined,
  }
}
