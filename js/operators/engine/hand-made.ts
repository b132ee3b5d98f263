// How an operator that is written by hand, as an object with next() and return(), becomes a stream function with numbers of its own beside the metrics.

import {
  type FunctionMetrics,
  type FunctionOptions,
  type StreamContext,
  type StreamFunction,
  type StreamOptions,
  streamFn,
} from '../../index.js'
import { asGenerator, holding, remember } from './bodies.js'

/** Makes the results of one stream out of its events. */
export type Body<In, Out> = (events: AsyncIterator<In>, ctx: StreamContext) => AsyncGenerator<Out, undefined, undefined>

/** A stream function that tells more in its metrics. */
export interface HandMade<In, Out, Numbers> extends StreamFunction<In, Out> {
  /** Totals of all streams of this function, and its own numbers. A plain object, made anew at each access. */
  readonly metrics: FunctionMetrics & Numbers
  /** The same function with other options, limits and metrics of its own. */
  with(options: StreamOptions): HandMade<In, Out, Numbers>
}

/** `build` is called for it and for each copy by `with()`, so that each counts for itself. */
export function handMade<In, Out, Numbers extends object>(
  options: StreamOptions,
  build: () => { body: Body<In, Out>; numbers: Numbers },
): HandMade<In, Out, Numbers> {
  const { body, numbers } = build()
  const generator = holding(asGenerator(body))
  const made = streamFn<In, Out>(generator, options as StreamOptions & FunctionOptions) as HandMade<In, Out, Numbers>
  const core = Object.getOwnPropertyDescriptor(made, 'metrics')?.get as () => FunctionMetrics
  Object.defineProperty(made, 'metrics', { get: () => ({ ...core.call(made), ...structuredClone(numbers) }), configurable: true })
  const check = made.with
  made.with = (changed) => {
    check(changed)
    return handMade({ ...options, ...changed }, build)
  }
  if (options.schema === undefined) remember(made, generator, true)
  return made
}
