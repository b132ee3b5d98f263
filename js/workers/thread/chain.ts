// The functions of a segment, one after the other: what each reads is what the one before it yields.

import { bounded } from '../../engine/border/bounded.js'
import type { AnyGenerator } from '../../engine/stages/stage.js'
import type { Failure } from '../../kit/errors.js'
import type { StageRef } from '../wire/protocol.js'
import type { Tally } from '../wire/tally.js'
import type { ThreadContext } from './context.js'
import { ThreadLink } from './link.js'
import type { Loaded } from './load.js'

export class ThreadChain {
  /** Of the last function. */
  readonly generator: AnyGenerator
  private readonly links: ThreadLink[] = []
  private readonly stages: StageRef[]
  private readonly closeTimeout: number

  /** Makes the generators; throws what a function throws when it is called. */
  constructor(
    functions: Loaded['functions'],
    events: AsyncIterableIterator<unknown>,
    context: ThreadContext,
    { tally, closeTimeout }: { tally: Tally; closeTimeout: number },
  ) {
    let generator: AnyGenerator | undefined
    for (const { fn, ref } of functions) {
      const link = generator === undefined ? undefined : new ThreadLink(generator, ref.index, tally, closeTimeout)
      if (link !== undefined) this.links.push(link)
      generator = fn(link ?? events, context) as AnyGenerator
    }
    this.generator = generator as AnyGenerator
    this.stages = functions.map(({ ref }) => ref)
    this.closeTimeout = closeTimeout
  }

  cut(failure: Failure | undefined): void {
    for (const link of this.links) link.cut(failure)
  }

  /** Ends the functions before the last one: what one of them threw when nobody listened; after `closeTimeout` they are left alone. */
  async release(): Promise<Failure | undefined> {
    await bounded(Promise.allSettled(this.links.map((link) => link.release())), this.closeTimeout)
    return this.links.find((link) => link.unheard !== undefined)?.unheard
  }

  /** Whether there is more than one function. */
  get isLong(): boolean {
    return this.links.length > 0
  }

  /** Number of the stage that threw. */
  stageOf({ error }: Failure): number | undefined {
    const link = this.links.findIndex((link) => link.thrown !== undefined && Object.is(link.thrown.error, error))
    return this.stages.at(link)?.index // -1, none of those before, is the last one
  }
}
