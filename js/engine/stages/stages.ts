// The stages of an instance on one thread, fused: each stage's `events` is the stage before, with no channel between. A pulled link owns its waits, so that
// ending the stream ends them at once in every stage; a direct one hands the promise of the stage before on as it is, which is what `run` can afford:
// its caller is told at once whatever the stages wait for.

import type { StandardSchemaV1 } from '@standard-schema/spec'
import type { StageMetrics } from '../../kit/types.js'
import { AsyncInlet } from '../channels/async-inlet.js'
import type { Input } from '../channels/input.js'
import { validated } from '../channels/schema.js'
import type { Context } from '../context.js'
import type { Stage } from '../definition.js'
import type { Failure } from '../ending.js'
import type { Instance } from '../instance.js'
import type { LiveInstance } from '../modes/live.js'
import { DirectLink } from './direct-link.js'
import { Links, type Unit } from './links.js'

export type { Stage } from '../definition.js'
export type { Failure } from '../ending.js'

export type AnyGenerator = AsyncGenerator<unknown, unknown, undefined>

/** The way from one stage to the next. */
export interface Link extends AsyncIterableIterator<unknown> {
  /** Ends the wait of the stage that reads it. */
  cut(failure: { error: unknown } | undefined): void
  /** Returns the stage that feeds it, once; a promise where that is worth waiting for. */
  release(patient?: boolean): PromiseLike<unknown> | undefined
  /** What that stage threw after the stage that reads it had stopped listening. */
  unheard(): { error: unknown } | undefined
  /** What the stage that feeds it threw. */
  thrown(): Promise<{ error: unknown } | undefined>
  /** How many results went over. */
  readonly passed: number
}

/** Where a stage runs that is not on the caller's thread. */
export interface Placement {
  /** The input channel of a live stream that begins there. */
  input(instance: LiveInstance): Input<unknown>
  /** Whether values go straight from a stage here to one there. */
  joins(next: Placement, schema: StandardSchemaV1 | undefined): boolean
  /** One generator for neighboring stages, `first` the number of the first of them; `last`: its results are those of the stream. */
  make(
    instance: Instance,
    events: AsyncIterableIterator<unknown>,
    stages: readonly Stage[],
    first: number,
    last: boolean,
  ): AnyGenerator & Remote
}

/** Stages on other threads: what they hear and tell beyond their results. */
export interface Remote {
  /** Thread of the first of them, once they have started. */
  readonly thread: number
  /** A result that has arrived already. */
  take(): IteratorResult<unknown> | null
  /** Results were read: there is room for more. */
  report(): void
  /** Closed, or aborted with `failure`. */
  leave(failure: Failure | undefined): void
  /** Ends those that still run; a promise where that takes time. */
  release(): PromiseLike<unknown> | undefined
  /** What one of them threw when nobody listened any more. */
  unheard(): Failure | undefined
  /** Name of the one that failed. */
  stageOf(): string | undefined
  /** Whether one of them is at work, or something is on its way to or from them. */
  readonly isBusy: boolean
  /** Counts the events that were dropped on their way, at the end. */
  account(): void
  /** They do not end: is their thread stuck? */
  suspect(): void
  /** Bytes that its events and its results became. */
  bytes(): { in: number; out: number }
  /** What each of them has taken and given. */
  stageMetrics(): StageMetrics[]
}

export interface Made {
  /** Of the last stage. */
  readonly generator: AnyGenerator
  /** Only in a pipeline. */
  readonly links: Links | null
  readonly remotes: readonly Remote[]
}

/** Makes the generators, first stage first. */
export function makeStages(instance: Instance, context: Context, head: AsyncIterableIterator<unknown>, direct: boolean): Made {
  const { stages } = instance.def
  const links: Link[] = []
  const units: Unit[] = []
  const remotes: Remote[] = []
  let events = head
  let generator: AnyGenerator | undefined
  for (let index = 0; index < stages.length; index++) {
    const stage = stages[index] as Stage
    if (generator !== undefined) {
      const source = stage.schema === undefined ? generator : validated(generator, stage.schema, () => instance.id)
      const link = direct ? new DirectLink(instance, source) : new AsyncInlet<unknown>(instance, source, { ahead: false, head: false })
      links.push(link)
      events = link
    }
    if (stage.placement === undefined) {
      generator = (stage.fn as unknown as (events: AsyncIterableIterator<unknown>, ctx: Context) => AnyGenerator)(events, context)
      units.push({ name: stage.name, remote: undefined })
      continue
    }
    const joined = joinedWith(stages, index)
    const made = stage.placement.make(instance, events, joined, index, index + joined.length === stages.length)
    remotes.push(made)
    units.push({ name: stage.name, remote: made })
    generator = made
    index += joined.length - 1
  }
  return { generator: generator as AnyGenerator, links: stages.length === 1 ? null : new Links(links, units), remotes }
}

/** A stage on another thread, and those after it that its results go to without coming by here. */
function joinedWith(stages: readonly Stage[], index: number): readonly Stage[] {
  let end = index + 1
  for (let next = stages[end]; next?.placement !== undefined; next = stages[end]) {
    if (stages[end - 1]?.placement?.joins(next.placement, next.schema) !== true) break
    end++
  }
  return stages.slice(index, end)
}
