// What makes an operator a stream function: the generator that the core runs, its counts beside the metrics, and the fusing of neighbors.

import { type FunctionOptions, type StreamFunction, type StreamOptions, streamFn } from '../../index.js'
import { asGenerator, holding, type Maker, remember } from '../engine/bodies.js'
import { Counts, type OperatorMetrics } from '../engine/counts.js'
import { Chain } from './chain.js'
import type { StepMaker } from './step.js'

/** A stream function with counts of what became of its events. */
export interface Operator<In, Out> extends StreamFunction<In, Out> {
  /** Totals of all streams of this operator, and its counts, those in pipelines included. A plain object, made anew at each access. */
  readonly metrics: OperatorMetrics
  /** The same operator with other options, limits, metrics and counts of its own. */
  with(options: StreamOptions): Operator<In, Out>
}

/** How an operator works: steps, after a way of its own where it needs one. Its steps may be fused with those of the next one. */
export interface Recipe {
  readonly make?: Maker<unknown, unknown> | undefined
  readonly steps: readonly StepMaker[]
}

type Any = StreamFunction<never, unknown>

const fusible = new WeakMap<object, { readonly recipe: Recipe; readonly options: StreamOptions }>()

/** An operator of this name; `recipe` is called for it and for each of its copies by `with()`, so that each counts for itself. */
export function operator<In, Out>(name: string, recipe: (counts: Counts) => Recipe): Operator<In, Out> {
  return counting(recipe, { name }) as unknown as Operator<In, Out>
}

function counting(makeRecipe: (counts: Counts) => Recipe, options: StreamOptions): Any {
  const counts = new Counts()
  const made = fused(makeRecipe(counts), options)
  const core = Object.getOwnPropertyDescriptor(made, 'metrics')?.get as () => object
  Object.defineProperty(made, 'metrics', { get: () => ({ ...core.call(made), ...counts }), configurable: true })
  return withMaker(made, (changed) => counting(makeRecipe, { ...options, ...changed }))
}

/** One stream function out of a recipe; steps that are piped after it join it. */
function fused(recipe: Recipe, options: StreamOptions): Any {
  const { make, steps } = recipe
  const generator = asGenerator<unknown, unknown>((events, ctx) => {
    const results = make === undefined ? events : make(events, ctx)
    return steps.length === 0 ? results : new Chain(steps, results, ctx)
  })
  if (make !== undefined) holding(generator)
  const made = streamFn(generator, options as StreamOptions & FunctionOptions) as Any
  if (options.schema === undefined) remember(made, generator, make !== undefined)
  const pipe = made.pipe as (next: never) => Any
  made.pipe = (next: object) => {
    const other = fusible.get(next)
    // What works in a way of its own is a stage of its own; so is what has a schema, which checks what comes in between.
    if (other === undefined || other.recipe.make !== undefined || other.options.schema !== undefined) return pipe(next as never) as never
    const name = `${made.name}|${(next as Any).name}`
    return fused({ make, steps: [...steps, ...other.recipe.steps] }, { ...options, name }) as never
  }
  fusible.set(made, { recipe, options })
  return withMaker(made, (changed) => fused(recipe, { ...options, ...changed }))
}

/** Replaces `with`, after the core has checked the options. */
function withMaker(made: Any, make: (changed: StreamOptions) => Any): Any {
  const check = made.with
  made.with = (changed) => {
    check(changed)
    return make(changed)
  }
  return made
}
