// The functions of one durable stream as the library calls them.

import type { StagePlace } from '../../engine/stages/harness.js'
import type { AnyGenerator } from '../../engine/stages/stage.js'
import type { StreamContext, StreamGenerator } from '../../kit/types.js'
import { DurableContext } from './context.js'
import { type Events, HostedEvents, OrderedEvents } from './events.js'
import type { Hosted } from './hosted.js'
import { HostedResults } from './results.js'

type Call = (events: AsyncIterableIterator<unknown>, ctx: StreamContext) => AnyGenerator

/** `fn`, with records coming in if it is the first one, and records going out if it is the last. */
export function wrapped(fn: StreamGenerator<never, unknown>, { index, last }: StagePlace, hosted: Hosted): StreamGenerator<never, unknown> {
  hosted.holds(index, last)
  const call: Call = (events, plain) => {
    // A function that declares its events alone gets no `ctx`.
    const steps = hosted.stepsOf(index, plain, fn.length === 1)
    const source = events as unknown as Events
    const ordered = index === 0 ? new HostedEvents(source, steps.queue, hosted) : new OrderedEvents(source, steps.queue)
    const generator = (fn as unknown as Call)(ordered, new DurableContext(plain, hosted, steps))
    return new HostedResults(generator, steps, last ? hosted : undefined)
  }
  return call as unknown as StreamGenerator<never, unknown>
}
