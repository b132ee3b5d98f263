// js/api: what users import from the root. Knows nothing of add-ons, and decides nothing that a stream does.
//
// Stream functions: the definition, and the ways to use one: called, run, opened, piped.

import type { StandardSchemaV1 } from '@standard-schema/spec'
import { native } from '../engine/border/native.js'
import { Definition, definitions, type ResolvedOptions } from '../engine/definition.js'
import type { LeaseOptions } from '../engine/lease.js'
import { LiveMode } from '../engine/modes/live.js'
import { RunMode } from '../engine/modes/run.js'
import type { Stage } from '../engine/stages/stage.js'
import { configError, integer, iterable, onlyKnown } from '../kit/check.js'
import { VeloError } from '../kit/errors.js'
import { pullerOf } from '../kit/iteration/pulled.js'
import { JOIN, type Joining } from '../kit/join.js'
import { type Keeping, markKept } from '../kit/keeping/keeping.js'
import type {
  CallOptions,
  FunctionMetrics,
  OpenOptions,
  RunOptions,
  Source,
  SourceFrom,
  StreamGenerator,
  UnfinishedStream,
  ValueIterator,
} from '../kit/types.js'
import { moduleHref, notAReference, WorkerPlacement } from '../workers/caller/placement.js'
import { keepCompiled } from './exemplars.js'
import { checkCall, checkOpen, signalIn } from './given.js'
import { DURABILITY, type Durable } from './keeping/durability.js'
import { durableCall, durableMembers, NOT_KEPT } from './keeping/durable-fn.js'
import { defaults, type FunctionOptions, type ModuleOptions, resolveOptions, type StreamOptions } from './options.js'
import { Results } from './results.js'
import { Stream } from './stream.js'

/** A stream function: an async generator with options. Every use makes an instance of its own. */
export interface StreamFunction<In, Out> {
  /**
   * Feeds `source` through a new instance, pulled in lockstep with whoever iterates the results, as a bare generator is, or up to `ahead` results before they are asked for. It starts at the first `next()`. Fits
   * `pipeline()` and `compose()` of `node:stream`.
   *
   * Throws `VELO_CONFIG` for what cannot be iterated; the first `next()` rejects with `VELO_OVERLOADED` or `VELO_DRAINING` where there is no place.
   */
  (source: Source<In> | SourceFrom<In>, options?: CallOptions): ValueIterator<Out> & AsyncDisposable
  /** Name of the stream function, as in metrics. */
  readonly name: string
  /** Feeds all of `source` through a new instance and collects the results. Never resolves short without an error unless the function returned early. */
  run(source: Source<In> | SourceFrom<In>, options?: RunOptions): Promise<Out[]>
  /** Opens a live stream. Throws `OverloadedError` where there is no place, neither among the open streams nor in line. */
  open(options?: OpenOptions): Stream<In, Out>
  /** The results of this function become the events of `next`: a stream function of its own, which takes one permit. */
  pipe<Next>(next: StreamFunction<Out, Next>): StreamFunction<In, Next>
  pipe<Next>(next: StreamGenerator<Out, Next>): StreamFunction<In, Next>
  /** The same function with other options, limits and metrics of its own. */
  with(options: StreamOptions): StreamFunction<In, Out>
  /** Totals of all streams of this function in this process, from Rust: a plain object, made anew at each access. */
  readonly metrics: FunctionMetrics
  /** With `durable`: its streams that are kept, are not open in this process, and have not finished. Rejects with `VELO_CHECKPOINT`; `VELO_CONFIG` without `durable`. */
  unfinished(): Promise<UnfinishedStream[]>
  /** With `durable`: removes the stream of this id from the journal; false where there is none. One that is open here is aborted. Rejects as `unfinished`. */
  discard(id: string): Promise<boolean>
}

/**
 * Makes a stream function that runs on worker threads, out of the URL of the module that exports it: as its default, or under the name that the option `export` says.
 * With no other option different, it behaves as one on the caller's thread; values arrive as copies.
 *
 * @example
 * const detect = streamFn<Frame, Motion>(new URL('./detect.js', import.meta.url), { placement: 'worker' })
 *
 * @throws VeloError `VELO_FUNCTION_REF` for what is no URL; `VELO_CONFIG` when an option is unknown or out of range; `VELO_NATIVE_LOAD` where what runs worker threads cannot be loaded. A module that cannot be loaded, or that exports no such
 * function, fails its streams with `VELO_FUNCTION_REF`.
 */
export function streamFn<In, Out>(module: URL | string, options: ModuleOptions): StreamFunction<In, Out>

/**
 * Makes a stream function out of an async generator function. Each stream gets its own instance; local variables are its state.
 *
 * @example
 * const runningAverage = streamFn(async function* (events: AsyncIterable<number>) {
 *   let total = 0, count = 0
 *   for await (const event of events) yield (total += event) / ++count
 * })
 * await runningAverage.run([1, 2, 3]) // [1, 1.5, 2]
 *
 * @throws VeloError `VELO_CONFIG` when `fn` is no async generator function, or an option is unknown or out of range.
 */
export function streamFn<Schema extends StandardSchemaV1, Out, State = unknown>(
  fn: StreamGenerator<StandardSchemaV1.InferOutput<Schema>, Out, NoInfer<State>>,
  options: FunctionOptions<Schema, State> & { schema: Schema },
): StreamFunction<StandardSchemaV1.InferInput<Schema>, Out>
export function streamFn<In, Out, State = unknown>(
  fn: StreamGenerator<In, Out, NoInfer<State>>,
  options?: FunctionOptions<undefined, State>,
): StreamFunction<In, Out>
/**
 * Only words errors: it accepts no call that the signatures above refuse. The compiler reports its
 * error for the last signature, and this one takes any function, so the error names the option.
 */
export function streamFn<Schema extends StandardSchemaV1 | undefined = undefined, State = unknown>(
  fn: StreamGenerator<Schema extends StandardSchemaV1 ? StandardSchemaV1.InferOutput<Schema> : never, unknown, NoInfer<State>>,
  options?: FunctionOptions<Schema, State>,
): StreamFunction<never, unknown>
export function streamFn(
  fn: StreamGenerator<never, unknown> | URL | string,
  options: StreamOptions | FunctionOptions = NO_OPTIONS,
): StreamFunction<never, unknown> {
  const usual = defaults(nameOf(fn, options))
  const resolved = options === NO_OPTIONS ? usual : resolveOptions(options as StreamOptions, usual, 'streamFn(options)')
  return make([stageOf(fn, resolved, 'streamFn(fn)')], resolved)
}

const NO_OPTIONS: StreamOptions = {}

function nameOf(fn: unknown, options: { readonly export?: string } | null): string {
  if (typeof fn === 'function') return fn.name || 'stream'
  const exported = options?.export
  if (typeof exported === 'string' && exported !== 'default') return exported
  return /^(?:file|https?):.*?([^/]+)\.\w+$/.exec(String(fn))?.[1] ?? 'stream'
}

/** The one stage of a plain stream function. */
function stageOf(fn: unknown, options: ResolvedOptions, field: string): Stage {
  const { name, schema } = options
  const isModule = fn instanceof URL || typeof fn === 'string'
  if (options.placement === 'worker') {
    if (!isModule) throw notAReference(field)
    const { export: exported, codec, transfer, onWorkerExit } = options
    // What was moved to a thread that dies is gone.
    if (transfer && onWorkerExit === 'reopen')
      throw configError('streamFn(options).onWorkerExit', "'fail' where transfer is true", onWorkerExit)
    if (onWorkerExit === 'resume' && options.durable === undefined)
      throw configError('streamFn(options).onWorkerExit', "'fail' or 'reopen' without the option durable", onWorkerExit)
    // How a durable stream goes on is the business of its journal.
    const exits = onWorkerExit === 'resume' ? 'fail' : onWorkerExit
    const placement = new WorkerPlacement(moduleHref(fn, field), { exported, codec, transfer, onWorkerExit: exits })
    return { fn: elsewhere, name, schema, placement }
  }
  if (isModule) throw configError('streamFn(options).placement', "'worker', because the function is given as a module", options.placement)
  checkGenerator(fn, field)
  onlyForWorkers(options)
  return { fn: fn as StreamGenerator<never, unknown>, name, schema }
}

const FOR_WORKERS = ['export', 'transfer', 'codec', 'onWorkerExit'] as const
const USUAL = defaults('')

/** An option that nobody reads is a mistake. A durable stream has its codec anywhere, and later stages whose threads may die. */
function onlyForWorkers(options: ResolvedOptions): void {
  const isDurable = options.durable !== undefined
  for (const name of FOR_WORKERS) {
    const value = options[name]
    if (value === USUAL[name] || (isDurable && (name === 'codec' || value === 'resume'))) continue
    const beside = name === 'codec' ? "placement: 'worker' or durable beside it" : "placement: 'worker' beside it"
    throw configError(`streamFn(options).${name}`, beside, value)
  }
}

/** Stands for a function that runs on another thread. */
async function* elsewhere(): AsyncGenerator<unknown> {}

function checkGenerator(fn: unknown, field: string): void {
  const tag = Object.prototype.toString.call(fn)
  if (typeof fn === 'function' && tag === '[object AsyncGeneratorFunction]') return
  const { name, open, pipe } = (fn ?? {}) as Partial<StreamFunction<never, unknown>>
  if (typeof fn === 'function' && typeof open === 'function' && typeof pipe === 'function') {
    const what =
      definitions.get(fn) !== undefined
        ? 'a stream function already'
        : 'a stream function of another copy of velo-stream, which is loaded twice'
    throw new VeloError('VELO_CONFIG', `${field}: expected an async generator function, got ${name}, ${what}`, { field })
  }
  throw configError(field, 'an async generator function (async function* (events) { ... })', fn)
}

function make(stages: readonly Stage[], options: ResolvedOptions, gates?: readonly Definition[]): StreamFunction<never, unknown> {
  // Somebody must keep a state: `durable`, or the cluster that the function is given to.
  const isKept = options.state === undefined || options.durable !== undefined
  const durability = (options.durable as Durable | undefined)?.[DURABILITY]
  const def = new Definition(durability === undefined ? stages : durability.stages(stages, options), options, gates, stages)
  // Named as it is made: a function whose `name` is redefined is a slow one, to make and to use.
  const { name } = options
  const named = {
    [name]: (source: Source<never>, callOptions?: CallOptions) => {
      if (durability !== undefined) return durableCall(def, durability, source, callOptions)
      if (!isKept) throw nobodyKeeps(options)
      iterable(source, 'fn(source)')
      if (callOptions !== undefined) checkCall(callOptions)
      if (callOptions?.id !== undefined) throw configError('fn(source, options).id', 'nothing without the option durable', callOptions.id)
      const signal = signalIn(callOptions, 'fn(source, options)')
      const ahead = callOptions?.ahead
      keepCompiled('call', stages.length)
      if (ahead !== undefined) integer(ahead, 'fn(source, options).ahead', 0, 0, 1_048_576)
      return new Results(def, source, def.aheadOf(ahead), signal)
    },
  }[name]
  const members: Omit<StreamFunction<never, unknown>, 'name' | 'metrics' | 'unfinished' | 'discard'> &
    Joining<StreamFunction<never, unknown>> = {
    async run(source, runOptions) {
      if (!isKept) throw nobodyKeeps(options)
      iterable(source, 'run(source)')
      keepCompiled('run', stages.length)
      if (runOptions !== undefined) onlyKnown(runOptions, 'run(source, options)', ['signal'])
      return new RunMode(def, source, signalIn(runOptions, 'run(source, options)')).outcome
    },
    open(openOptions) {
      if (!isKept) throw nobodyKeeps(options)
      keepCompiled('live', stages.length)
      if (openOptions === undefined) return new Stream<never, unknown>(new LiveMode(def, NOTHING_SAID))
      return new Stream<never, unknown>(new LiveMode(def, checkOpen(openOptions), pullerOf(openOptions)))
    },
    pipe(next: StreamFunction<unknown, unknown> | StreamGenerator<unknown, unknown>) {
      const piped = definitions.get(next)
      if (piped === undefined) checkGenerator(next, 'pipe(next)')
      const added: readonly Stage[] = piped?.given ?? [
        { fn: next as StreamGenerator<never, unknown>, name: (next as { name: string }).name || 'stream', schema: undefined },
      ]
      const name = [...stages, ...added].map((stage) => stage.name).join('|')
      return make([...stages, ...added], { ...options, name })
    },
    [JOIN](next, name) {
      const gates = [def, ...next.map((fn) => definitions.get(fn) ?? checkGenerator(fn, 'pipe(next)'))] as Definition[]
      const strictest = {
        maxDuration: shortest(gates.map((gate) => gate.options.maxDuration)),
        maxStall: shortest(gates.map((gate) => gate.options.maxStall)),
      }
      return make(
        gates.flatMap((gate) => gate.given),
        { ...options, ...strictest, name },
        gates,
      )
    },
    with(changed) {
      const resolved = resolveOptions(changed, options, 'with(options)')
      const [head, ...rest] = stages as [Stage, ...Stage[]]
      const module = head.placement instanceof WorkerPlacement ? head.placement.href : head.fn
      const name = rest.length === 0 ? resolved.name : head.name
      return make([stageOf(module, { ...resolved, name }, 'with(options)'), ...rest], resolved)
    },
  }
  const streamFunction = named as unknown as StreamFunction<never, unknown> & Joining<StreamFunction<never, unknown>>
  const kept = durability === undefined ? undefined : durableMembers(def, durability)
  streamFunction.run = kept?.run ?? members.run
  streamFunction.open = kept?.open ?? members.open
  streamFunction.pipe = members.pipe
  streamFunction.with = members.with
  streamFunction.unfinished = kept?.unfinished ?? NOT_KEPT.unfinished
  streamFunction.discard = kept?.discard ?? NOT_KEPT.discard
  streamFunction[JOIN] = members[JOIN]
  Object.defineProperty(streamFunction, 'metrics', METRICS)
  if (kept !== undefined) markKept(streamFunction, options as Keeping)
  definitions.set(streamFunction, def)
  return streamFunction
}

function nobodyKeeps({ state }: ResolvedOptions): VeloError {
  return configError('streamFn(options).state', 'the option durable beside it', state)
}

/** The shortest of durations of which 0 is none. */
function shortest(durations: readonly number[]): number {
  const limits = durations.filter((ms) => ms > 0)
  return limits.length === 0 ? 0 : Math.min(...limits)
}

/** The same for all, so that they are of one shape. */
const METRICS: PropertyDescriptor & ThisType<StreamFunction<never, unknown>> = {
  get() {
    return native.functionMetrics((definitions.get(this) as Definition).fn)
  },
  configurable: true,
}

const NOTHING_SAID: LeaseOptions = {}
