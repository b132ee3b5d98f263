// The stages of an instance on one thread, fused: each stage's `events` is the stage before, with no channel between. A pulled link owns its waits, so that
// ending the stream ends them at once in every stage; a direct one hands the promise of the stage before on as it is, which is what `run` can afford:
// its caller is told at once whatever the stages wait for.

import type { StreamContext } from '../../kit/types.js'
import { AsyncInlet } from '../channels/async-inlet.js'
import { validated } from '../channels/schema.js'
import { DirectLink } from './direct-link.js'
import { Links, type Unit } from './links.js'
import type { AnyGenerator, Link, Remote, Stage, StageHost } from './stage.js'

export interface Made {
  /** Of the last stage. */
  readonly generator: AnyGenerator
  /** Only in a pipeline. */
  readonly links: Links | null
  readonly remotes: readonly Remote[]
}

/** Makes the generators, first stage first. */
export function makeStages(host: StageHost, context: StreamContext, head: AsyncIterableIterator<unknown>, direct: boolean): Made {
  const { stages } = host.def
  const links: Link[] = []
  const units: Unit[] = []
  const remotes: Remote[] = []
  let events = head
  let generator: AnyGenerator | undefined
  for (let index = 0; index < stages.length; index++) {
    const stage = stages[index] as Stage
    if (generator !== undefined) {
      const source = stage.schema === undefined ? generator : validated(generator, stage.schema, () => host.id)
      const link = direct
        ? new DirectLink(host, source)
        : new AsyncInlet<unknown>(host, source, { ahead: host.mode.ahead > 0 && host.def.remote, head: false, link: true })
      links.push(link)
      events = link
    }
    if (stage.placement === undefined) {
      const fn = host.harness === undefined ? stage.fn : host.harness.wrap(stage.fn, { index, last: index === stages.length - 1 })
      generator = (fn as unknown as (events: AsyncIterableIterator<unknown>, ctx: StreamContext) => AnyGenerator)(events, context)
      units.push({ name: stage.name, remote: undefined, generator })
      continue
    }
    const joined = joinedWith(stages, index)
    const made = stage.placement.make(host, events, joined, index, index + joined.length === stages.length)
    remotes.push(made)
    units.push({ name: stage.name, remote: made, generator: made })
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
