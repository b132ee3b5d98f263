// Stream functions: the definition, and the ways to use one: called, run, opened, piped.

import type { StandardSchemaV1 } from '@standard-schema/spec'
import { Definition, type Stage } from './internal/definition.js'
import { LiveInstance } from './internal/live.js'
import { native } from './internal/native.js'
import { RunInstance } from './internal/run.js'
import { checkSource } from './internal/source.js'
import { checkSignal, configError, defaults, onlyKnown, type ResolvedOptions, resolveOptions, type StreamOptions } from './options.js'
import { Results } from './results.js'
import { Stream } from './stream.js'
import type { FunctionMetrics, Generator, OpenOptions, SignalOption, Source } from './types.js'

/** A stream function: an async generator with options. Every use makes an instance of its own. */
export interface StreamFunction<In, Out> {
  /**
   * Feeds `source` through a new instance, pulled in lockstep with whoever iterates the results, as a bare generator is. It starts at the first `next()`. Fits
   * `pipeline()` and `compose()` of `node:stream`.
   *
   * Throws `VELO_CONFIG` for what cannot be iterated; the first `next()` rejects with `VELO_OVERLOADED` or `VELO_DRAINING` where there is no place.
   */
  (source: Source<In>, options?: SignalOption): AsyncIterableIterator<Out> & AsyncDisposable
  /** Name of the stream function, as in metrics. */
  readonly name: string
  /** Feeds all of `source` through a new instance and collects the results. Never resolves short without an error unless the function returned early. */
  run(source: Source<In>, options?: SignalOption): Promise<Out[]>
  /** Opens a live stream. Throws `OverloadedError` where there is no place, neither among the open streams nor in line. */
  open(options?: OpenOptions): Stream<In, Out>
  /** The results of this function become the events of `next`: a stream function of its own, which takes one permit. */
  pipe<Next>(next: StreamFunction<Out, Next>): StreamFunction<In, Next>
  pipe<Next>(next: Generator<Out, Next>): StreamFunction<In, Next>
  /** The same function with other options, limits and metrics of its own. */
  with(options: StreamOptions): StreamFunction<In, Out>
  /** Totals of all streams of this function in this process, from Rust: a plain object, made anew at each access. */
  readonly metrics: FunctionMetrics
}

const definitions = new WeakMap<object, Definition>()

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
export function streamFn<Schema extends StandardSchemaV1, Out>(
  fn: Generator<StandardSchemaV1.InferOutput<Schema>, Out>,
  options: StreamOptions & { schema: Schema },
): StreamFunction<StandardSchemaV1.InferInput<Schema>, Out>
export function streamFn<In, Out>(fn: Generator<In, Out>, options?: StreamOptions & { schema?: undefined }): StreamFunction<In, Out>
export function streamFn(fn: Generator<never, unknown>, options: StreamOptions = {}): StreamFunction<never, unknown> {
  checkGenerator(fn, 'streamFn(fn)')
  const resolved = resolveOptions(options, defaults(fn.name || 'stream'), 'streamFn(options)')
  return make([{ fn, name: resolved.name, schema: resolved.schema }], resolved)
}

function checkGenerator(fn: unknown, field: string): void {
  const tag = Object.prototype.toString.call(fn)
  if (typeof fn === 'function' && tag === '[object AsyncGeneratorFunction]') return
  throw configError(field, 'an async generator function (async function* (events) { ... })', fn)
}

function make(stages: readonly Stage[], options: ResolvedOptions): StreamFunction<never, unknown> {
  const def = new Definition(stages, options)
  const call = (source: Source<never>, callOptions?: SignalOption) => {
    checkSource(source, 'fn(source)')
    return new Results(def, source, signalOf(callOptions, 'fn(source, options)'))
  }
  const members: Omit<StreamFunction<never, unknown>, 'name' | 'metrics'> = {
    async run(source, runOptions) {
      checkSource(source, 'run(source)')
      return new RunInstance(def, source, signalOf(runOptions, 'run(source, options)')).outcome
    },
    open(openOptions = {}) {
      onlyKnown(openOptions, 'open(options)', ['id', 'signal', 'headers'])
      const { id, headers } = openOptions
      if (id !== undefined && (typeof id !== 'string' || id === '')) throw configError('open(options).id', 'a string that is not empty', id)
      if (headers !== undefined && (typeof headers !== 'object' || headers === null))
        throw configError('open(options).headers', 'an object', headers)
      const signal = checkSignal(openOptions.signal, 'open(options).signal')
      return new Stream<never, unknown>(new LiveInstance(def, { id, headers, signal }))
    },
    pipe(next: StreamFunction<unknown, unknown> | Generator<unknown, unknown>) {
      const piped = definitions.get(next)
      if (piped === undefined) checkGenerator(next, 'pipe(next)')
      const added: readonly Stage[] = piped?.stages ?? [
        { fn: next as Generator<never, unknown>, name: (next as { name: string }).name || 'stream', schema: undefined },
      ]
      const name = [...def.stages, ...added].map((stage) => stage.name).join('|')
      return make([...def.stages, ...added], { ...options, name })
    },
    with(changed) {
      const resolved = resolveOptions(changed, options, 'with(options)')
      const [head, ...rest] = def.stages as [Stage, ...Stage[]]
      const name = rest.length === 0 ? resolved.name : head.name
      return make([{ ...head, name, schema: resolved.schema }, ...rest], resolved)
    },
  }
  const streamFunction = Object.assign(call, members) as unknown as StreamFunction<never, unknown>
  Object.defineProperty(streamFunction, 'name', { value: options.name, configurable: true })
  Object.defineProperty(streamFunction, 'metrics', { get: () => native.functionMetrics(def.fn), configurable: true })
  definitions.set(streamFunction, def)
  return streamFunction
}

function signalOf(options: SignalOption | undefined, field: string): AbortSignal | undefined {
  if (options === undefined) return undefined
  if (typeof options !== 'object' || options === null) throw configError(field, 'an object', options)
  // Node's pipeline() passes more than a signal: what it adds is not ours to refuse.
  return checkSignal(options.signal, `${field}.signal`)
}
