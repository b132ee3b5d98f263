// The functions of one durable stream as the library calls them.

import type { StagePlace } from '../../engine/stages/harness.js'
import type { AnyGenerator } from '../../engine/stages/stage.js'
import type { StreamContext, StreamGenerator } from '../../kit/types.js'
import { DurableContext } from './context.js'
import { HostedEvents, type Records } from './events.js'
import type { Hosted } from './hosted.js'
import { HostedResults } from './results.js'

type Call = (events: AsyncIterableIterator<unknown>, ctx: StreamContext) => AnyGenerator

/** `fn`, with records coming in where it is the first one, and records going out where it is the last. */
export function wrapped(fn: StreamGenerator<never, unknown>, { index, last }: StagePlace, hosted: Hosted): StreamGenerator<never, unknown> {
  hosted.holds(index, last)
  const call: Call = (events, plain) => {
    const given = index === 0 ? new HostedEvents(events as unknown as Records, hosted) : events
    const generator = (fn as unknown as Call)(given, new DurableContext(plain, hosted, index))
    return last ? new HostedResults(generator, hosted) : generator
  }
  return call as unknown as StreamGenerator<never, unknown>
}
