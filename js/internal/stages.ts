// The stages of an instance on one thread, fused: each stage's `events` is the stage before, with no channel between. A pulled link owns its waits, so that
// ending the stream ends them at once in every stage; a direct one hands the promise of the stage before on as it is, which is what `run` can afford:
// its caller is told at once whatever the stages wait for.

import { AsyncInlet } from './async-inlet.js'
import type { Context } from './context.js'
import { DirectLink } from './direct-link.js'
import type { Instance } from './instance.js'
import { silence } from './promises.js'
import { validated } from './schema.js'

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
}

export class Links {
  private readonly links: readonly Link[]
  private readonly names: readonly string[]

  constructor(links: readonly Link[], names: readonly string[]) {
    this.links = links
    this.names = names
  }

  cut(failure: { error: unknown } | undefined): void {
    for (const link of this.links) link.cut(failure)
  }

  /** What a stage threw after the stage that reads it had stopped listening. */
  unheard(): { error: unknown } | undefined {
    for (const link of this.links) {
      const unheard = link.unheard()
      if (unheard !== undefined) return unheard
    }
    return undefined
  }

  /** Returns the stages before the last one; what is worth waiting for, with `patient` also what still runs. */
  release(patient: boolean): PromiseLike<unknown>[] {
    const releases: PromiseLike<unknown>[] = []
    for (const link of this.links) {
      link.cut(undefined)
      const release = link.release(patient)
      if (release !== undefined) releases.push(silence(Promise.resolve(release)))
    }
    return releases
  }

  /** Name of the first stage that threw `error`. */
  async stageOf(error: unknown): Promise<string | undefined> {
    for (const [index, link] of this.links.entries()) {
      const thrown = await link.thrown()
      if (thrown !== undefined && Object.is(thrown.error, error)) return this.names[index]
    }
    return this.names.at(-1)
  }
}

/** Makes the generators, first stage first. */
export function makeStages(
  instance: Instance,
  context: Context,
  head: AsyncIterableIterator<unknown>,
  direct: boolean,
): { generator: AnyGenerator; links: Links | null } {
  const { stages } = instance.def
  const links: Link[] = []
  let events = head
  let generator: AnyGenerator | undefined
  for (const stage of stages) {
    if (generator !== undefined) {
      const source = stage.schema === undefined ? generator : validated(generator, stage.schema, () => instance.id)
      const link = direct ? new DirectLink(instance, source) : new AsyncInlet<unknown>(instance, source, { ahead: false, head: false })
      links.push(link)
      events = link
    }
    generator = (stage.fn as unknown as (events: AsyncIterableIterator<unknown>, ctx: Context) => AnyGenerator)(events, context)
  }
  const names = stages.map((stage) => stage.name)
  return { generator: generator as AnyGenerator, links: links.length === 0 ? null : new Links(links, names) }
}
